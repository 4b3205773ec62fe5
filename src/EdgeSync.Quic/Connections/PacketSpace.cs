using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Paths;
using EdgeSync.Quic.Recovery;
using EdgeSync.Quic.Streams;

namespace EdgeSync.Quic.Connections;

internal enum SentKind : byte
{
    Ack,
    Crypto,
    Stream,
    ResetStream,
    StopSending,
    MaxData,
    MaxStreamData,
    MaxStreamsBidi,
    MaxStreamsUni,
    NewConnectionId,
    RetireConnectionId,
    HandshakeDone,
    NewToken,
    MaxPathId,
    PathStatus,
    PathAbandon,
    AddAddress,
    ReachOut,
    RemoveAddress,
    ObservedAddress,
}

/// <summary>A frame that was sent, as far as its loss or arrival matters.</summary>
/// <param name="Id">
/// A stream or sequence number; of ACK the largest packet that it named, of frames about a path its id, of REACH_OUT
/// the round.
/// </param>
/// <param name="Offset">
/// Of bytes; of ACK, NEW_CONNECTION_ID, RETIRE_CONNECTION_ID and OBSERVED_ADDRESS the path, of PATH_ABANDON the code.
/// </param>
internal readonly record struct SentFrame(
    SentKind Kind, ulong Id = 0, ulong Offset = 0, int Length = 0, bool Fin = false);

internal enum SentState : byte
{
    Outstanding,
    Acked,
    Lost,
}

/// <summary>A packet that was sent.</summary>
internal struct SentPacket
{
    public Instant SentAt;
    public int Bytes;
    public int RouteId;
    public ulong FirstFrame;
    public int FrameCount;
    public SentState State;
    public bool IsAckEliciting;
    public bool IsMtuProbe;
    public bool IsEct0;

    /// <summary>Whether the window kept the sender from sending more when this one left.</summary>
    public bool WasWindowLimited;
}

/// <summary>
/// One packet-number space: what was received and is to be acknowledged, what was sent and is not yet. Spec: RFC 9000
/// §12.3, §13.2; RFC 9002 §A.1.
/// </summary>
/// <param name="path">The path of its packets; path 0 for those of the handshake.</param>
internal sealed class PacketSpace(QuicPath path)
{
    /// <summary>Ranges that are kept to be acknowledged; older ones count as received.</summary>
    private const int RangesMax = 64;

    private readonly RangeSet _received = new();
    private ulong _receivedFloor;
    private int _unacknowledged;

    public QuicPath Path { get; } = path;

    /// <summary>Packets by their numbers.</summary>
    public Ring<SentPacket> Sent { get; } = new();

    public Ring<SentFrame> Frames { get; } = new();

    public ulong? LargestAcked { get; set; }

    /// <summary>
    /// The largest number that the peer acknowledged among the packets of a route. Packets to other addresses share
    /// the numbers, and may overtake those of the route.
    /// </summary>
    public (int RouteId, ulong Number)? LargestAckedOnRoute { get; private set; }

    public ulong? LargestReceived { get; private set; }

    public Instant LargestReceivedAt { get; private set; }

    public int ElicitingInFlight { get; set; }

    public Instant? LastElicitingSentAt { get; set; }

    public Instant? LossTime { get; set; }

    /// <summary>Packets that are to be sent regardless of the window: probes (RFC 9002 §6.2.4).</summary>
    public int ProbesDue { get; set; }

    /// <summary>When an acknowledgement is due at the latest.</summary>
    public Instant? AckDeadline { get; private set; }

    public EcnCounts ReceivedEcn { get; private set; }

    /// <summary>Packets sent with ECT(0) that were acknowledged, and what the peer counted.</summary>
    public EcnCounts PeerEcn { get; set; }

    public bool HasReceived => _received.Count > 0;

    public ReadOnlySpan<NumberRange> ReceivedRanges => _received.Items;

    /// <summary>Whether a packet is new; duplicates and what is too old are not.</summary>
    public bool IsNew(ulong number) => number >= _receivedFloor && !_received.Contains(number);

    /// <summary>Notes a packet that was opened.</summary>
    /// <param name="delay">How long its acknowledgement may wait; zero in the handshake.</param>
    public void OnReceived(Instant now, ulong number, bool isAckEliciting, EcnMark ecn, TimeSpan delay)
    {
        var isReordered = LargestReceived is { } largest && (number < largest || number > largest + 1);
        if (LargestReceived is null || number > LargestReceived) (LargestReceived, LargestReceivedAt) = (number, now);
        _received.Add(number, number);
        if (_received.Count > RangesMax)
        {
            _receivedFloor = _received.First.End + 1;
            _received.RemoveFirst();
        }

        Count(ecn);
        if (!isAckEliciting) return;

        // Every second packet at once, and whatever shows loss or congestion (RFC 9000 §13.2.1, §13.2.2).
        _unacknowledged++;
        var atOnce = _unacknowledged >= 2 || isReordered || ecn == EcnMark.Ce || delay == TimeSpan.Zero;
        var due = atOnce ? now : now + delay;
        AckDeadline = AckDeadline is { } before && before < due ? before : due;
    }

    /// <summary>A packet of the path's route was acknowledged.</summary>
    public void OnAckedOnRoute(int routeId, ulong number)
    {
        if (LargestAckedOnRoute is { } known && known.RouteId == routeId && known.Number >= number) return;
        LargestAckedOnRoute = (routeId, number);
    }

    /// <summary>The number below which missing packets of a route were overtaken; null when there is none.</summary>
    public ulong? OvertakenBelow(int routeId, int currentRouteId) =>
        routeId != currentRouteId ? LargestAcked
        : LargestAckedOnRoute is { } known && known.RouteId == routeId ? (ulong?)known.Number
        : null;

    public bool IsAckDue(Instant now) => AckDeadline <= now;

    /// <summary>Whether an acknowledgement with other frames would be a new one.</summary>
    public bool HasUnacknowledged => AckDeadline is not null;

    public void OnAckSent() => (AckDeadline, _unacknowledged) = (null, 0);

    /// <summary>The peer has received an acknowledgement: its ranges are not sent again.</summary>
    public void OnAckAcked(ulong largest)
    {
        if (_received.Count == 0 || largest >= _received.Last.End) return;
        _receivedFloor = Math.Max(_receivedFloor, largest + 1);
        _received.Remove(0, largest);
    }

    private void Count(EcnMark ecn) => ReceivedEcn = ecn switch
    {
        EcnMark.Ect0 => ReceivedEcn with { Ect0 = ReceivedEcn.Ect0 + 1 },
        EcnMark.Ect1 => ReceivedEcn with { Ect1 = ReceivedEcn.Ect1 + 1 },
        EcnMark.Ce => ReceivedEcn with { Ce = ReceivedEcn.Ce + 1 },
        _ => ReceivedEcn,
    };
}
