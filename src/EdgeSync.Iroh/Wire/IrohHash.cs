using Blake3;

namespace EdgeSync.Iroh.Wire;

/// <summary>The two uses of BLAKE3.</summary>
internal static class IrohHash
{
    public const int Bytes = 32;

    /// <summary>32 bytes of plain BLAKE3.</summary>
    public static byte[] Compute(ReadOnlySpan<byte> content) => Hasher.Hash(content).AsSpan().ToArray();

    /// <summary>32 bytes of BLAKE3's key derivation.</summary>
    /// <param name="context">Of the protocol, in ASCII.</param>
    /// <param name="material">What is derived from.</param>
    public static byte[] DeriveKey(ReadOnlySpan<byte> context, ReadOnlySpan<byte> material)
    {
        using var hasher = Hasher.NewDeriveKey(context);
        hasher.Update(material);
        return hasher.Finalize().AsSpan().ToArray();
    }
}
