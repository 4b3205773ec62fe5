namespace EdgeSync.Primitives.Crypto;

/// <summary>
/// A point of the curve −x² + y² = 1 + d·x²·y² over p, in extended coordinates: x = X/Z, y = Y/Z, T = X·Y/Z. The formulas
/// for adding and doubling hold for all points, so nothing branches on secrets.
/// </summary>
internal readonly struct EdwardsPoint
{
    private static readonly Field25519 D = -(Field25519.FromSmall(121_665) * Field25519.FromSmall(121_666).Invert());
    private static readonly Field25519 TwiceD = D + D;
    private static readonly Field25519 RootOfMinusOne = Field25519.FromSmall(2).PowerForMinusOne();

    private readonly Field25519 _x;
    private readonly Field25519 _y;
    private readonly Field25519 _z;
    private readonly Field25519 _t;

    private EdwardsPoint(in Field25519 x, in Field25519 y, in Field25519 z, in Field25519 t) => (_x, _y, _z, _t) = (x, y, z, t);

    public static EdwardsPoint Neutral => new(Field25519.Zero, Field25519.One, Field25519.One, Field25519.Zero);

    /// <summary>B: y = 4/5 and the even x.</summary>
    public static EdwardsPoint Base { get; } = MakeBase();

    public static EdwardsPoint operator -(in EdwardsPoint a) => new(-a._x, a._y, a._z, -a._t);

    // Spec: RFC 8032 §5.1.4.
    public static EdwardsPoint operator +(in EdwardsPoint p, in EdwardsPoint q)
    {
        var a = (p._y - p._x) * (q._y - q._x);
        var b = (p._y + p._x) * (q._y + q._x);
        var c = p._t * TwiceD * q._t;
        var d = p._z * q._z;
        d += d;
        var (e, f, g, h) = (b - a, d - c, d + c, b + a);
        return new(e * f, g * h, f * g, e * h);
    }

    public EdwardsPoint Double()
    {
        var a = _x.Square();
        var b = _y.Square();
        var c = _z.Square();
        var h = a + b;
        var e = h - (_x + _y).Square();
        var g = a - b;
        var f = c + c + g;
        return new(e * f, g * h, f * g, e * h);
    }

    /// <summary>The same steps for every scalar.</summary>
    public EdwardsPoint Multiply(in Scalar25519 scalar)
    {
        var result = Neutral;
        for (var bit = 252; bit >= 0; bit--)
        {
            result = result.Double();
            result = Select(result, result + this, 0 - scalar.Bit(bit));
        }

        return result;
    }

    /// <summary>Eight times this is the neutral point: such a key fits any message.</summary>
    public bool IsSmallOrder() => Double().Double().Double().IsNeutral();

    // Spec: RFC 8032 §5.1.2: y, and the sign of x in the top bit.
    public void WriteTo(Span<byte> target)
    {
        var inverse = _z.Invert();
        (_y * inverse).WriteTo(target);
        if ((_x * inverse).IsOdd()) target[31] |= 0x80;
    }

    // Spec: RFC 8032 §5.1.3. A y that is not below p is refused, and so is the sign of x = 0.
    public static bool TryRead(ReadOnlySpan<byte> bytes, out EdwardsPoint point)
    {
        point = default;
        if (bytes.Length != 32) return false;

        var y = Field25519.FromBytes(bytes);
        Span<byte> canonical = stackalloc byte[32];
        y.WriteTo(canonical);
        var isNegative = (bytes[31] & 0x80) != 0;
        if (isNegative) canonical[31] |= 0x80;
        if (!canonical.SequenceEqual(bytes)) return false;

        var ySquare = y.Square();
        var (u, v) = (ySquare - Field25519.One, D * ySquare + Field25519.One);
        var vCube = v.Square() * v;
        var x = u * vCube * (u * vCube.Square() * v).PowerForRoot();
        var check = v * x.Square();
        if (!check.Equals(u))
        {
            if (!check.Equals(-u)) return false;
            x *= RootOfMinusOne;
        }

        if (x.IsZero() && isNegative) return false;
        if (x.IsOdd() != isNegative) x = -x;
        point = new(x, y, Field25519.One, x * y);
        return true;
    }

    private bool IsNeutral() => _x.IsZero() && _y.Equals(_z);

    private static EdwardsPoint Select(in EdwardsPoint a, in EdwardsPoint b, ulong mask) => new(
        Field25519.Select(a._x, b._x, mask),
        Field25519.Select(a._y, b._y, mask),
        Field25519.Select(a._z, b._z, mask),
        Field25519.Select(a._t, b._t, mask));

    private static EdwardsPoint MakeBase()
    {
        Span<byte> bytes = stackalloc byte[32];
        (Field25519.FromSmall(4) * Field25519.FromSmall(5).Invert()).WriteTo(bytes);
        Invariant.Require(TryRead(bytes, out var point));
        return point;
    }
}
