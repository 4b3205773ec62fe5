namespace EdgeSync.Quic.Tls;

/// <summary>A signature of a handshake.</summary>
internal readonly record struct HandshakeSignature(ushort Scheme, byte[] Bytes);

/// <summary>
/// The form in which the sides show their keys: raw public keys (RFC 7250) on both, as between endpoints of iroh, or
/// certificates of X.509 of the server alone (<see cref="CertificateForm"/>).
/// </summary>
internal class KeyForm
{
    /// <summary>Bytes of the longest Certificate message.</summary>
    public virtual int CertificateBytesMax => 1024;

    public static KeyForm Raw { get; } = new();

    /// <summary>Whether a server requests the client's key, which authenticates the client.</summary>
    public virtual bool AsksClients => true;

    /// <summary>The extensions of a ClientHello by which a client offers the form.</summary>
    public virtual void WriteOffer(TlsWriter extensions) => extensions
        .Extension(ExtensionType.ClientCertificateType, e => e.Vector(1, l => l.Byte(TlsProfile.RawPublicKey)))
        .Extension(ExtensionType.ServerCertificateType, e => e.Vector(1, l => l.Byte(TlsProfile.RawPublicKey)));

    /// <summary>The list of signature schemes in a ClientHello.</summary>
    public virtual void WriteSchemes(TlsWriter list) => list.UInt16(TlsProfile.SchemeEd25519);

    /// <summary>Whether a client prefers raw public keys of a server to its certificate.</summary>
    public static bool IsWantedBy(ExtensionBlock hello) =>
        hello[ExtensionType.ServerCertificateType] is { } types
        && TlsReading.ListHolds8(types, TlsProfile.RawPublicKey) is not false;

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

    /// <summary>Whether a signature of ours is taken by a client that names these schemes.</summary>
    public virtual QuicError? CheckSchemes(List<ushort> offered) => offered.Contains(TlsProfile.SchemeEd25519)
        ? null
        : TlsAlert.HandshakeFailure.ToError("the client does not take Ed25519");

    /// <summary>Writes the extensions by which a server chooses the form.</summary>
    public virtual void WriteChoice(TlsWriter extensions) => extensions
        .Extension(ExtensionType.ClientCertificateType, e => e.Byte(TlsProfile.RawPublicKey))
        .Extension(ExtensionType.ServerCertificateType, e => e.Byte(TlsProfile.RawPublicKey));

    /// <summary>Whether a server has chosen the form.</summary>
    public virtual bool IsChosen(ExtensionBlock encrypted) =>
        encrypted[ExtensionType.ServerCertificateType] is [TlsProfile.RawPublicKey]
        && encrypted[ExtensionType.ClientCertificateType] is [TlsProfile.RawPublicKey];

    /// <summary>Checks a server's CertificateRequest.</summary>
    public virtual QuicError? CheckRequest(ReadOnlySpan<byte> body) => TlsMessages.CheckCertificateRequest(body);

    /// <summary>A Certificate message of this side.</summary>
    public virtual byte[] WriteCertificate(Ed25519Key key) => TlsMessages.WriteCertificate(key.PublicKey.Span);

    /// <summary>The signature that follows it; null when there is no key to sign with.</summary>
    public virtual HandshakeSignature? Sign(Ed25519Key key, byte[] content) =>
        new(TlsProfile.SchemeEd25519, key.Sign(content));

    /// <summary>Reads a Certificate message of the other side.</summary>
    /// <param name="publicKey">By which the peer is known: 32 bytes of Ed25519; empty with certificates.</param>
    public virtual QuicError? TryReadCertificate(
        ReadOnlySpan<byte> body, bool isFromClient, out byte[] publicKey, out VerifyingKey? verifying)
    {
        var error = TlsMessages.TryReadCertificate(body, isFromClient, out publicKey);
        verifying = error is null ? VerifyingKey.OfRawKey(publicKey) : null;
        return error;
    }
}
