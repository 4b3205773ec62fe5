using System.Buffers;
using System.Globalization;
using EdgeSync.Agent;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>
/// One machine: a repository that outlives its programs, and a program (agent, client of the broker, responder, sometimes a
/// broker of its own) that may die at any step and is started again. Its clock may be wrong.
/// </summary>
internal sealed class FleetNode
{
    private readonly Fleet _fleet;
    private readonly Prng _prng;
    private readonly List<(FleetLink Link, Func<FleetBroker?> Hub)> _uplinks = [];
    private readonly HashSet<FleetSync> _syncs = [];
    private readonly Dictionary<string, PeerRecord> _peerTable = [];
    private RecordId? _watermark;
    private AgentCore? _agent;
    private ExchangeResponder? _responder;
    private FleetLink? _clientLink;
    private Func<FleetBroker?>? _clientBroker;
    private long _wake;
    private int _ids;
    private int _life;
    private bool _isSettling;

    public FleetNode(Fleet fleet, int index, string name, NodeRole role, SimNode repository, Prng prng)
    {
        (_fleet, Index, Name, Role, Repository, _prng) = (fleet, index, name, role, repository, prng);
        Skew = TimeSpan.Zero;
    }

    public int Index { get; }

    public string Name { get; }

    public NodeRole Role { get; }

    public SimNode Repository { get; }

    public IArtifactStore Store => Repository.Store;

    public FleetClock Clock => _fleet.Clock;

    /// <summary>How wrong its clock is.</summary>
    public TimeSpan Skew { get; set; }

    public Instant Now => Clock.Now + Skew;

    public ProjectSubjects Subjects => _fleet.Subjects;

    public FleetBroker? Broker { get; private set; }

    public FleetClient? Client { get; private set; }

    public AgentCore? Agent => _agent;

    /// <summary>What the sessions of this life ask for; a new life has none.</summary>
    public PullClaims Claims { get; private set; } = new();

    public ExchangeResponder? Responder => _responder;

    public List<SyncTarget> HttpTargets { get; } = [];

    public bool HasBroker { get; init; } = true;

    public bool IsAlive => _life > 0 && _agent is not null;

    public bool IsDiskFull { get; set; }

    public int Restarts { get; private set; }

    public int SyncsRunning => _syncs.Count;

    /// <summary>How often each announced name was heard.</summary>
    public Dictionary<string, int> Heard { get; } = [];

    public ExchangeOptions ExchangeOptions { get; private set; } = new() { NodeId = "" };

    public void AddUplink(FleetLink link, Func<FleetBroker?> hub) => _uplinks.Add((link, hub));

    /// <summary>Where it has no broker of its own: whose it uses.</summary>
    public void UseBroker(FleetLink link, Func<FleetBroker?> broker) => (_clientLink, _clientBroker) = (link, broker);

    public string NextId() => string.Create(CultureInfo.InvariantCulture, $"{Name}-{_life}-{++_ids}");

    public bool IsOurs(string? peer) => _agent?.StatusAt(Now).Peers.Any(p => p.PeerId == peer && !p.IsForeign) == true;

    public void Start()
    {
        _life++;
        Restarts = _life - 1;
        ExchangeOptions = new ExchangeOptions { NodeId = Name, PartBytes = 16 << 10 };
        _responder = new ExchangeResponder(ExchangeOptions, NextId);
        Claims = new PullClaims();
        if (HasBroker)
        {
            Broker = new FleetBroker(Name, Clock, () => Now, _prng.Fork());
            Broker.UplinkChanged = OnUplinkChanged;
            Broker.Note = _fleet.Note;
            foreach (var (link, hub) in _uplinks) Broker.AddUplink(link, hub);
        }

        var options = new AgentOptions
        {
            NodeId = Name,
            Subjects = Subjects,
            Role = Role,
            Unversioned = true,
            Tables = true,
            Version = "1",
            Instance = NextId(),
        };
        var memory = new AgentMemory { PublishedRid = _watermark, Peers = [.. _peerTable.Values] };
        _agent = new AgentCore(options, memory, Now, _prng.Fork());
        foreach (var target in HttpTargets) _agent.AddTarget(Now, target);

        var life = _life;
        Client = Broker is { } own
            ? new FleetLocalClient(Name, Clock, () => Now, own)
            : new FleetWireClient(Name, Clock, _clientLink!, _clientBroker!, _prng.Fork());
        Client.LinkChanged = isUp => Tell(life, agent =>
        {
            if (isUp) agent.OnLinkUp(Now);
            else agent.OnLinkDown(Now);
            foreach (var upstream in isUp ? Broker?.UpstreamNames.ToList() ?? [] : []) agent.OnLinkUp(Now, upstream);
        });
        Client.Subscribe(Subjects.Sync, Subjects.QueueGroup, m => OnRequest(life, m, isForAny: true));
        Client.Subscribe(Subjects.SyncOf(Name), null, m => OnRequest(life, m, isForAny: false));
        Client.Subscribe(Subjects.Commit, null, m => OnCommit(life, m));
        Client.Subscribe(Subjects.Presence, null, m => OnPresence(life, m));
        Client.Start();
        Settle();
    }

