using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Peers;
using EdgeSync.Agent.Schedule;
using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>
/// The decisions of one repository on one node: when to sync and with which peers, what to announce, which peers are
/// present. A commit starts a session at once; polling is the fallback. A node with a reachable hub syncs with that hub
/// alone; peers sync with each other only where there is no hub.
/// <para>
/// The driver calls, in this order and from one thread: any number of <c>On…</c> methods or commands with the time;
/// then <see cref="TryTake"/> until it returns false, executing each effect in order; then it sleeps until <see
/// cref="Deadline"/> and calls <see cref="OnDeadline"/>. Same calls, same effects: all randomness is from the given
/// generator.
/// </para>
/// <para>
/// The parts: <see cref="PeerDirectory"/> tracks the peers and chooses the hub, <see cref="SyncSchedule"/> starts the
/// sessions, <see cref="Announcer"/> publishes. The core passes an event to each part that it concerns.
/// </para>
/// </summary>
public sealed class AgentCore
{
    private readonly AgentOptions _options;
    private readonly Queue<AgentEffect> _effects = new();
    private readonly TargetTable _targets;
    private readonly PeerDirectory _peers;
    private readonly SyncSchedule _schedule;
    private readonly Announcer _announcer;
    private readonly Heartbeat _heartbeat;
    private readonly DurableAnnouncements? _durable;

    private long _announcementsHeard;
    private bool _isStopped;

    public AgentCore(AgentOptions options, AgentMemory memory, Instant now, Prng prng)
    {
        _options = options;
        _targets = new TargetTable(options.SyncsMax, prng.Fork());
        _peers = new PeerDirectory(options, memory.Peers, _targets, _effects, prng);
        _schedule = new SyncSchedule(options, _targets, _peers, _effects, prng);
        _announcer = new Announcer(options, memory.PublishedRid, _peers, _effects, prng.Fork());
        _heartbeat = new Heartbeat(options, prng.Fork());
        _durable = options.UseDurableAnnouncements ? new DurableAnnouncements(memory.DurableSequence) : null;
        _announcer.RequestChanges(isOwn: true, mustRelay: true);
    }

    public AgentOptions Options => _options;

    /// <summary>True while NATS is connected.</summary>
    public bool LinkIsUp => _peers.LinkIsUp;

    /// <inheritdoc cref="PeerDirectory.Hub"/>
    public string? Hub => _peers.Hub;

    /// <inheritdoc cref="Announcer.IsReadingChanges"/>
    public bool IsReadingChanges => _announcer.IsReadingChanges;

    /// <summary>When <see cref="OnDeadline"/> is due; null: nothing is planned.</summary>
    public Instant? Deadline
    {
        get
        {
            if (_isStopped) return null;

            var first = Instant.Earlier(_schedule.Deadline, _peers.Deadline);
            if (!LinkIsUp) return first;

            return Instant.Earlier(
                Instant.Earlier(first, _announcer.Deadline),
                Instant.Earlier(_heartbeat.Deadline, _durable?.Deadline));
        }
    }

    /// <summary>The next effect.</summary>
    public bool TryTake(out AgentEffect effect) => _effects.TryDequeue(out effect!);

    /// <inheritdoc cref="SyncSchedule.AddTarget"/>
    public void AddTarget(Instant now, SyncTarget target)
    {
        _schedule.AddTarget(now, target);
        StartDue(now);
    }

    /// <inheritdoc cref="SyncSchedule.RemoveTarget"/>
    public void RemoveTarget(string id) => _schedule.RemoveTarget(id);

    /// <inheritdoc cref="SyncSchedule.OnTargetReachable"/>
    public void OnTargetReachable(Instant now, string id)
    {
        _schedule.OnTargetReachable(now, id);
        StartDue(now);
    }

    // --- events ------------------------------------------------------------------------------------------------------

    /// <summary>Timers may fire early; what is not due stays.</summary>
    public void OnDeadline(Instant now)
    {
        if (_isStopped) return;

        _peers.OnDeadline(now);
        _schedule.RequestWanted(now);
        if (LinkIsUp)
        {
            Announce(now, _announcer.TakeRelays(now), mustPush: true);
            _schedule.Poll(now, _announcer.Held);
            if (_heartbeat.Deadline <= now) PublishPresence(now, _heartbeat.Next(now));
            _durable?.OnDeadline(now);
            TakeDurable();
        }

        StartDue(now);
    }

