using System.Globalization;
using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Browser.History;
using EdgeSync.Browser.Notify;
using EdgeSync.Browser.Store;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Sync;

/// <summary>Something that a page may want to show.</summary>
public abstract record LeafEvent
{
    private LeafEvent()
    {
    }

    /// <summary>NATS was connected, or lost.</summary>
    public sealed record Link(bool IsUp) : LeafEvent;

    /// <summary>A session ended.</summary>
    /// <param name="Error">Null: it succeeded.</param>
    public sealed record Synced(string Target, int Received, int Sent, string? Error) : LeafEvent;
}

/// <summary>The sum of the sessions that one request started.</summary>
/// <param name="Errors">One for each session that failed.</param>
public sealed record SyncSum(int Sessions, int Received, int Sent, IReadOnlyList<string> Errors);

/// <summary>
/// The leaf of a page: the agent of the program over the page's store, with sessions over NATS. It asks others and is
/// never asked, because a page that is hidden would let them wait. So it publishes neither presence nor announcements:
/// the peer that it pushes to announces what arrived.
/// <code>
///   bus callbacks ─▶ inbox ─┐
///   Commit, SyncNow ────────┼─▶ Pump(now) ─▶ agent, sessions, store ─▶ bus, events
///   the clock, at Deadline ─┘
/// </code>
/// One caller at a time. After <see cref="Woken"/> and at <see cref="Deadline"/>, <see cref="Pump"/> is due.
/// </summary>
public sealed class PageLeaf : IDisposable
{
    /// <summary>A first request fits into one message of any server; later ones may be sent in parts.</summary>
    private const int RequestBytesFirst = 256 << 10;

    private readonly PageStore _store;
    private readonly INatsBus _bus;
    private readonly LeafOptions _options;
    private readonly Entropy _entropy;
    private readonly ProjectSubjects _subjects;
    private readonly AgentCore _core;
    private readonly PullClaims _claims = new();
    private readonly Queue<Action<Instant>> _inbox = new();
    private readonly Queue<LeafEvent> _events = new();
    private readonly Dictionary<long, (AgentEffect.StartSync Start, PageSession Session)> _sessions = [];
    private readonly List<SyncNowWait> _waits = [];
    private readonly List<IDisposable> _subscriptions = [];
    private bool _isPumping;
    private bool _isStopped;

    /// <exception cref="EdgeSyncException">The store has no project yet.</exception>
    public PageLeaf(PageStore store, INatsBus bus, LeafOptions options, Prng prng, Entropy entropy, Instant now)
    {
        if (store.ProjectCode is not { } code || store.CloneIsOpen)
            throw new EdgeSyncException(ErrorKind.Unavailable, "the repository is not cloned yet", "clone it first");

        (_store, _bus, _options, _entropy) = (store, bus, options, entropy);
        _subjects = options.SubjectsOf(code);
        var agent = new AgentOptions
        {
            NodeId = options.NodeId,
            Instance = entropy.NextHex(16),
            Subjects = _subjects,
            Role = NodeRole.Leaf,
            PollInterval = options.PollInterval,
            Push = options.Push,
            ServesNats = false,
            Version = options.Version,
            Platform = "browser",
            SyncTimeout = options.SilenceMax,
            SyncsMax = 1,   // the store has one round at a time
            Capabilities = options.Push ? ["push", "pull"] : ["pull"],
        };
        _core = new AgentCore(agent, new AgentMemory { PublishedRid = PublishedRid() }, now, prng);
    }

    /// <summary>Called, also from inside the bus, when <see cref="Pump"/> is due.</summary>
    public Action? Woken { get; set; }

    /// <summary>When <see cref="Pump"/> is due at the latest; null: nothing is planned.</summary>
    public Instant? Deadline
    {
        get
        {
            var first = Instant.Earlier(_core.Deadline, Notify?.Deadline);
            foreach (var (_, session) in _sessions.Values) first = Instant.Earlier(first, session.Deadline);
            return first;
        }
    }

    /// <summary>The messages that are looked for in what arrives; null: none are.</summary>
    public PageNotify? Notify { get; set; }

    /// <summary>The state with its reasons.</summary>
    public AgentStatus StatusAt(Instant now) => _core.StatusAt(now);

    /// <summary>The next event for the page.</summary>
    public bool TryTake(out LeafEvent leafEvent) => _events.TryDequeue(out leafEvent!);

