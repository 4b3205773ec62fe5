using System.Net;

namespace EdgeSync.Net.Http;

/// <summary>A body that reports each piece that was sent, so that a slow link does not count as silent.</summary>
internal sealed class ProgressContent(ReadOnlyMemory<byte> body, Action onProgress) : HttpContent
{
    private const int PieceBytes = 32 * 1024;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        for (var at = 0; at < body.Length; at += PieceBytes)
        {
            await stream.WriteAsync(body.Slice(at, Math.Min(PieceBytes, body.Length - at)), cancellationToken);
            onProgress();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = body.Length;
        return true;
    }
}
