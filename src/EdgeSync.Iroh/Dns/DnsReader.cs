using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;

namespace EdgeSync.Iroh.Dns;

/// <summary>
/// Takes a message apart. Anything that points or reaches outside makes it unreadable; a pointer in a name leads
/// backwards only, so names end.
/// </summary>
internal ref struct DnsReader
{
    private const int HeaderBytes = 12;
    private const int NameBytesMax = 255;
    private const int LabelBytesMax = 63;
    private const int PointerMark = 0xc0;

    private readonly ReadOnlySpan<byte> _message;
    private int _at;

    private DnsReader(ReadOnlySpan<byte> message) => _message = message;

    /// <summary>False when the message is damaged. Bytes behind it are ignored, as DNS servers do.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, [NotNullWhen(true)] out DnsMessage? read)
    {
        read = null;
        if (message.Length < HeaderBytes) return false;

        var reader = new DnsReader(message) { _at = HeaderBytes };
        var questions = new List<DnsQuestion>();
        for (var i = CountAt(message, 4); i > 0; i--)
        {
            if (!reader.TryReadQuestion(out var question)) return false;
            questions.Add(question);
        }

        if (!reader.TryReadRecords(CountAt(message, 6), out var answers)
            || !reader.TryReadRecords(CountAt(message, 8), out _)
            || !reader.TryReadRecords(CountAt(message, 10), out var additionals)) return false;

        read = new DnsMessage
        {
            Id = BinaryPrimitives.ReadUInt16BigEndian(message),
            Flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]),
            Questions = questions,
            Answers = answers,
            Additionals = additionals,
        };
        return true;
    }

    private static ushort CountAt(ReadOnlySpan<byte> message, int at) =>
        BinaryPrimitives.ReadUInt16BigEndian(message[at..]);

    private bool TryReadQuestion(out DnsQuestion question)
    {
        question = default;
        if (!TryReadName(out var name) || !TryReadUInt16(out var type) || !TryReadUInt16(out var @class)) return false;

        question = new DnsQuestion(name, (DnsType)type, @class);
        return true;
    }

    private bool TryReadRecords(int count, out List<DnsRecord> records)
    {
        records = [];
        for (; count > 0; count--)
        {
            if (!TryReadRecord(out var record)) return false;
            records.Add(record);
        }

        return true;
    }

    private bool TryReadRecord([NotNullWhen(true)] out DnsRecord? record)
    {
        record = null;
        if (!TryReadName(out var name) || !TryReadUInt16(out var type) || !TryReadUInt16(out var @class)
            || !TryReadBytes(sizeof(uint), out var ttl) || !TryReadUInt16(out var length)) return false;
        var end = _at + length;
        if (end > _message.Length) return false;

        var header = new DnsRecord(name, (DnsType)type, BinaryPrimitives.ReadUInt32BigEndian(ttl)) { Class = @class };
        record = ReadData(header, end);
        _at = end;
        return record is not null;
    }

    // Null for data that does not fit its type.
    private DnsRecord? ReadData(DnsRecord header, int end)
    {
        var data = _message[_at..end];
        switch (header.Type)
        {
            case DnsType.A: return data.Length == 4 ? header with { Address = new IPAddress(data) } : null;
            case DnsType.Aaaa: return data.Length == 16 ? header with { Address = new IPAddress(data) } : null;
            case DnsType.Txt: return ReadTexts(data) is { } texts ? header with { Texts = texts } : null;
            case DnsType.Ptr: return TryReadName(out var name) && _at == end ? header with { Target = name } : null;
            case DnsType.Srv:
                return TryReadBytes(4, out _) && TryReadUInt16(out var port) && TryReadName(out var target)
                    && _at == end ? header with { Port = port, Target = target } : null;
            default: return header;
        }
    }

    private static List<string>? ReadTexts(ReadOnlySpan<byte> data)
    {
        var texts = new List<string>();
        while (!data.IsEmpty)
        {
            var length = data[0];
            if (length >= data.Length) return null;

            texts.Add(Encoding.UTF8.GetString(data.Slice(1, length)));
            data = data[(1 + length)..];
        }

        return texts;
    }

    private bool TryReadName(out string name)
    {
        name = "";
        var text = new StringBuilder();
        var (at, size, isFollowed) = (_at, 0, false);
        while (true)
        {
            if (at >= _message.Length) return false;

            var length = _message[at];
            if (length >= PointerMark)
            {
                if (at + 1 >= _message.Length) return false;

                var target = ((length & ~PointerMark) << 8) | _message[at + 1];
                if (target >= at) return false;
                if (!isFollowed) _at = at + 2;
                (at, isFollowed) = (target, true);
                continue;
            }

            size += length + 1;
            if (length > LabelBytesMax || size > NameBytesMax || at + 1 + length > _message.Length) return false;
            if (length == 0) break;

            if (text.Length > 0) text.Append('.');
            Append(text, _message.Slice(at + 1, length));
            at += 1 + length;
        }

        if (!isFollowed) _at = at + 1;
        name = text.ToString();
        return true;
    }

    private static void Append(StringBuilder text, ReadOnlySpan<byte> label)
    {
        foreach (var value in label)
        {
            var c = (char)value;
            if (c is '.' or '\\') text.Append('\\');
            text.Append(char.IsAsciiLetterUpper(c) ? char.ToLowerInvariant(c) : c);
        }
    }

    private bool TryReadUInt16(out ushort value)
    {
        value = 0;
        if (!TryReadBytes(sizeof(ushort), out var bytes)) return false;

        value = BinaryPrimitives.ReadUInt16BigEndian(bytes);
        return true;
    }

    private bool TryReadBytes(int count, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (_message.Length - _at < count) return false;

        bytes = _message.Slice(_at, count);
        _at += count;
        return true;
    }
}
