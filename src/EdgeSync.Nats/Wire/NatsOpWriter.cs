using System.Buffers;
using System.Buffers.Text;

namespace EdgeSync.Nats.Wire;

/// <summary>
/// Writes the operations of a server. Each method carries the grammar of its line. Subjects, replies and sids are
/// written as given: a caller with foreign text checks it first (<see cref="NatsSubject.FitsControlLine"/>).
/// </summary>
/// <remarks>
/// The head of a message is written into a span, for senders that keep buffers of their own and copy the payload
/// behind; the rest goes to an <see cref="IBufferWriter{T}"/>.
/// </remarks>
public static class NatsOpWriter
{
    /// <summary>Longest text of sizes: two numbers of nine digits, and the blank between.</summary>
    public const int SizesBytesMax = 19;

    /// <summary>The most that a head needs besides subject, sid, reply and queues: verb, blanks, sizes, CRLF.</summary>
    public const int HeadBytesMax = 40;

    public static ReadOnlySpan<byte> Ping => "PING\r\n"u8;

    public static ReadOnlySpan<byte> Pong => "PONG\r\n"u8;

    public static ReadOnlySpan<byte> Ok => "+OK\r\n"u8;

    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    /// <summary><c>size</c> or, with a header block, <c>header-size size</c>; returns the number of bytes.</summary>
    public static int FormatSizes(Span<byte> target, int headerBytes, int totalBytes)
    {
        var at = 0;
        if (headerBytes > 0)
        {
            Utf8Formatter.TryFormat(headerBytes, target, out at);
            target[at++] = (byte)' ';
        }

        Utf8Formatter.TryFormat(totalBytes, target[at..], out var written);
        return at + written;
    }

    /// <summary>
    /// <c>MSG subject sid [reply] size CRLF</c>, or <c>HMSG … header-size size</c>; returns the number of bytes.
    /// </summary>
    /// <param name="sizes">From <see cref="NatsOp.Sizes"/> or <see cref="FormatSizes"/>, fitting the verb.</param>
    public static int WriteMsgHead(
        Span<byte> target, bool hasHeaders, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> sid,
        ReadOnlySpan<byte> reply,
        ReadOnlySpan<byte> sizes)
    {
        var at = Put(target, 0, hasHeaders ? "HMSG "u8 : "MSG "u8);
        at = PutWord(target, at, subject);
        at = PutWord(target, at, sid);
        if (!reply.IsEmpty) at = PutWord(target, at, reply);
        at = Put(target, at, sizes);
        return Put(target, at, LineEnd);
    }

    /// <summary><c>INFO {json} CRLF</c>, with the blank before the line end that every server writes.</summary>
    public static void WriteInfo(IBufferWriter<byte> output, ServerInfo info)
    {
        output.Write("INFO "u8);
        info.WriteJson(output);
        output.Write(" \r\n"u8);
    }

    /// <summary><c>CONNECT {json} CRLF</c>.</summary>
    public static void WriteConnect(IBufferWriter<byte> output, ConnectOptions options)
    {
        output.Write("CONNECT "u8);
        options.WriteJson(output);
        output.Write(LineEnd);
    }

    private static int PutWord(Span<byte> target, int at, ReadOnlySpan<byte> word)
    {
        at = Put(target, at, word);
        target[at] = (byte)' ';
        return at + 1;
    }

    private static int Put(Span<byte> target, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(target[at..]);
        return at + bytes.Length;
    }
}
