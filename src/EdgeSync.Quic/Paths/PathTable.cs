using EdgeSync.Primitives;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Streams;

namespace EdgeSync.Quic.Paths;

/// <summary>Why a path was given up (draft-ietf-quic-multipath §4.3).</summary>
internal static class PathErrorCode
{
    public const ulong Abandoned = 0x3e;
    public const ulong ResourceLimit = 0x3e75;
    public const ulong Unstable = 0x3e76;
    public const ulong NoConnectionIds = 0x3e77;
}

/// <summary>
/// The paths of a connection: which are open, which may be opened, the ids of each, and their frames. Spec:
/// draft-ietf-quic-multipath §3, §4.
/// </summary>
internal sealed class PathTable
{
    /// <summary>Ids that are issued for path 0, and for each other path, whatever the peer would store.</summary>
    private const int MainIdsMax = 5;
    private const int OtherIdsMax = 2;

    /// <summary>Addresses that wait for a path id.</summary>
    private const int WaitingMax = 8;

    private readonly QuicOptions _options;
    private readonly LocalIdSource _source;
    private readonly List<QuicPath> _paths;
    private readonly List<PathIds> _ids;
    private readonly RangeSet _abandoned = new();
    private readonly Queue<FourTuple> _waiting = new();
    private ulong _next = 1;
    private ulong _peerIdLimit;
    private ulong _idsUpTo;
    private int _lastFound;

    public PathTable(QuicOptions options, LocalIdSource source, QuicPath first)
    {
        (_options, _source) = (options, source);
        _paths = [first];
        _ids = [first.Ids];
        (First, Main) = (first, first);
        LocalMax = options.OffersMultipath ? (ulong)options.PathsMax - 1 : 0;
    }

    /// <summary>Path 0, even when it is gone.</summary>
    public QuicPath First { get; }

    /// <summary>The path that data goes on.</summary>
    public QuicPath Main { get; set; }

    /// <summary>Open paths, and those that are drained; a list, whose enumerator does not allocate.</summary>
    public List<QuicPath> All => _paths;

    /// <summary>Ids that came and went.</summary>
    public Queue<(bool Added, ConnectionId Id)> Changes => _source.Changes;

    public List<PathIds> Ids => _ids;

    /// <summary>Both sides support multipath.</summary>
    public bool IsMultipath { get; private set; }

    /// <summary>The highest path id that the peer may use.</summary>
    public ulong LocalMax { get; private set; }

    /// <summary>The highest path id that this endpoint may use.</summary>
    public ulong RemoteMax { get; private set; }

    public bool NeedsMaxPathId { get; set; }

    public bool NeedsPathsBlocked { get; set; }

    /// <summary>PATH_ABANDON frames to be sent.</summary>
    public Queue<(uint PathId, ulong Code)> Abandons { get; } = new();

    /// <summary>PATH_CIDS_BLOCKED is to be sent for this path.</summary>
    public uint? IdsBlocked { get; set; }

    public int NextRouteId { get; set; } = 1;

    private ulong IdMax => Math.Min(LocalMax, RemoteMax);

    /// <summary>The handshake is complete: ids are issued for all paths that may be opened.</summary>
    public void Start(TransportParameters peer)
    {
        _peerIdLimit = peer.ActiveConnectionIdLimit;
        First.LocalIds.Start(_peerIdLimit, MainIdsMax);
        if (LocalMax == 0 || peer.InitialMaxPathId is not { } remote) return;
        (IsMultipath, RemoteMax) = (true, remote);
        Issue();
    }

    public QuicPath? Find(ulong pathId)
    {
        foreach (var path in _paths)
            if (path.Id == pathId) return path;
        return null;
    }

    /// <summary>The ids that a packet's destination is one of.</summary>
    public PathIds? FindByDestination(in ConnectionId destination)
    {
        // Most packets come to where the one before came.
        if (_lastFound < _ids.Count && _ids[_lastFound].Local.Owns(destination)) return _ids[_lastFound];
        for (var i = 0; i < _ids.Count; i++)
        {
            if (!_ids[i].Local.Owns(destination)) continue;
            _lastFound = i;
            return _ids[i];
        }

        return null;
    }

    public bool IsAbandoned(ulong pathId) => _abandoned.Contains(pathId);

    public int CountOpen()
    {
        var count = 0;
        foreach (var path in _paths)
            if (!path.IsAbandoned) count++;
        return count;
    }

    /// <summary>Whether data could go on if this path was not there.</summary>
    public bool HasOther(QuicPath than)
    {
        foreach (var path in _paths)
            if (path != than && path.IsUsable) return true;
        return false;
    }

    /// <summary>The open path to an address, if there is one.</summary>
    public QuicPath? FindByRemote(in UdpAddress remote)
    {
        foreach (var path in _paths)
            if (!path.IsAbandoned && path.Route.Tuple.Remote == remote) return path;
        return null;
    }

    /// <summary>A client opens a path with the next id; without one it waits for the peer to allow it.</summary>
    public QuicPath? Open(Instant now, FourTuple tuple)
    {
        if (FindByRemote(tuple.Remote) is not null) return null;
        while (IsAbandoned(_next)) _next++;
        if (_next > IdMax)
        {
            NeedsPathsBlocked = _next > RemoteMax;
            Wait(tuple);
            return null;
        }

        if (FindIds(_next) is not { Remote.HasAny: true } ids)
        {
            IdsBlocked = (uint)_next;
            Wait(tuple);
            return null;
        }

        _next++;
        var path = New(now, ids, tuple);
        path.Route.LiftLimit();
        Adopt(path);
        return path;
    }

