using System.Buffers.Binary;

namespace EdgeSync.Primitives.Crypto;

/// <summary>
/// A number modulo the order of the base point, L = 2^252 + 27742317777372353535851937790883648493. Reduced one bit after the
/// other: slow beside cleverer ways, but short, and the same steps for every secret.
/// </summary>
internal readonly struct Scalar25519(ulong w0, ulong w1, ulong w2, ulong w3)
{
    private const ulong L0 = 0x5812631a5cf5d3ed;
    private const ulong L1 = 0x14def9dea2f79cd6;
    private const ulong L2 = 0;
    private const ulong L3 = 0x1000000000000000;

    private readonly ulong _w0 = w0;
    private readonly ulong _w1 = w1;
    private readonly ulong _w2 = w2;
    private readonly ulong _w3 = w3;

    /// <summary>64 bytes, little-endian, reduced.</summary>
    public static Scalar25519 FromWide(ReadOnlySpan<byte> bytes)
    {
        Span<ulong> words = stackalloc ulong[8];
        for (var i = 0; i < 8; i++) words[i] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * i)..]);
        return Reduce(words);
    }

    /// <summary>32 bytes, little-endian, reduced.</summary>
    public static Scalar25519 FromBytes(ReadOnlySpan<byte> bytes)
    {
        Span<ulong> words = stackalloc ulong[4];
        for (var i = 0; i < 4; i++) words[i] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * i)..]);
        return Reduce(words);
    }

    /// <summary>Whether 32 bytes are a number below L: the only form that a signature may use.</summary>
    public static bool IsCanonical(ReadOnlySpan<byte> bytes)
    {
        Span<byte> reduced = stackalloc byte[32];
        FromBytes(bytes).WriteTo(reduced);
        return reduced.SequenceEqual(bytes);
    }

    public void WriteTo(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, _w0);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], _w1);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], _w2);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], _w3);
    }

    /// <summary><c>a · b + c</c>.</summary>
    public static Scalar25519 MultiplyAdd(in Scalar25519 a, in Scalar25519 b, in Scalar25519 c)
    {
        ReadOnlySpan<ulong> left = [a._w0, a._w1, a._w2, a._w3];
        ReadOnlySpan<ulong> right = [b._w0, b._w1, b._w2, b._w3];
        Span<ulong> product = [c._w0, c._w1, c._w2, c._w3, 0, 0, 0, 0];
        for (var i = 0; i < 4; i++)
        {
            var carry = 0UL;
            for (var j = 0; j < 4; j++)
            {
                var high = Math.BigMul(left[i], right[j], out var low);
                low += carry;
                if (low < carry) high++;
                product[i + j] += low;
                if (product[i + j] < low) high++;
                carry = high;
            }

            for (var k = i + 4; k < 8; k++)
            {
                product[k] += carry;
                carry = product[k] < carry ? 1UL : 0;
            }
        }

        return Reduce(product);
    }

    /// <summary>A bit as 0 or 1.</summary>
    public ulong Bit(int index) => (index >> 6) switch
    {
        0 => _w0 >> index,
        1 => _w1 >> (index - 64),
        2 => _w2 >> (index - 128),
        _ => _w3 >> (index - 192),
    } & 1;

    private static Scalar25519 Reduce(ReadOnlySpan<ulong> words)
    {
        ulong r0 = 0, r1 = 0, r2 = 0, r3 = 0;
        for (var bit = words.Length * 64 - 1; bit >= 0; bit--)
        {
            // r = 2r + bit, below 2L, which has 254 bits: nothing is lost at the top.
            r3 = (r3 << 1) | (r2 >> 63);
            r2 = (r2 << 1) | (r1 >> 63);
            r1 = (r1 << 1) | (r0 >> 63);
            r0 = (r0 << 1) | ((words[bit >> 6] >> (bit & 63)) & 1);

            var d0 = Subtract(r0, L0, 0, out var borrow);
            var d1 = Subtract(r1, L1, borrow, out borrow);
            var d2 = Subtract(r2, L2, borrow, out borrow);
            var d3 = Subtract(r3, L3, borrow, out borrow);
            var keep = 0 - borrow;   // all ones when r is below L
            r0 = d0 ^ (keep & (d0 ^ r0));
            r1 = d1 ^ (keep & (d1 ^ r1));
            r2 = d2 ^ (keep & (d2 ^ r2));
            r3 = d3 ^ (keep & (d3 ^ r3));
        }

        return new(r0, r1, r2, r3);
    }

    private static ulong Subtract(ulong a, ulong b, ulong borrowIn, out ulong borrowOut)
    {
        var result = a - b - borrowIn;

        // The borrow out of the top bit, without a comparison that could become a branch.
        borrowOut = ((~a & b) | ((~a | b) & result)) >> 63;
        return result;
    }
}
