using System.Net;
using System.Net.Sockets;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Node.Iroh;
using EdgeSync.Quic;
using EdgeSync.Storage.Users;
using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>
/// One member: its repository if it holds one, its process if it has one. It keeps its ports over restarts, as a
/// machine keeps its address.
/// </summary>
internal sealed class FleetNode : IDisposable
{
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(30);

    private readonly NodePlan _plan;
    private readonly FleetEnvironment _ground;
    private readonly List<string> _logs = [];
    private RunningProgram? _process;

    public FleetNode(NodePlan plan, FleetEnvironment ground)
    {
        (_plan, _ground) = (plan, ground);
        Home = ground.Folder.Folder(plan.Name);
        Repository = Path.Combine(Home, $"{plan.Name}.fossil");
        foreach (var kind in Enum.GetValues<PortKind>()) Ports[kind] = Tests.Support.Ports.Free();
        if (plan.Role != NodeRole.IrohLeaf) return;

        using var key = EndpointKeyFile.Ensure(KeyFile);
        Endpoint = key.Id;
    }

    public string Name => _plan.Name;

    public NodePlan Plan => _plan;

    public string Home { get; }

    public string Repository { get; }

    public Dictionary<PortKind, int> Ports { get; } = [];

    /// <summary>
    /// Stock's sync keeps the repository for itself while it waits for its peer, so here the workload takes turns with
    /// <c>cron</c>.
    /// </summary>
    public Lock StockTurn { get; } = new();

    /// <summary>Of its iroh endpoint; null without one.</summary>
    public EndpointId? Endpoint { get; }

    /// <summary>The node that it dials by iroh; null: none.</summary>
    public FleetNode? Peer { get; set; }

    public bool IsRunning => _process is { HasEnded: false };

    public int ProcessId => _process!.Id;

    /// <summary>Processor time of its process so far.</summary>
    public TimeSpan ProcessorTime => _process!.ProcessorTime;

    /// <summary>What its process wrote, over all its lives.</summary>
    public string Log =>
        string.Join("\n--- next life ---\n", [.. _logs, .. _process is null ? [] : new[] { _process.TextSoFar }]);

    /// <summary>Starts the process, if it has one and that does not run, and waits until it listens.</summary>
    public void Start()
    {
        if (!_plan.IsProcess || IsRunning) return;

        Remember();
        _process = Command().Begin();
        _ground.Log.Add(Name, $"start, pid {_process.Id}");
        if (ReadyPort is { } port && !Tests.Support.Ports.WaitForListener(port, _process, StartMax))
            throw new FleetFault($"{Name} ({_plan.Role}) does not start: {_process.TextSoFar}");
    }

    /// <summary>As a power cut.</summary>
    public void Kill()
    {
        if (!IsRunning) return;

        _ground.Log.Add(Name, "kill -9");
        _process!.Kill();
    }

    /// <summary>As systemd: an orderly stop. A program of ours that ends with anything but 0 is a fault.</summary>
    public void Stop()
    {
        if (!IsRunning) return;

        _ground.Log.Add(Name, "stop");
        if (_plan.Role == NodeRole.StockServer)
        {
            // It forks a process for each request, and those would outlive it.
            _process!.WaitForChildren(TimeSpan.FromSeconds(10));
            _process.Kill();
            return;
        }

        var result = _process!.Terminate(TimeSpan.FromSeconds(30));
        if (result.ExitCode != 0 && _plan.Role != NodeRole.NatsServer)
            throw new FleetFault($"{Name} ends with {result.ExitCode} on SIGTERM: {result}");
    }

    /// <summary>Another endpoint may do everything at its repository.</summary>
    public void Trust(EndpointId endpoint)
    {
        using var repository = EdgeSync.Storage.Repository.Open(Repository);
        repository.TrustedPeers.Set(
            new TrustedPeer(endpoint.ToString(), FleetEnvironment.Everything, repository.Now));
    }

    public void Dispose()
    {
        _process?.Dispose();
    }

    private int? ReadyPort => _plan.Role switch
    {
        NodeRole.StockServer or NodeRole.HttpServer or NodeRole.HttpLeaf or NodeRole.Leaf => Ports[PortKind.Http],
        NodeRole.IrohRelay or NodeRole.IrohLeaf => Ports[PortKind.Http],
        NodeRole.NatsServer or NodeRole.Hub => Ports[PortKind.NatsClient],
        _ => null,
    };

    private string Uplink => $"{_ground.Guard.Host}:{_ground.Proxy[_plan.Uplink!].Port}";

    private void Remember()
    {
        if (_process is null) return;

        _logs.Add(_process.TextSoFar);
        _process.Dispose();
    }