    /// <summary>An address for which a path can be opened now.</summary>
    public bool TryTakeWaiting(out FourTuple tuple)
    {
        tuple = default;
        return _next <= IdMax && FindIds(_next) is { Remote.HasAny: true } && _waiting.TryDequeue(out tuple);
    }

    /// <summary>
    /// A path that a client may be opening, for a server that can answer on it; it is not one before
    /// <see cref="Adopt"/>.
    /// </summary>
    public QuicPath? Prepare(Instant now, in ConnectionId destination, FourTuple tuple) =>
        FindByDestination(destination) is { Remote.HasAny: true } ids && !IsAbandoned(ids.PathId)
            ? New(now, ids, tuple)
            : null;

    public void Adopt(QuicPath path)
    {
        path.Route.StartValidation(_source.Entropy);
        path.SetStatus(isBackup: true);
        _paths.Add(path);
    }

    /// <summary>Abandons a path, with a PATH_ABANDON.</summary>
    public void Abandon(ulong pathId, ulong code)
    {
        if (_abandoned.Contains(pathId)) return;
        _abandoned.Add(pathId, pathId);
        Abandons.Enqueue(((uint)pathId, code));
        if (Find(pathId) is { } path)
        {
            path.IsAbandoned = true;
            path.NeedsStatus = false;
            path.Route.StopValidation();
            path.Fallback = null;
            path.Space.ProbesDue = 0;
            return;
        }

        // It was never opened.
        Forget(pathId);
    }

    /// <summary>A path was drained: its ids no longer lead here, and the peer may use one more.</summary>
    public void Forget(ulong pathId)
    {
        _paths.RemoveAll(path => path.Id == pathId);
        if (FindIds(pathId) is not { } ids) return;
        ids.Local.Clear();
        _ids.Remove(ids);
        LocalMax++;
        NeedsMaxPathId = true;
        Issue();
    }

    public void OnMaxPathId(ulong maximum)
    {
        if (maximum <= RemoteMax) return;
        RemoteMax = maximum;
        Issue();
    }

    public QuicError? OnNewId(in Frame frame)
    {
        if (frame.PathId > LocalMax) return Beyond(frame);
        // Of a path that is gone: the frame was on its way.
        return IsAbandoned(frame.PathId) ? null : IdsOf(frame.PathId).Remote.Add(frame);
    }

    /// <param name="used">The destination id of the packet with the frame.</param>
    public QuicError? OnRetiredId(in Frame frame, ReadOnlySpan<byte> used)
    {
        if (frame.PathId > LocalMax) return Beyond(frame);
        return IsAbandoned(frame.PathId) ? null : FindIds(frame.PathId)?.Local.OnRetired(frame.Sequence, used);
    }

    public QuicError? OnStatus(in Frame frame)
    {
        if (frame.PathId > LocalMax) return Beyond(frame);
        Find(frame.PathId)?.OnPeerStatus(frame.Type == FrameType.PathStatusBackup, frame.Sequence);
        return null;
    }

    /// <summary>PATHS_BLOCKED and PATH_CIDS_BLOCKED: all that may be issued was; they only must make sense.</summary>
    public QuicError? OnBlocked(in Frame frame)
    {
        if (frame.PathId > LocalMax) return Beyond(frame);
        return frame.Type == FrameType.PathCidsBlocked && FindIds(frame.PathId) is { } ids
            && frame.Sequence > ids.Local.Next
            ? QuicError.Violation(frame.Type, "waits for an id behind the next")
            : null;
    }

    public static QuicError Beyond(in Frame frame) =>
        QuicError.Violation(frame.Type, "a path id that was not allowed");

    public PathIds? FindIds(ulong pathId)
    {
        foreach (var ids in _ids)
            if (ids.PathId == pathId) return ids;
        return null;
    }

    /// <summary>Whether 16 bytes are a token by which the peer resets, of any path.</summary>
    public bool IsResetToken(ReadOnlySpan<byte> token)
    {
        var found = false;
        foreach (var ids in _ids)
            if (!IsAbandoned(ids.PathId)) found |= ids.Remote.IsResetToken(token);
        return found;
    }

    private QuicPath New(Instant now, PathIds ids, FourTuple tuple)
    {
        var route = new Route(NextRouteId++, tuple, _options.InitialRtt, isValidated: false)
        {
            UsesEcn = _options.UsesEcn,
        };
        return new QuicPath(ids, route, now);
    }

    private void Wait(FourTuple tuple)
    {
        if (_waiting.Count < WaitingMax && !_waiting.Contains(tuple)) _waiting.Enqueue(tuple);
    }

    /// <summary>Issues ids for every path id that both sides allow and that has none yet.</summary>
    private void Issue()
    {
        for (; _idsUpTo < IdMax; _idsUpTo++)
        {
            var pathId = _idsUpTo + 1;
            if (!IsAbandoned(pathId)) IdsOf(pathId).Local.Start(_peerIdLimit, OtherIdsMax);
        }
    }

    /// <summary>The ids of a path; the peer may issue some for a path before it allows that path itself.</summary>
    private PathIds IdsOf(ulong pathId)
    {
        if (FindIds(pathId) is { } known) return known;
        var ids = new PathIds((uint)pathId, new LocalIds(_source, null), new RemoteIds(null));
        _ids.Add(ids);
        return ids;
    }
}
