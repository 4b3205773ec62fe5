using System.Buffers.Binary;

namespace EdgeSync.Quic.Packets;

/// <summary>
/// Integers of 1, 2, 4 or 8 bytes; the two highest bits of the first byte are the length. Spec: RFC 9000 §16.
/// </summary>
internal static class VarInt
{
    /// <summary>The largest value that has an encoding.</summary>
    public const ulong Max = (1UL << 62) - 1;

    /// <summary>Bytes of the shortest encoding.</summary>
    public static int SizeOf(ulong value) => value switch
    {
        < 1UL << 6 => 1,
        < 1UL << 14 => 2,
        < 1UL << 30 => 4,
        _ => 8,
    };

    /// <summary>Writes the shortest encoding; returns its bytes.</summary>
    public static int Write(Span<byte> target, ulong value)
    {
        var size = SizeOf(value);
        Write(target, value, size);
        return size;
    }

    /// <summary>Writes an encoding of 1, 2, 4 or 8 bytes, which may be longer than needed.</summary>
    public static void Write(Span<byte> target, ulong value, int size)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Max);
        switch (size)
        {
            case 1: target[0] = (byte)value; break;
            case 2: BinaryPrimitives.WriteUInt16BigEndian(target, (ushort)(value | 0x4000)); break;
            case 4: BinaryPrimitives.WriteUInt32BigEndian(target, (uint)value | 0x8000_0000); break;
            default: BinaryPrimitives.WriteUInt64BigEndian(target, value | 0xc000_0000_0000_0000); break;
        }
    }

    /// <summary>False when the bytes end before the integer does.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out ulong value, out int size)
    {
        value = 0;
        size = source.IsEmpty ? 1 : 1 << (source[0] >> 6);
        if (source.Length < size) return false;

        value = size switch
        {
            1 => source[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(source) & 0x3fffU,
            4 => BinaryPrimitives.ReadUInt32BigEndian(source) & 0x3fff_ffffU,
            _ => BinaryPrimitives.ReadUInt64BigEndian(source) & Max,
        };
        return true;
    }
}
