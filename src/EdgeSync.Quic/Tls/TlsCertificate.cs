using System.Security.Cryptography;

namespace EdgeSync.Quic.Tls;

/// <summary>
/// What a server shows to clients that take no raw public keys: certificates of X.509, and the key of the first one,
/// which signs. The key belongs to this object. Signatures of RSA-PSS and ECDSA take randomness of the base library.
/// </summary>
public sealed class TlsCertificate : IDisposable
{
    /// <summary>Bytes of all certificates: a chain of four with RSA keys has about six thousand.</summary>
    public const int ChainBytesMax = 24 * 1024;

    private readonly AsymmetricAlgorithm? _key;
    private readonly Ed25519Key? _raw;
    private readonly ushort[] _schemes;

    /// <param name="chain">In DER, the server's own first; not empty.</param>
    /// <param name="key">RSA of 2048 bits and more, or ECDSA with P-256 or P-384.</param>
    /// <exception cref="NotSupportedException">The key is of another kind, or the chain too long.</exception>
    public TlsCertificate(IReadOnlyList<byte[]> chain, AsymmetricAlgorithm key) : this(chain)
    {
        _key = key;
        _schemes = key switch
        {
            RSA { KeySize: >= 2048 } =>
                [SignatureScheme.RsaPssSha256, SignatureScheme.RsaPssSha384, SignatureScheme.RsaPssSha512],
            ECDsa ecdsa when VerifyingKey.SchemeOf(ecdsa) is { } scheme => [scheme],
            _ => throw new NotSupportedException(
                "the key of a certificate must be RSA of 2048 bits and more, or ECDSA with P-256 or P-384"),
        };
    }

    /// <summary>With a key of Ed25519, which its owner keeps.</summary>
    /// <exception cref="NotSupportedException">The chain is too long.</exception>
    public TlsCertificate(IReadOnlyList<byte[]> chain, Ed25519Key key) : this(chain) =>
        (_raw, _schemes) = (key, [SignatureScheme.Ed25519]);

    private TlsCertificate(IReadOnlyList<byte[]> chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        ArgumentOutOfRangeException.ThrowIfZero(chain.Count);
        if (chain.Sum(c => c.Length) > ChainBytesMax)
            throw new NotSupportedException($"the certificates have more than {ChainBytesMax} bytes");
        (Chain, _schemes) = (chain, []);
    }

    internal IReadOnlyList<byte[]> Chain { get; }

    /// <summary>The scheme to sign with: the first of the client's that fits; null when there is none.</summary>
    internal ushort? ChooseScheme(List<ushort> offered)
    {
        foreach (var scheme in offered)
            if (_schemes.Contains(scheme)) return scheme;
        return null;
    }

    internal byte[] Sign(ushort scheme, byte[] content) => _key switch
    {
        RSA rsa => rsa.SignData(content, VerifyingKey.HashOf(scheme), RSASignaturePadding.Pss),
        ECDsa ecdsa => ecdsa.SignData(
            content, VerifyingKey.HashOf(scheme), DSASignatureFormat.Rfc3279DerSequence),
        _ => _raw!.Sign(content),
    };

    public void Dispose() => _key?.Dispose();
}
