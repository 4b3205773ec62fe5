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

    public static IReadOnlyList<string> All { get; } = [Echo, Sink, Source, Close, Reset];

    public static byte[] BytesOf(string alpn) => Encoding.UTF8.GetBytes(alpn);

    public static string TextOf(ReadOnlyMemory<byte> alpn) => Encoding.UTF8.GetString(alpn.Span);

    /// <summary>
    /// Bytes of the pattern from an offset on: byte i is (31 i + 7 ⌊i / 256⌋) mod 256. They are not made, but looked
    /// up, so that a measurement is one of the connection.
    /// </summary>
    /// <param name="count">At most <see cref="PieceBytes"/>.</param>
    public static ReadOnlyMemory<byte> PatternAt(long offset, int count) =>
        Pattern.Twice.AsMemory((int)(offset % Pattern.Period), count);

    /// <summary>Copies bytes of the pattern, as many as the target has room for.</summary>
    public static void FillPattern(long offset, Span<byte> target)
    {
        for (; !target.IsEmpty; target = target[Math.Min(PieceBytes, target.Length)..], offset += PieceBytes)
        {
            var count = Math.Min(PieceBytes, target.Length);
            PatternAt(offset, count).Span.CopyTo(target);
        }
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

    private static class Pattern
    {
        /// <summary>The numbers of its blocks repeat.</summary>
        public const int Period = 256 * 256;

        /// <summary>So that a piece from any offset is in one part.</summary>
        public static readonly byte[] Twice =
            [.. Enumerable.Range(0, Period + PieceBytes).Select(i => (byte)((31 * i) + (7 * (i / 256))))];
    }
}
