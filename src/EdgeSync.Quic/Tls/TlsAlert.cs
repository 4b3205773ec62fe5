using EdgeSync.Quic.Frames;

namespace EdgeSync.Quic.Tls;

/// <summary>Descriptions of alerts (RFC 8446 §6, RFC 7301 §3.2).</summary>
internal enum TlsAlert : byte
{
    UnexpectedMessage = 10,
    HandshakeFailure = 40,
    BadCertificate = 42,
    UnsupportedCertificate = 43,
    CertificateRevoked = 44,
    CertificateExpired = 45,
    CertificateUnknown = 46,
    IllegalParameter = 47,
    UnknownCa = 48,
    DecodeError = 50,
    DecryptError = 51,
    ProtocolVersion = 70,
    InternalError = 80,
    MissingExtension = 109,
    UnsupportedExtension = 110,
    CertificateRequired = 116,
    NoApplicationProtocol = 120,
}

internal static class TlsAlerts
{
    /// <summary>An alert as QUIC carries it: the code of a CONNECTION_CLOSE (RFC 9001 §4.8).</summary>
    public static QuicError ToError(this TlsAlert alert, string reason) =>
        new(TransportErrorCode.CryptoError + (ulong)alert, FrameType.Crypto, reason);
}
