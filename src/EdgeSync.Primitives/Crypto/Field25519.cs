using System.Buffers.Binary;

namespace EdgeSync.Primitives.Crypto;

/// <summary>A number modulo p = 2^255 − 19, in five limbs of 51 bits. No operation branches on its value.</summary>
/// <remarks>Invariant: each limb is below 2^52; every operation carries before it returns.</remarks>
internal readonly struct Field25519(ulong l0, ulong l1, ulong l2, ulong l3, ulong l4)
{
    private const int LimbBits = 51;
    private const ulong LimbMask = (1UL << LimbBits) - 1;

    private readonly ulong _l0 = l0;
    private readonly ulong _l1 = l1;
    private readonly ulong _l2 = l2;
    private readonly ulong _l3 = l3;
    private readonly ulong _l4 = l4;

    public static Field25519 Zero => default;

    public static Field25519 One => FromSmall(1);

    public static Field25519 FromSmall(ulong value) => new(value, 0, 0, 0, 0);

    /// <summary>Little-endian, the top bit ignored; numbers from p on wrap around.</summary>
    public static Field25519 FromBytes(ReadOnlySpan<byte> bytes)
    {
        var w0 = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        var w1 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        var w2 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        var w3 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
        return new(
            w0 & LimbMask,
            ((w0 >> 51) | (w1 << 13)) & LimbMask,
            ((w1 >> 38) | (w2 << 26)) & LimbMask,
            ((w2 >> 25) | (w3 << 39)) & LimbMask,
            (w3 >> 12) & LimbMask);
    }

    /// <summary>The one number below p, little-endian.</summary>
    public void WriteTo(Span<byte> target)
    {
        var value = Carry(_l0, _l1, _l2, _l3, _l4);

        // 1 when the value is p or more: then adding 19 carries out of the top.
        var above = (value._l0 + 19) >> LimbBits;
        above = (value._l1 + above) >> LimbBits;
        above = (value._l2 + above) >> LimbBits;
        above = (value._l3 + above) >> LimbBits;
        above = (value._l4 + above) >> LimbBits;

        var r0 = value._l0 + 19 * above;
        var r1 = value._l1 + (r0 >> LimbBits);
        var r2 = value._l2 + (r1 >> LimbBits);
        var r3 = value._l3 + (r2 >> LimbBits);
        var r4 = value._l4 + (r3 >> LimbBits);
        (r0, r1, r2, r3, r4) = (r0 & LimbMask, r1 & LimbMask, r2 & LimbMask, r3 & LimbMask, r4 & LimbMask);

        BinaryPrimitives.WriteUInt64LittleEndian(target, r0 | (r1 << 51));
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], (r1 >> 13) | (r2 << 38));
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], (r2 >> 26) | (r3 << 25));
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], (r3 >> 39) | (r4 << 12));
    }

    public static Field25519 operator +(in Field25519 a, in Field25519 b) =>
        Carry(a._l0 + b._l0, a._l1 + b._l1, a._l2 + b._l2, a._l3 + b._l3, a._l4 + b._l4);

    // 4p is added so that no limb goes below zero.
    public static Field25519 operator -(in Field25519 a, in Field25519 b) => Carry(
        a._l0 + 4 * (LimbMask - 18) - b._l0,
        a._l1 + 4 * LimbMask - b._l1,
        a._l2 + 4 * LimbMask - b._l2,
        a._l3 + 4 * LimbMask - b._l3,
        a._l4 + 4 * LimbMask - b._l4);

    public static Field25519 operator -(in Field25519 a) => Zero - a;

    public static Field25519 operator *(in Field25519 a, in Field25519 b)
    {
        // What goes past 2^255 comes back times 19.
        var (b1, b2, b3, b4) = (19 * b._l1, 19 * b._l2, 19 * b._l3, 19 * b._l4);
        var s0 = default(Sum);
        s0.Add(a._l0, b._l0);
        s0.Add(a._l1, b4);
        s0.Add(a._l2, b3);
        s0.Add(a._l3, b2);
        s0.Add(a._l4, b1);
        var s1 = default(Sum);
        s1.Add(a._l0, b._l1);
        s1.Add(a._l1, b._l0);
        s1.Add(a._l2, b4);
        s1.Add(a._l3, b3);
        s1.Add(a._l4, b2);
        var s2 = default(Sum);
        s2.Add(a._l0, b._l2);
        s2.Add(a._l1, b._l1);
        s2.Add(a._l2, b._l0);
        s2.Add(a._l3, b4);
        s2.Add(a._l4, b3);
        var s3 = default(Sum);
        s3.Add(a._l0, b._l3);
        s3.Add(a._l1, b._l2);
        s3.Add(a._l2, b._l1);
        s3.Add(a._l3, b._l0);
        s3.Add(a._l4, b4);
        var s4 = default(Sum);
        s4.Add(a._l0, b._l4);
        s4.Add(a._l1, b._l3);
        s4.Add(a._l2, b._l2);
        s4.Add(a._l3, b._l1);
        s4.Add(a._l4, b._l0);

        var r0 = s0.TakeLimb(0, out var carry);
        var r1 = s1.TakeLimb(carry, out carry);
        var r2 = s2.TakeLimb(carry, out carry);
        var r3 = s3.TakeLimb(carry, out carry);
        var r4 = s4.TakeLimb(carry, out carry);

        // The last carry may have 60 bits: times 19 it would not fit one word.
        var back = Math.BigMul(carry, 19UL, out var low);
        low += r0;
        if (low < r0) back++;
        r0 = low & LimbMask;
        r1 += (low >> LimbBits) | (back << (64 - LimbBits));
        return Carry(r0, r1, r2, r3, r4);
    }

    public Field25519 Square() => this * this;

    /// <summary>This to the power of a public exponent, little-endian.</summary>
    public Field25519 Power(ReadOnlySpan<byte> exponent)
    {
        var result = One;
        for (var bit = exponent.Length * 8 - 1; bit >= 0; bit--)
        {
            result = result.Square();
            if ((exponent[bit / 8] >> (bit % 8) & 1) != 0) result *= this;
        }

        return result;
    }

    /// <summary>1 divided by this; 0 for 0. Fermat: the power p − 2.</summary>
    public Field25519 Invert() => Power([0xeb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);

    /// <summary>The power (p − 5) / 8 = 2^252 − 3, a step to a square root.</summary>
    public Field25519 PowerForRoot() => Power([0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);

    /// <summary>The power (p − 1) / 4 = 2^253 − 5: of 2 it is a root of −1.</summary>
    public Field25519 PowerForMinusOne() => Power([0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]);

    public bool IsZero()
    {
        Span<byte> bytes = stackalloc byte[32];
        WriteTo(bytes);
        return bytes.IndexOfAnyExcept((byte)0) < 0;
    }

    public bool Equals(in Field25519 other) => (this - other).IsZero();

    /// <summary>The lowest bit, which serves as a sign.</summary>
    public bool IsOdd()
    {
        Span<byte> bytes = stackalloc byte[32];
        WriteTo(bytes);
        return (bytes[0] & 1) != 0;
    }

    /// <summary><paramref name="a"/> for a mask of zeros, <paramref name="b"/> for a mask of ones.</summary>
    public static Field25519 Select(in Field25519 a, in Field25519 b, ulong mask) => new(
        a._l0 ^ (mask & (a._l0 ^ b._l0)),
        a._l1 ^ (mask & (a._l1 ^ b._l1)),
        a._l2 ^ (mask & (a._l2 ^ b._l2)),
        a._l3 ^ (mask & (a._l3 ^ b._l3)),
        a._l4 ^ (mask & (a._l4 ^ b._l4)));

    private static Field25519 Carry(ulong r0, ulong r1, ulong r2, ulong r3, ulong r4)
    {
        r1 += r0 >> LimbBits;
        r2 += r1 >> LimbBits;
        r3 += r2 >> LimbBits;
        r4 += r3 >> LimbBits;
        return new((r0 & LimbMask) + 19 * (r4 >> LimbBits), r1 & LimbMask, r2 & LimbMask, r3 & LimbMask, r4 & LimbMask);
    }

    /// <summary>A sum of products, in 128 bits.</summary>
    private struct Sum
    {
        private ulong _high;
        private ulong _low;

        public void Add(ulong a, ulong b)
        {
            _high += Math.BigMul(a, b, out var low);
            _low += low;
            if (_low < low) _high++;
        }

        public ulong TakeLimb(ulong carryIn, out ulong carryOut)
        {
            _low += carryIn;
            if (_low < carryIn) _high++;
            carryOut = (_high << (64 - LimbBits)) | (_low >> LimbBits);
            return _low & LimbMask;
        }
    }
}
