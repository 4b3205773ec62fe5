using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>
/// What one repository on one node decides: when to sync and with whom, what to tell the others, whom to believe
/// present. A commit starts an exchange at once; polling is the fallback. Who has a living hub brings everything there
/// and fetches everything from there; only where nobody is a hub do equals meet.
/// <para>
/// The driver calls, in this order and from one thread: any number of <c>On…</c> methods or commands with the time;
/// then
/// <see cref="TryTake"/> until it answers false, doing each effect in order; then it sleeps until
/// <see cref="Deadline"/> and calls <see cref="OnDeadline"/>. Same calls, same effects: all chance comes from the given
/// generator.
/// </para>
/// </summary>
public sealed class AgentCore
{
    private const double Jitter = 0.2;
    private const int PollGrowth = 2;
    private static readonly TimeSpan HubGrace = TimeSpan.FromSeconds(2), HubGraceSpread = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CatchUpSpread = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ReturnSpread = TimeSpan.FromSeconds(2);
    // what another exchange was fetching is here, or asked for again
    private static readonly TimeSpan OthersPause = TimeSpan.FromSeconds(10);
    // a name that nothing was ever exchanged with is forgotten
    private static readonly TimeSpan AwayFor = TimeSpan.FromHours(1);
    private static readonly TimeSpan WantedFor = TimeSpan.FromMinutes(5);

    private readonly AgentOptions _options;
    private readonly Prng _prng;
    private readonly Queue<AgentEffect> _effects = new();
    private readonly PeerRegistry _peers;
    private readonly TargetTable _targets;
    private readonly WantedList _wanted = new();
    private readonly AnnouncementPlanner _planner;
    private readonly ChangeQuery _changeQuery = new();
    private readonly Uplinks _uplinks;
    private readonly DuplicateNodeIdDetector _duplicates;
    private readonly Announcer _announcer;
    private readonly Heartbeat _heartbeat;
    private readonly NameBudget _names = new();
    private readonly DurableAnnouncements? _durable;

    private AgentCounts _counts;
    private long _lastSyncId;
    private Instant? _natsPollAt;
    private TimeSpan _natsPause;
    private bool _isStopped;
    private RepositoryChanges _lastChanges = new();

    public AgentCore(AgentOptions options, AgentMemory memory, Instant now, Prng prng)
    {
        (_options, _prng) = (options, prng);
        _peers = new PeerRegistry(options.PeersMax);
        _peers.Restore(memory.Peers);
        _uplinks = new Uplinks(options, _peers);
        _duplicates = new DuplicateNodeIdDetector(options);
        _announcer = new Announcer(options, _effects);
        _targets = new TargetTable(options.SyncsMax, prng.Fork());
        _planner = new AnnouncementPlanner(options, prng.Fork());
        _planner.Restore(memory.PublishedRid);
        _heartbeat = new Heartbeat(options, prng.Fork());
        _durable = options.UseDurableAnnouncements ? new DurableAnnouncements(memory.DurableSequence) : null;
        _natsPause = options.PollInterval;
        ListChanges(isOwn: true, mustRelay: true);
    }

    public AgentOptions Options => _options;

    /// <summary>True while NATS is connected.</summary>
    public bool LinkIsUp { get; private set; }

    /// <summary>The hub that this node turns to at present; null: none is there, or it is one itself.</summary>
    public string? Hub => LinkIsUp ? _uplinks.Hub(IsUsable, IsProven) : null;

    /// <summary>True while the answer to <see cref="AgentEffect.ListChanges"/> is awaited.</summary>
    public bool IsReadingChanges => _changeQuery.IsOut;

    /// <summary>When <see cref="OnDeadline"/> is due; null: nothing is planned.</summary>
    public Instant? Deadline
    {
        get
        {
            if (_isStopped) return null;

            var first = _targets.Deadline;
            first = Earlier(first, LinkIsUp ? Earlier(_natsPollAt, _uplinks.OthersAt) : null);
            first = Earlier(first, LinkIsUp ? _planner.Deadline : null);
            first = Earlier(first, LinkIsUp ? _wanted.Deadline : null);
            first = Earlier(first, LinkIsUp ? _heartbeat.Deadline : null);
            first = Earlier(first, LinkIsUp ? _durable?.Deadline : null);
            return Earlier(first, _peers.Deadline);
        }
    }

