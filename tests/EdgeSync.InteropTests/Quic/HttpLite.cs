using System.Text;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;

namespace EdgeSync.InteropTests.Quic;

/// <summary>As much of HTTP/3 (RFC 9114) as the test programs of ngtcp2 need to move a file.</summary>
internal static class HttpLite
{
    private const byte DataFrame = 0;
    private const byte HeadersFrame = 1;

    /// <summary>":status: 200" out of the static table of QPACK (RFC 9204).</summary>
    private static readonly byte[] Found = [HeadersFrame, 3, 0, 0, 0xd9];

    /// <summary>Answers every request of a connection with the same file.</summary>
    public static async Task AnswerAsync(HostConnection connection, byte[] file, CancellationToken cancellationToken)
    {
        var answers = new List<Task>();
        try
        {
            while (true)
            {
                var stream = await connection.AcceptStreamAsync(cancellationToken);
                answers.Add(stream.IsUnidirectional
                    ? DrainAsync(stream, cancellationToken)
                    : AnswerAsync(stream, file, cancellationToken));
            }
        }
        catch (QuicClosedException)
        {
            await Task.WhenAll(answers);
        }
    }

    /// <summary>Asks for a file.</summary>
    public static async Task<byte[]> GetAsync(
        HostConnection connection, string path, CancellationToken cancellationToken)
    {
        await using var stream = await connection.OpenStreamAsync(false, cancellationToken);
        // GET, https, path and authority: names and, for the first two, values out of the static table.
        byte[] fields = [0, 0, 0xd1, 0xd7, 0x51, .. Text(path), 0x50, .. Text("localhost")];
        await stream.WriteLastAsync((byte[])[HeadersFrame, (byte)fields.Length, .. fields], cancellationToken);
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, cancellationToken);
        return DataOf(answer.ToArray());
    }

    /// <summary>The streams of the peer's settings and tables mean nothing here.</summary>
    public static async Task IgnoreStreamsAsync(HostConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            while (true) _ = DrainAsync(await connection.AcceptStreamAsync(cancellationToken), cancellationToken);
        }
        catch (EdgeSyncException)
        {
        }
    }

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private static byte[] DataOf(byte[] answer)
    {
        var data = new List<byte>();
        var reader = new WireReader(answer);
        while (!reader.IsAtEnd)
        {
            Assert.True(reader.TryReadVarInt(out var type));
            Assert.True(reader.TryReadVarInt(out var length));
            Assert.True(reader.TryReadBytes(length, out var bytes));
            if (type == DataFrame) data.AddRange(bytes);
        }

        return [.. data];
    }

    private static async Task AnswerAsync(HostStream stream, byte[] file, CancellationToken cancellationToken)
    {
        try
        {
            await using var ours = stream;
            await DrainAsync(stream, cancellationToken);
            var head = new byte[16];
            var length = WriteHead(head, file.Length);
            await stream.WriteAsync(Found, cancellationToken);
            await stream.WriteAsync(head.AsMemory(0, length), cancellationToken);
            await stream.WriteLastAsync(file, cancellationToken);
        }
        catch (EdgeSyncException)
        {
            // The client has what it wants.
        }
    }

    private static int WriteHead(byte[] target, int bytes)
    {
        var writer = new WireWriter(target);
        writer.WriteByte(DataFrame);
        writer.WriteVarInt((ulong)bytes);
        return writer.Position;
    }

    private static async Task DrainAsync(HostStream stream, CancellationToken cancellationToken)
    {
        try
        {
            await stream.CopyToAsync(Stream.Null, cancellationToken);
        }
        catch (EdgeSyncException)
        {
        }
    }
}
