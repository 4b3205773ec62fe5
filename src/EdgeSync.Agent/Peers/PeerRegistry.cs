using EdgeSync.Agent.Messages;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Peers;

/// <summary>The effect of a heartbeat.</summary>
internal enum PeerChange
{
    None,

    /// <summary>New, or present again after a silence.</summary>
    Came,

    /// <summary>Role, hub, head or count have changed.</summary>
    Moved,

    Left,
}

/// <summary>
/// The peers that are present. Every node builds the same list from the same heartbeats, each by its own clock: a peer
/// that is silent for three of its own intervals is absent, whatever its clock shows.
/// </summary>
internal sealed class PeerRegistry(int peersMax)
{
    private const int SilentIntervals = 3;

    private static readonly TimeSpan ForeignSilence = TimeSpan.FromMinutes(10);

    private readonly SortedDictionary<string, Entry> _peers = new(StringComparer.Ordinal);

    public int Count => _peers.Count;

    public IEnumerable<PeerRecord> All => _peers.Values.Select(e => e.Record);

    public IEnumerable<PeerRecord> Present => All.Where(p => p.IsPresent);

    /// <summary>When the next silent peer becomes absent.</summary>
    public Instant? Deadline
    {
        get
        {
            Instant? first = null;
            foreach (var entry in _peers.Values)
                if (entry.Record.IsPresent && (first is null || entry.AbsentAt < first))
                    first = entry.AbsentAt;
            return first;
        }
    }

    public PeerRecord? Find(string? peerId) =>
        peerId is not null && _peers.TryGetValue(peerId, out var entry) ? entry.Record : null;

    public bool IsPresent(string? peerId) => Find(peerId)?.IsPresent == true;

    /// <summary>Rows of the last run: known, not present until their next presence.</summary>
    public void Restore(IEnumerable<PeerRecord> peers)
    {
        foreach (var peer in peers.Take(peersMax))
            _peers[peer.PeerId] = new Entry(peer with { IsPresent = false }, peer.LastSeen);
    }

    /// <summary>Applies a heartbeat; <paramref name="forgotten"/> was dropped for it.</summary>
    public PeerChange Apply(Instant now, Presence presence, out string? forgotten)
    {
        forgotten = null;
        var old = Find(presence.PeerId);
        if (presence.State == PresenceState.Leave)
        {
            // The leave of one of two nodes with one id does not end the other's presence.
            if (old is not { IsPresent: true } || (old.Instance.Length > 0 && old.Instance != presence.Instance))
                return PeerChange.None;

            _peers[presence.PeerId] = new Entry(old with { IsPresent = false, LastSeen = now }, now);
            return PeerChange.Left;
        }

        if (old is null) forgotten = MakeRoom();
        var record = new PeerRecord
        {
            PeerId = presence.PeerId,
            Role = presence.Role,
            Hub = presence.Hub,
            Version = presence.Version,
            Platform = presence.Platform,
            Capabilities = presence.Capabilities,
            CheckIns = presence.CheckIns,
            Head = presence.Head,
            LastSeen = now,
            LastSync = presence.SinceSync is { } age ? now - age : old?.LastSync,
            Behind = presence.Behind is { Length: > 0 } behind ? behind : null,
            IsPresent = true,
            Instance = presence.Instance,
        };
        _peers[presence.PeerId] = new Entry(
            record, now + (presence.Interval * SilentIntervals) + TimeSpan.FromSeconds(1));
        if (old is not { IsPresent: true }) return PeerChange.Came;

        return old.Role != record.Role || old.Hub != record.Hub || old.Head != record.Head
            || old.CheckIns != record.CheckIns
            ? PeerChange.Moved
            : PeerChange.None;
    }

    /// <summary>A node of the original, which only announces.</summary>
    public void ApplyForeign(Instant now, string peerId, out string? forgotten)
    {
        forgotten = null;
        var old = Find(peerId);
        if (old is { IsForeign: false, IsPresent: true }) return;

        if (old is null) forgotten = MakeRoom();
        var record = new PeerRecord { PeerId = peerId, LastSeen = now, IsPresent = true, IsForeign = true };
        _peers[peerId] = new Entry(record, now + ForeignSilence);
    }

    /// <summary>Marks those absent that were silent for too long; returns them.</summary>
    public List<PeerRecord> Expire(Instant now)
    {
        var gone = new List<PeerRecord>();
        foreach (var (id, entry) in _peers)
            if (entry.Record.IsPresent && entry.AbsentAt <= now)
                gone.Add(entry.Record);
        foreach (var peer in gone) _peers[peer.PeerId] = new Entry(peer with { IsPresent = false }, now);
        return gone;
    }

    /// <summary>
    /// Drops those that are away since before then and never had a session; returns their node ids.
    /// </summary>
    public List<string> Forget(Instant than, Func<string, bool> isProven)
    {
        var gone = _peers.Values
            .Where(e => !e.Record.IsPresent && e.Record.LastSeen < than && !isProven(e.Record.PeerId))
            .Select(e => e.Record.PeerId).ToList();
        foreach (var id in gone) _peers.Remove(id);
        return gone;
    }

    /// <summary>The link is lost: no peer counts as present.</summary>
    public void ForgetPresence()
    {
        foreach (var (id, entry) in _peers.ToList())
            if (entry.Record.IsPresent)
                _peers[id] = entry with { Record = entry.Record with { IsPresent = false } };
    }

    /// <summary>A link is lost: the node at its other end is unreachable, and those that follow it.</summary>
    public void ForgetBehind(string peerId)
    {
        foreach (var (id, entry) in _peers.ToList())
            if (entry.Record.IsPresent && (id == peerId || entry.Record.Hub == peerId))
                _peers[id] = entry with { Record = entry.Record with { IsPresent = false } };
    }

    private string? MakeRoom()
    {
        if (_peers.Count < peersMax) return null;

        // Absent ones are dropped first, then the one silent for longest.
        var oldest = _peers.Values.MinBy(e => (e.Record.IsPresent, e.Record.LastSeen))!.Record.PeerId;
        _peers.Remove(oldest);
        return oldest;
    }

    private readonly record struct Entry(PeerRecord Record, Instant AbsentAt);
}
