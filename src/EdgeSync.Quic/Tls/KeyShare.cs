using System.Security.Cryptography;
using EdgeSync.Primitives;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace EdgeSync.Quic.Tls;

/// <summary>One side of an X25519 exchange, used once. Spec: RFC 7748 §6.1, RFC 8446 §7.4.2.</summary>
internal sealed class KeyShare : IDisposable
{
    public const int Bytes = 32;

    private readonly byte[] _secret;

    /// <param name="secret">32 bytes; copied.</param>
    public KeyShare(ReadOnlySpan<byte> secret)
    {
        _secret = secret.ToArray();
        X25519.ScalarMultBase(_secret, 0, Public, 0);
    }

    public byte[] Public { get; } = new byte[Bytes];

    public static KeyShare NewRandom(Entropy entropy)
    {
        Span<byte> secret = stackalloc byte[Bytes];
        entropy.Fill(secret);
        var share = new KeyShare(secret);
        CryptographicOperations.ZeroMemory(secret);
        return share;
    }

    /// <summary>The shared secret of 32 bytes, or null for a share that leads to zero.</summary>
    public byte[]? Agree(ReadOnlySpan<byte> peer)
    {
        if (peer.Length != Bytes) return null;
        var shared = new byte[Bytes];
        return X25519.CalculateAgreement(_secret, 0, peer.ToArray(), 0, shared, 0) ? shared : null;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_secret);
}