    /// <summary>Subscribes; announcements and requests follow while the bus is connected.</summary>
    public void Start()
    {
        _subscriptions.Add(_bus.Subscribe(_subjects.Commit, null, m => Post(now => OnAnnouncement(now, m))));
        _subscriptions.Add(_bus.Subscribe(_subjects.Presence, null, m => Post(now => OnPresence(now, m))));
        _bus.LinkChanged = isUp => Post(now => OnLink(now, isUp));
        if (_bus.IsConnected) Post(now => OnLink(now, isUp: true));
        else Post(_ => { });
    }

    /// <summary>Makes a check-in, which is sent at once if NATS is connected.</summary>
    /// <inheritdoc cref="PageRepository.Commit" path="/exception"/>
    public CheckIn Commit(CommitRequest request, Instant now)
    {
        var made = new PageRepository(_store).Commit(request, now);
        SendCommitted();
        return made;
    }

    /// <summary>Something was committed here: it is sent at once if NATS is connected.</summary>
    public void SendCommitted() => Post(now =>
    {
        _core.OnChanged(now, ChangeOrigin.Local);
        _core.SyncNow(now);
    });

    /// <summary>
    /// Syncs with every known peer, whatever its backoff; <paramref name="done"/> is called at the end.
    /// </summary>
    public void SyncNow(Action<SyncSum> done) => Post(now =>
    {
        var wait = new SyncNowWait(done);
        _waits.Add(wait);
        _core.SyncNow(now);
        Drain(now);
        wait.IsStarted = true;
    });

    /// <summary>Does everything that is due.</summary>
    public void Pump(Instant now)
    {
        if (_isPumping || _isStopped) return;

        _isPumping = true;
        try
        {
            do
            {
                while (_inbox.TryDequeue(out var action)) action(now);
                if (_core.Deadline <= now) _core.OnDeadline(now);
                if (Notify?.Deadline <= now) Notify.Update(now);
                Drain(now);
                foreach (var (start, session) in _sessions.Values.ToList())
                {
                    session.Advance(now);
                    if (session.Outcome is { } outcome) OnFinished(now, start, session, outcome);
                }

                EndWaits();
            }
            while (_inbox.Count > 0);
        }
        finally
        {
            _isPumping = false;
        }
    }

    /// <summary>Announces that the page leaves, and ends its sessions.</summary>
    public void Stop(Instant now)
    {
        if (_isStopped) return;

        foreach (var subscription in _subscriptions) subscription.Dispose();
        _bus.LinkChanged = null;
        foreach (var (_, session) in _sessions.Values) session.Dispose();
        _sessions.Clear();
        _core.Stop(now);
        Drain(now);
        _isStopped = true;
        EndWaits();
    }

    public void Dispose() => Stop(default);

    private void Post(Action<Instant> action)
    {
        if (_isStopped) return;

        _inbox.Enqueue(action);
        Woken?.Invoke();
    }

    private void OnLink(Instant now, bool isUp)
    {
        _events.Enqueue(new LeafEvent.Link(isUp));
        if (isUp) _core.OnLinkUp(now);
        else _core.OnLinkDown(now);
    }

    private void OnAnnouncement(Instant now, NatsMessage message)
    {
        if (Announcement.TryParse(message.Data.Span, out var announcement))
            _core.OnAnnouncement(
                now, announcement, announcement.TryGetArtifact(out var id) && _store.Holds(id));
    }

    private void OnPresence(Instant now, NatsMessage message)
    {
        if (Presence.TryParse(message.Data.Span, out var presence))
            _core.OnPresence(now, presence, presence.Head.IsEmpty || _store.Holds(presence.Head));
    }

    // --- effects -----------------------------------------------------------------------------------------------------

    private void Drain(Instant now)
    {
        while (_core.TryTake(out var effect)) Perform(now, effect);
    }

    private void Perform(Instant now, AgentEffect effect)
    {
        switch (effect)
        {
            case AgentEffect.StartSync start:
                Begin(now, start);
                break;
            case AgentEffect.ListChanges list:
                Post(later => _core.OnChangesRead(later, ChangesAfter(list.After)));
                break;
            case AgentEffect.PersistWatermark mark:
                Post(later => Persist(later, mark.PublishedRid));
                break;
            case AgentEffect.CheckAnnouncement check:
                Post(later => _core.OnAnnouncement(
                    later, check.Announcement, check.Announcement.TryGetArtifact(out var id) && _store.Holds(id)));
                break;
            case AgentEffect.ReadMissed missed:
                Post(later => _core.OnMissedRead(later, missed.ReadId, null));   // no JetStream from a page
                break;
        }
    }

