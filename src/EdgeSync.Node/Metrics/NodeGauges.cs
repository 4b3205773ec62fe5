using EdgeSync.Node.Status;

namespace EdgeSync.Node.Metrics;

/// <summary>One metric that is read from a status: its name, and its points there.</summary>
/// <param name="Name">Dotted, such as <c>repository.checkins</c>.</param>
/// <param name="Unit">Of UCUM (<c>s</c>, <c>By</c>), or null.</param>
internal sealed record StatusMetric(
    string Scope, string Name, MetricKind Kind, string? Unit, string Help,
    Func<NodeStatus, IEnumerable<MetricPoint>> Points)
{
    public MetricFamily Of(NodeStatus status) => new(Scope, Name, Kind, Unit, Help, [], [.. Points(status)]);
}

/// <summary>
/// A status in numbers, for <c>/metrics</c> and the export. Names and labels are in docs/status.md.
/// </summary>
internal static class NodeGauges
{
    public static readonly IReadOnlyList<StatusMetric> All =
    [
        Gauge(
            "build.info", null, "Always 1; the labels say what runs.",
            s =>
            [
                MetricPoint.Of(
                    1, ("version", s.Version), ("commit", s.Commit), ("node", s.Node), ("role", s.Role))]),
        Gauge("ready", null, "1 when /readyz says yes.", s => [MetricPoint.Of(s.Ready ? 1 : 0)]),
        Gauge(
            "check.failed", null, "1 for each check that fails.",
            s => s.Checks.Select(c => MetricPoint.Of(c.State == CheckState.Failed ? 1 : 0, ("check", c.Name)))),
        .. OfProcess,
        .. OfRepositories,
        .. OfTargets,
        .. OfNats,
        .. OfBroker,
        .. OfIroh,
        .. OfAssets,
        .. OfBridge,
    ];

    public static IReadOnlyList<MetricFamily> Of(NodeStatus status) => [.. All.Select(m => m.Of(status))];

    private static IEnumerable<StatusMetric> OfProcess =>
    [
        Gauge(
            "process.start.time.seconds", "s", "When the process started, as Unix time.",
            s => [MetricPoint.Of(UnixSeconds(s.StartedAt))]),
        Gauge(
            "process.resident.memory.bytes", "By", "Memory that the process holds.",
            _ => [MetricPoint.Of(Environment.WorkingSet)]),
        Counter(
            "process.cpu.seconds.total", "s", "Processor time that it has used.", _ => [MetricPoint.Of(CpuSeconds)]),
        Gauge(
            "process.heap.bytes", "By", "Managed memory in use.",
            _ => [MetricPoint.Of(GC.GetTotalMemory(forceFullCollection: false))]),
    ];

    private static IEnumerable<StatusMetric> OfRepositories =>
    [
        EachRepository("repository.file.bytes", "By", "Size of the repository file.", r => r.FileBytes),
        EachRepository("repository.checkins", null, "Check-ins that it holds.", r => r.Checkins),
        EachRepository("repository.writable", null, "0 when it can only be read.", r => r.IsReadOnly ? 0 : 1),
        EachRepository(
            "repository.last.checkin.seconds", "s", "Date of its newest check-in, as Unix time.",
            r => r.LastCheckinAt is { } at ? UnixSeconds(at) : null),
        EachRepository("repository.peers", null, "Nodes that are known to hold it too.", r => r.Peers.Count),
        EachRepository(
            "watch.commits.total", null, "Check-ins made from its watched folder.", r => r.Watch?.Commits,
            MetricKind.Counter),
    ];

    private static IEnumerable<StatusMetric> OfTargets =>
    [
        EachTarget(
            "target.in.step", null, "1 when nothing is known to be missing on either side.",
            t => t.Behind is null ? 1 : 0),
        EachTarget(
            "target.last.agreed.seconds", "s", "When both last held the same, as Unix time.",
            t => t.LastAgreedAt is { } at ? UnixSeconds(at) : null),
        EachTarget(
            "target.failures.in.a.row", null, "Failed sessions since the last good one.", t => t.FailuresInARow),
        EachTarget("target.sessions.total", null, "Sessions with it.", t => t.Sessions, MetricKind.Counter),
        EachTarget(
            "target.failures.total", null, "Sessions with it that failed.", t => t.Failures, MetricKind.Counter),
        EachTarget(
            "target.artifacts.sent.total", null, "Artifacts sent to it.", t => t.ArtifactsSent, MetricKind.Counter),
        EachTarget(
            "target.artifacts.received.total", null, "Artifacts received from it.", t => t.ArtifactsReceived,
            MetricKind.Counter),
        EachTarget(
            "target.wire.bytes.sent.total", "By", "Bytes sent to it.", t => t.WireBytesSent, MetricKind.Counter),
        EachTarget(
            "target.wire.bytes.received.total", "By", "Bytes received from it.", t => t.WireBytesReceived,
            MetricKind.Counter),
    ];