    /// <summary>The program dies: what was not committed is gone, and nobody says good-bye.</summary>
    public void Kill()
    {
        if (!IsAlive) return;

        foreach (var sync in _syncs) sync.Dispose();
        _syncs.Clear();
        Client!.Die();
        Broker?.Die();
        Repository.Crash();
        (_agent, _responder, Client, Broker) = (null, null, null, null);
    }

    /// <summary>It is stopped as a person would: good-byes are said.</summary>
    public void Stop()
    {
        if (!IsAlive) return;

        _agent!.Stop(Now);
        Settle();
        Client!.Close();
        foreach (var sync in _syncs) sync.Dispose();
        _syncs.Clear();
        _agent = null;
    }

    /// <summary>Something changed here.</summary>
    public void Changed(ChangeOrigin origin) => Tell(_life, agent => agent.OnChanged(Now, origin));

    public void SyncNow() => Tell(_life, agent => agent.SyncNow(Now));

    public void OnSyncEnd(FleetSync sync, long syncId, SyncOutcome outcome)
    {
        if (!_syncs.Remove(sync)) return;

        _fleet.Note($"{Name} sync {syncId} {outcome.Kind} in {outcome.Received} out {outcome.Sent} {outcome.Reason}");
        Tell(_life, agent => agent.OnSyncFinished(Now, syncId, outcome));
    }

    public void PostHttp(string url, byte[] body, Action<byte[]?, string?> onReply) => _fleet.PostHttp(this, url, body, onReply);

    /// <summary>A whole request, from wherever; null: there is no reply.</summary>
    public (byte[] Body, string ContentType)? Serve(ReadOnlyMemory<byte> body, string address, int replyBytesMax)
    {
        if (XferFrame.TryDecode(XferEncoding.Zlib, body, 1 << 26, out var request) != XferFrameFault.None) return null;

        var reply = new ArrayBufferWriter<byte>();
        var outcome = new ServerHandler(Store, new ServerOptions { ReplyBytesMax = Math.Min(5_000_000, replyBytesMax / 2) })
            .Handle(Now, request, address, reply);
        _fleet.Note($"{Name} serves {address}: {outcome.Operation} {outcome.Changed} {outcome.ArtifactsReceived}");
        if (outcome.Changed && IsAlive) Changed(ChangeOrigin.Pushed);
        var encoding = outcome.MustBePlain ? XferEncoding.Plain : XferEncoding.Zlib;
        var framed = new ArrayBufferWriter<byte>(reply.WrittenCount / 2 + 64);
        XferFrame.Encode(encoding, reply.WrittenSpan, framed, System.IO.Compression.CompressionLevel.Fastest);
        return (framed.WrittenSpan.ToArray(), XferFrame.ContentTypeOf(encoding));
    }

    private void OnUplinkChanged(string upstream, bool isUp)
    {
        // What lies behind the link is another world now: the agent is told as if its own link had come up.
        Tell(_life, agent =>
        {
            if (!agent.LinkIsUp) return;
            if (isUp) agent.OnLinkUp(Now, upstream);
            else agent.OnUpstreamLost(Now, upstream);
        });
    }

    private void OnRequest(int life, NatsMessage message, bool isForAny)
    {
        if (life != _life || !IsAlive || message.ReplyTo is not { } replyTo) return;

        if (isForAny) _fleet.OnAnswered(replyTo, this);
        var step = _responder!.OnRequest(Now, ExchangeHead.Parse(message.Headers), message.Data, out var ticket, out var whole);
        if (step == ExchangeStep.Ignore) return;

        if (step == ExchangeStep.Handle)
        {
            whole = Serve(whole.Body, ticket.PeerId ?? "?", _responder.ReplyBytesMax(ticket)) is { } reply
                ? _responder.Reply(Now, ticket, reply.Body, reply.ContentType)
                : _responder.Refuse(ExchangeRefusal.Failed, "the request does not unpack");
            _responder.OnAnswered(ticket);
        }

        var headers = new NatsHeaders();
        foreach (var (key, value) in whole.Head.ToFields()) headers.Add(key, value);
        Client!.Publish(replyTo, whole.Body, headers);
    }

