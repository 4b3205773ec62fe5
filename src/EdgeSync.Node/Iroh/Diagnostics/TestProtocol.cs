using System.Numerics;
using System.Text;

namespace EdgeSync.Node.Iroh.Diagnostics;

/// <summary>
/// What a test listener does with a connection, by its protocol:
/// <code>
/// oracle/echo/1     each bidirectional stream and datagram comes back, each unidirectional stream by a new one
/// oracle/sink/1     reads a stream, answers {"bytes":N,"sha256":"hex"}
/// oracle/source/1   reads N (u64), answers N bytes of the pattern
/// oracle/close/1    reads a code (u64) and a text, and closes the connection with them
/// oracle/reset/1    reads a code (u64), resets its side of the stream and stops ours with it
/// </code>
/// </summary>
internal static class TestProtocol
{
    public const string Echo = "oracle/echo/1";
    public const string Sink = "oracle/sink/1";
    public const string Source = "oracle/source/1";
    public const string Close = "oracle/close/1";
    public const string Reset = "oracle/reset/1";

    /// <summary>Bytes that are read or written at once.</summary>
    public const int PieceBytes = 64 * 1024;

    /// <summary>Bytes of a stream that is kept whole.</summary>
    public const int MessageMax = 64 << 20;

    private static readonly byte[] FirstBlock = [.. Enumerable.Range(0, 256).Select(i => (byte)(i * 31))];

    public static IReadOnlyList<string> All { get; } = [Echo, Sink, Source, Close, Reset];

    public static byte[] BytesOf(string alpn) => Encoding.UTF8.GetBytes(alpn);

    public static string TextOf(ReadOnlyMemory<byte> alpn) => Encoding.UTF8.GetString(alpn.Span);

    /// <summary>Byte i of the pattern is (31 i + 7 ⌊i / 256⌋) mod 256.</summary>
    public static void FillPattern(long offset, Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            // 31 · 256 is 0 there: a block differs from the first one by a number alone.
            var (block, at) = (offset >> 8, (int)(offset & 0xff));
            var part = target[..Math.Min(target.Length, FirstBlock.Length - at)];
            Add(FirstBlock.AsSpan(at, part.Length), (byte)(block * 7), part);
            target = target[part.Length..];
            offset += part.Length;
        }
    }

    private static void Add(ReadOnlySpan<byte> source, byte number, Span<byte> target)
    {
        var i = 0;
        for (var all = new Vector<byte>(number); i <= source.Length - Vector<byte>.Count; i += Vector<byte>.Count)
            (new Vector<byte>(source[i..]) + all).CopyTo(target[i..]);
        for (; i < source.Length; i++) target[i] = (byte)(source[i] + number);
    }

    /// <summary>All of a stream.</summary>
    /// <exception cref="InvalidDataException">It is too long.</exception>
    public static async Task<byte[]> ReadAllAsync(Stream stream, int bytesMax, CancellationToken cancellationToken)
    {
        using var all = new MemoryStream();
        var piece = new byte[PieceBytes];
        for (int count; (count = await stream.ReadAsync(piece, cancellationToken)) > 0;)
        {
            if (all.Length + count > bytesMax) throw new InvalidDataException("the stream is too long");
            all.Write(piece, 0, count);
        }

        return all.ToArray();
    }
}
