using System.IO.Pipelines;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>
/// The body of a reply that arrives in pieces: read as a whole, or processed meanwhile; then the network runs at most
/// <see cref="AheadBytesMax"/> ahead.
/// </summary>
/// <param name="read">Fills a buffer; 0 at the end.</param>
/// <param name="source">Disposed with the last piece.</param>
/// <param name="target">The peer, for display.</param>
/// <param name="received">Called with the size of each piece.</param>
internal sealed class ReplyBody(
    Func<Memory<byte>, CancellationToken, ValueTask<int>> read, IDisposable source, string target,
    Action<int> received)
{
    public const int PieceBytes = 64 * 1024;

    private const int AheadBytesMax = 4 << 20;

    /// <exception cref="EdgeSyncException">It is too large, does not unpack, or was cut off.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadWholeAsync(XferEncoding encoding, CancellationToken cancellationToken)
    {
        using var owned = source;
        using var framed = new PooledBytes();
        try
        {
            while (await read(framed.GetMemory(PieceBytes), cancellationToken) is > 0 and var size)
            {
                framed.Advance(size);
                received(size);
                MessageFrame.RequireSize(framed.Length, target);
            }
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable && framed.Length > 0)
        {
            throw new ReplyCutException(e.Message, MessageFrame.DecodeFront(encoding, framed.Written), e);
        }

        // A plain reply is a view of the buffer that ends here.
        var reply = MessageFrame.Decode(encoding, framed.Written, target);
        return encoding == XferEncoding.Plain ? reply.ToArray() : reply;
    }

    /// <summary>A plain reply while it arrives.</summary>
    public TransportReply BeginStream(CancellationToken cancellationToken)
    {
        var pipe = new Pipe(new PipeOptions(
            pauseWriterThreshold: AheadBytesMax, resumeWriterThreshold: AheadBytesMax / 2,
            minimumSegmentSize: PieceBytes,
            useSynchronizationContext: false));
        var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var filling = FillAsync(pipe.Writer, stop.Token);
        return new TransportReply(pipe.Reader, async () =>
        {
            await stop.CancelAsync();
            await pipe.Reader.CompleteAsync();
            await filling;
            stop.Dispose();
        });
    }

    /// <summary>A read error passes through the pipe, after the bytes before it.</summary>
    private async Task FillAsync(PipeWriter writer, CancellationToken cancellationToken)
    {
        using var owned = source;
        Exception? failure = null;
        try
        {
            while (await read(writer.GetMemory(PieceBytes), cancellationToken) is > 0 and var size)
            {
                writer.Advance(size);
                received(size);
                if ((await writer.FlushAsync(cancellationToken)).IsCompleted) break;
            }
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException)
        {
            failure = e;
        }

        await writer.CompleteAsync(failure);
    }
}
