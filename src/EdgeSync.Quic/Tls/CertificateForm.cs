using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Tls;

/// <summary>
/// The server shows certificates of X.509, the client nothing: what is meant by a client that names no types of
/// certificates (RFC 7250 §4.1). One object for one handshake.
/// </summary>
internal sealed class CertificateForm : KeyForm
{
    /// <summary>Certificates in a chain; public ones have two or three.</summary>
    private const int CertificatesMax = 10;

    private const byte DerSequence = 0x30;

    private readonly ServerTrust? _trust;
    private readonly TlsCertificate? _certificate;
    private ushort _scheme;

    /// <summary>Of a client.</summary>
    public CertificateForm(ServerTrust trust) => _trust = trust;

    /// <summary>Of a server.</summary>
    public CertificateForm(TlsCertificate certificate) => _certificate = certificate;

    public override int CertificateBytesMax => TlsCertificate.ChainBytesMax + 1024;

    public override bool AsksClients => false;

    public override void WriteOffer(TlsWriter extensions)
    {
    }

    public override void WriteSchemes(TlsWriter list)
    {
        foreach (var scheme in SignatureScheme.OfHandshakes) list.UInt16(scheme);
        foreach (var scheme in SignatureScheme.OfCertificatesOnly) list.UInt16(scheme);
    }

    public override QuicError? CheckOffer(ExtensionBlock hello) => null;

    public override QuicError? CheckSchemes(List<ushort> offered)
    {
        if (_certificate!.ChooseScheme(offered) is not { } scheme)
            return TlsAlert.HandshakeFailure.ToError("the client takes no signature by the key of the certificate");
        _scheme = scheme;
        return null;
    }

    public override void WriteChoice(TlsWriter extensions)
    {
    }

    public override bool IsChosen(ExtensionBlock encrypted) => true;

    /// <summary>A request is answered with no certificate, whatever it is for.</summary>
    public override QuicError? CheckRequest(ReadOnlySpan<byte> body) =>
        TlsMessages.CheckCertificateRequest(body, needsEd25519: false);

    public override byte[] WriteCertificate(Ed25519Key key) =>
        TlsWriter.Message(HandshakeType.Certificate, message => message
            .Byte(0)
            .Vector(3, entries =>
            {
                foreach (var certificate in _certificate?.Chain ?? [])
                    entries.Vector(3, e => e.Bytes(certificate)).Vector(2, _ => { });
            }));

    public override HandshakeSignature? Sign(Ed25519Key key, byte[] content) =>
        _certificate is null ? null : new HandshakeSignature(_scheme, _certificate.Sign(_scheme, content));

    public override QuicError? TryReadCertificate(
        ReadOnlySpan<byte> body, bool isFromClient, out byte[] publicKey, out VerifyingKey? verifying)
    {
        (publicKey, verifying) = ([], null);
        if (TryReadChain(body, out var chain) is { } error) return error;
        if (_trust!.Verifier.Verify(_trust.Name, chain) is { } fault)
            return AlertOf(fault.Problem).ToError(fault.Reason);
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(chain[0]);
            if (!MaySign(certificate))
                return TlsAlert.UnsupportedCertificate.ToError("the key of the certificate is not for signatures");
            verifying = VerifyingKey.Of(certificate);
            return verifying is null
                ? TlsAlert.UnsupportedCertificate.ToError("the certificate has a key of another kind")
                : null;
        }
        catch (CryptographicException)
        {
            return TlsAlert.BadCertificate.ToError("the certificate is malformed");
        }
    }

    /// <summary>The certificates of a Certificate message (RFC 8446 §4.4.2).</summary>
    private static QuicError? TryReadChain(ReadOnlySpan<byte> body, out List<byte[]> chain)
    {
        chain = [];
        var reader = new WireReader(body);
        if (!reader.TryReadVector8(out var context) || !reader.TryReadVector24(out var list) || !reader.IsAtEnd)
            return TlsAlert.DecodeError.ToError("the Certificate is malformed");
        if (!context.IsEmpty) return TlsAlert.IllegalParameter.ToError("the Certificate has a context");
        if (list.IsEmpty) return TlsAlert.DecodeError.ToError("the server has no certificate");
        var entries = new WireReader(list);
        while (!entries.IsAtEnd)
        {
            if (!entries.TryReadVector24(out var certificate) || certificate.IsEmpty)
                return TlsAlert.DecodeError.ToError("the Certificate is malformed");
            if (ExtensionBlock.TryRead(ref entries, out var extensions) is { } error) return error;
            if (extensions.Types.Count > 0)
                return TlsAlert.UnsupportedExtension.ToError("a certificate has extensions that were not asked for");
            if (certificate[0] != DerSequence) return TlsAlert.BadCertificate.ToError("a certificate is malformed");
            if (chain.Count == CertificatesMax)
                return TlsAlert.BadCertificate.ToError("there are too many certificates");
            chain.Add(certificate.ToArray());
        }

        return null;
    }

    /// <summary>A certificate that says what its key is for must name signatures (RFC 8446 §4.4.2.2).</summary>
    private static bool MaySign(X509Certificate2 certificate)
    {
        foreach (var extension in certificate.Extensions)
            if (extension is X509KeyUsageExtension usage)
                return (usage.KeyUsages & X509KeyUsageFlags.DigitalSignature) != 0;
        return true;
    }

    private static TlsAlert AlertOf(CertificateProblem problem) => problem switch
    {
        CertificateProblem.UnknownAuthority => TlsAlert.UnknownCa,
        CertificateProblem.Expired => TlsAlert.CertificateExpired,
        CertificateProblem.Revoked => TlsAlert.CertificateRevoked,
        CertificateProblem.Unsuitable => TlsAlert.UnsupportedCertificate,
        CertificateProblem.Other => TlsAlert.CertificateUnknown,
        _ => TlsAlert.BadCertificate,
    };
}
