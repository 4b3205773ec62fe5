using System.Buffers.Binary;

namespace EdgeSync.Quic.Packets;

/// <summary>Writes fields into a span. The caller has checked that they fit; what does not is a bug of ours.</summary>
internal ref struct WireWriter(Span<byte> bytes)
{
    private readonly Span<byte> _bytes = bytes;

    /// <summary>Bytes that were written.</summary>
    public int Position { get; private set; }

    public readonly int Remaining => _bytes.Length - Position;

    public readonly Span<byte> Written => _bytes[..Position];

    public void WriteByte(byte value) => _bytes[Position++] = value;

    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

    public void WriteUInt24(int value)
    {
        WriteByte((byte)(value >> 16));
        WriteUInt16((ushort)value);
    }

    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

    public void WriteVarInt(ulong value) => Position += VarInt.Write(_bytes[Position..], value);

    public void WriteBytes(scoped ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    /// <summary>A varint that counts the bytes, and the bytes.</summary>
    public void WriteCounted(scoped ReadOnlySpan<byte> value)
    {
        WriteVarInt((ulong)value.Length);
        WriteBytes(value);
    }

    /// <summary>The next bytes, for the caller to fill.</summary>
    public Span<byte> Take(int count)
    {
        var taken = _bytes.Slice(Position, count);
        Position += count;
        return taken;
    }
}