    /// <summary>The next thing to do.</summary>
    public bool TryTake(out AgentEffect effect) => _effects.TryDequeue(out effect!);

    // --- configuration -----------------------------------------------------------------------------------------------

    /// <summary>Adds a target that the user named. It is polled from now on.</summary>
    public void AddTarget(Instant now, SyncTarget target)
    {
        _targets.Configure(target);
        if (_options.Autosync != AutosyncMode.Off)
            _targets.Get(target).Request(now + (CatchUpSpread * _prng.NextDouble()), SyncReason.CatchUp);
        StartDue(now);
    }

    // --- events ------------------------------------------------------------------------------------------------------

    /// <summary>Timers may fire early; what is not due stays.</summary>
    public void OnDeadline(Instant now)
    {
        if (_isStopped) return;

        foreach (var peer in _peers.Expire(now))
            Log(AgentLogLevel.Info, new AgentEvent.PeerSilent(peer.PeerId, now - peer.LastSeen));
        foreach (var name in _peers.Forget(now - AwayFor, IsProven)) _effects.Enqueue(new AgentEffect.ForgetPeer(name));
        _wanted.DropOlder(now - WantedFor);
        if (LinkIsUp)
        {
            foreach (var source in _wanted.TakeDue(now))
                RequestAutomatic(_targets.Get(source), now, SyncReason.Announcement);
            PublishRelays(now);
            if (_natsPollAt <= now) PollNats(now);
            if (_uplinks.OthersAt <= now) SyncWithOtherHubs(now);
            if (_heartbeat.Deadline <= now) PublishPresence(now, _heartbeat.Next(now));
            if (_durable is not null)
            {
                _durable.OnDeadline(now);
                TakeDurable();
            }
        }

        StartDue(now);
    }

    /// <summary>A person or program wants an exchange with everybody it concerns, whatever failed before.</summary>
    public void SyncNow(Instant now)
    {
        if (_isStopped) return;

        foreach (var target in _targets.Configured) target.RequestNow(now, SyncReason.Requested);
        if (LinkIsUp && PickNats() is { } partner) _targets.Get(partner).RequestNow(now, SyncReason.Requested);
        StartDue(now);
    }

    /// <summary>Something came into the repository, or may have: the core asks what.</summary>
    public void OnChanged(Instant now, ChangeOrigin origin)
    {
        if (_isStopped) return;

        if (origin != ChangeOrigin.Pulled) _targets.OnChange();
        ListChanges(isOwn: origin != ChangeOrigin.Pulled, mustRelay: origin == ChangeOrigin.Pulled);
    }

    /// <summary>The answer to <see cref="AgentEffect.ListChanges"/>.</summary>
    public void OnChangesRead(Instant now, RepositoryChanges changes)
    {
        _changeQuery.OnAnswer();
        if (_isStopped) return;

        var (isOwn, mustRelay) = (_changeQuery.IsOwn, _changeQuery.MustRelay);
        if (changes.CheckIns != _lastChanges.CheckIns) _heartbeat.OnMoved(now, _peers.Count);
        _lastChanges = changes;
        foreach (var artifact in changes.Artifacts) _wanted.Remove(artifact.Id.ToString());
        if (changes.UnversionedCatalog is { } unversioned) _wanted.Remove(unversioned);
        if (changes.TableCatalog is { } tables) _wanted.Remove(tables);

        // Without a link nobody hears it: the watermark waits for the link, so that nothing goes untold.
        var isFirst = _planner.PublishedRid is null;
        if (LinkIsUp || isFirst)
        {
            _changeQuery.OnTold();
            var tell = new List<Announcement>();
            if (_planner.Sort(now, changes, isOwn, mustRelay, tell))
                _effects.Enqueue(new AgentEffect.PersistWatermark(_planner.PublishedRid!.Value));
            if (!isFirst && isOwn) SchedulePush(now, tell);
            foreach (var item in tell) PublishAnnouncement(item);
        }
        else if (isOwn)
        {
            foreach (var target in _targets.Configured.Where(t => t.Target.Kind == TargetKind.Http))
                RequestAutomatic(target, now, SyncReason.LocalChange);
        }

        if (_changeQuery.AskAgain()) RequestNews();
        StartDue(now);
    }