    private static IEnumerable<StatusMetric> OfNats =>
    [
        Gauge(
            "nats.connected", null, "1 while the link to NATS stands.",
            s => s.Nats is { } nats ? [MetricPoint.Of(nats.State == "connected" ? 1 : 0, ("mode", nats.Mode))] : []),
        Counter(
            "nats.reconnects.total", null, "How often it had to be built again.",
            s => s.Nats is { } nats ? [MetricPoint.Of(nats.Reconnects)] : []),
    ];

    private static IEnumerable<StatusMetric> OfBroker =>
    [
        Broker("broker.connections", MetricKind.Gauge, null, "Clients of the broker.", b => b.Connections),
        Broker("broker.leafnodes", MetricKind.Gauge, null, "Brokers that are linked to it.", b => b.LeafNodes),
        Broker("broker.subscriptions", MetricKind.Gauge, null, "Subscriptions that it holds.", b => b.Subscriptions),
        Broker("broker.messages.in.total", MetricKind.Counter, null, "Messages that came in.", b => b.MessagesIn),
        Broker("broker.messages.out.total", MetricKind.Counter, null, "Messages that went out.", b => b.MessagesOut),
        Broker("broker.bytes.in.total", MetricKind.Counter, "By", "Payload that came in.", b => b.BytesIn),
        Broker("broker.bytes.out.total", MetricKind.Counter, "By", "Payload that went out.", b => b.BytesOut),
        Broker(
            "broker.slow.consumers.total", MetricKind.Counter, null, "Clients that were cut off for being slow.",
            b => b.SlowConsumers),
        Broker(
            "broker.restarts.total", MetricKind.Counter, null, "How often a supervised server was started again.",
            b => b.Restarts),
    ];

    private static IEnumerable<StatusMetric> OfIroh =>
    [
        Gauge(
            "iroh.relay.online", null, "1 while the home relay of the endpoint is connected.",
            s => s.Iroh is { Relay: { } relay } iroh
                ? [MetricPoint.Of(iroh.RelayOnline == true ? 1 : 0, ("relay", relay))]
                : []),
        Counter(
            "iroh.exchanges.total", null, "Exchanges of iroh peers that were answered.",
            s => s.Iroh is { } iroh ? [MetricPoint.Of(iroh.Exchanges)] : []),
        EachIrohPeer(
            "iroh.peer.connected", null, "1 while a connection to the peer is open, by its route.",
            p => p.Route == "none" ? 0 : 1, ("route", p => p.Route)),
        EachIrohPeer("iroh.peer.broker.linked", null, "1 while the brokers are linked.", p => p.BrokerLinked ? 1 : 0),
        EachIrohPeer(
            "iroh.peer.rtt.seconds", "s", "Round trip on the present route.",
            p => p.RttMs is { } ms ? ms / 1000 : null),
        EachIrohPeer(
            "iroh.peer.direct.seconds", "s", "From the begin of the connection until data went directly.",
            p => p.TimeToDirectMs is { } ms ? ms / 1000 : null),
        EachIrohPeer(
            "iroh.peer.direct.bytes.sent", "By", "Bytes that the open connections sent on direct paths.",
            p => p.DirectBytesSent),
        EachIrohPeer(
            "iroh.peer.direct.bytes.received", "By", "Bytes that the open connections received on direct paths.",
            p => p.DirectBytesReceived),
        EachIrohPeer(
            "iroh.peer.relayed.bytes.sent", "By", "Bytes that the open connections sent over relays.",
            p => p.RelayBytesSent),
        EachIrohPeer(
            "iroh.peer.relayed.bytes.received", "By", "Bytes that the open connections received over relays.",
            p => p.RelayBytesReceived),
    ];

