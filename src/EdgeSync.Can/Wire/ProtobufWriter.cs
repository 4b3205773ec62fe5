using System.Buffers;
using System.Text;

namespace EdgeSync.Can.Wire;

/// <summary>
/// Writes fields as prost does: in order of their numbers, and none with the default value unless it is optional.
/// </summary>
internal readonly struct ProtobufWriter(IBufferWriter<byte> target)
{
    public void Number(int field, long value)
    {
        if (value == 0) return;

        Tag(field, WireType.Varint);
        Raw((ulong)value);
    }

    public void Flag(int field, bool value) => Number(field, value ? 1 : 0);

    public void Text(int field, string value)
    {
        if (value.Length > 0) Optional(field, value);
    }

    /// <summary>Null is absent; an empty text is not.</summary>
    public void Optional(int field, string? value)
    {
        if (value is null) return;

        Length(field, Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, target);
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return;

        Length(field, value.Length);
        target.Write(value);
    }

    /// <summary>A message inside this one, even when it is empty.</summary>
    public void Message(int field, ReadOnlySpan<byte> value)
    {
        Length(field, value.Length);
        target.Write(value);
    }

    /// <summary>Everything but the bytes themselves, which the caller writes.</summary>
    public void Length(int field, long length)
    {
        Tag(field, WireType.Bytes);
        Raw((ulong)length);
    }

    private void Tag(int field, WireType type) => Raw(((ulong)field << 3) | (ulong)type);

    private void Raw(ulong value)
    {
        var span = target.GetSpan(Varint.SizeMax);
        var size = 0;
        for (; value >= 0x80; value >>= 7) span[size++] = (byte)(value | 0x80);
        span[size++] = (byte)value;
        target.Advance(size);
    }
}