    /// <summary>A peer told of something. <paramref name="isHeld"/>: the artifact is in the repository.</summary>
    public void OnAnnouncement(Instant now, Announcement announcement, bool isHeld)
    {
        if (_isStopped || !LinkIsUp) return;
        if (announcement.PeerId is not { } peer || peer == _options.NodeId) return;

        if (_peers.Find(peer) is null && !_names.TryTake(now)) return;

        _counts = _counts with { AnnouncementsHeard = _counts.AnnouncementsHeard + 1 };
        if (announcement.Role is null && !_peers.IsPresent(peer))
        {
            _peers.ApplyForeign(now, peer, out var forgotten);
            if (forgotten is not null) _effects.Enqueue(new AgentEffect.ForgetPeer(forgotten));
        }

        var hub = Hub;
        if (hub is null || peer == hub || announcement.Hub == hub) _planner.OnHeard(announcement.Uuid);
        _uplinks.OnTold(peer, announcement.Uuid);
        if (isHeld || _planner.IsKnown(announcement) || !_options.Pulls(announcement.Kind)) return;

        // Our hub has it: fetch. Someone else has it: our hub will, so wait a moment. We are the sender's hub: he
        // brings it. Another hub has it: perhaps ours does not hear that one, then we are the way between the two. That
        // is so where we are joined to both: they would be a circle.
        var comesBySelf = hub is not null ? peer != hub && !_uplinks.Has(peer) : announcement.Hub == _options.NodeId;
        var askAt = comesBySelf ? now + HubGrace + (HubGraceSpread * _prng.NextDouble()) : now;
        var source = SyncTarget.NatsPeer(_options.Subjects, announcement.Role == NodeRole.Hub ? peer : hub ?? peer);
        if (_targets.Find(source.Id) is { HasNoCredit: true }) return;   // polls are left to find it
        if (_wanted.TryAdd(announcement, source, now, askAt) && askAt <= now)
            RequestAutomatic(_targets.Get(source), now, SyncReason.Announcement);
        StartDue(now);
    }

    /// <summary>A peer's heartbeat.</summary>
    public void OnPresence(Instant now, Presence presence)
    {
        if (_isStopped || !LinkIsUp) return;
        if (presence.PeerId == _options.NodeId)
        {
            OnDuplicateNodeId(now, presence);
            return;
        }

        if (_peers.Find(presence.PeerId) is null && presence.State != PresenceState.Leave && !_names.TryTake(now))
            return;

        var (hubBefore, hadToAsk) = (Hub, MustBeAsked(presence.PeerId));
        var change = _peers.Apply(now, presence, out var forgotten);
        if (change == PeerChange.Came && _targets.Find($"nats:{presence.PeerId}") is { } returned)
            returned.OnReachable(now);
        if (forgotten is not null) _effects.Enqueue(new AgentEffect.ForgetPeer(forgotten));
        if (change != PeerChange.None && _peers.Find(presence.PeerId) is { } record)
            _effects.Enqueue(new AgentEffect.PersistPeer(record));
        if (change == PeerChange.Came)
            Log(AgentLogLevel.Info, new AgentEvent.PeerJoined(presence.PeerId, presence.Role, presence.Version));
        if (change == PeerChange.Left) Log(AgentLogLevel.Info, new AgentEvent.PeerLeft(presence.PeerId));

        // Send one heartbeat soon after new peers join; joins within the delay share it.
        if (presence.State == PresenceState.Join || change == PeerChange.Came) _heartbeat.Hurry(now, _peers.Count);
        var hub = Hub;
        if (hub != hubBefore && hub is not null)
        {
            RequestAutomatic(
                _targets.Get(SyncTarget.NatsPeer(_options.Subjects, hub)), now + (CatchUpSpread * _prng.NextDouble()),
                SyncReason.CatchUp);
        }
        else if (change == PeerChange.Came && hub is null)
        {
            // Perhaps a partition healed: one of us two has what the other lacks.
            _natsPause = _options.PollInterval;
            PlanNatsPoll(now, ReturnSpread * _prng.NextDouble());
        }

        if (hub == presence.PeerId && !hadToAsk && MustBeAsked(hub))
            PlanNatsPoll(now, Jittered(_natsPause = _options.PollInterval));
        if (change == PeerChange.Came && presence.Role == NodeRole.Hub && presence.PeerId != hub)
            _uplinks.PlanOthers(now + (ReturnSpread * (1 + _prng.NextDouble())));
        StartDue(now);
    }

