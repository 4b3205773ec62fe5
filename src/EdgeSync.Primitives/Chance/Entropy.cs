namespace EdgeSync.Primitives;

/// <summary>
/// Bytes that nobody may guess: passwords, nonces, codes. Shells give the system's; tests give a seeded one.
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
