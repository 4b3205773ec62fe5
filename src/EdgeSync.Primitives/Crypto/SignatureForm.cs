namespace EdgeSync.Primitives;

/// <summary>
/// Rejects forms of Ed25519 keys and signatures that libraries accept: with them a signature would have several
/// forms, or be valid for several messages. Comparisons of bytes only; the arithmetic is the library's.
/// </summary>
public static class SignatureForm
{
    /// <summary>Bytes of a signature: the point R and the scalar S.</summary>
    public const int SignatureBytes = 64;

    private const int PointBytes = 32;

    // Little-endian, as points and scalars are written. Spec: RFC 8032 §5.1.
    private static readonly byte[] Prime = Convert.FromHexString(
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    private static readonly byte[] Order = Convert.FromHexString(
        "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

    /// <summary>
    /// y of the eight points whose order divides eight: with such a key, one signature is valid for many messages.
    /// </summary>
    private static readonly byte[][] SmallOrder =
    [
        Convert.FromHexString("0000000000000000000000000000000000000000000000000000000000000000"),
        Convert.FromHexString("0100000000000000000000000000000000000000000000000000000000000000"),
        Convert.FromHexString("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        Convert.FromHexString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        Convert.FromHexString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ];

    /// <summary>S is below the group's order; key and R are in their one encoding and not of small order.</summary>
    public static bool IsStrict(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> signature) =>
        publicKey.Length == PointBytes && signature.Length == SignatureBytes
        && IsBelow(signature[PointBytes..], Order)
        && IsStrictPoint(publicKey) && IsStrictPoint(signature[..PointBytes]);

    private static bool IsStrictPoint(ReadOnlySpan<byte> point)
    {
        Span<byte> y = stackalloc byte[PointBytes];
        point.CopyTo(y);
        y[^1] &= 0x7f;   // the sign of x
        if (!IsBelow(y, Prime)) return false;

        foreach (var small in SmallOrder)
            if (y.SequenceEqual(small)) return false;
        return true;
    }

    private static bool IsBelow(ReadOnlySpan<byte> number, ReadOnlySpan<byte> limit)
    {
        for (var i = number.Length - 1; i >= 0; i--)
            if (number[i] != limit[i]) return number[i] < limit[i];
        return false;
    }
}