    /// <summary>
    /// NATS is connected (again), or a leaf link of the own broker came up: then others can be heard than before, so it
    /// is said again. <paramref name="upstream"/>: the node at the other end of the uplink, if it told.
    /// </summary>
    public void OnLinkUp(Instant now, string? upstream = null)
    {
        if (_isStopped) return;

        LinkIsUp = true;
        if (upstream is not null) _uplinks.Up(upstream);
        _natsPause = _options.PollInterval;
        foreach (var target in _targets.All.Where(t => t.Target.Kind != TargetKind.Http)) target.OnReachable(now);
        if (_options.Autosync != AutosyncMode.Off) PlanNatsPoll(now, HubGrace * _prng.NextDouble());
        _uplinks.PlanOthers(now + (ReturnSpread * (1 + _prng.NextDouble())));
        PublishPresence(now, _heartbeat.Join(now));
        ListChanges(isOwn: true, mustRelay: true);
        if (_durable is not null)
        {
            _durable.OnLinkUp(now);
            TakeDurable();
        }

        StartDue(now);
    }

    /// <summary>
    /// One uplink of several went, or the only one: the node at its other end is out of reach, and those that turn to
    /// it. Another hub is turned to at once, if there is one.
    /// </summary>
    public void OnUpstreamLost(Instant now, string upstream)
    {
        if (_isStopped || !LinkIsUp) return;

        var hubBefore = Hub;
        _uplinks.Lost(upstream);
        _peers.ForgetBehind(upstream);
        if (Hub is { } hub && hub != hubBefore)
            RequestAutomatic(
                _targets.Get(SyncTarget.NatsPeer(_options.Subjects, hub)), now + (CatchUpSpread * _prng.NextDouble()),
                SyncReason.CatchUp);
        StartDue(now);
    }

    /// <summary>NATS is gone.</summary>
    public void OnLinkDown(Instant now)
    {
        if (!LinkIsUp) return;

        LinkIsUp = false;
        _natsPollAt = null;
        _uplinks.Clear();
        _peers.ForgetPresence();
        _durable?.OnLinkDown();
        foreach (var target in _targets.All.Where(t => t.Target.Kind == TargetKind.NatsPeer && !t.IsConfigured))
            target.CancelRequest();
    }

    /// <summary>An exchange ended.</summary>
    public void OnSyncFinished(Instant now, long syncId, SyncOutcome outcome)
    {
        if (_targets.FindRunning(syncId) is not { StartedAt: var startedAt } state) return;

        state.Finish(now, outcome);
        if (!outcome.IsOk && outcome.Kind != SyncOutcomeKind.Cancelled)
            _counts = _counts with { SyncsFailed = _counts.SyncsFailed + 1 };
        _effects.Enqueue(OutcomeLog.Line(_targets, state, outcome, now - startedAt, startedAt - _options.PollInterval));
        if (_isStopped) return;

        if (outcome.IsOk) OnSyncOk(now, state, outcome, startedAt);
        else if (state.Target.Kind == TargetKind.NatsPeer && !state.IsConfigured
            && !_peers.IsPresent(state.Target.PeerId))
            state.CancelRequest();
        StartDue(now);
    }

    /// <summary>What <see cref="AgentEffect.ReadMissed"/> asked for; null: no JetStream answers.</summary>
    public void OnMissedRead(Instant now, long readId, StreamTail? tail)
    {
        if (_durable is null || _isStopped) return;

        _durable.OnRead(now, readId, tail);
        TakeDurable();
    }

    /// <summary>Says good-bye; no effects but those that are taken now come after it.</summary>
    public void Stop(Instant now)
    {
        if (_isStopped) return;

        if (LinkIsUp) PublishPresence(now, PresenceState.Leave);
        _isStopped = true;
    }

