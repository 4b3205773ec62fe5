using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Peers;

/// <summary>
/// The known nodes of the project, which of them are reachable, and the hub among them that this node syncs with.
/// </summary>
internal sealed class PeerDirectory
{
    // a peer without any session is dropped after this time
    private static readonly TimeSpan AwayFor = TimeSpan.FromHours(1);
    private static readonly TimeSpan OtherHubsSpread = TimeSpan.FromSeconds(2);

    private readonly AgentOptions _options;
    private readonly TargetTable _targets;
    private readonly Queue<AgentEffect> _effects;
    private readonly Prng _prng;
    private readonly PeerRegistry _registry;
    private readonly Uplinks _uplinks;
    private readonly DuplicateNodeIdDetector _duplicates;
    private readonly NameBudget _names = new();

    /// <param name="known">Peers of an earlier run; absent until they announce their presence.</param>
    public PeerDirectory(
        AgentOptions options, IEnumerable<PeerRecord> known, TargetTable targets, Queue<AgentEffect> effects, Prng prng)
    {
        (_options, _targets, _effects, _prng) = (options, targets, effects, prng);
        _registry = new PeerRegistry(options.PeersMax);
        _registry.Restore(known);
        _uplinks = new Uplinks(options, _registry);
        _duplicates = new DuplicateNodeIdDetector(options);
    }

    /// <summary>True while NATS is connected.</summary>
    public bool LinkIsUp { get; private set; }

    /// <summary>The hub that this node syncs with; null: none is present, or it is one itself.</summary>
    public string? Hub => LinkIsUp ? _uplinks.Hub(IsUsable, IsProven) : null;

    public IEnumerable<PeerRecord> All => _registry.All;

    public int Count => _registry.Count;

    /// <summary>A present peer (nodes of the original send no presence).</summary>
    public bool AnyPresent => _registry.Present.Any(p => !p.IsForeign);

    /// <summary>When the next silent peer becomes absent.</summary>
    public Instant? Deadline => _registry.Deadline;

    /// <summary>When a session with the hubs other than ours is due.</summary>
    public Instant? OtherHubsAt => LinkIsUp ? _uplinks.OthersAt : null;

    public bool IsPresent(string? peer) => _registry.IsPresent(peer);

    public bool IsBridge(string? peer) => _registry.Find(peer) is { IsBridge: true };

    /// <summary>The newest check-in of a peer, as its last heartbeat says.</summary>
    public ArtifactId HeadOf(string peer) => _registry.Find(peer)?.Head ?? default;

    /// <summary>A bridge that does not announce everything that this node syncs has to be polled.</summary>
    public bool MustBePolled(string? peer) =>
        _registry.Find(peer) is { IsBridge: true } bridge
        && (_options.Unversioned || _options.Tables || !bridge.Tells);

    /// <inheritdoc cref="DuplicateNodeIdDetector.At"/>
    public string? DuplicateAt(Instant now) => _duplicates.At(now);

    /// <summary>A heartbeat under our own node id. True: the conflict is new.</summary>
    public bool NoteDuplicate(Instant now, Presence presence)
    {
        if (!_duplicates.Notice(now, presence)) return false;

        Log(AgentLogLevel.Warning, new AgentEvent.DuplicateName(_duplicates.At(now)!));
        return true;
    }

    public void OnDeadline(Instant now)
    {
        foreach (var peer in _registry.Expire(now))
            Log(AgentLogLevel.Info, new AgentEvent.PeerSilent(peer.PeerId, now - peer.LastSeen));
        foreach (var name in _registry.Forget(now - AwayFor, IsProven))
            _effects.Enqueue(new AgentEffect.ForgetPeer(name));
    }

