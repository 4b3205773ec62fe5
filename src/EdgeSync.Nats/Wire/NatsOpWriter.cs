using System.Buffers;
using System.Buffers.Text;

namespace EdgeSync.Nats.Wire;

/// <summary>
/// Writes operations. Each method carries the grammar of its line. Subjects, replies, queue groups and sids are written
/// as given: a caller with foreign text checks it first (<see cref="NatsSubject.FitsControlLine"/>).
/// </summary>
/// <remarks>
/// The heads of messages are written into a span, for senders that keep buffers of their own and copy the payload
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

    /// <summary>
    /// <c>PUB subject [reply] size CRLF</c>, or <c>HPUB … header-size size</c>; returns the number of bytes.
    /// </summary>
    public static int WritePubHead(
        Span<byte> target, bool hasHeaders, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply,
        ReadOnlySpan<byte> sizes)
    {
        var at = Put(target, 0, hasHeaders ? "HPUB "u8 : "PUB "u8);
        at = PutWord(target, at, subject);
        if (!reply.IsEmpty) at = PutWord(target, at, reply);
        at = Put(target, at, sizes);
        return Put(target, at, LineEnd);
    }

    /// <summary>
    /// <c>LMSG subject [reply] size CRLF</c>; with queue groups <c>LMSG subject | queue… size</c>, and with both
    /// <c>LMSG subject + reply queue… size</c>. HMSG likewise. Returns the number of bytes.
    /// </summary>
    /// <param name="queues">The groups, with one blank between.</param>
    public static int WriteLeafHead(
        Span<byte> target, bool hasHeaders, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply,
        ReadOnlySpan<byte> queues,
        ReadOnlySpan<byte> sizes)
    {
        var at = Put(target, 0, hasHeaders ? "HMSG "u8 : "LMSG "u8);
        at = PutWord(target, at, subject);
        if (!queues.IsEmpty) at = PutWord(target, at, reply.IsEmpty ? "|"u8 : "+"u8);
        if (!reply.IsEmpty) at = PutWord(target, at, reply);
        if (!queues.IsEmpty) at = PutWord(target, at, queues);
        at = Put(target, at, sizes);
        return Put(target, at, LineEnd);
    }

    /// <summary><c>PUB subject [reply] size CRLF body CRLF</c>, HPUB when there is a header block.</summary>
    public static void WritePub(
        IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers,
        ReadOnlySpan<byte> body)
    {
        Span<byte> sizes = stackalloc byte[SizesBytesMax];
        sizes = sizes[..FormatSizes(sizes, headers.Length, headers.Length + body.Length)];
        var target = output.GetSpan(HeadBytesMax + subject.Length + reply.Length + headers.Length + body.Length + 2);
        var at = WritePubHead(target, !headers.IsEmpty, subject, reply, sizes);
        output.Advance(PutPayload(target, at, headers, body));
    }

    /// <summary><c>MSG subject sid [reply] size CRLF body CRLF</c>, HMSG when there is a header block.</summary>
    public static void WriteMsg(
        IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> sid, ReadOnlySpan<byte> reply,
        ReadOnlySpan<byte> headers, ReadOnlySpan<byte> body)
    {
        Span<byte> sizes = stackalloc byte[SizesBytesMax];
        sizes = sizes[..FormatSizes(sizes, headers.Length, headers.Length + body.Length)];
        var target = output.GetSpan(
            HeadBytesMax + subject.Length + sid.Length + reply.Length + headers.Length + body.Length + 2);
        var at = WriteMsgHead(target, !headers.IsEmpty, subject, sid, reply, sizes);
        output.Advance(PutPayload(target, at, headers, body));
    }

    /// <summary>A message over a leaf link, see <see cref="WriteLeafHead"/>.</summary>
    public static void WriteLeafMsg(
        IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> queues,
        ReadOnlySpan<byte> headers, ReadOnlySpan<byte> body)
    {
        Span<byte> sizes = stackalloc byte[SizesBytesMax];
        sizes = sizes[..FormatSizes(sizes, headers.Length, headers.Length + body.Length)];
        var target = output.GetSpan(
            HeadBytesMax + subject.Length + reply.Length + queues.Length + headers.Length + body.Length + 2);
        var at = WriteLeafHead(target, !headers.IsEmpty, subject, reply, queues, sizes);
        output.Advance(PutPayload(target, at, headers, body));
    }

    /// <summary><c>SUB subject [queue] sid CRLF</c>.</summary>
    public static void WriteSub(
        IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue, ReadOnlySpan<byte> sid)
    {
        var target = output.GetSpan(HeadBytesMax + subject.Length + queue.Length + sid.Length);
        var at = PutWord(target, Put(target, 0, "SUB "u8), subject);
        if (!queue.IsEmpty) at = PutWord(target, at, queue);
        at = Put(target, at, sid);
        output.Advance(Put(target, at, LineEnd));
    }

    /// <summary><c>UNSUB sid [max] CRLF</c>; a max of 0 is omitted and means at once.</summary>
    public static void WriteUnsub(IBufferWriter<byte> output, ReadOnlySpan<byte> sid, int max)
    {
        var target = output.GetSpan(HeadBytesMax + sid.Length);
        var at = Put(target, Put(target, 0, "UNSUB "u8), sid);
        if (max > 0) at = PutNumber(target, at, max);
        output.Advance(Put(target, at, LineEnd));
    }

    /// <summary><c>LS+ subject CRLF</c>, or <c>LS+ subject queue weight CRLF</c>.</summary>
    public static void WriteLeafSub(
        IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue, int weight)
    {
        var target = output.GetSpan(HeadBytesMax + subject.Length + queue.Length);
        var at = Put(target, Put(target, 0, "LS+ "u8), subject);
        if (!queue.IsEmpty)
        {
            target[at++] = (byte)' ';
            at = PutNumber(target, Put(target, at, queue), weight);
        }

        output.Advance(Put(target, at, LineEnd));
    }

    /// <summary><c>LS- subject [queue] CRLF</c>.</summary>
    public static void WriteLeafUnsub(IBufferWriter<byte> output, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue)
    {
        var target = output.GetSpan(HeadBytesMax + subject.Length + queue.Length);
        var at = Put(target, Put(target, 0, "LS- "u8), subject);
        if (!queue.IsEmpty)
        {
            target[at++] = (byte)' ';
            at = Put(target, at, queue);
        }

        output.Advance(Put(target, at, LineEnd));
    }

    /// <summary><c>-ERR 'text' CRLF</c>.</summary>
    public static void WriteErr(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        var target = output.GetSpan(HeadBytesMax + text.Length);
        var at = Put(target, Put(target, 0, "-ERR '"u8), text);
        output.Advance(Put(target, at, "'\r\n"u8));
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

    private static int PutPayload(Span<byte> target, int at, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> body)
    {
        at = Put(target, at, headers);
        at = Put(target, at, body);
        return Put(target, at, LineEnd);
    }

    private static int PutNumber(Span<byte> target, int at, int number)
    {
        target[at++] = (byte)' ';
        Utf8Formatter.TryFormat(number, target[at..], out var written);
        return at + written;
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
