using EdgeSync.Quic.Packets;

namespace EdgeSync.Quic.Tls;

/// <summary>The messages behind the hellos. Spec: RFC 8446 §4.3, §4.4; RFC 7250 §3; RFC 7301 §3.1.</summary>
internal static class TlsMessages
{
    /// <summary>Protocols of an ALPN extension, or null when it is missing or malformed.</summary>
    public static List<byte[]>? ReadAlpn(byte[]? extension)
    {
        if (extension is null) return null;
        var reader = new WireReader(extension);
        if (!reader.TryReadVector16(out var list) || !reader.IsAtEnd || list.IsEmpty) return null;
        var protocols = new List<byte[]>();
        var items = new WireReader(list);
        while (!items.IsAtEnd)
        {
            if (!items.TryReadVector8(out var protocol) || protocol.IsEmpty) return null;
            protocols.Add(protocol.ToArray());
        }

        return protocols;
    }

    public static byte[] WriteEncryptedExtensions(byte[] alpn, byte[] transportParameters, KeyForm keyForm) =>
        TlsWriter.Message(HandshakeType.EncryptedExtensions, message => message.Vector(2, extensions =>
        {
            extensions.Extension(ExtensionType.Alpn, e => e.Vector(2, l => l.Vector(1, p => p.Bytes(alpn))));
            keyForm.WriteChoice(extensions);
            extensions.Extension(ExtensionType.QuicTransportParameters, e => e.Bytes(transportParameters));
        }));

    public static byte[] WriteCertificateRequest() =>
        TlsWriter.Message(HandshakeType.CertificateRequest, message => message
            .Byte(0)
            .Vector(2, extensions => extensions.Extension(
                ExtensionType.SignatureAlgorithms, e => e.Vector(2, l => l.UInt16(TlsProfile.SchemeEd25519)))));

    /// <summary>A CertificateRequest of the handshake: no context, and Ed25519 among its schemes.</summary>
    /// <param name="needsEd25519">False: any schemes will do.</param>
    public static QuicError? CheckCertificateRequest(ReadOnlySpan<byte> body, bool needsEd25519 = true)
    {
        var reader = new WireReader(body);
        if (!reader.TryReadVector8(out var context))
            return TlsAlert.DecodeError.ToError("the CertificateRequest is malformed");
        if (ExtensionBlock.TryRead(ref reader, out var extensions) is { } error) return error;
        if (!reader.IsAtEnd) return TlsAlert.DecodeError.ToError("bytes follow the CertificateRequest");
        if (!context.IsEmpty) return TlsAlert.IllegalParameter.ToError("the CertificateRequest has a context");
        if (extensions[ExtensionType.SignatureAlgorithms] is not { } schemes)
            return TlsAlert.MissingExtension.ToError("the CertificateRequest names no signature scheme");
        return TlsReading.ListHolds16(schemes, TlsProfile.SchemeEd25519) switch
        {
            null => TlsAlert.DecodeError.ToError("the signature schemes are malformed"),
            false when needsEd25519 => TlsAlert.HandshakeFailure.ToError("the server does not take Ed25519"),
            _ => null,
        };
    }

    /// <summary>A Certificate whose one entry is the SubjectPublicKeyInfo of an Ed25519 key.</summary>
    public static byte[] WriteCertificate(ReadOnlySpan<byte> publicKey)
    {
        byte[] spki = [.. TlsProfile.SpkiPrefix, .. publicKey];
        return TlsWriter.Message(HandshakeType.Certificate, message => message
            .Byte(0)
            .Vector(3, entries => entries.Vector(3, e => e.Bytes(spki)).Vector(2, _ => { })));
    }