    /// <summary>Applies a heartbeat of another node. False: one unknown node id too many.</summary>
    public bool TryApply(Instant now, Presence presence, out PeerChange change)
    {
        change = PeerChange.None;
        var peer = presence.PeerId;
        if (_registry.Find(peer) is null && presence.State != PresenceState.Leave && !_names.TryTake(now)) return false;

        change = _registry.Apply(now, presence, out var forgotten);
        if (change == PeerChange.Came && _targets.Find($"nats:{peer}") is { } returned) returned.OnReachable(now);
        if (forgotten is not null) _effects.Enqueue(new AgentEffect.ForgetPeer(forgotten));
        if (change != PeerChange.None && _registry.Find(peer) is { } record)
            _effects.Enqueue(new AgentEffect.PersistPeer(record));
        if (change == PeerChange.Came)
            Log(AgentLogLevel.Info, new AgentEvent.PeerJoined(peer, presence.Role, presence.Version));
        if (change == PeerChange.Left) Log(AgentLogLevel.Info, new AgentEvent.PeerLeft(peer));
        return true;
    }

    /// <summary>
    /// Applies the sender of an announcement. A node of the original sends announcements only. False: one unknown node
    /// id too many.
    /// </summary>
    public bool TryApply(Instant now, string peer, Announcement announcement)
    {
        if (_registry.Find(peer) is null && !_names.TryTake(now)) return false;

        if (announcement.Role is null && !_registry.IsPresent(peer))
        {
            _registry.ApplyForeign(now, peer, out var forgotten);
            if (forgotten is not null) _effects.Enqueue(new AgentEffect.ForgetPeer(forgotten));
        }

        _uplinks.OnTold(peer, announcement.Uuid);
        return true;
    }

    public void OnLinkUp(string? upstream)
    {
        LinkIsUp = true;
        if (upstream is not null) _uplinks.Up(upstream);
    }

    public void OnLinkDown()
    {
        LinkIsUp = false;
        _uplinks.Clear();
        _registry.ForgetPresence();
    }

    /// <summary>One uplink is lost, with the node at its other end and those behind it.</summary>
    public void OnUpstreamLost(string upstream)
    {
        _uplinks.Lost(upstream);
        _registry.ForgetBehind(upstream);
    }

    /// <summary>This node has an uplink to that one.</summary>
    public bool HasUplink(string peer) => _uplinks.Has(peer);

    /// <summary>Schedules a session with the hubs other than ours soon.</summary>
    public void PlanOtherHubs(Instant now) =>
        _uplinks.PlanOthers(now + (OtherHubsSpread * (1 + _prng.NextDouble())));

    /// <inheritdoc cref="Uplinks.PlanOthersForChange"/>
    public void PlanOtherHubsForChange(Instant now) => _uplinks.PlanOthersForChange(now, _prng.NextDouble());

    /// <inheritdoc cref="Uplinks.TakeOthers"/>
    public List<string> TakeOtherHubs(Instant now, RepositoryChanges own, TimeSpan pause) =>
        _uplinks.TakeOthers(now, Hub, own, pause, IsUsable);

    /// <summary>The NATS target for a request to the project without a certain peer; null: none.</summary>
    public SyncTarget? PickPartner()
    {
        if (Hub is { } hub) return SyncTarget.NatsPeer(_options.Subjects, hub);

        var equals = HubChoice.Candidates(_options, _registry, IsUsable);
        if (equals.Count > 0) return SyncTarget.NatsPeer(_options.Subjects, equals[_prng.NextInt32(equals.Count)]);

        // No EdgeSync peer: perhaps nodes of the original, or a bridge without presence. A hub waits for others.
        return _options.Role == NodeRole.Hub ? null : SyncTarget.NatsAny(_options.Subjects);
    }

    private bool IsUsable(string peer) => _targets.Find($"nats:{peer}") is not { Breaker: BreakerState.Open };

    private bool IsProven(string peer) => _targets.Find($"nats:{peer}") is { LastOk: not null };

    private void Log(AgentLogLevel level, AgentEvent happened) =>
        _effects.Enqueue(new AgentEffect.Log(level, happened));
}
