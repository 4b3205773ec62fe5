using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Peers;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Announcements;

/// <summary>
/// Queries the changes of the repository, publishes those that the planner selects, and the presence of this node.
/// </summary>
internal sealed class Announcer
{
    private readonly AgentOptions _options;
    private readonly PeerDirectory _peers;
    private readonly Queue<AgentEffect> _effects;
    private readonly AnnouncementPlanner _planner;
    private readonly ChangeQuery _query = new();

    // Invariant: at most AnnouncementPlanner.AnnouncementsMax, the newest.
    private readonly List<Announcement> _pendingForBridge = [];

    /// <param name="publishedRid">Everything up to it was announced by an earlier run.</param>
    public Announcer(
        AgentOptions options, RecordId? publishedRid, PeerDirectory peers, Queue<AgentEffect> effects, Prng prng)
    {
        (_options, _peers, _effects) = (options, peers, effects);
        _planner = new AnnouncementPlanner(options, prng);
        _planner.Restore(publishedRid);
    }

    public long AnnouncementsSent { get; private set; }

    public long PresencesSent { get; private set; }

    /// <summary>The state of the repository at the last query.</summary>
    public RepositoryChanges Held { get; private set; } = new();

    /// <summary>True until the reply to <see cref="AgentEffect.ListChanges"/>.</summary>
    public bool IsReadingChanges => _query.IsOut;

    /// <summary>The next changes are local or pushed here.</summary>
    public bool IsOwn => _query.IsOwn;

    public Instant? Deadline => _planner.Deadline;

    /// <param name="isOwn">The changes are local or pushed here.</param>
    /// <param name="mustRelay">Other nodes may not have received them.</param>
    public void RequestChanges(bool isOwn, bool mustRelay)
    {
        if (_query.Want(isOwn, mustRelay)) ListChanges();
    }

    /// <summary>The reply to <see cref="AgentEffect.ListChanges"/> has arrived, whatever its use.</summary>
    public void OnAnswer() => _query.OnAnswer();

    /// <summary>
    /// Plans the announcements of the changes; <paramref name="announcements"/> are due now, relays follow. False:
    /// without a link no peer receives them, so the watermark waits for the link and nothing stays unannounced.
    /// </summary>
    public bool TryPlan(Instant now, RepositoryChanges changes, out List<Announcement> announcements)
    {
        Held = changes;
        announcements = [];
        if (!_peers.LinkIsUp && _planner.PublishedRid is not null) return false;

        var (isOwn, mustRelay) = (_query.IsOwn, _query.MustRelay);
        _query.OnTold();
        if (_planner.Sort(now, changes, isOwn, mustRelay, announcements))
            _effects.Enqueue(new AgentEffect.PersistWatermark(_planner.PublishedRid!.Value));
        return true;
    }

    /// <summary>Queries once more for changes during the last query.</summary>
    public void RequestMissed()
    {
        if (_query.TakeRepeat()) ListChanges();
    }

    /// <summary>A peer announced it: this node need not relay it, if that peer reaches the same nodes.</summary>
    public void OnHeard(string peer, Announcement announcement)
    {
        var hub = _peers.Hub;
        if (hub is null || peer == hub || announcement.Hub == hub) _planner.OnHeard(announcement.Uuid);
    }

    /// <inheritdoc cref="AnnouncementPlanner.IsKnown"/>
    public bool IsKnown(Announcement announcement) => _planner.IsKnown(announcement);

    /// <inheritdoc cref="AnnouncementPlanner.TakeRelays"/>
    public List<Announcement> TakeRelays(Instant now) => _planner.TakeRelays(now);

    public void Announce(IEnumerable<Announcement> announcements)
    {
        foreach (var item in announcements)
        {
            var hub = _peers.Hub;
            if (_peers.IsBridge(hub)) _pendingForBridge.Add(item);   // which does not repeat it
            if (_pendingForBridge.Count > AnnouncementPlanner.AnnouncementsMax) _pendingForBridge.RemoveAt(0);
            Publish(item with { Hub = hub });
        }
    }

    /// <summary>A bridge does not announce what was pushed to it: the pusher does, on its behalf.</summary>
    public void PublishOnBehalfOf(string bridge)
    {
        foreach (var item in _pendingForBridge) Publish(item with { PeerId = bridge, Role = NodeRole.Hub });
        _pendingForBridge.Clear();
    }

    public void PublishPresence(Presence presence)
    {
        PresencesSent++;
        _effects.Enqueue(new AgentEffect.Publish(_options.Subjects.Presence, presence.ToBytes()));
    }

    private void ListChanges() => _effects.Enqueue(new AgentEffect.ListChanges(_planner.PublishedRid ?? RecordId.None));

    private void Publish(Announcement item)
    {
        AnnouncementsSent++;
        _effects.Enqueue(new AgentEffect.Publish(_options.Subjects.Commit, item.ToBytes()));
    }
}
