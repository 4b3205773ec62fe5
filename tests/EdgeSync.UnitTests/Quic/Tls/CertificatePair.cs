using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Quic.Tls;

namespace EdgeSync.UnitTests.Quic.Tls;

/// <summary>Handshakes with certificates; what a machine trusts is the test's own decision.</summary>
internal sealed class CertificatePair : ICertificateVerifier
{
    public string? Host { get; private set; }

    public IReadOnlyList<byte[]> Chain { get; private set; } = [];

    public CertificateFault? Fault { get; init; }

    public CertificateFault? Verify(string host, IReadOnlyList<byte[]> chain)
    {
        (Host, Chain) = (host, chain);
        return Fault;
    }

    public TlsOptions ClientOptions(string host = "relay.test") => TlsPair.ClientOptions() with
    {
        ServerTrust = new ServerTrust(host, this),
        ExpectedPeer = null,
    };

    public static TlsOptions ServerOptions(TlsCertificate? certificate) =>
        TlsPair.ServerOptions() with { Certificate = certificate };

    /// <summary>A certificate of itself with a key of a kind: rsa, p256, p384, p521, ed25519.</summary>
    /// <param name="usage">What its key is for; null: it does not say.</param>
    public static TlsCertificate Make(string kind, X509KeyUsageFlags? usage = null)
    {
        if (kind == "ed25519")
        {
            var generator = new Ed25519Generator(TlsPair.ServerKey);
            return new TlsCertificate(
                [Sign(new CertificateRequest(new X500DistinguishedName("CN=relay.test"), generator.PublicKey,
                    HashAlgorithmName.SHA512), generator, usage)],
                TlsPair.ServerKey);
        }

        if (kind == "rsa")
        {
            var rsa = RSA.Create(2048);
            return new TlsCertificate(
                [Sign(new CertificateRequest("CN=relay.test", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
                    X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pss), usage)],
                rsa);
        }

        var key = ECDsa.Create(CurveOf(kind));
        return new TlsCertificate([CertificateOf(key, usage)], key);
    }

    public static byte[] CertificateOf(ECDsa key, X509KeyUsageFlags? usage = null) => Sign(
        new CertificateRequest("CN=relay.test", key, HashAlgorithmName.SHA256),
        X509SignatureGenerator.CreateForECDsa(key), usage);

    public static ECCurve CurveOf(string kind) => kind switch
    {
        "p384" => ECCurve.NamedCurves.nistP384,
        "p521" => ECCurve.NamedCurves.nistP521,
        _ => ECCurve.NamedCurves.nistP256,
    };

    private static byte[] Sign(
        CertificateRequest request, X509SignatureGenerator generator, X509KeyUsageFlags? usage)
    {
        if (usage is { } flags) request.CertificateExtensions.Add(new X509KeyUsageExtension(flags, true));
        var begin = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        using var made = request.Create(request.SubjectName, generator, begin, begin.AddYears(1), [1]);
        return made.RawData;
    }

    /// <summary>The base library signs no certificates by Ed25519.</summary>
    private sealed class Ed25519Generator(Ed25519Key key) : X509SignatureGenerator
    {
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) =>
            [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => key.Sign(data);

        protected override PublicKey BuildPublicKey()
        {
            var spki = new byte[TlsProfile.SpkiPrefix.Length + Ed25519Key.KeyBytes];
            TlsProfile.SpkiPrefix.CopyTo(spki);
            key.PublicKey.Span.CopyTo(spki.AsSpan(TlsProfile.SpkiPrefix.Length));
            return PublicKey.CreateFromSubjectPublicKeyInfo(spki, out _);
        }
    }
}
