using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Iroh.Dns;

/// <summary>
/// Writes a message. A name, or the end of one, that was written before becomes a pointer to it (RFC 1035 §4.1.4).
/// </summary>
internal sealed class DnsWriter
{
    private const int PointerMark = 0xc000;
    private const int PointerMax = 0x3fff;

    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly Dictionary<string, int> _offsets = new(StringComparer.Ordinal);

    private DnsWriter()
    {
    }

    public static byte[] Write(DnsMessage message)
    {
        var writer = new DnsWriter();
        writer.WriteUInt16(message.Id);
        writer.WriteUInt16(message.Flags);
        writer.WriteUInt16((ushort)message.Questions.Count);
        writer.WriteUInt16((ushort)message.Answers.Count);
        writer.WriteUInt16(0);
        writer.WriteUInt16((ushort)message.Additionals.Count);
        foreach (var question in message.Questions)
        {
            writer.WriteName(question.Name);
            writer.WriteUInt16((ushort)question.Type);
            writer.WriteUInt16(question.Class);
        }

        foreach (var record in message.Answers) writer.WriteRecord(record);
        foreach (var record in message.Additionals) writer.WriteRecord(record);
        return writer._bytes.WrittenSpan.ToArray();
    }

    private void WriteRecord(DnsRecord record)
    {
        WriteName(record.Name);
        WriteUInt16((ushort)record.Type);
        WriteUInt16(record.Class);
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.GetSpan(sizeof(uint)), record.TtlSeconds);
        _bytes.Advance(sizeof(uint));
        switch (record.Type)
        {
            case DnsType.A or DnsType.Aaaa: WriteCounted(record.Address!.GetAddressBytes()); break;
            case DnsType.Txt: WriteCounted(TextsOf(record.Texts)); break;
            // Names inside data are written in full: mDNS requires no more, and their length is then known.
            case DnsType.Ptr: WriteCounted(NameBytes(record.Target)); break;
            case DnsType.Srv:
                WriteCounted([0, 0, 0, 0, (byte)(record.Port >> 8), (byte)record.Port, .. NameBytes(record.Target)]);
                break;
            default: WriteUInt16(0); break;
        }
    }

    private void WriteName(string name)
    {
        var labels = Labels(name);
        for (var i = 0; i < labels.Count; i++)
        {
            var suffix = string.Join('.', labels.Skip(i));
            if (_offsets.TryGetValue(suffix, out var offset))
            {
                WriteUInt16((ushort)(PointerMark | offset));
                return;
            }

            if (_bytes.WrittenCount <= PointerMax) _offsets.Add(suffix, _bytes.WrittenCount);
            WriteLabel(_bytes, labels[i]);
        }

        _bytes.Write<byte>([0]);
    }

    private static byte[] NameBytes(string name)
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (var label in Labels(name)) WriteLabel(bytes, label);
        bytes.Write<byte>([0]);
        return bytes.WrittenSpan.ToArray();
    }

    private static void WriteLabel(ArrayBufferWriter<byte> bytes, string label)
    {
        var text = Encoding.Latin1.GetBytes(label.Replace("\\.", ".", StringComparison.Ordinal)
            .Replace("\\\\", "\\", StringComparison.Ordinal));
        Invariant.Require(text.Length is > 0 and < 64);
        bytes.Write<byte>([(byte)text.Length]);
        bytes.Write(text);
    }

    /// <summary>The labels of a name as it was read, still with their backslashes.</summary>
    private static List<string> Labels(string name)
    {
        var labels = new List<string>();
        var begin = 0;
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] == '\\') i++;
            else if (name[i] == '.')
            {
                labels.Add(name[begin..i]);
                begin = i + 1;
            }
        }

        if (begin < name.Length) labels.Add(name[begin..]);
        return labels;
    }

    private static byte[] TextsOf(IReadOnlyList<string> texts)
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (var text in texts)
        {
            var value = Encoding.UTF8.GetBytes(text);
            Invariant.Require(value.Length <= byte.MaxValue);
            bytes.Write<byte>([(byte)value.Length]);
            bytes.Write(value);
        }

        return bytes.WrittenSpan.ToArray();
    }

    private void WriteCounted(ReadOnlySpan<byte> data)
    {
        WriteUInt16((ushort)data.Length);
        _bytes.Write(data);
    }

    private void WriteUInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.GetSpan(sizeof(ushort)), value);
        _bytes.Advance(sizeof(ushort));
    }
}
