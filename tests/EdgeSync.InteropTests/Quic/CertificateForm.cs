using EdgeSync.Quic;
using EdgeSync.Quic.Tls;

namespace EdgeSync.InteropTests.Quic;

/// <summary>
/// Keys in X.509 certificates, for peers that know no raw public keys. Nothing of a certificate is verified but that
/// its key signs: the other side is a program that this test has started.
/// </summary>
/// <param name="certificate">Our own, in DER.</param>
internal sealed class CertificateForm(byte[] certificate) : KeyForm
{
    public override bool AsksClients => false;

    public override void WriteOffer(TlsWriter extensions)
    {
        // X.509 is what is meant without an offer (RFC 7250 §4.1).
    }

    public override QuicError? CheckOffer(ExtensionBlock hello) => null;

    public override void WriteChoice(TlsWriter extensions)
    {
    }

    public override bool IsChosen(ExtensionBlock encrypted) => true;

    public override byte[] WriteCertificate(ReadOnlySpan<byte> publicKey) =>
        TlsWriter.Message(HandshakeType.Certificate, message => message
            .Byte(0)
            .Vector(3, entries => entries.Vector(3, e => e.Bytes(certificate)).Vector(2, _ => { })));

    public override QuicError? TryReadCertificate(ReadOnlySpan<byte> body, bool isFromClient, out byte[] publicKey)
    {
        publicKey = [];
        var at = body.IndexOf(TlsProfile.SpkiPrefix);
        if (at < 0) return TlsAlert.UnsupportedCertificate.ToError("the certificate has no Ed25519 key");
        publicKey = body.Slice(at + TlsProfile.SpkiPrefix.Length, Ed25519Key.KeyBytes).ToArray();
        return null;
    }
}