    private ProgramStart Command() => _plan.Role switch
    {
        NodeRole.StockServer =>
            _ground.Fossil.Start("server", "--port", $"{Ports[PortKind.Http]}", "--localhost", "--nojail", Repository),
        NodeRole.HttpServer => Ours(["leaf", "--repo", Repository, "--serve-http", Listen(PortKind.Http), .. Identity]),
        NodeRole.HttpLeaf => Ours(
            [
                "leaf", "--repo", Repository, "--serve-http", Listen(PortKind.Http), "--peer",
                $"http://{_ground.Guard.UserInfo}{Uplink}/", "--poll", "2s", "--uv", .. Identity]),
        NodeRole.NatsServer =>
            new ProgramStart(FleetEnvironment.NatsServer!)
            {
                Arguments = ["-c", WriteNatsConfiguration()],
                Folder = Home
            },
        NodeRole.Hub => Ours(
        [
            "hub", "serve", .. _ground.Guard.Arguments, "-R", Repository, "--http-port", $"{Ports[PortKind.Http]}",
                "--nats-client-port", $"{Ports[PortKind.NatsClient]}",
            "--nats-leaf-port", $"{Ports[PortKind.NatsLeaf]}", .. _plan.Uplink is null
                ? []
                : new[] { "--leaf-upstream", $"nats-leaf://{Uplink}" },
            "--nobody-caps", FleetEnvironment.Everything, "--uv", "--poll", "2s", .. Identity,
        ]),
        NodeRole.Leaf => Ours(
        [
            "leaf", .. _ground.Guard.Arguments, "--repo", Repository, "--serve-http", Listen(PortKind.Http), "--poll",
                "2s",
            .. _plan.Uplink is null
                ? ["--nats-leaf-port", $"{Ports[PortKind.NatsLeaf]}"]
                : new[] { "--nats", $"{UplinkScheme}://{Uplink}" },
            .. HasHub ? new[] { "--nats-role", "leaf" } : [], "--uv", .. Identity,
        ]),
        NodeRole.Bridge => Ours(
        [
            "bridge", "serve", .. _ground.Guard.Arguments, "--nats-url", $"nats://{Uplink}", "--fossil-url",
                $"http://127.0.0.1:{_ground.Proxy["bridge-stock"].Port}/",
            "--project", _ground.ProjectCode, .. Identity,
        ]),
        NodeRole.IrohRelay => Ours(["iroh", "relay", "serve", "--bind", Listen(PortKind.Http)]),
        NodeRole.IrohLeaf => Ours(
        [
            "leaf", "--repo", Repository, "--serve-http", Listen(PortKind.Http), "--poll", "2s", "--uv", "--iroh",
            "--iroh-discovery", "off", "--iroh-key", KeyFile, "--iroh-bind", Bind, "--iroh-relay",
            RelayUrlText ?? "off", .. Peer is null ? [] : new[] { "--iroh-peer", TicketOf(Peer) }, .. Identity,
        ]),
        _ => throw new InvalidOperationException($"{_plan.Role} has no process"),
    };

    private string KeyFile => Path.Combine(Home, "endpoint.key");

    private string? RelayUrlText =>
        _plan.Uplink is null ? null : $"http://127.0.0.1:{_ground.Proxy[_plan.Uplink].Port}";

    // One family of addresses has no way to the other one, so that a relayed leaf stays with the relay.
    private string Bind => Peer is null ? Listen(PortKind.Iroh)
        : _plan.Uplink is not null && Socket.OSSupportsIPv6 ? $"[::1]:{Ports[PortKind.Iroh]}"
        : Listen(PortKind.Iroh);

    private string TicketOf(FleetNode peer)
    {
        var relays = RelayUrlText is { } text && RelayUrl.TryParse(text, out var url) ? new[] { url } : [];
        var direct = UdpAddress.From(IPAddress.Loopback, peer.Ports[PortKind.Iroh]);
        return EndpointTicket.Format(
            new EndpointAddress(peer.Endpoint!.Value, relays, relays.Length > 0 ? [] : [direct]));
    }

    private bool HasHub => _plan.Uplink is not null && _ground.Layout.Nodes.Any(node => node.Role == NodeRole.Hub);

    private PortKind UplinkPort => _ground.Layout.Links.First(link => link.Name == _plan.Uplink).Port;

    private string UplinkScheme => UplinkPort == PortKind.NatsLeaf ? "nats-leaf" : "nats";

    private string[] Identity => ["--name", Name, "--data-dir", Path.Combine(Home, "data"), "--log-format", "text"];

    private ProgramStart Ours(params ReadOnlySpan<string> arguments) =>
        _ground.EdgeSync.Start(arguments) with { Folder = Home };

    private string Listen(PortKind kind) => $"127.0.0.1:{Ports[kind]}";

    private string WriteNatsConfiguration()
    {
        var path = Path.Combine(Home, "nats.conf");
        File.WriteAllText(
            path,
            $$"""
            listen: "127.0.0.1:{{Ports[PortKind.NatsClient]}}"
            {{_ground.Guard.UsersOfServer}}
            {{_ground.Guard.ForServer}}
            leafnodes {
              listen: "127.0.0.1:{{Ports[PortKind.NatsLeaf]}}", no_advertise: true
              {{_ground.Guard.UsersOfServer}}
              {{_ground.Guard.ForServer}}
            }
            """);
        return path;
    }
}

/// <summary>Something of a fleet that should have worked did not; the text names it.</summary>
internal sealed class FleetFault(string message) : Exception(message);
