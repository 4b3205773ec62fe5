using System.Security.Cryptography;

namespace EdgeSync.Primitives.Crypto;

/// <summary>
/// Signatures with Ed25519 (RFC 8032, the pure variant), in managed code: the base library has none, and nodes must sign
/// without a native library of the right version.
/// </summary>
/// <remarks>
/// Signing takes the same steps for every key. Verifying is strict: S below L, points in their one encoding, and neither the
/// key nor R of small order, so that a signature has one form and fits one message.
/// </remarks>
public static class Ed25519
{
    /// <summary>A private key is its seed.</summary>
    public const int SeedBytes = 32;

    public const int PublicKeyBytes = 32;

    public const int SignatureBytes = 64;

    /// <exception cref="ArgumentException">A wrong length.</exception>
    public static void WritePublicKey(ReadOnlySpan<byte> seed, Span<byte> publicKey)
    {
        RequireLength(seed, SeedBytes, nameof(seed));
        Span<byte> hash = stackalloc byte[64];
        EdwardsPoint.Base.Multiply(Expand(seed, hash)).WriteTo(publicKey);
        CryptographicOperations.ZeroMemory(hash);
    }

    /// <exception cref="ArgumentException">A wrong length.</exception>
    public static void Sign(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> message, Span<byte> signature)
    {
        RequireLength(seed, SeedBytes, nameof(seed));
        RequireLength(signature, SignatureBytes, nameof(signature));

        // Spec: RFC 8032 §5.1.6.
        Span<byte> hash = stackalloc byte[64];
        var secret = Expand(seed, hash);
        Span<byte> publicKey = stackalloc byte[PublicKeyBytes];
        EdwardsPoint.Base.Multiply(secret).WriteTo(publicKey);

        var once = HashToScalar(hash[32..], default, message);
        EdwardsPoint.Base.Multiply(once).WriteTo(signature[..32]);
        var challenge = HashToScalar(signature[..32], publicKey, message);
        Scalar25519.MultiplyAdd(challenge, secret, once).WriteTo(signature[32..]);
        CryptographicOperations.ZeroMemory(hash);
    }

    /// <summary>False for anything that is not a signature of this message by this key, of any length.</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != PublicKeyBytes || signature.Length != SignatureBytes) return false;
        if (!Scalar25519.IsCanonical(signature[32..])) return false;
        if (!EdwardsPoint.TryRead(publicKey, out var key) || key.IsSmallOrder()) return false;
        if (!EdwardsPoint.TryRead(signature[..32], out var r) || r.IsSmallOrder()) return false;

        // Spec: RFC 8032 §5.1.7: S·B = R + k·A, here as R = S·B − k·A.
        var challenge = HashToScalar(signature[..32], publicKey, message);
        var expected = EdwardsPoint.Base.Multiply(Scalar25519.FromBytes(signature[32..])) + (-key).Multiply(challenge);
        Span<byte> bytes = stackalloc byte[32];
        expected.WriteTo(bytes);
        return bytes.SequenceEqual(signature[..32]);
    }

    /// <summary>The secret scalar of a seed; the upper half of the hash is what makes signatures of one message differ between keys.</summary>
    private static Scalar25519 Expand(ReadOnlySpan<byte> seed, Span<byte> hash)
    {
        SHA512.HashData(seed, hash);
        Span<byte> scalar = stackalloc byte[32];
        hash[..32].CopyTo(scalar);
        scalar[0] &= 0xf8;
        scalar[31] = (byte)((scalar[31] & 0x7f) | 0x40);

        // Taken modulo L: on the base point, whose order is L, that changes nothing.
        var result = Scalar25519.FromBytes(scalar);
        CryptographicOperations.ZeroMemory(scalar);
        return result;
    }

    private static Scalar25519 HashToScalar(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> message)
    {
        using var hasher = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        hasher.AppendData(first);
        hasher.AppendData(second);
        hasher.AppendData(message);
        Span<byte> hash = stackalloc byte[64];
        hasher.GetHashAndReset(hash);
        return Scalar25519.FromWide(hash);
    }

    private static void RequireLength(ReadOnlySpan<byte> bytes, int length, string name)
    {
        if (bytes.Length != length) throw new ArgumentException($"It has {length} bytes, not {bytes.Length}.", name);
    }
}
