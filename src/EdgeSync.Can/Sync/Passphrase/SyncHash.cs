using Blake3;

namespace EdgeSync.Can.Sync.Passphrase;

/// <summary>The uses of BLAKE3: plain hashes, and keys derived for one purpose.</summary>
internal static class SyncHash
{
    /// <summary>Bytes of a hash.</summary>
    public const int Size = 32;

    public static byte[] Compute(ReadOnlySpan<byte> content) => Hasher.Hash(content).AsSpan().ToArray();

    public static void Compute(ReadOnlySpan<byte> content, Span<byte> target) => Hasher.Hash(content, target);

    /// <summary>BLAKE3's key derivation.</summary>
    /// <param name="context">The purpose, in ASCII.</param>
    /// <param name="material">What is derived from.</param>
    public static byte[] Derive(ReadOnlySpan<byte> context, ReadOnlySpan<byte> material)
    {
        using var hasher = Hasher.NewDeriveKey(context);
        hasher.Update(material);
        return hasher.Finalize().AsSpan().ToArray();
    }
}
