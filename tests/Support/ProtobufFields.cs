using System.Buffers.Binary;
using System.Text;

namespace EdgeSync.Tests.Support;

/// <summary>
/// Reads protocol buffer messages without a schema, to look at what we export: fields by number, in the order of the
/// bytes.
/// </summary>
internal sealed class ProtobufFields
{
    private readonly List<(int Number, ulong Value, byte[] Bytes)> _fields = [];

    public ProtobufFields(ReadOnlySpan<byte> message)
    {
        while (message.Length > 0)
        {
            var tag = Varint(ref message);
            var number = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0: _fields.Add((number, Varint(ref message), [])); break;
                case 1:
                    _fields.Add((number, BinaryPrimitives.ReadUInt64LittleEndian(message), []));
                    message = message[8..]; break;
                case 5:
                    _fields.Add((number, BinaryPrimitives.ReadUInt32LittleEndian(message), []));
                    message = message[4..]; break;
                case 2:
                    var length = (int)Varint(ref message);
                    _fields.Add((number, 0, message[..length].ToArray()));
                    message = message[length..];
                    break;
                default: throw new InvalidDataException($"wire type {tag & 7}");
            }
        }
    }

    public IEnumerable<ProtobufFields> Messages(int number) =>
        _fields.Where(f => f.Number == number).Select(f => new ProtobufFields(f.Bytes));

    /// <summary>Those below a path of fields, such as 1, 2, 2 for the spans of a request.</summary>
    public IEnumerable<ProtobufFields> Below(params int[] path) =>
        path.Aggregate((IEnumerable<ProtobufFields>)[this], (at, number) => at.SelectMany(m => m.Messages(number)));

    public string Text(int number) => Encoding.UTF8.GetString(Bytes(number));

    /// <summary>All of a repeated field.</summary>
    public IEnumerable<string> Texts(int number) =>
        _fields.Where(f => f.Number == number).Select(f => Encoding.UTF8.GetString(f.Bytes));

    public string Hex(int number) => Convert.ToHexStringLower(Bytes(number));

    public byte[] Bytes(int number) => _fields.LastOrDefault(f => f.Number == number).Bytes ?? [];

    public ulong Number(int number) => _fields.LastOrDefault(f => f.Number == number).Value;

    public double Double(int number) => BitConverter.UInt64BitsToDouble(Number(number));

    /// <summary>OTLP attributes (key 1, value 2: text 1, boolean 2, integer 3) as text.</summary>
    public IReadOnlyDictionary<string, string> Attributes(int number) => Messages(number).ToDictionary(
        a => a.Text(1),
        a => a.Messages(2).Single() is var value
        && value.Bytes(1).Length > 0 ? value.Text(1) : (value.Number(2) + value.Number(3)).ToString(
            System.Globalization.CultureInfo.InvariantCulture));

    private static ulong Varint(ref ReadOnlySpan<byte> message)
    {
        var value = 0ul;
        for (var shift = 0; ; shift += 7)
        {
            var next = message[0];
            message = message[1..];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
    }
}
