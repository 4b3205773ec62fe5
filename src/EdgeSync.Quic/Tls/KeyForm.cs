namespace EdgeSync.Quic.Tls;

/// <summary>
/// The form in which both sides show their keys: raw public keys (RFC 7250), the only one of the program. The
/// interoperability tests derive another one, for peers that support certificates only.
/// </summary>
internal class KeyForm
{
    public static KeyForm Raw { get; } = new();

    /// <summary>Whether a server requests the client's key, which authenticates the client.</summary>
    public virtual bool AsksClients => true;

    /// <summary>Writes the extensions of a ClientHello by which a client offers the form.</summary>
    public virtual void WriteOffer(TlsWriter extensions) => extensions
        .Extension(ExtensionType.ClientCertificateType, e => e.Vector(1, l => l.Byte(TlsProfile.RawPublicKey)))
        .Extension(ExtensionType.ServerCertificateType, e => e.Vector(1, l => l.Byte(TlsProfile.RawPublicKey)));

    /// <summary>Whether a client offers the form.</summary>
    public virtual QuicError? CheckOffer(ExtensionBlock hello)
    {
        foreach (var type in new[] { ExtensionType.ClientCertificateType, ExtensionType.ServerCertificateType })
        {
            if (hello[type] is not { } types)
                return TlsAlert.HandshakeFailure.ToError("the client does not offer raw public keys");
            switch (TlsReading.ListHolds8(types, TlsProfile.RawPublicKey))
            {
                case null: return TlsAlert.DecodeError.ToError("the certificate types are malformed");
                case false: return TlsAlert.HandshakeFailure.ToError("the client does not offer raw public keys");
            }
        }

        return null;
    }

    /// <summary>Writes the extensions by which a server chooses the form.</summary>
    public virtual void WriteChoice(TlsWriter extensions) => extensions
        .Extension(ExtensionType.ClientCertificateType, e => e.Byte(TlsProfile.RawPublicKey))
        .Extension(ExtensionType.ServerCertificateType, e => e.Byte(TlsProfile.RawPublicKey));

    /// <summary>Whether a server has chosen the form.</summary>
    public virtual bool IsChosen(ExtensionBlock encrypted) =>
        encrypted[ExtensionType.ServerCertificateType] is [TlsProfile.RawPublicKey]
        && encrypted[ExtensionType.ClientCertificateType] is [TlsProfile.RawPublicKey];

    /// <summary>A Certificate message that shows a key.</summary>
    public virtual byte[] WriteCertificate(ReadOnlySpan<byte> publicKey) => TlsMessages.WriteCertificate(publicKey);

    /// <summary>Reads the key of a Certificate message.</summary>
    public virtual QuicError? TryReadCertificate(
        ReadOnlySpan<byte> body, bool isFromClient, out byte[] publicKey) =>
        TlsMessages.TryReadCertificate(body, isFromClient, out publicKey);
}
