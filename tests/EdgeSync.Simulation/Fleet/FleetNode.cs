using System.Diagnostics.CodeAnalysis;
using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Node.Agents;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.Simulation.Fleet;

/// <summary>
/// One machine: a repository that outlives its programs, and a program that may be killed at any step and is started
/// again. The program is the shipped one from the agent's loop up to the transport; here it is only put together. Its
/// clock may be wrong.
/// </summary>
[
    SuppressMessage(
        "Design", "CA1001", Justification = "A program that is killed is not disposed; one that is stopped is.")]
internal sealed class FleetNode
{
    private readonly Fleet _fleet;
    private readonly Prng _prng;
    private readonly List<(FleetLink Link, Func<FleetBroker?> Hub)> _uplinks = [];
    private readonly List<TunnelPlan> _tunnels = [];
    private readonly FleetMemory _memory = new();
    private EndpointId? _endpoint;
    private FleetLink? _clientLink;
    private Func<FleetBroker?>? _clientBroker;
    private SimProcess? _process;
    private AgentHost? _host;
    private int _lives;

    public FleetNode(Fleet fleet, int index, string name, NodeRole role, SimNode repository, Prng prng) =>
        (_fleet, Index, Name, Role, Repository, _prng) = (fleet, index, name, role, repository, prng);

    /// <summary>The id of its iroh endpoint, if it has one: by its index.</summary>
    public EndpointId Endpoint => _endpoint ??= SecretKey.Generate(new SeededEntropy((ulong)Index + 1)).Id;

    public int Index { get; }

    public string Name { get; }

    public NodeRole Role { get; }

    public SimNode Repository { get; }

    public FleetClock Clock => _fleet.Clock;

    /// <summary>How wrong its clock is.</summary>
    public TimeSpan Skew { get; set; }

    public Instant Now => Clock.Now + Skew;

    public FleetBroker? Broker { get; private set; }

    public FleetClient? Client { get; private set; }

    /// <summary>Looked at between the steps of the simulation.</summary>
    public AgentCore? Agent => IsAlive ? _host!.Core : null;

    public NatsResponder? Responder => IsAlive ? _host!.Subscriptions?.Responder : null;

    public List<SyncTarget> HttpTargets { get; } = [];

    public bool HasBroker { get; init; } = true;

    public bool IsAlive => _process is not null;

    public bool IsDiskFull { get; set; }

    /// <summary>Queries fail; sessions still find what they need in memory.</summary>
    public bool IsDiskUnreadable { get; set; }

    public int Restarts => Math.Max(0, _lives - 1);

    /// <summary>How often each announced name was received.</summary>
    public Dictionary<string, int> Heard { get; } = [];

    public void AddUplink(FleetLink link, Func<FleetBroker?> hub) => _uplinks.Add((link, hub));

    /// <summary>Links two endpoints; each of them may open the streams.</summary>
    public void AddPeer(FleetLink link, FleetNode peer)
    {
        _tunnels.Add(new TunnelPlan(link, Role, Endpoint, peer.Endpoint, () => peer.Broker));
        peer._tunnels.Add(new TunnelPlan(link, peer.Role, peer.Endpoint, Endpoint, () => Broker));
    }

    /// <summary>The endpoints that this one is linked to.</summary>
    public IEnumerable<EndpointId> Peers => _tunnels.Select(t => t.Peer);

    /// <summary>Where it has no broker of its own: whose it uses.</summary>
    public void UseBroker(FleetLink link, Func<FleetBroker?> broker) => (_clientLink, _clientBroker) = (link, broker);

    public void Start()
    {
        _lives++;
        var process = _process = _fleet.NewProcess(() => Skew);
        var entropy = new SeededEntropy(_prng.NextUInt64());
        var node = _fleet.ContextOf(Name, Role, process, entropy);
        var tasks = new RunningTasks(_fleet.Fail, node.Log);
        var links = new NatsLinkEvents(tasks, () => Broker?.UpstreamNames ?? [], process.Time, CancellationToken.None);
        if (HasBroker)
        {
            Broker = new FleetBroker(Name, Clock, () => Now, _prng.Fork())
            {
                UplinkChanged = (upstream, isUp) => process.Run(() => links.Post(isUp, upstream)),
                Note = _fleet.Note,
            };
            foreach (var (link, hub) in _uplinks) Broker.AddUplink(link, hub);
            foreach (var tunnel in _tunnels) Broker.AddTunnel(tunnel);
        }

        Client = Broker is { } own
            ? new FleetLocalClient(Name, process, Clock, own)
            : new FleetWireClient(Name, process, Clock, _clientLink!, _clientBroker!, _prng.Fork());
        Client.LinkChanged = isUp => links.Post(isUp, null);
        Client.Published = OnPublished;
        Client.Delivered = OnDelivered;
        Client.Start();
        var nats = new NatsAccess(
            Client, () => new ExchangeOptions { NodeId = Name, PartBytes = 16 << 10, MaxPayload = Client.MaxPayload },
            links, process.Time, entropy, node.Log);
        process.Run(() =>
        {
            var ports = PortsOf(process, entropy);
            var host = _host = new AgentHost(OptionsOf(), MemoryOf(), ports, node);
            links.Changed = host.OnLinkAsync;
            tasks.Start(async () =>
            {
                foreach (var target in HttpTargets) await host.AddTargetAsync(target);
                await host.JoinAsync(nats);
            });
        });
    }

