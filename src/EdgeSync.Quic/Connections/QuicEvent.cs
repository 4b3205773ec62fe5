namespace EdgeSync.Quic.Connections;

/// <summary>What happened in a connection.</summary>
public enum QuicEventKind
{
    /// <summary>The handshake is complete: the peer's key and protocol are known.</summary>
    Connected,

    /// <summary>The peer has opened a stream.</summary>
    StreamOpened,

    /// <summary>A stream has bytes, or its end, to read.</summary>
    StreamReadable,

    /// <summary>A stream that was full takes bytes again.</summary>
    StreamWritable,

    /// <summary>The peer has reset its side of a stream; <see cref="QuicEvent.Code"/> is the reason.</summary>
    StreamReset,

    /// <summary>The peer does not want more of a stream, which was reset therefore.</summary>
    StreamStopped,

    /// <summary>All that was written to a stream has arrived.</summary>
    StreamFinished,

    /// <summary>More streams can be opened.</summary>
    StreamsAvailable,

    /// <summary>A datagram can be taken.</summary>
    DatagramReceived,

    /// <summary>The peer, or we, use another 4-tuple now.</summary>
    RouteChanged,

    /// <summary>The connection is closed; see <see cref="QuicConnection.CloseReason"/>. The last event.</summary>
    Closed,

    /// <summary>A path was opened, validated or given up; <see cref="QuicConnection.Paths"/> has them all.</summary>
    PathsChanged,

    /// <summary>The peer has reported this endpoint's address: <see cref="QuicConnection.ObservedAddress"/>.</summary>
    AddressObserved,
}

/// <param name="StreamId">Of stream events.</param>
/// <param name="Code">Of StreamReset and StreamStopped: the application's error code.</param>
public readonly record struct QuicEvent(QuicEventKind Kind, ulong StreamId = 0, ulong Code = 0);

/// <summary>How a connection ended.</summary>
public enum CloseKind
{
    /// <summary>This endpoint's application closed it.</summary>
    Local,

    /// <summary>The peer's application closed it.</summary>
    Peer,

    /// <summary>This endpoint found an error of the peer.</summary>
    LocalError,

    /// <summary>The peer found an error of ours.</summary>
    PeerError,

    /// <summary>Silence for too long.</summary>
    IdleTimeout,

    /// <summary>The peer has lost the connection and sent a stateless reset.</summary>
    StatelessReset,

    /// <summary>The peer speaks no version of ours.</summary>
    Version,
}

/// <param name="Code">The application's code, or one of <see cref="TransportErrorCode"/>.</param>
public sealed record CloseReason(CloseKind Kind, ulong Code, string Text);

/// <summary>A datagram to send.</summary>
/// <param name="Length">Bytes that were written.</param>
public readonly record struct OutgoingDatagram(int Length, FourTuple Tuple, EcnMark Ecn);

/// <summary>A path of a connection.</summary>
/// <param name="IsSelected">Data goes here.</param>
/// <param name="IsValidated">The peer is known to receive here.</param>
/// <param name="IsRelayed">It leads over a relay.</param>
public readonly record struct QuicPathInfo(
    uint Id, FourTuple Tuple, bool IsSelected, bool IsValidated, bool IsRelayed, TimeSpan SmoothedRtt, int Mtu,
    long CongestionWindow, long PacketsLost, long BytesSent, long BytesReceived);

/// <summary>Counters of a connection.</summary>
public readonly record struct QuicStatistics(
    long PacketsSent, long PacketsReceived, long PacketsLost, long BytesSent, long BytesReceived, long BytesInFlight,
    long CongestionWindow, TimeSpan SmoothedRtt, int Mtu);