    // --- queries -----------------------------------------------------------------------------------------------------

    /// <summary>How things stand.</summary>
    public AgentStatus StatusAt(Instant now)
    {
        var status = new AgentStatus
        {
            NodeId = _options.NodeId,
            Role = _options.Role,
            LinkIsUp = LinkIsUp,
            Hub = Hub,
            Peers = [.. _peers.All],
            Wanted = _wanted.Count,
            DuplicateNodeId = _duplicates.At(now),
            Counts = _counts with
            {
                AnnouncementsSent = _announcer.AnnouncementsSent,
                PresencesSent = _announcer.PresencesSent
            },
        };
        return AgentReport.BuildStatus(status, _options, _targets, now);
    }

    // --- inside ------------------------------------------------------------------------------------------------------

    private void OnSyncOk(Instant now, TargetState state, SyncOutcome outcome, Instant startedAt)
    {
        if (_wanted.HasNewer(state.Target.Id, startedAt)) RequestAutomatic(state, now, SyncReason.Announcement);
        else if (outcome.LeftToOthers) RequestAutomatic(state, now + OthersPause, SyncReason.Poll);
        if (!outcome.LeftToOthers) _wanted.OnAnswered(state.Target.Id, startedAt);
        var moved = outcome.Received + outcome.Sent > 0;
        if (state.Target.Kind == TargetKind.Http || state.Target.Kind == TargetKind.NatsAny
            || MustBeAsked(state.Target.PeerId))
        {
            if (state.IsConfigured) RequestAutomatic(state, now + Jittered(_options.PollInterval), SyncReason.Poll);
            if (state.Target.Kind != TargetKind.Http) _natsPause = _options.PollInterval;
        }
        else
        {
            _natsPause = moved ? _options.PollInterval : Shorter(_natsPause * PollGrowth, _options.PollIntervalMax);
        }

        if (state.Target.Kind != TargetKind.Http && LinkIsUp && _options.Autosync != AutosyncMode.Off)
            PlanNatsPoll(now, Jittered(_natsPause));
        if (outcome.Sent > 0 && IsBridge(state.Target.PeerId)) _announcer.PublishOnBehalfOf(state.Target.PeerId!);
        if (outcome.Received == 0) return;

        // What the hub brings, the hub tells; what another brings is perhaps new to the others.
        _targets.OnChange(except: state.Target.Id);
        var isFromHub = state.Target.PeerId is { } peer && peer == Hub;
        if (isFromHub) _uplinks.PlanOthersForNews(now, _prng.NextDouble());
        var wasTold = state.Reason == SyncReason.Announcement && _options.Role != NodeRole.Hub && Hub is null;
        ListChanges(isOwn: _options.Role == NodeRole.Hub, mustRelay: !isFromHub && !wasTold);
    }

    private void SchedulePush(Instant now, List<Announcement> tell)
    {
        if (tell.Count == 0
            || (_options.Actions & (SyncActions.Push | SyncActions.Unversioned | SyncActions.Tables)) == 0)
            return;

        foreach (var target in _targets.Configured) RequestAutomatic(target, now, SyncReason.LocalChange);
        if (Hub is { } hub)
            RequestAutomatic(_targets.Get(SyncTarget.NatsPeer(_options.Subjects, hub)), now, SyncReason.LocalChange);
        // who asks our name may ask the other
        else if (_duplicates.At(now) is not null && PickNats() is { } partner)
            RequestAutomatic(_targets.Get(partner), now, SyncReason.LocalChange);
        else if (_options.Role != NodeRole.Hub && !_peers.Present.Any(p => !p.IsForeign))
            RequestAutomatic(_targets.Get(SyncTarget.NatsAny(_options.Subjects)), now, SyncReason.LocalChange);
    }

    private void PublishRelays(Instant now)
    {
        var due = _planner.TakeRelays(now);
        if (due.Count == 0) return;

        SchedulePush(now, due);
        foreach (var item in due) PublishAnnouncement(item);
    }

    private void PollNats(Instant now)
    {
        if (PickNats() is not { } partner)
        {
            PlanNatsPoll(now, Jittered(_natsPause));
            return;
        }

        RequestAutomatic(_targets.Get(partner), now, SyncReason.Poll);
        PlanNatsPoll(now, Jittered(_natsPause));
    }