    /// <summary>The program dies: what was not committed is gone, and no good-byes are sent.</summary>
    public void Kill()
    {
        if (!IsAlive) return;

        _process!.Die();
        Client!.Die();
        Broker?.Die();
        Repository.Crash();
        (_process, _host, Client, Broker) = (null, null, null, null);
    }

    /// <summary>It is stopped as a service manager would: good-byes are sent.</summary>
    /// <param name="ended">Called when all of it has ended.</param>
    public void Stop(Action ended)
    {
        if (!IsAlive)
        {
            ended();
            return;
        }

        var (host, client) = (_host!, Client!);
        Run(async () =>
        {
            await host.DisposeAsync();
            client.Close();
            ended();
        });
    }

    /// <summary>Something changed here.</summary>
    public void Changed(ChangeOrigin origin) => _process?.Run(() => _host!.OnChanged(origin));

    public void SyncNow()
    {
        if (_host is { } host) Run(() => host.SyncNowAsync(CancellationToken.None));
    }

    private void Run(Func<Task> work) => _process!.Run(() => new RunningTasks(_fleet.Fail, _fleet.Log).Start(work));

    private AgentOptions OptionsOf() => new()
    {
        NodeId = Name,
        Subjects = _fleet.Subjects,
        Role = Role,
        Unversioned = true,
        Tables = true,
        Version = "1",
        Instance = $"{Name}-{_lives}",
    };

    private AgentMemory MemoryOf() =>
        Repository is SqliteNode sqlite ? PeerTable.Read(sqlite.Repository) : _memory.Current;

    private AgentPorts PortsOf(SimProcess process, Entropy entropy) => new()
    {
        Repository = Repository is SqliteNode { Repository: var repository }
            ? new AgentRepository(
                Name, new InlineExecutor(repository), new InlineExecutor(repository), hasUnversioned: true,
                hasTables: true)
            : new FleetRepository(process, (MemoryNode)Repository, _memory, entropy, () => IsDiskUnreadable),
        Answer = AnswerAsync,
        OpenHttp = target => new FleetHttpTransport(_fleet.Web!, process, target.Address),
        LoginFor = _ => SampleProject.Login,
        Performing = OnEffect,
        SyncFinished = (start, outcome) =>
            _fleet.Note(
                $"{Name} sync {start.SyncId} {outcome.Kind} in {outcome.Received} out {outcome.Sent} {outcome.Reason}"),
    };

    private async Task<ServerOutcome> AnswerAsync(
        ReadOnlyMemory<byte> request, string address, string? origin, PooledBytes reply, long replyBytesMax,
        CancellationToken cancellationToken)
    {
        await Task.Yield();
        var outcome = new ServerHandler(
            Repository.Store, new ServerOptions { ReplyBytesMax = Math.Min(5_000_000, replyBytesMax) })
            .Handle(Now, request, address, reply);
        _fleet.Note($"{Name} serves {address}: {outcome.Operation} {outcome.Changed} {outcome.ArtifactsReceived}");
        if (outcome.Changed) Changed(ChangeOrigin.Pushed);
        return outcome;
    }

    private void OnEffect(AgentEffect effect)
    {
        switch (effect)
        {
            case AgentEffect.StartSync start:
                _fleet.Note($"{Name} sync {start.SyncId} with {start.Target.Id} {start.Reason}");
                _fleet.SyncsStarted++;
                break;
            case AgentEffect.Log { Level: AgentLogLevel.Error } line:
                _fleet.Note($"{Name} error {line.Event}");
                break;
        }
    }

    private void OnPublished(string subject, ReadOnlyMemory<byte> payload)
    {
        if (subject == _fleet.Subjects.Commit)
            _fleet.Note($"{Name} announces {System.Text.Encoding.UTF8.GetString(payload.Span)}");
    }

    private void OnDelivered(NatsMessage message, bool isForAny)
    {
        if (isForAny && message.ReplyTo is { } replyTo) _fleet.OnAnswered(replyTo, this);
        if (message.Subject == _fleet.Subjects.Commit && Announcement.TryParse(message.Data.Span, out var announcement))
            Heard[announcement.Uuid] = Heard.GetValueOrDefault(announcement.Uuid) + 1;
    }
}
