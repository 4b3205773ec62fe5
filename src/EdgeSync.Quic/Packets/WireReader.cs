using System.Buffers.Binary;

namespace EdgeSync.Quic.Packets;

/// <summary>Reads fields from a span; a read that would pass the end moves nothing and answers false.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Bytes that were read.</summary>
    public int Position { get; private set; }

    public readonly int Remaining => _bytes.Length - Position;

    public readonly bool IsAtEnd => Position == _bytes.Length;

    public readonly ReadOnlySpan<byte> Rest => _bytes[Position..];

    public bool TryReadByte(out byte value)
    {
        value = 0;
        if (IsAtEnd) return false;
        value = _bytes[Position++];
        return true;
    }

    public bool TryReadUInt16(out ushort value)
    {
        value = 0;
        if (Remaining < 2) return false;
        value = BinaryPrimitives.ReadUInt16BigEndian(Rest);
        Position += 2;
        return true;
    }

    public bool TryReadUInt24(out int value)
    {
        value = 0;
        if (Remaining < 3) return false;
        value = (_bytes[Position] << 16) | (_bytes[Position + 1] << 8) | _bytes[Position + 2];
        Position += 3;
        return true;
    }

    public bool TryReadUInt32(out uint value)
    {
        value = 0;
        if (Remaining < 4) return false;
        value = BinaryPrimitives.ReadUInt32BigEndian(Rest);
        Position += 4;
        return true;
    }

    public bool TryReadVarInt(out ulong value) => TryReadVarInt(out value, out _);

    /// <param name="isShortest">Whether the integer had its shortest encoding.</param>
    public bool TryReadVarInt(out ulong value, out bool isShortest)
    {
        isShortest = false;
        if (!VarInt.TryRead(Rest, out value, out var size)) return false;
        isShortest = size == VarInt.SizeOf(value);
        Position += size;
        return true;
    }

    public bool TryReadBytes(ulong count, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (count > (ulong)Remaining) return false;
        value = _bytes.Slice(Position, (int)count);
        Position += (int)count;
        return true;
    }

    /// <summary>Bytes behind a varint that counts them.</summary>
    public bool TryReadCounted(out ReadOnlySpan<byte> value)
    {
        var start = Position;
        if (TryReadVarInt(out var count) && TryReadBytes(count, out value)) return true;

        Position = start;
        value = default;
        return false;
    }
}