    private void SyncWithOtherHubs(Instant now)
    {
        foreach (var other in _uplinks.TakeOthers(now, Hub, _lastChanges, Jittered(_options.PollIntervalMax), IsUsable))
            RequestAutomatic(_targets.Get(SyncTarget.NatsPeer(_options.Subjects, other)), now, SyncReason.Poll);
    }

    /// <summary>Another node uses our node id; a heartbeat lets it detect the conflict, too.</summary>
    private void OnDuplicateNodeId(Instant now, Presence presence)
    {
        if (!_duplicates.Notice(now, presence)) return;

        Log(AgentLogLevel.Warning, new AgentEvent.DuplicateName(_duplicates.At(now)!));
        _heartbeat.Hurry(now, _peers.Count);
    }

    /// <summary>Whom to turn to over NATS when nobody in particular is asked for.</summary>
    private SyncTarget? PickNats()
    {
        if (Hub is { } hub) return SyncTarget.NatsPeer(_options.Subjects, hub);

        var equals = HubChoice.Candidates(_options, _peers, IsUsable);
        if (equals.Count > 0) return SyncTarget.NatsPeer(_options.Subjects, equals[_prng.NextInt32(equals.Count)]);

        // Nobody of ours: perhaps the original's nodes, or a bridge that does not show itself. A hub waits for others
        // to come.
        return _options.Role == NodeRole.Hub ? null : SyncTarget.NatsAny(_options.Subjects);
    }

    private void StartDue(Instant now)
    {
        while (!_isStopped && _targets.TryNext(now, out var state))
        {
            if (state.Target.Kind != TargetKind.Http && !LinkIsUp)
            {
                state.CancelRequest();
                continue;
            }

            var actions = _options.Actions & state.Needed(_wanted.KindsOf(state.Target.Id));
            state.Start(now, ++_lastSyncId, isWhole: actions == _options.Actions);
            _counts = _counts with { SyncsStarted = _counts.SyncsStarted + 1 };
            _effects.Enqueue(
                new AgentEffect.StartSync(
                    _lastSyncId, state.Target, actions, state.Reason,
                    _options.SyncTimeout)
                { Wanted = _wanted.ArtifactsOf(state.Target.Id) });
        }
    }

    private void RequestAutomatic(TargetState target, Instant at, SyncReason reason)
    {
        if (_options.Autosync != AutosyncMode.Off) target.Request(at, reason);
    }

    private void ListChanges(bool isOwn, bool mustRelay)
    {
        if (_changeQuery.Want(isOwn, mustRelay)) RequestNews();
    }

    private void RequestNews() => _effects.Enqueue(new AgentEffect.ListChanges(_planner.PublishedRid ?? RecordId.None));

    private void PublishAnnouncement(Announcement item) => _announcer.Announce(item, Hub, IsBridge(Hub));

    private void PublishPresence(Instant now, PresenceState state) =>
        _announcer.PublishPresence(AgentReport.PresenceOf(StatusAt(now), _options, _lastChanges, state, now));

    private void TakeDurable()
    {
        while (_durable!.TryTake(out var effect)) _effects.Enqueue(effect);
    }

    private void Log(AgentLogLevel level, AgentEvent happened) =>
        _effects.Enqueue(new AgentEffect.Log(level, happened));

    private bool IsUsable(string peer) => _targets.Find($"nats:{peer}") is not { Breaker: BreakerState.Open };

    private bool IsProven(string peer) => _targets.Find($"nats:{peer}") is { LastOk: not null };

    private bool IsBridge(string? peer) => _peers.Find(peer) is { IsBridge: true };

    private bool MustBeAsked(string? peer) =>
        _peers.Find(peer) is { IsBridge: true } bridge && (_options.Unversioned || _options.Tables || !bridge.Tells);

    private void PlanNatsPoll(Instant now, TimeSpan pause) => _natsPollAt = now + pause;

    private TimeSpan Jittered(TimeSpan pause) => pause * (1 - Jitter + (2 * Jitter * _prng.NextDouble()));

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static Instant? Earlier(Instant? a, Instant? b) => a is null ? b : b is null || a < b ? a : b;
}
