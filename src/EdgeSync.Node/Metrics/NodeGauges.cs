using EdgeSync.Node.Status;

namespace EdgeSync.Node.Metrics;

/// <summary>
/// What a status says in numbers, for <c>/metrics</c> and the export. Names and labels are in docs/status.md.
/// </summary>
internal static class NodeGauges
{
    public static IReadOnlyList<MetricFamily> Of(NodeStatus status) =>
    [
        MetricFamily.Gauge(
            "build.info", null, "Always 1; the labels say what runs.",
            MetricPoint.Of(
                1, ("version", status.Version), ("commit", status.Commit), ("node", status.Node),
                ("role", status.Role))),
        MetricFamily.Gauge("ready", null, "1 when /readyz says yes.", MetricPoint.Of(status.Ready ? 1 : 0)),
        MetricFamily.Gauge(
            "check.failed", null, "1 for each check that fails.",
            [.. status.Checks.Select(c => MetricPoint.Of(c.State == CheckState.Failed ? 1 : 0, ("check", c.Name)))]),
        .. ProcessFamilies(status),
        .. RepositoryFamilies(status),
        .. TargetFamilies(status),
        .. NatsFamilies(status),
        .. BrokerFamilies(status),
        .. BridgeFamilies(status),
    ];

    private static IEnumerable<MetricFamily> ProcessFamilies(NodeStatus status) =>
    [
        MetricFamily.Gauge(
            "process.start.time.seconds", "s", "When the process started, as Unix time.",
            MetricPoint.Of(UnixSeconds(status.StartedAt))),
        MetricFamily.Gauge(
            "process.resident.memory.bytes", "By", "Memory that the process holds.",
            MetricPoint.Of(Environment.WorkingSet)),
        MetricFamily.Counter(
            "process.cpu.seconds.total", "s", "Processor time that it has used.", MetricPoint.Of(CpuSeconds)),
        MetricFamily.Gauge(
            "process.heap.bytes", "By", "Managed memory in use.",
            MetricPoint.Of(GC.GetTotalMemory(forceFullCollection: false))),
    ];

    private static IEnumerable<MetricFamily> RepositoryFamilies(NodeStatus status)
    {
        yield return Each("repository.file.bytes", "By", "Size of the repository file.", r => r.FileBytes);
        yield return Each("repository.checkins", null, "Check-ins that it holds.", r => r.Checkins);
        yield return Each("repository.writable", null, "0 when it can only be read.", r => r.IsReadOnly ? 0 : 1);
        yield return Each(
            "repository.last.checkin.seconds", "s", "Date of its newest check-in, as Unix time.",
            r => r.LastCheckinAt is { } at ? UnixSeconds(at) : null);
        yield return Each("repository.peers", null, "Nodes that are known to hold it too.", r => r.Peers.Count);
        yield return Each(
            "watch.commits.total", null, "Check-ins made from its watched folder.", r => r.Watch?.Commits,
            MetricKind.Counter);

        MetricFamily Each(
            string name, string? unit, string help, Func<RepositoryStatus, double?> value,
            MetricKind kind = MetricKind.Gauge) =>
            new(
            Instruments.LeafScope, name, kind, unit, help, [],
            [
                .. status.Repositories.Where(r => value(r) is not null).Select(
                    r => MetricPoint.Of(value(r)!.Value, ("repository", r.Name)))]);
    }