    private static StatusMetric EachIrohPeer(
        string name, string? unit, string help, Func<IrohPeerStatus, double?> value,
        (string Name, Func<IrohPeerStatus, string> Value)? label = null) =>
        new(
            Instruments.LeafScope, name, MetricKind.Gauge, unit, help,
            s => from peer in s.Iroh?.Peers ?? []
                 let number = value(peer)
                 where number is not null
                 select label is { } more
                     ? MetricPoint.Of(number.Value, ("peer", peer.EndpointId[..10]), (more.Name, more.Value(peer)))
                     : MetricPoint.Of(number.Value, ("peer", peer.EndpointId[..10])));

    private static IEnumerable<StatusMetric> OfAssets =>
    [
        Assets("assets.count", null, "Assets in the store, with its trash.", a => a.Assets),
        Assets("assets.bytes", "By", "Bytes of their contents.", a => a.Bytes),
        Assets("assets.trashed", null, "Assets in the trash.", a => a.Trashed),
        Assets("assets.corrupted", null, "Assets whose file is missing or has other content.", a => a.Corrupted),
        Assets("assets.disk.free.bytes", "By", "Bytes that the disk of the assets has free.", a => a.DiskFree),
        Assets(
            "assets.mirror.connected", null, "Stores of the mirror that are connected.", a => a.Mirror?.Connected),
        Assets(
            "assets.mirror.in.sync", null, "Connected stores that have the same as this one.",
            a => a.Mirror?.InSync),
        Assets(
            "assets.mirror.missing", null, "Assets of which the content has not come yet.", a => a.Mirror?.Missing),
        Assets(
            "assets.mirror.questions", null, "Questions that wait for a decision.", a => a.Mirror?.Questions.Count),
    ];

    private static StatusMetric Assets(string name, string? unit, string help, Func<AssetsStatus, double?> value) =>
        Gauge(
            name, unit, help,
            s => s.Assets is { Error: null } assets && value(assets) is { } number ? [MetricPoint.Of(number)] : []);

    private static IEnumerable<StatusMetric> OfBridge =>
    [
        EachProject(
            "bridge.project.serving", MetricKind.Gauge, "1 while its Fossil server answers.",
            p => p.State == "serving" ? 1 : 0),
        EachProject(
            "bridge.project.requests.total", MetricKind.Counter, "Requests carried for it.", p => p.Requests),
        EachProject(
            "bridge.project.errors.total", MetricKind.Counter, "Requests that could not have been answered.",
            p => p.Errors),
    ];

    private static StatusMetric Gauge(
        string name, string? unit, string help, Func<NodeStatus, IEnumerable<MetricPoint>> points) =>
        new(Instruments.LeafScope, name, MetricKind.Gauge, unit, help, points);

    private static StatusMetric Counter(
        string name, string? unit, string help, Func<NodeStatus, IEnumerable<MetricPoint>> points) =>
        new(Instruments.LeafScope, name, MetricKind.Counter, unit, help, points);

    private static StatusMetric EachRepository(
        string name, string? unit, string help, Func<RepositoryStatus, double?> value,
        MetricKind kind = MetricKind.Gauge) =>
        new(
            Instruments.LeafScope, name, kind, unit, help,
            s => from repository in s.Repositories
                 let number = value(repository)
                 where number is not null
                 select MetricPoint.Of(number.Value, ("repository", repository.Name)));

    private static StatusMetric EachTarget(
        string name, string? unit, string help, Func<TargetStatus, double?> value,
        MetricKind kind = MetricKind.Gauge) =>
        new(
            Instruments.LeafScope, name, kind, unit, help,
            s => from repository in s.Repositories
                 from target in repository.Targets
                 let number = value(target)
                 where number is not null
                 select MetricPoint.Of(number.Value, ("repository", repository.Name), ("target", target.Target)));

    private static StatusMetric Broker(
        string name, MetricKind kind, string? unit, string help, Func<BrokerStatus, double> value) =>
        new(
            Instruments.LeafScope, name, kind, unit, help,
            s => s.Broker is { } broker ? [MetricPoint.Of(value(broker))] : []);

    private static StatusMetric EachProject(
        string name, MetricKind kind, string help, Func<BridgeProjectStatus, double> value) =>
        new(
            Instruments.BridgeScope, name, kind, null, help,
            s => s.Bridge.Select(p => MetricPoint.Of(value(p), ("project_code", p.ProjectCode))));

    private static double UnixSeconds(DateTimeOffset moment) => moment.ToUnixTimeMilliseconds() / 1000.0;

    private static double CpuSeconds =>
        OperatingSystem.IsIOS() || OperatingSystem.IsTvOS() || OperatingSystem.IsBrowser()
        ? 0
        : Environment.CpuUsage.TotalTime.TotalSeconds;
}
