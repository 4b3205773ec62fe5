using System.Security.Cryptography;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Wasm;

/// <summary>The browser's generator of random bytes.</summary>
internal sealed class BrowserEntropy : Entropy
{
    public static BrowserEntropy Instance { get; } = new();

    public override void Fill(Span<byte> target) => RandomNumberGenerator.Fill(target);

    public Prng NewPrng()
    {
        Span<byte> seed = stackalloc byte[8];
        Fill(seed);
        return new Prng(BitConverter.ToUInt64(seed));
    }
}