    private static IEnumerable<MetricFamily> TargetFamilies(NodeStatus status)
    {
        var targets = status.Repositories.SelectMany(r => r.Targets, (r, t) => (Repository: r.Name, Target: t))
            .ToList();
        yield return Each(
            "target.in.step", null, "1 when nothing is known to be missing on either side.",
            t => t.Behind is null ? 1 : 0);
        yield return Each(
            "target.last.agreed.seconds", "s", "When both last held the same, as Unix time.",
            t => t.LastAgreedAt is { } at ? UnixSeconds(at) : null);
        yield return Each(
            "target.failures.in.a.row", null, "Failed sessions since the last good one.", t => t.FailuresInARow);
        yield return Each("target.sessions.total", null, "Sessions with it.", t => t.Sessions, MetricKind.Counter);
        yield return Each(
            "target.failures.total", null, "Sessions with it that failed.", t => t.Failures, MetricKind.Counter);
        yield return Each(
            "target.artifacts.sent.total", null, "Artifacts sent to it.", t => t.ArtifactsSent, MetricKind.Counter);
        yield return Each(
            "target.artifacts.received.total", null, "Artifacts received from it.", t => t.ArtifactsReceived,
            MetricKind.Counter);
        yield return Each(
            "target.wire.bytes.sent.total", "By", "Bytes sent to it.", t => t.WireBytesSent, MetricKind.Counter);
        yield return Each(
            "target.wire.bytes.received.total", "By", "Bytes received from it.", t => t.WireBytesReceived,
            MetricKind.Counter);

        MetricFamily Each(
            string name, string? unit, string help, Func<TargetStatus, double?> value,
            MetricKind kind = MetricKind.Gauge) =>
            new(
            Instruments.LeafScope, name, kind, unit, help, [],
            [
                .. targets.Where(t => value(t.Target) is not null).Select(
                    t => MetricPoint.Of(
                        value(t.Target)!.Value, ("repository", t.Repository), ("target", t.Target.Target)))]);
    }

    private static IEnumerable<MetricFamily> NatsFamilies(NodeStatus status)
    {
        if (status.Nats is not { } nats) yield break;

        yield return MetricFamily.Gauge(
            "nats.connected", null, "1 while the link to NATS stands.",
            MetricPoint.Of(nats.State == "connected" ? 1 : 0, ("mode", nats.Mode)));
        yield return MetricFamily.Counter(
            "nats.reconnects.total", null, "How often it had to be built again.", MetricPoint.Of(nats.Reconnects));
    }

    private static IEnumerable<MetricFamily> BrokerFamilies(NodeStatus status)
    {
        if (status.Broker is not { } broker) yield break;

        yield return MetricFamily.Gauge(
            "broker.connections", null, "Clients of the broker.", MetricPoint.Of(broker.Connections));
        yield return MetricFamily.Gauge(
            "broker.leafnodes", null, "Brokers that are linked to it.", MetricPoint.Of(broker.LeafNodes));
        yield return MetricFamily.Gauge(
            "broker.subscriptions", null, "Subscriptions that it holds.", MetricPoint.Of(broker.Subscriptions));
        yield return MetricFamily.Counter(
            "broker.messages.in.total", null, "Messages that came in.", MetricPoint.Of(broker.MessagesIn));
        yield return MetricFamily.Counter(
            "broker.messages.out.total", null, "Messages that went out.", MetricPoint.Of(broker.MessagesOut));
        yield return MetricFamily.Counter(
            "broker.bytes.in.total", "By", "Payload that came in.", MetricPoint.Of(broker.BytesIn));
        yield return MetricFamily.Counter(
            "broker.bytes.out.total", "By", "Payload that went out.", MetricPoint.Of(broker.BytesOut));
        yield return MetricFamily.Counter(
            "broker.slow.consumers.total", null, "Clients that were cut off for being slow.",
            MetricPoint.Of(broker.SlowConsumers));
        yield return MetricFamily.Counter(
            "broker.restarts.total", null, "How often a supervised server was started again.",
            MetricPoint.Of(broker.Restarts));
    }

    private static IEnumerable<MetricFamily> BridgeFamilies(NodeStatus status)
    {
        if (status.Bridge.Count == 0) yield break;

        yield return Each(
            "bridge.project.serving", MetricKind.Gauge, "1 while its Fossil server answers.",
            p => p.State == "serving" ? 1 : 0);
        yield return Each(
            "bridge.project.requests.total", MetricKind.Counter, "Requests carried for it.", p => p.Requests);
        yield return Each(
            "bridge.project.errors.total", MetricKind.Counter, "Requests that could not have been answered.",
            p => p.Errors);

        MetricFamily Each(string name, MetricKind kind, string help, Func<BridgeProjectStatus, double> value) => new(
            Instruments.BridgeScope, name, kind, null, help, [],
            [.. status.Bridge.Select(p => MetricPoint.Of(value(p), ("project_code", p.ProjectCode)))]);
    }

    private static double UnixSeconds(DateTimeOffset moment) => moment.ToUnixTimeMilliseconds() / 1000.0;

    private static double CpuSeconds =>
        OperatingSystem.IsIOS() || OperatingSystem.IsTvOS() || OperatingSystem.IsBrowser()
        ? 0
        : Environment.CpuUsage.TotalTime.TotalSeconds;
}
