using EdgeSync.Agent.Messages;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Peers;

/// <summary>What a heartbeat changed.</summary>
internal enum PeerChange
{
    None,

    /// <summary>Seen for the first time, or again after a silence.</summary>
    Came,

    /// <summary>Role, hub, head or count are others now.</summary>
    Moved,

    Left,
}

/// <summary>
/// Who is there. Every node builds the same list from the same heartbeats, each by its own clock: a peer that is silent
/// for three of its own intervals is absent, wherever its clock stands.
/// </summary>
internal sealed class PeerRegistry(int peersMax)
{
    private const int SilentIntervals = 3;

    private static readonly TimeSpan ForeignSilence = TimeSpan.FromMinutes(10);

    private readonly SortedDictionary<string, Entry> _peers = new(StringComparer.Ordinal);

    public int Count => _peers.Count;

    public IEnumerable<PeerRecord> All => _peers.Values.Select(e => e.Record);

    public IEnumerable<PeerRecord> Present => All.Where(p => p.IsPresent);

    /// <summary>When the next silence becomes an absence.</summary>
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

    /// <summary>Rows of the last life: known, not present until they say so.</summary>
    public void Restore(IEnumerable<PeerRecord> peers)
    {
        foreach (var peer in peers.Take(peersMax))
            _peers[peer.PeerId] = new Entry(peer with { IsPresent = false }, peer.LastSeen);
    }

    /// <summary>Takes a heartbeat in; <paramref name="forgotten"/> had to make room.</summary>
    public PeerChange Apply(Instant now, Presence presence, out string? forgotten)
    {
        forgotten = null;
        var old = Find(presence.PeerId);
        if (presence.State == PresenceState.Leave)
        {
            // The good-bye of one of two that share a name does not speak for the other.
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

    /// <summary>Marks those absent that were silent for too long; answers them.</summary>
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
    /// Forgets those that are away since before then and with whom nothing was ever exchanged; answers their names.
    /// </summary>
    public List<string> Forget(Instant than, Func<string, bool> isProven)
    {
        var gone = _peers.Values
            .Where(e => !e.Record.IsPresent && e.Record.LastSeen < than && !isProven(e.Record.PeerId))
            .Select(e => e.Record.PeerId).ToList();
        foreach (var id in gone) _peers.Remove(id);
        return gone;
    }

    /// <summary>The link is gone: nobody is known to be there.</summary>
    public void ForgetPresence()
    {
        foreach (var (id, entry) in _peers.ToList())
            if (entry.Record.IsPresent)
                _peers[id] = entry with { Record = entry.Record with { IsPresent = false } };
    }

    /// <summary>A link is gone: who is at its other end is out of reach, and who turns to that one.</summary>
    public void ForgetBehind(string peerId)
    {
        foreach (var (id, entry) in _peers.ToList())
            if (entry.Record.IsPresent && (id == peerId || entry.Record.Hub == peerId))
                _peers[id] = entry with { Record = entry.Record with { IsPresent = false } };
    }

    private string? MakeRoom()
    {
        if (_peers.Count < peersMax) return null;

        // Who is absent goes first, then who was not heard for longest.
        var oldest = _peers.Values.MinBy(e => (e.Record.IsPresent, e.Record.LastSeen))!.Record.PeerId;
        _peers.Remove(oldest);
        return oldest;
    }

    private readonly record struct Entry(PeerRecord Record, Instant AbsentAt);
}
