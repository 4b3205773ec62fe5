using EdgeSync.Agent.Announcements;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Peers;

/// <summary>
/// The nodes at the other ends of our broker's uplinks, in the order in which they came up, and when to sync with those
/// hubs that may not receive from ours: a leaf with two uplinks passes no messages from one to the other, so it syncs
/// itself what one lacks.
/// </summary>
internal sealed class Uplinks(AgentOptions options, PeerRegistry peers)
{
    private static readonly TimeSpan RelayPauseMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RelayPauseSpread = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan DoubtPause = TimeSpan.FromSeconds(2);

    private readonly List<string> _names = [];
    private readonly Dictionary<string, string> _lastAnnounced = [];   // of those among the names
    private Instant? _regularlyAt;
    private Instant? _forChangeAt;

    /// <summary>When the other hubs are due.</summary>
    public Instant? OthersAt => _regularlyAt is null || _forChangeAt < _regularlyAt ? _forChangeAt : _regularlyAt;

    public void Up(string name)
    {
        if (!_names.Contains(name)) _names.Add(name);
    }

    public void Lost(string name)
    {
        _names.Remove(name);
        _lastAnnounced.Remove(name);
    }

    /// <summary>This node has an uplink to that node.</summary>
    public bool Has(string name) => _names.Contains(name);

    public void Clear()
    {
        _names.Clear();
        _lastAnnounced.Clear();
        (_regularlyAt, _forChangeAt) = (null, null);
    }

    /// <summary>
    /// The hub to use: the configured one, or the uplink that is up for longest, while it works.
    /// </summary>
    public string? Hub(Func<string, bool> isUsable, Func<string, bool> isProven) =>
        HubChoice.Choose(options, options.Hub is { } named ? [named] : _names, peers, isUsable, isProven);

    public void PlanOthers(Instant at)
    {
        if (_regularlyAt is null || at < _regularlyAt) _regularlyAt = at;
    }

    /// <summary>A hub at the end of one of our links announced an artifact.</summary>
    public void OnTold(string peer, string uuid)
    {
        if (_names.Contains(peer)) _lastAnnounced[peer] = uuid;
    }

    /// <summary>
    /// Our hub sent artifacts that the others may lack. With several uplinks, they lack them for sure, unless another
    /// leaf of both was faster: so the times are spread.
    /// </summary>
    /// <param name="chance">From 0 to 1.</param>
    public void PlanOthersForChange(Instant now, double chance) =>
        _forChangeAt ??= now
        + (_names.Count > 1 ? RelayPauseMin + (RelayPauseSpread * chance) : DoubtPause * (1 + chance));

    /// <summary>
    /// Hubs to sync with now: those that follow no other, except ours; for changes, those with another head.
    /// </summary>
    /// <param name="hub">Ours.</param>
    /// <param name="own">The state of our repository.</param>
    /// <param name="pause">Until the next session with them in any case.</param>
    public List<string> TakeOthers(
        Instant now, string? hub, RepositoryChanges own, TimeSpan pause, Func<string, bool> isUsable)
    {
        var isForChange = _regularlyAt is null || _regularlyAt > now;
        if (!isForChange) _regularlyAt = now + pause;
        _forChangeAt = null;
        var others = new List<string>();
        if (options.Role == NodeRole.Hub || hub is null) return others;

        foreach (var peer in peers.Present)
        {
            if (peer.Role != NodeRole.Hub || peer.Hub is not null || peer.PeerId == hub || !isUsable(peer.PeerId))
                continue;
            if (isForChange && _lastAnnounced.TryGetValue(peer.PeerId, out var head) && head == own.Head.ToString())
                continue;
            if (!isForChange || peer.Head != own.Head || peer.CheckIns != own.CheckIns) others.Add(peer.PeerId);
        }

        return others;
    }
}
