namespace EdgeSync.Quic;

/// <summary>Codes of CONNECTION_CLOSE with type 0x1c. Spec: RFC 9000 §20.1.</summary>
public static class TransportErrorCode
{
    public const ulong NoError = 0x00;
    public const ulong InternalError = 0x01;
    public const ulong ConnectionRefused = 0x02;
    public const ulong FlowControlError = 0x03;
    public const ulong StreamLimitError = 0x04;
    public const ulong StreamStateError = 0x05;
    public const ulong FinalSizeError = 0x06;
    public const ulong FrameEncodingError = 0x07;
    public const ulong TransportParameterError = 0x08;
    public const ulong ConnectionIdLimitError = 0x09;
    public const ulong ProtocolViolation = 0x0a;
    public const ulong InvalidToken = 0x0b;
    public const ulong ApplicationError = 0x0c;
    public const ulong CryptoBufferExceeded = 0x0d;
    public const ulong KeyUpdateError = 0x0e;
    public const ulong AeadLimitReached = 0x0f;
    public const ulong NoViablePath = 0x10;

    /// <summary>A TLS alert is this plus its description (RFC 9001 §4.8).</summary>
    public const ulong CryptoError = 0x100;
}

/// <summary>What a peer did wrong: a value, since peers are expected to. It becomes a CONNECTION_CLOSE.</summary>
/// <param name="Code">Of <see cref="TransportErrorCode"/>.</param>
/// <param name="FrameType">The type of the frame that it was found in; 0 when none.</param>
/// <param name="Reason">For logs and messages; ASCII.</param>
public sealed record QuicError(ulong Code, ulong FrameType, string Reason)
{
    internal static QuicError Encoding(ulong frameType, string reason) =>
        new(TransportErrorCode.FrameEncodingError, frameType, reason);

    internal static QuicError Violation(ulong frameType, string reason) =>
        new(TransportErrorCode.ProtocolViolation, frameType, reason);
}
