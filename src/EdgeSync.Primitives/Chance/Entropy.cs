namespace EdgeSync.Primitives;

/// <summary>
/// Random bytes that must not be predictable: passwords, nonces, codes. Shells use the system's generator; tests use a
/// seeded one.
/// </summary>
public abstract class Entropy
{
    public abstract void Fill(Span<byte> target);

    /// <summary>Random lower-case hex, <paramref name="digits"/> long (even).</summary>
    public string NextHex(int digits)
    {
        Span<byte> bytes = stackalloc byte[64];
        bytes = bytes[..(digits / 2)];
        Fill(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}

/// <summary>Repeatable "secrets", for tests and simulation only.</summary>
public sealed class SeededEntropy(ulong seed) : Entropy
{
    private readonly Prng _prng = new(seed);

    public override void Fill(Span<byte> target) => _prng.Fill(target);
}
