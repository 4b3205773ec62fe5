using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EdgeSync.Quic.Tls;

/// <summary>A key of the other side, which its signature is verified with.</summary>
internal abstract class VerifyingKey : IDisposable
{
    private const string Ed25519Oid = "1.3.101.112";
    private const string P256Oid = "1.2.840.10045.3.1.7";
    private const string P384Oid = "1.3.132.0.34";

    /// <summary>Whether signatures of a scheme can be by this key.</summary>
    public abstract bool Fits(ushort scheme);

    /// <summary>Verifies a signature of a scheme that fits.</summary>
    public abstract bool Verify(ushort scheme, ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature);

    public abstract void Dispose();

    public static VerifyingKey OfRawKey(byte[] publicKey) => new RawKey(publicKey);

    /// <summary>The key of a certificate; null when it is of no kind that is supported.</summary>
    /// <exception cref="CryptographicException">The key is malformed.</exception>
    public static VerifyingKey? Of(X509Certificate2 certificate)
    {
        if (certificate.PublicKey.Oid.Value == Ed25519Oid)
        {
            var key = certificate.PublicKey.EncodedKeyValue.RawData;
            return Ed25519Key.IsPoint(key) ? new RawKey(key) : null;
        }

        if (certificate.GetRSAPublicKey() is { } rsa) return new RsaKey(rsa);
        if (certificate.GetECDsaPublicKey() is not { } ecdsa) return null;
        if (SchemeOf(ecdsa) is { } scheme) return new EcdsaKey(ecdsa, scheme);
        ecdsa.Dispose();
        return null;
    }

    /// <summary>The one scheme of a key: TLS 1.3 ties curves and hashes.</summary>
    public static ushort? SchemeOf(ECDsa key) => key.ExportParameters(false).Curve.Oid?.Value switch
    {
        P256Oid => SignatureScheme.EcdsaP256Sha256,
        P384Oid => SignatureScheme.EcdsaP384Sha384,
        _ => null,
    };

    /// <summary>Hash of a scheme of RSA or ECDSA.</summary>
    public static HashAlgorithmName HashOf(ushort scheme) => scheme switch
    {
        SignatureScheme.EcdsaP384Sha384 or SignatureScheme.RsaPssSha384 => HashAlgorithmName.SHA384,
        SignatureScheme.RsaPssSha512 => HashAlgorithmName.SHA512,
        _ => HashAlgorithmName.SHA256,
    };

    private sealed class RawKey(byte[] publicKey) : VerifyingKey
    {
        public override bool Fits(ushort scheme) => scheme == SignatureScheme.Ed25519;

        public override bool Verify(ushort scheme, ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature) =>
            Ed25519Key.Verify(publicKey, content, signature);

        public override void Dispose()
        {
        }
    }

    private sealed class RsaKey(RSA key) : VerifyingKey
    {
        public override bool Fits(ushort scheme) =>
            scheme is >= SignatureScheme.RsaPssSha256 and <= SignatureScheme.RsaPssSha512;

        public override bool Verify(ushort scheme, ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature) =>
            key.VerifyData(content, signature, HashOf(scheme), RSASignaturePadding.Pss);

        public override void Dispose() => key.Dispose();
    }

    private sealed class EcdsaKey(ECDsa key, ushort only) : VerifyingKey
    {
        public override bool Fits(ushort scheme) => scheme == only;

        public override bool Verify(ushort scheme, ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature) =>
            key.VerifyData(content, signature, HashOf(scheme), DSASignatureFormat.Rfc3279DerSequence);

        public override void Dispose() => key.Dispose();
    }
}
