using System.Buffers;
using System.Globalization;
using System.Text;

namespace EdgeSync.Tests.Support;

/// <summary>
/// Writes operations of NATS from the grammar, for peers in tests: the broker has writers of its own, and does not
/// write what only clients and other brokers send. A header block makes an H verb.
/// </summary>
internal static class NatsOps
{
    /// <summary><c>PUB subject [reply] size CRLF body CRLF</c>.</summary>
    public static void WritePub(
        IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers,
        ReadOnlySpan<byte> body) =>
        WriteMessage(output, headers.IsEmpty ? "PUB"u8 : "HPUB"u8, [.. Word(subject), .. Word(reply)], headers, body);

    /// <summary><c>MSG subject sid [reply] size CRLF body CRLF</c>.</summary>
    public static void WriteMsg(
        IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> sid, ReadOnlySpan<byte> reply,
        ReadOnlySpan<byte> headers, ReadOnlySpan<byte> body) =>
        WriteMessage(
            output, headers.IsEmpty ? "MSG"u8 : "HMSG"u8, [.. Word(subject), .. Word(sid), .. Word(reply)], headers,
            body);

    /// <summary>
    /// <c>LMSG subject [reply] size CRLF</c>; with queue groups <c>LMSG subject | queue… size</c>, and with both
    /// <c>LMSG subject + reply queue… size</c>; then the body.
    /// </summary>
    public static void WriteLeafMsg(
        IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> queues,
        ReadOnlySpan<byte> headers, ReadOnlySpan<byte> body)
    {
        var mark = queues.IsEmpty ? default : reply.IsEmpty ? "|"u8 : "+"u8;
        WriteMessage(
            output, headers.IsEmpty ? "LMSG"u8 : "HMSG"u8,
            [.. Word(subject), .. Word(mark), .. Word(reply), .. Word(queues)], headers, body);
    }

    /// <summary><c>SUB subject [queue] sid CRLF</c>.</summary>
    public static void WriteSub(
        IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue, ReadOnlySpan<byte> sid) =>
        output.Write([.. "SUB"u8, .. Word(subject), .. Word(queue), .. Word(sid), .. "\r\n"u8]);

    /// <summary><c>UNSUB sid [max] CRLF</c>; a max of 0 is omitted and means at once.</summary>
    public static void WriteUnsub(IBufferWriter<byte> output, ReadOnlySpan<byte> sid, int max) =>
        output.Write([.. "UNSUB"u8, .. Word(sid), .. Word(max > 0 ? Number(max) : default), .. "\r\n"u8]);

    /// <summary><c>LS+ subject CRLF</c>, or <c>LS+ subject queue weight CRLF</c>.</summary>
    public static void WriteLeafSub(
        IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue, int weight) =>
        output.Write(
        [
            .. "LS+"u8, .. Word(subject), .. Word(queue), .. Word(queue.IsEmpty ? default : Number(weight)),
            .. "\r\n"u8,
        ]);

    /// <summary><c>LS- subject [queue] CRLF</c>.</summary>
    public static void WriteLeafUnsub(
        IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue) =>
        output.Write([.. "LS-"u8, .. Word(subject), .. Word(queue), .. "\r\n"u8]);

    /// <summary><c>-ERR 'text' CRLF</c>.</summary>
    public static void WriteErr(IBufferWriter<byte> output, ReadOnlySpan<byte> text) =>
        output.Write([.. "-ERR '"u8, .. text, .. "'\r\n"u8]);

    // SIZE, or HEADER-SIZE SIZE.
    private static void WriteMessage(
        IBufferWriter<byte> output, ReadOnlySpan<byte> verb, ReadOnlySpan<byte> words, ReadOnlySpan<byte> headers,
        ReadOnlySpan<byte> body)
    {
        output.Write(verb);
        output.Write(words);
        if (!headers.IsEmpty) output.Write(Word(Number(headers.Length)));
        output.Write(Word(Number(headers.Length + body.Length)));
        output.Write("\r\n"u8);
        output.Write(headers);
        output.Write(body);
        output.Write("\r\n"u8);
    }

    private static byte[] Word(ReadOnlySpan<byte> word) => word.IsEmpty ? [] : [(byte)' ', .. word];

    private static byte[] Number(int number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
}
