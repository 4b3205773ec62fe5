using EdgeSync.Primitives;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Protection;

namespace EdgeSync.Quic.Paths;

/// <summary>
/// The connection ids of one path id in both directions. They are exchanged before the path is opened.
/// </summary>
internal sealed record PathIds(uint PathId, LocalIds Local, RemoteIds Remote);

/// <summary>
/// A path of the connection: packet numbers, ids and a route. Without multipath there is one, number 0; its route
/// changes by migration. Spec: draft-ietf-quic-multipath §3.
/// </summary>
internal sealed class QuicPath
{
    /// <summary>Probe timeouts in a row after which another path takes over.</summary>
    private const int PtosMax = 3;

    public QuicPath(PathIds ids, Route route, Instant now)
    {
        (Ids, Route, LastReceived, LastSent) = (ids, route, now, now);
        Space = new PacketSpace(this);
    }

    public uint Id => Ids.PathId;

    public PathIds Ids { get; }

    /// <summary>1-RTT packets of this path.</summary>
    public PacketSpace Space { get; }

    public LocalIds LocalIds => Ids.Local;

    public RemoteIds RemoteIds => Ids.Remote;

    public Route Route { get; set; }

    /// <summary>The last validated route, while another one is being validated.</summary>
    public Route? Fallback { get; set; }

    public long BytesSent { get; set; }

    public long BytesReceived { get; set; }

    public long PacketsLost { get; set; }

    public Instant LastReceived { get; set; }

    public Instant LastSent { get; set; }

    /// <summary>Probe timeouts in a row.</summary>
    public int PtoCount { get; set; }

    public bool NeedsPing { get; set; }

    /// <summary>Whether this endpoint announced the path as a backup.</summary>
    public bool IsBackup { get; private set; }

    /// <summary>The sequence number of the next PATH_STATUS_*; they go up by one with each change.</summary>
    public ulong StatusSequence { get; private set; }

    public bool NeedsStatus { get; set; }

    /// <summary>The peer's status of the path; not used for scheduling.</summary>
    public bool PeerIsBackup { get; private set; }

    private ulong? PeerStatusSequence { get; set; }

    /// <summary>The address of the peer that it was told of last, and the number of that report.</summary>
    public (UdpAddress Address, ulong Sequence)? Reported { get; set; }

    /// <summary>This endpoint's address as the peer has reported it last, and the number of that report.</summary>
    public UdpAddress? ObservedAddress { get; set; }

    public ulong? ObservedSequence { get; set; }

    /// <summary>One side has given up the path: it carries nothing new.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>When the path is forgotten.</summary>
    public Instant? DrainDeadline { get; set; }

    /// <summary>The first packet that was sent in the current key phase.</summary>
    public ulong FirstOfPhase { get; set; }

    /// <summary>The lowest packet that was received in a key phase.</summary>
    public PhaseMark ReceivedPhase;

    public bool IsRelayed => Route.Tuple.Remote.IsRelayed;

    /// <summary>Whether data can go here.</summary>
    public bool IsUsable => !IsAbandoned && Route.IsValidated && RemoteIds.HasAny;

    /// <summary>The peer has not answered for a while.</summary>
    public bool IsFailing => PtoCount >= PtosMax;

    public Route? RouteByTuple(FourTuple tuple) =>
        IsOf(Route, tuple) ? Route : Fallback is not null && IsOf(Fallback, tuple) ? Fallback : null;

    /// <summary>A route whose local address was the shell's choice has the one that the peer answers to.</summary>
    public void LearnLocal(FourTuple tuple)
    {
        if (Route.Tuple.Local.IsUnspecified && Route.Tuple.Remote == tuple.Remote) Route.Tuple = tuple;
    }

    /// <summary>Data shall go elsewhere until the peer answers here.</summary>
    public void Fail() => PtoCount = PtosMax;

    private static bool IsOf(Route route, FourTuple tuple) =>
        route.Tuple.Remote == tuple.Remote && (route.Tuple.Local == tuple.Local || route.Tuple.Local.IsUnspecified);

    /// <summary>The route that a packet was sent on, if it is still of interest.</summary>
    public Route? RouteOf(int id) => Route.Id == id ? Route : Fallback?.Id == id ? Fallback : null;

    public void SetStatus(bool isBackup)
    {
        if (isBackup == IsBackup && StatusSequence > 0) return;
        (IsBackup, NeedsStatus) = (isBackup, true);
        StatusSequence++;
    }

    public void OnPeerStatus(bool isBackup, ulong sequence)
    {
        if (sequence <= PeerStatusSequence) return;
        (PeerIsBackup, PeerStatusSequence) = (isBackup, sequence);
    }
}