    private void OnCommit(int life, NatsMessage message)
    {
        if (life != _life || !IsAlive || !Announcement.TryParse(message.Data.Span, out var announcement)) return;

        Heard[announcement.Uuid] = Heard.GetValueOrDefault(announcement.Uuid) + 1;
        var isHeld = announcement.TryGetArtifact(out var id) && Repository.Read(Now, s => s.Lookup(id).IsHeld);
        Tell(life, agent => agent.OnAnnouncement(Now, announcement, isHeld));
    }

    private void OnPresence(int life, NatsMessage message)
    {
        if (Presence.TryParse(message.Data.Span, out var presence)) Tell(life, agent => agent.OnPresence(Now, presence));
    }

    private void Tell(int life, Action<AgentCore> mail)
    {
        if (life != _life || _agent is not { } agent) return;

        mail(agent);
        Settle();
    }

    private void Settle()
    {
        if (_isSettling) return;

        _isSettling = true;
        while (_agent is { } agent && agent.TryTake(out var effect)) Perform(agent, effect);
        _isSettling = false;
        if (_agent?.Deadline is not { } at) return;

        var ticket = ++_wake;
        var delay = at - Now;
        Clock.After(delay > TimeSpan.Zero ? delay : TimeSpan.Zero, () =>
        {
            if (ticket != _wake || _agent is not { } agent) return;

            agent.OnDeadline(Now);
            _responder?.OnDeadline(Now);
            Settle();
        });
    }

    private void Perform(AgentCore agent, AgentEffect effect)
    {
        switch (effect)
        {
            case AgentEffect.StartSync start:
                _fleet.Note($"{Name} sync {start.SyncId} with {start.Target.Id} {start.Reason}");
                _fleet.SyncsStarted++;
                var sync = new FleetSync(this, start, _prng.NextUInt64());
                _syncs.Add(sync);
                Clock.After(TimeSpan.Zero, sync.Start);
                break;
            case AgentEffect.Publish publish:
                if (publish.Subject == Subjects.Commit) _fleet.Note($"{Name} tells {System.Text.Encoding.UTF8.GetString(publish.Payload)}");
                Client!.Publish(publish.Subject, publish.Payload);
                break;
            case AgentEffect.ListNews list:
                var life = _life;
                Clock.After(TimeSpan.FromMilliseconds(1), () => Tell(life, a => a.OnNews(Now, NewsAfter(list.After))));
                break;
            case AgentEffect.PersistWatermark mark:
                _watermark = mark.PublishedRid;
                break;
            case AgentEffect.PersistPeer persist:
                _peerTable[persist.Peer.PeerId] = persist.Peer;
                break;
            case AgentEffect.ForgetPeer forget:
                _peerTable.Remove(forget.PeerId);
                break;
            case AgentEffect.Log { Level: AgentLogLevel.Error } line:
                _fleet.Note($"{Name} error {line.Text}");
                break;
        }
    }

    private RepositoryNews NewsAfter(RecordId after) => Repository.Read(Now, store =>
    {
        var artifacts = new List<NewArtifact>();
        foreach (var artifact in store.Walk(ArtifactList.Public))
            if (artifact.Rid > after && IsStructural(artifact.Id))
                artifacts.Add(new NewArtifact(artifact.Rid, artifact.Id));
        if (artifacts.Count > RepositoryNews.ArtifactsMax) artifacts.RemoveRange(0, artifacts.Count - RepositoryNews.ArtifactsMax);
        return new RepositoryNews
        {
            Artifacts = artifacts,
            MaxRid = store.MaxRecordId,
            FirstPhantom = store.Walk(ArtifactList.Phantoms).Select(a => a.Rid).FirstOrDefault(),
            UnversionedCatalog = store.Unversioned.CatalogHash,
            TableCatalog = FleetInvariants.TableCatalog(store),
        };
    });

    private bool IsStructural(ArtifactId id) => Repository is not MemoryNode memory
        || (memory.Memory.Rows.TryGetValue(id, out var row) && row.Artifact is { Kind: not ArtifactKind.Cluster });
}
