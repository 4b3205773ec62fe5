using System.Buffers.Binary;
using System.Text;

namespace EdgeSync.Node.Metrics.Otlp;

/// <summary>
/// Writes protocol buffer messages. Spec: protobuf.dev/programming-guides/encoding: a field is a tag
/// (number and wire type) and a value; an embedded message is preceded by its length. Fields with their default value
/// are left out, as proto3 does.
/// </summary>
internal sealed class ProtobufWriter
{
    private const int Varint = 0, Fixed64 = 1, Delimited = 2, Fixed32 = 5;

    private byte[] _buffer = new byte[4096];
    private int _length;

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    public void Clear() => _length = 0;

    /// <summary>Opens an embedded message; give the mark back to <see cref="End"/>.</summary>
    public int Begin(int field)
    {
        WriteTag(field, Delimited);
        return _length;
    }

    /// <summary>The length is known only now: what was written moves up to make room for it.</summary>
    public void End(int mark)
    {
        var size = _length - mark;
        var prefix = SizeOfVarint((ulong)size);
        Reserve(prefix);
        _buffer.AsSpan(mark, size).CopyTo(_buffer.AsSpan(mark + prefix));
        _length = mark;
        WriteVarint((ulong)size);
        _length += size;
    }

    public void WriteString(int field, string? value)
    {
        if (string.IsNullOrEmpty(value)) return;

        WriteTag(field, Delimited);
        var size = Encoding.UTF8.GetByteCount(value);
        WriteVarint((ulong)size);
        Reserve(size);
        _length += Encoding.UTF8.GetBytes(value, _buffer.AsSpan(_length));
    }

    public void WriteBytes(int field, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return;

        WriteTag(field, Delimited);
        WriteVarint((ulong)value.Length);
        Reserve(value.Length);
        value.CopyTo(_buffer.AsSpan(_length));
        _length += value.Length;
    }

    public void WriteInteger(int field, long value)
    {
        if (value == 0) return;

        WriteTag(field, Varint);
        WriteVarint((ulong)value);
    }

    public void WriteFixed64(int field, ulong value)
    {
        WriteTag(field, Fixed64);
        WriteRaw(value);
    }

    public void WriteFixed32(int field, uint value)
    {
        if (value == 0) return;

        WriteTag(field, Fixed32);
        Reserve(4);
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(_length), value);
        _length += 4;
    }

    /// <summary>Zero is written too: inside a <c>oneof</c> it says which kind of value this is.</summary>
    public void WriteDouble(int field, double value) => WriteFixed64(field, BitConverter.DoubleToUInt64Bits(value));

    /// <summary>Likewise written when false or zero.</summary>
    public void WriteChoice(int field, long value)
    {
        WriteTag(field, Varint);
        WriteVarint((ulong)value);
    }

    public void WritePacked(int field, IReadOnlyList<double> values)
    {
        if (values.Count == 0) return;

        BeginPacked(field, values.Count);
        foreach (var value in values) WriteRaw(BitConverter.DoubleToUInt64Bits(value));
    }

    public void WritePacked(int field, IReadOnlyList<long> values)
    {
        if (values.Count == 0) return;

        BeginPacked(field, values.Count);
        foreach (var value in values) WriteRaw((ulong)value);
    }

    private void BeginPacked(int field, int count)
    {
        WriteTag(field, Delimited);
        WriteVarint((ulong)count * 8);
    }

    private void WriteRaw(ulong value)
    {
        Reserve(8);
        BinaryPrimitives.WriteUInt64LittleEndian(_buffer.AsSpan(_length), value);
        _length += 8;
    }

    private void WriteTag(int field, int wireType) => WriteVarint(((ulong)field << 3) | (uint)wireType);

    private void WriteVarint(ulong value)
    {
        Reserve(10);
        while (value >= 0x80)
        {
            _buffer[_length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        _buffer[_length++] = (byte)value;
    }

    private static int SizeOfVarint(ulong value)
    {
        var size = 1;
        for (; value >= 0x80; value >>= 7) size++;
        return size;
    }

    private void Reserve(int count)
    {
        if (_buffer.Length - _length >= count) return;

        Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + count));
    }
}