    /// <summary>A user or program requests a session with every target, regardless of backoff.</summary>
    public void SyncNow(Instant now)
    {
        if (_isStopped) return;

        _schedule.RequestAllNow(now);
        StartDue(now);
    }

    /// <summary>The repository has changed, or may have: the core queries the changes.</summary>
    public void OnChanged(Instant now, ChangeOrigin origin)
    {
        if (_isStopped) return;

        if (origin != ChangeOrigin.Pulled) _targets.OnChange();
        _announcer.RequestChanges(isOwn: origin != ChangeOrigin.Pulled, mustRelay: origin == ChangeOrigin.Pulled);
    }

    /// <summary>The reply to <see cref="AgentEffect.ListChanges"/>.</summary>
    public void OnChangesRead(Instant now, RepositoryChanges changes)
    {
        _announcer.OnAnswer();
        if (_isStopped) return;

        if (changes.CheckIns != _announcer.Held.CheckIns) _heartbeat.OnMoved(now, _peers.Count);
        _schedule.OnHeld(changes);
        var isOwn = _announcer.IsOwn;
        if (_announcer.TryPlan(now, changes, out var announcements)) Announce(now, announcements, mustPush: isOwn);
        else if (isOwn) _schedule.PushToServers(now);
        _announcer.RequestMissed();
        StartDue(now);
    }

    /// <summary>A peer announced an artifact. <paramref name="isHeld"/>: it is in the repository.</summary>
    public void OnAnnouncement(Instant now, Announcement announcement, bool isHeld)
    {
        if (_isStopped || !LinkIsUp) return;
        if (announcement.PeerId is not { } peer || peer == _options.NodeId) return;
        if (!_peers.TryApply(now, peer, announcement)) return;

        _announcementsHeard++;
        _announcer.OnHeard(peer, announcement);
        if (isHeld || _announcer.IsKnown(announcement) || !_options.Pulls(announcement.Kind)) return;

        if (_schedule.TryWant(now, peer, announcement)) StartDue(now);
    }

    /// <summary>
    /// A peer's heartbeat. It makes up for an announcement that was lost: NATS delivers at most once.
    /// </summary>
    /// <param name="holdsHead">Its newest check-in is in the repository here, too.</param>
    public void OnPresence(Instant now, Presence presence, bool holdsHead = true)
    {
        if (_isStopped || !LinkIsUp) return;
        if (presence.PeerId == _options.NodeId)
        {
            // A heartbeat lets the other node detect the conflict, too.
            if (_peers.NoteDuplicate(now, presence)) _heartbeat.Hurry(now, _peers.Count);
            return;
        }

        var (hubBefore, wasPolled) = (Hub, _peers.MustBePolled(presence.PeerId));
        var headBefore = _peers.HeadOf(presence.PeerId);
        if (!_peers.TryApply(now, presence, out var change)) return;

        // Send one heartbeat soon after new peers join; joins within the delay share it.
        var hasCome = change == PeerChange.Came;
        if (presence.State == PresenceState.Join || hasCome) _heartbeat.Hurry(now, _peers.Count);
        var hub = Hub;
        if (hub != hubBefore && hub is not null) _schedule.CatchUpWith(now, hub);
        else if (hasCome && hub is null) _schedule.PollSoon(now);
        if (hub == presence.PeerId && !wasPolled && _peers.MustBePolled(hub)) _schedule.PollRegularly(now);
        if (hasCome && presence.Role == NodeRole.Hub && presence.PeerId != hub) _peers.PlanOtherHubs(now);
        // Once for each head. Those of a peer that has just come are found by the poll, and where there is a hub, what
        // others have comes from it. Without one another session may be bringing it, so this one waits a moment.
        if (change == PeerChange.Moved && !holdsHead && presence.Head != headBefore
            && (hub is null || hub == presence.PeerId) && _options.Pulls(AnnouncedKind.CheckIn))
            _schedule.TryWant(now, presence.PeerId, Announcement.OfHead(presence), mayWait: hub is null);
        StartDue(now);
    }