    private void Begin(Instant now, AgentEffect.StartSync start)
    {
        var claim = _claims.Open(now);
        var options = new ClientOptions
        {
            Actions = start.Actions,
            Login = _options.Login,
            PeerKey = start.Target.MemoryKey,
            Wanted = start.Wanted,
            Claim = claim,
            RequestBytesFirst = RequestBytesFirst,
        };
        var route = new SessionRoute(start.Target.Address, start.Target.PeerId, _subjects.SyncOf);
        _sessions[start.SyncId] = (start, new PageSession(
            _store, options, _bus, route, PageExchange.Options(_options.NodeId, _bus), start.Timeout, _entropy,
            () => Woken?.Invoke(), now, _ => claim.OnHeard(now)));
    }

    private void OnFinished(Instant now, AgentEffect.StartSync start, PageSession session, SyncOutcome outcome)
    {
        _sessions.Remove(start.SyncId);
        session.Dispose();
        _events.Enqueue(
            new LeafEvent.Synced(
                start.Target.Id, outcome.Received, outcome.Sent,
                outcome.IsOk ? null : outcome.Reason ?? outcome.Kind.ToString()));
        foreach (var wait in _waits) wait.Add(outcome);
        _core.OnSyncFinished(now, start.SyncId, outcome);
        if (outcome.Received > 0)
        {
            _core.OnChanged(now, ChangeOrigin.Pulled);
            Notify?.Update(now);
        }

        Drain(now);
    }

    private void EndWaits()
    {
        if (_sessions.Count > 0 && !_isStopped) return;

        foreach (var wait in _waits.Where(w => w.IsStarted || _isStopped).ToList())
        {
            _waits.Remove(wait);
            wait.End();
        }
    }

    private RepositoryChanges ChangesAfter(RecordId after)
    {
        var artifacts = _store.History.ShownAfter(after).TakeLast(RepositoryChanges.ArtifactsMax)
            .Select(s => (Row: _store.State.Find(s.Rid)!, s.IsCheckIn))
            .Where(s => s.Row is { HasText: true, IsPrivate: false })
            .Select(s => new NewArtifact(s.Row.Rid, s.Row.Id, s.IsCheckIn)).ToList();
        var shown = artifacts.Select(a => a.Rid).ToHashSet();
        var files = _store.State.Rows.Skip((int)after.Value)
            .Where(r => r is { HasText: true, IsPrivate: false, IsCluster: false } && !shown.Contains(r.Rid))
            .TakeLast(Announcement.FilesMax).Select(r => r.Id);
        return new RepositoryChanges
        {
            Artifacts = artifacts,
            Files = [.. files],
            MaxRid = _store.MaxRecordId,
            FirstPhantom = _store.State.Phantoms.Count > 0 ? _store.State.Phantoms.Min : RecordId.None,
            CheckIns = _store.History.Count,
            Head = _store.History.Newest?.Id ?? default,
        };
    }

    private RecordId? PublishedRid() =>
        long.TryParse(_store.Config.Get(AgentMemory.PublishedRidKey), CultureInfo.InvariantCulture, out var rid)
            ? new RecordId(rid)
            : null;

    // Between two steps of a session the store has no round.
    private void Persist(Instant now, RecordId rid)
    {
        Invariant.Require(_store.Begin(Fossil.Sync.Store.StoreAccess.Write, now));
        _store.Config.Set(AgentMemory.PublishedRidKey, rid.ToString(), now.UnixSeconds);
        Invariant.Require(_store.TryCommit(out _));
    }

    private sealed class SyncNowWait(Action<SyncSum> done)
    {
        private SyncSum _sum = new(0, 0, 0, []);

        public bool IsStarted { get; set; }

        public void Add(SyncOutcome outcome) => _sum = new SyncSum(
            _sum.Sessions + 1, _sum.Received + outcome.Received, _sum.Sent + outcome.Sent,
            outcome.IsOk ? _sum.Errors : [.. _sum.Errors, outcome.Reason ?? outcome.Kind.ToString()]);

        public void End() => done(_sum);
    }
}

/// <summary>Limits of exchanges in a page.</summary>
internal static class PageExchange
{
    private const int WholeBytesMax = 32 << 20;

    public static ExchangeOptions Options(string nodeId, INatsBus bus) => new()
    {
        NodeId = nodeId,
        MaxPayload = bus.MaxPayload,
        WholeBytesMax = WholeBytesMax,
        HeldBytesMax = WholeBytesMax,
    };
}
