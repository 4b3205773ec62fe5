using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Peers;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Schedule;

/// <summary>
/// When a repository syncs, and with which target: after a change or an announcement at once, otherwise by polls that
/// back off without changes.
/// </summary>
internal sealed class SyncSchedule(
    AgentOptions options, TargetTable targets, PeerDirectory peers, Queue<AgentEffect> effects, Prng prng)
{
    private const double Jitter = 0.2;
    private const int PollGrowth = 2;
    private static readonly TimeSpan HubGrace = TimeSpan.FromSeconds(2), HubGraceSpread = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CatchUpSpread = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ReturnSpread = TimeSpan.FromSeconds(2);
    // artifacts of another session are here by then, or requested again
    private static readonly TimeSpan OthersPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan WantedFor = TimeSpan.FromMinutes(5);

    private readonly WantedList _wanted = new();
    private long _lastSyncId;
    private Instant? _natsPollAt;
    private TimeSpan _natsPause = options.PollInterval;

    public long SyncsStarted => _lastSyncId;

    public long SyncsFailed { get; private set; }

    /// <summary>Announced artifacts that are missing here.</summary>
    public int WantedCount => _wanted.Count;

    public Instant? Deadline
    {
        get
        {
            var first = targets.Deadline;
            if (!peers.LinkIsUp) return first;

            return Instant.Earlier(
                Instant.Earlier(first, _natsPollAt), Instant.Earlier(peers.OtherHubsAt, _wanted.Deadline));
        }
    }

    /// <summary>Removes a configured target; a session with it ends without a consequence.</summary>
    public void RemoveTarget(string id) => targets.Remove(id);

    /// <summary>A route to a configured target exists now: its backoff ends.</summary>
    public void OnTargetReachable(Instant now, string id) => targets.Find(id)?.OnReachable(now);

    /// <summary>Adds a configured target. It is polled from now on.</summary>
    public void AddTarget(Instant now, SyncTarget target)
    {
        targets.Configure(target);
        Request(targets.Get(target), now + CatchUpDelay(), SyncReason.CatchUp);
    }

    /// <summary>Syncs with every target now, regardless of backoff.</summary>
    public void RequestAllNow(Instant now)
    {
        foreach (var target in targets.Configured) target.RequestNow(now, SyncReason.Requested);
        if (peers.LinkIsUp && peers.PickPartner() is { } partner)
            targets.Get(partner).RequestNow(now, SyncReason.Requested);
    }

    /// <summary>Requests, or gives up, announced artifacts that did not arrive in time.</summary>
    public void RequestWanted(Instant now)
    {
        _wanted.DropOlder(now - WantedFor);
        if (!peers.LinkIsUp) return;

        foreach (var source in _wanted.TakeDue(now)) Request(targets.Get(source), now, SyncReason.Announcement);
    }

    /// <summary>Starts polls that are due, and sessions with the hubs other than ours.</summary>
    /// <param name="own">The state of the repository.</param>
    public void Poll(Instant now, RepositoryChanges own)
    {
        if (_natsPollAt <= now)
        {
            if (peers.PickPartner() is { } partner) Request(targets.Get(partner), now, SyncReason.Poll);
            PlanPoll(now, Jittered(_natsPause));
        }

        if (peers.OtherHubsAt > now || peers.OtherHubsAt is null) return;

        foreach (var other in peers.TakeOtherHubs(now, own, Jittered(options.PollIntervalMax)))
            Request(targets.Get(PeerTarget(other)), now, SyncReason.Poll);
    }

    /// <summary>Announced artifacts that have arrived need not be requested.</summary>
    public void OnHeld(RepositoryChanges changes)
    {
        foreach (var artifact in changes.Artifacts) _wanted.Remove(artifact.Id.ToString());
        if (changes.UnversionedCatalog is { } unversioned) _wanted.Remove(unversioned);
        if (changes.TableCatalog is { } tables) _wanted.Remove(tables);
    }

    /// <summary>A peer has an artifact that is missing here. False: its announcements start no session.</summary>
    /// <param name="mayWait">It may be on its way already.</param>
    public bool TryWant(Instant now, string peer, Announcement announcement, bool mayWait = false)
    {
        // Our hub has it: fetch. Another peer has it: our hub will, so wait a moment. We are the sender's hub: it
        // pushes. Another hub has it: perhaps ours does not receive from that one, then this node connects the two.
        // That is so when we are joined to both: they would form a loop.
        var hub = peers.Hub;
        var comesBySelf = mayWait || (hub is not null
            ? peer != hub && !peers.HasUplink(peer)
            : announcement.Hub == options.NodeId);
        var askAt = comesBySelf ? now + HubGrace + (HubGraceSpread * prng.NextDouble()) : now;
        var source = PeerTarget(announcement.Role == NodeRole.Hub ? peer : hub ?? peer);
        if (targets.Find(source.Id) is { HasNoCredit: true }) return false;   // polls find it later
        if (_wanted.TryAdd(announcement, source, now, askAt) && askAt <= now)
            Request(targets.Get(source), now, SyncReason.Announcement);
        return true;
    }

    /// <summary>
    /// Pushes local artifacts to their targets: the configured ones, and the hub, or otherwise any peer without
    /// presence.
    /// </summary>
    public void Push(Instant now, IReadOnlyList<Announcement> announcements)
    {
        if (announcements.Count == 0
            || (options.Actions & (SyncActions.Push | SyncActions.Unversioned | SyncActions.Tables)) == 0)
            return;

        foreach (var target in targets.Configured) Request(target, now, SyncReason.LocalChange);
        if (peers.Hub is { } hub)
            Request(targets.Get(PeerTarget(hub)), now, SyncReason.LocalChange);
        // a request to our node id may reach the other node
        else if (peers.DuplicateAt(now) is not null && peers.PickPartner() is { } partner)
            Request(targets.Get(partner), now, SyncReason.LocalChange);
        else if (options.Role != NodeRole.Hub && !peers.AnyPresent)
            Request(targets.Get(SyncTarget.NatsAny(options.Subjects)), now, SyncReason.LocalChange);
    }

    /// <summary>Without NATS, local artifacts go to the Fossil servers alone.</summary>
    public void PushToServers(Instant now)
    {
        foreach (var target in targets.Configured.Where(t => t.Target.Kind == TargetKind.Http))
            Request(target, now, SyncReason.LocalChange);
    }

    public void OnLinkUp(Instant now)
    {
        _natsPause = options.PollInterval;
        foreach (var target in targets.All.Where(t => t.Target.Kind != TargetKind.Http)) target.OnReachable(now);
        if (options.Autosync != AutosyncMode.Off) PlanPoll(now, HubGrace * prng.NextDouble());
        peers.PlanOtherHubs(now);
    }

    public void OnLinkDown()
    {
        _natsPollAt = null;
        foreach (var target in targets.All.Where(t => t.Target.Kind == TargetKind.NatsPeer && !t.IsConfigured))
            target.CancelRequest();
    }

    /// <summary>Another hub is in use now.</summary>
    public void CatchUpWith(Instant now, string hub) =>
        Request(targets.Get(PeerTarget(hub)), now + CatchUpDelay(), SyncReason.CatchUp);

    /// <summary>A peer appeared while there is no hub: one of the two may lack artifacts.</summary>
    public void PollSoon(Instant now)
    {
        _natsPause = options.PollInterval;
        PlanPoll(now, ReturnSpread * prng.NextDouble());
    }

    /// <summary>The hub has to be polled from now on.</summary>
    public void PollRegularly(Instant now) => PlanPoll(now, Jittered(_natsPause = options.PollInterval));

    /// <summary>A session ended. Returns its target, unless the session is unknown.</summary>
    /// <param name="isStopping">Nothing more is planned.</param>
    public TargetState? OnFinished(Instant now, long syncId, SyncOutcome outcome, bool isStopping)
    {
        if (targets.FindRunning(syncId) is not { StartedAt: { } startedAt } state) return null;

        state.Finish(now, outcome);
        if (!outcome.IsOk && outcome.Kind != SyncOutcomeKind.Cancelled) SyncsFailed++;
        effects.Enqueue(OutcomeLog.Line(targets, state, outcome, now - startedAt, startedAt - options.PollInterval));
        if (isStopping) return state;

        if (outcome.IsOk) PlanNext(now, state, outcome, startedAt);
        else if (state.Target.Kind == TargetKind.NatsPeer && !state.IsConfigured
            && !peers.IsPresent(state.Target.PeerId))
            state.CancelRequest();
        return state;
    }

    /// <summary>Starts what is due, up to the limit.</summary>
    public void StartDue(Instant now)
    {
        while (targets.TryNext(now, out var state))
        {
            if (state.Target.Kind != TargetKind.Http && !peers.LinkIsUp)
            {
                state.CancelRequest();
                continue;
            }

            var actions = options.Actions & state.Needed(_wanted.KindsOf(state.Target.Id));
            state.Start(now, ++_lastSyncId, isWhole: actions == options.Actions);
            effects.Enqueue(
                new AgentEffect.StartSync(_lastSyncId, state.Target, actions, state.Reason, options.SyncTimeout)
                {
                    Wanted = _wanted.ArtifactsOf(state.Target.Id)
                });
        }
    }

    private void PlanNext(Instant now, TargetState state, SyncOutcome outcome, Instant startedAt)
    {
        var target = state.Target;
        if (_wanted.HasNewer(target.Id, startedAt)) Request(state, now, SyncReason.Announcement);
        else if (outcome.LeftToOthers) Request(state, now + OthersPause, SyncReason.Poll);
        if (!outcome.LeftToOthers) _wanted.OnAnswered(target.Id, startedAt);
        if (target.Kind is TargetKind.Http or TargetKind.NatsAny || peers.MustBePolled(target.PeerId))
        {
            if (state.IsConfigured) Request(state, now + Jittered(options.PollInterval), SyncReason.Poll);
            if (target.Kind != TargetKind.Http) _natsPause = options.PollInterval;
        }
        else
        {
            var moved = outcome.Received + outcome.Sent > 0;
            _natsPause = moved ? options.PollInterval : Shorter(_natsPause * PollGrowth, options.PollIntervalMax);
        }

        if (target.Kind != TargetKind.Http && peers.LinkIsUp && options.Autosync != AutosyncMode.Off)
            PlanPoll(now, Jittered(_natsPause));
    }

    private void Request(TargetState target, Instant at, SyncReason reason)
    {
        if (options.Autosync != AutosyncMode.Off) target.Request(at, reason);
    }

    private SyncTarget PeerTarget(string peer) => SyncTarget.NatsPeer(options.Subjects, peer);

    private void PlanPoll(Instant now, TimeSpan pause) => _natsPollAt = now + pause;

    private TimeSpan CatchUpDelay() => CatchUpSpread * prng.NextDouble();

    private TimeSpan Jittered(TimeSpan pause) => pause * (1 - Jitter + (2 * Jitter * prng.NextDouble()));

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