    /// <summary>
    /// NATS is connected (again), or a leaf link of the own broker came up: other peers may be reachable now, so
    /// presence is announced again. <paramref name="upstream"/>: the node at the other end of the uplink, if known.
    /// </summary>
    public void OnLinkUp(Instant now, string? upstream = null)
    {
        if (_isStopped) return;

        _peers.OnLinkUp(upstream);
        _schedule.OnLinkUp(now);
        PublishPresence(now, _heartbeat.Join(now));
        _announcer.RequestChanges(isOwn: true, mustRelay: true);
        _durable?.OnLinkUp(now);
        TakeDurable();
        StartDue(now);
    }

    /// <summary>
    /// One uplink of several was lost, or the only one: the node at its other end is unreachable, and those that follow
    /// it. Another hub is chosen at once, if there is one.
    /// </summary>
    public void OnUpstreamLost(Instant now, string upstream)
    {
        if (_isStopped || !LinkIsUp) return;

        var hubBefore = Hub;
        _peers.OnUpstreamLost(upstream);
        if (Hub is { } hub && hub != hubBefore) _schedule.CatchUpWith(now, hub);
        StartDue(now);
    }

    /// <summary>NATS is disconnected.</summary>
    public void OnLinkDown(Instant now)
    {
        if (!LinkIsUp) return;

        _peers.OnLinkDown();
        _schedule.OnLinkDown();
        _durable?.OnLinkDown();
    }

    /// <summary>A session ended.</summary>
    public void OnSyncFinished(Instant now, long syncId, SyncOutcome outcome)
    {
        if (_schedule.OnFinished(now, syncId, outcome, isStopping: _isStopped) is not { } state || _isStopped) return;

        if (outcome.IsOk) AnnounceSynced(now, state, outcome);
        StartDue(now);
    }

    /// <summary>The reply to <see cref="AgentEffect.ReadMissed"/>; null: no JetStream.</summary>
    public void OnMissedRead(Instant now, long readId, StreamTail? tail)
    {
        if (_isStopped) return;

        _durable?.OnRead(now, readId, tail);
        TakeDurable();
    }

    /// <summary>Announces that this node leaves; only the effects taken now follow.</summary>
    public void Stop(Instant now)
    {
        if (_isStopped) return;

        if (LinkIsUp) PublishPresence(now, PresenceState.Leave);
        _isStopped = true;
    }

    /// <summary>The present state.</summary>
    public AgentStatus StatusAt(Instant now)
    {
        var status = new AgentStatus
        {
            NodeId = _options.NodeId,
            Role = _options.Role,
            LinkIsUp = LinkIsUp,
            Hub = Hub,
            Peers = [.. _peers.All],
            Wanted = _schedule.WantedCount,
            DuplicateNodeId = _peers.DuplicateAt(now),
            Counts = new AgentCounts(
                _schedule.SyncsStarted, _schedule.SyncsFailed, _announcer.AnnouncementsSent, _announcementsHeard,
                _announcer.PresencesSent),
        };
        return AgentReport.BuildStatus(status, _options, _targets, now);
    }

    // --- inside ------------------------------------------------------------------------------------------------------

    /// <summary>Artifacts of a session may be new to other peers.</summary>
    private void AnnounceSynced(Instant now, TargetState state, SyncOutcome outcome)
    {
        var peer = state.Target.PeerId;
        if (outcome.Sent > 0 && _peers.IsBridge(peer)) _announcer.PublishOnBehalfOf(peer!);
        if (outcome.Received == 0) return;

        // The hub announces what it sends; artifacts of another peer may be new to the others.
        _targets.OnChange(except: state.Target.Id);
        var isFromHub = peer is not null && peer == Hub;
        if (isFromHub) _peers.PlanOtherHubsForChange(now);
        var wasAnnounced = state.Reason == SyncReason.Announcement && _options.Role != NodeRole.Hub && Hub is null;
        _announcer.RequestChanges(isOwn: _options.Role == NodeRole.Hub, mustRelay: !isFromHub && !wasAnnounced);
    }

    private void Announce(Instant now, List<Announcement> announcements, bool mustPush)
    {
        if (mustPush) _schedule.Push(now, announcements);
        _announcer.Announce(announcements);
    }

    private void PublishPresence(Instant now, PresenceState state) =>
        _announcer.PublishPresence(AgentReport.PresenceOf(StatusAt(now), _options, _announcer.Held, state, now));

    private void StartDue(Instant now)
    {
        if (!_isStopped) _schedule.StartDue(now);
    }

    private void TakeDurable()
    {
        while (_durable is not null && _durable.TryTake(out var effect)) _effects.Enqueue(effect);
    }
}
