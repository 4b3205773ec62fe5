using System.Security.Cryptography;
using EdgeSync.Primitives;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace EdgeSync.Quic.Tls;

/// <summary>The key pair that an endpoint is known by. Spec: RFC 8032 §5.1.</summary>
public sealed class Ed25519Key : IDisposable
{
    /// <summary>Bytes of a seed, and of a public key.</summary>
    public const int KeyBytes = 32;

    private readonly byte[] _seed;
    private readonly byte[] _publicKey = new byte[KeyBytes];

    /// <param name="seed">32 secret bytes; copied.</param>
    public Ed25519Key(ReadOnlySpan<byte> seed)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(seed.Length, KeyBytes);
        _seed = seed.ToArray();
        Ed25519.GeneratePublicKey(_seed, 0, _publicKey, 0);
    }

    /// <summary>32 bytes that identify the endpoint.</summary>
    public ReadOnlyMemory<byte> PublicKey => _publicKey;

    /// <summary>64 bytes of signature; the same for the same message.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        var signature = new byte[SignatureForm.SignatureBytes];
        var copy = message.ToArray();
        Ed25519.Sign(_seed, 0, copy, 0, copy.Length, signature, 0);
        return signature;
    }

    /// <summary>
    /// Strict verification, as iroh's: keys and points of small order and second encodings do not pass.
    /// </summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (!SignatureForm.IsStrict(publicKey, signature)) return false;
        var copy = message.ToArray();
        return Ed25519.Verify(signature.ToArray(), 0, publicKey.ToArray(), 0, copy, 0, copy.Length);
    }

    /// <summary>Whether the bytes are a point of the curve in its one encoding.</summary>
    public static bool IsPoint(ReadOnlySpan<byte> publicKey) =>
        publicKey.Length == KeyBytes && Ed25519.ValidatePublicKeyPartial(publicKey.ToArray(), 0);

    /// <summary>32 bytes that only the holder of the key can make, for one purpose.</summary>
    /// <param name="purpose">Another one makes other bytes.</param>
    public byte[] Derive(ReadOnlySpan<byte> purpose) => HMACSHA256.HashData(_seed, purpose);

    /// <summary>Clears the seed.</summary>
    public void Dispose() => CryptographicOperations.ZeroMemory(_seed);
}
