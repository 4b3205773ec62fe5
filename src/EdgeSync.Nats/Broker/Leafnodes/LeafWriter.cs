using System.Buffers.Text;
using EdgeSync.Nats.Broker.Routing;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// Writes the operations of a leaf link.
/// <code>
/// LS+ subject                                    LS- subject
/// LS+ subject queue weight                       LS- subject queue
/// LMSG subject [reply] size                      HMSG subject [reply] header-size size
/// LMSG subject | queue… size                     HMSG subject | queue… header-size size
/// LMSG subject + reply queue… size               HMSG subject + reply queue… header-size size
/// </code>
/// </summary>
// Spec: leafnode verbs, each pinned by a capture of nats-server 2.9.10.
internal static class LeafWriter
{
    /// <summary>Verb, marks, blanks, two sizes and CRLF of a message line, without subject, reply and queues.</summary>
    private const int LineOverhead = 64;

    /// <summary>The longest line of a message that all real servers accept.</summary>
    private const int MessageLineBytesMax = 60 * 1024;

    /// <summary>Fits any 32-bit number.</summary>
    private const int NumberBytes = 11;

    public static void Interest(OutputQueue output, ReadOnlySpan<byte> key, int weight)
    {
        var line = new LineWriter(output.GetSpan(key.Length + LineOverhead));
        line.Add("LS+ "u8);
        line.Add(key);
        if (WireKey.HasQueue(key)) line.AddNumber(weight);
        line.Add("\r\n"u8);
        output.Advance(line.Length);
    }

    public static void NoInterest(OutputQueue output, ReadOnlySpan<byte> key)
    {
        var line = new LineWriter(output.GetSpan(key.Length + LineOverhead));
        line.Add("LS- "u8);
        line.Add(key);
        line.Add("\r\n"u8);
        output.Advance(line.Length);
    }

    /// <summary>A message, without its header block when the other side does not support it. One copy of the
    /// content.</summary>
    public static void Message(
        OutputQueue output, in RoutedMessage message, ReadOnlySpan<byte[]> queues, bool withHeaders)
    {
        var size = message.Subject.Length + message.Reply.Length + LineOverhead;
        foreach (var queue in queues) size += queue.Length + 1;
        var isCut = !withHeaders && message.HeaderBytes > 0;
        var hasHeaders = withHeaders && message.HeaderBytes > 0;

        var line = new LineWriter(output.GetSpan(size));
        line.Add(hasHeaders ? "HMSG "u8 : "LMSG "u8);
        line.Add(message.Subject);
        if (!queues.IsEmpty) line.Add(message.Reply.IsEmpty ? " |"u8 : " +"u8);
        if (!message.Reply.IsEmpty) line.AddWord(message.Reply);
        foreach (var queue in queues) line.AddWord(queue);
        if (isCut) line.AddNumber(message.TotalBytes - message.HeaderBytes);
        else line.AddWord(message.Sizes);
        line.Add("\r\n"u8);
        output.Advance(line.Length);

        output.Append(isCut ? message.PayloadWithEnd[message.HeaderBytes..] : message.PayloadWithEnd);
    }

    /// <summary>
    /// How many queue names fit into the line of a message of that length; the rest is omitted.
    /// </summary>
    public static int NamesThatFit(int lineBytes, ReadOnlySpan<byte[]> queues)
    {
        var room = MessageLineBytesMax - lineBytes;
        for (var i = 0; i < queues.Length; i++)
        {
            room -= queues[i].Length + 1;
            if (room < 0) return i;
        }

        return queues.Length;
    }

    private ref struct LineWriter(Span<byte> target)
    {
        private readonly Span<byte> _target = target;

        public int Length { get; private set; }

        public void Add(scoped ReadOnlySpan<byte> text)
        {
            text.CopyTo(_target[Length..]);
            Length += text.Length;
        }

        public void AddWord(scoped ReadOnlySpan<byte> word)
        {
            _target[Length++] = (byte)' ';
            Add(word);
        }

        public void AddNumber(int number)
        {
            _target[Length++] = (byte)' ';
            Utf8Formatter.TryFormat(number, _target.Slice(Length, NumberBytes), out var digits);
            Length += digits;
        }
    }
}