    /// <summary>Reads the key of a Certificate.</summary>
    public static QuicError? TryReadCertificate(ReadOnlySpan<byte> body, bool isFromClient, out byte[] publicKey)
    {
        publicKey = [];
        var reader = new WireReader(body);
        if (!reader.TryReadVector8(out var context) || !reader.TryReadVector24(out var list) || !reader.IsAtEnd)
            return TlsAlert.DecodeError.ToError("the Certificate is malformed");
        if (!context.IsEmpty) return TlsAlert.IllegalParameter.ToError("the Certificate has a context");
        if (list.IsEmpty)
        {
            return isFromClient
                ? TlsAlert.CertificateRequired.ToError("the client has no key")
                : TlsAlert.DecodeError.ToError("the server has no key");
        }

        var entries = new WireReader(list);
        if (!entries.TryReadVector24(out var spki)) return TlsAlert.DecodeError.ToError("the Certificate is malformed");
        if (ExtensionBlock.TryRead(ref entries, out var extensions) is { } error) return error;
        if (!entries.IsAtEnd) return TlsAlert.BadCertificate.ToError("there is more than one key");
        if (extensions.Types.Count > 0)
            return TlsAlert.UnsupportedExtension.ToError("the key has extensions that were not asked for");
        if (spki.Length != TlsProfile.SpkiPrefix.Length + Ed25519Key.KeyBytes
            || !spki.StartsWith(TlsProfile.SpkiPrefix))
            return TlsAlert.UnsupportedCertificate.ToError("the key is not an Ed25519 key");

        publicKey = spki[TlsProfile.SpkiPrefix.Length..].ToArray();
        return null;
    }

    /// <summary>What a CertificateVerify signs (RFC 8446 §4.4.3).</summary>
    public static byte[] SignedContent(bool byServer, ReadOnlySpan<byte> transcript)
    {
        Span<byte> spaces = stackalloc byte[64];
        spaces.Fill(0x20);
        var context = byServer ? "TLS 1.3, server CertificateVerify"u8 : "TLS 1.3, client CertificateVerify"u8;
        return [.. spaces, .. context, 0, .. transcript];
    }

    public static byte[] WriteCertificateVerify(HandshakeSignature signature) =>
        TlsWriter.Message(HandshakeType.CertificateVerify, message => message
            .UInt16(signature.Scheme).Vector(2, s => s.Bytes(signature.Bytes)));

    /// <summary>Reads a CertificateVerify and verifies its signature.</summary>
    public static QuicError? CheckCertificateVerify(
        ReadOnlySpan<byte> body, bool byServer, VerifyingKey key, ReadOnlySpan<byte> transcript)
    {
        var reader = new WireReader(body);
        if (!reader.TryReadUInt16(out var scheme) || !reader.TryReadVector16(out var signature) || !reader.IsAtEnd)
            return TlsAlert.DecodeError.ToError("the CertificateVerify is malformed");
        if (!key.Fits(scheme))
            return TlsAlert.IllegalParameter.ToError("the signature is of a scheme that does not fit the key");
        return key.Verify(scheme, SignedContent(byServer, transcript), signature)
            ? null
            : TlsAlert.DecryptError.ToError("the signature is wrong");
    }

    public static byte[] WriteFinished(byte[] verifyData) =>
        TlsWriter.Message(HandshakeType.Finished, message => message.Bytes(verifyData));

    /// <summary>Whether a NewSessionTicket is well formed (RFC 8446 §4.6.1); its content is not used.</summary>
    public static QuicError? CheckSessionTicket(ReadOnlySpan<byte> body)
    {
        var reader = new WireReader(body);
        if (!reader.TryReadUInt32(out _) || !reader.TryReadUInt32(out _) || !reader.TryReadVector8(out _)
            || !reader.TryReadVector16(out var ticket) || ticket.IsEmpty)
            return TlsAlert.DecodeError.ToError("the session ticket is malformed");
        if (ExtensionBlock.TryRead(ref reader, out _) is { } error) return error;
        return reader.IsAtEnd ? null : TlsAlert.DecodeError.ToError("bytes follow the session ticket");
    }
}
