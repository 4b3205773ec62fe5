using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;

namespace EdgeSync.Net.Quic;

/// <summary>The connection is closed, and the operation cannot be completed.</summary>
public sealed class QuicClosedException(CloseReason reason)
    : EdgeSyncException(KindOf(reason), $"the connection is closed: {TextOf(reason)}")
{
    private const ulong NoApplicationProtocol = TransportErrorCode.CryptoError + 120;

    public CloseReason Reason => reason;

    /// <summary>The side that closed and its reason, as the end of a sentence.</summary>
    public static string TextOf(CloseReason reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        var text = reason.Text.Length > 0 ? $": {reason.Text}" : "";
        return reason.Kind switch
        {
            CloseKind.Local => $"closed here with code {reason.Code}{text}",
            CloseKind.Peer => $"closed by peer with code {reason.Code}{text}",
            CloseKind.LocalError => $"error {CodeText(reason.Code)} of the peer{text}",
            CloseKind.PeerError => $"refused by the peer with error {CodeText(reason.Code)}{text}",
            CloseKind.IdleTimeout => "timed out",
            CloseKind.StatelessReset => "reset by peer",
            _ => reason.Text,
        };
    }

    /// <summary>The TLS alert of a code, or null.</summary>
    public static int? AlertOf(CloseReason reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        return reason.Kind is CloseKind.LocalError or CloseKind.PeerError
            && reason.Code is >= TransportErrorCode.CryptoError and < TransportErrorCode.CryptoError + 256
                ? (int)(reason.Code - TransportErrorCode.CryptoError)
                : null;
    }

    private static string CodeText(ulong code) => $"0x{code:x}";

    private static ErrorKind KindOf(CloseReason reason) => reason.Kind switch
    {
        CloseKind.LocalError => ErrorKind.Protocol,
        CloseKind.PeerError when reason.Code is NoApplicationProtocol => ErrorKind.NotFound,
        CloseKind.PeerError => ErrorKind.Denied,
        _ => ErrorKind.Unavailable,
    };
}

/// <summary>The peer has reset its side of a stream, or wants no more of ours.</summary>
/// <param name="code">The application's code.</param>
public sealed class QuicStreamException(ulong code, bool isStopped)
    : EdgeSyncException(
        ErrorKind.Unavailable,
        $"the peer has {(isStopped ? "stopped" : "reset")} the stream with code {code}")
{
    public ulong Code => code;
}
