using EdgeSync.FleetTests.Proxy;
using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>
/// One fleet from its start to the verdict: each node gets a copy of a project, works while the plan pulls cables and
/// kills processes, then everything is mended, and all must agree within a bounded time.
/// </summary>
internal sealed class FleetRun : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private const int QuietWindowsMax = 6;
    private static readonly TimeSpan QuietFor = TimeSpan.FromSeconds(4);

    private readonly TemporaryFolder _folder;
    private readonly FaultProxy _proxy;
    private readonly FleetEnvironment _ground;
    private readonly FleetPlan _plan;
    private readonly Dictionary<string, FleetNode> _nodes = [];
    private readonly Dictionary<string, NodeWork> _work = [];
    private readonly Dictionary<string, SerialWork> _queues = [];
    private readonly List<CronLoop> _crons = [];

    private FleetRun(FleetOptions options)
    {
        _plan = new FleetPlan(options);
        _folder = new TemporaryFolder($"fleet-{options.Seed}");
        _proxy = new FaultProxy(options.Seed);
        _ground = new FleetEnvironment(_folder, _proxy, _plan.Layout, options.Guard);
    }

    public static async Task<FleetReport> RunAsync(FleetOptions options, CancellationToken cancellationToken)
    {
        await using var run = new FleetRun(options);
        var report = new FleetReport(run._plan);
        try
        {
            await run.RunAsync(report, cancellationToken);
        }
        catch (Exception e) when (e is FleetFault or Xunit.Sdk.XunitException or IOException)
        {
            report.Broken.Add(e is FleetFault ? e.Message : e.ToString());
        }

        report.Log = run._ground.Log.Lines;
        report.NodeLogs = run._nodes.Values.ToDictionary(node => node.Name, node => node.Log);
        return report;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var cron in _crons) await cron.DisposeAsync();
        foreach (var node in _nodes.Values) node.Dispose();
        await _proxy.DisposeAsync();
        _folder.Dispose();
    }

    private async Task RunAsync(FleetReport report, CancellationToken cancellationToken)
    {
        Build();
        await FollowPlanAsync(cancellationToken);
        await MendAsync();
        report.ConvergedAfter = await ConvergeAsync(report, cancellationToken);
        foreach (var cron in _crons) report.Syncs += cron.Succeeded;
        if (_plan.Options.Severity == Severity.Normal && _crons.Sum(cron => cron.Hung) is > 0 and var hung)
            report.Broken.Add($"{hung} syncs hung though nothing was wrong");
        await MeasureAsync(report, cancellationToken);
        await EndCronsAsync();
        foreach (var node in _nodes.Values.Reverse()) node.Stop();
        FleetAssertions.Of(report, _ground, [.. Holders], Acknowledged);
    }

    private IEnumerable<FleetNode> Holders => _nodes.Values.Where(node => node.Plan.HoldsRepository);

    private IEnumerable<string> Acknowledged => _work.Values.SelectMany(work => work.Acknowledged);

    private void Build()
    {
        _ground.MakeOrigin();
        foreach (var plan in _plan.Layout.Nodes) _nodes.Add(plan.Name, new FleetNode(plan, _ground));
        using (var server = _ground.EdgeSync.Serve(_ground.Origin))
            foreach (var node in Holders)
            {
                _ground.EdgeSync.Run("repo", "clone", server.Url, node.Repository, "--once");
                _ground.Open(node.Repository);
                _work.Add(node.Name, new NodeWork(node, _ground, _plan.Options.Seed + (ulong)_work.Count));
            }

        if (_plan.Options.Topology == Topology.Http) _ground.Guard.Close(_ground.EdgeSync, _nodes["center"].Repository);
        foreach (var node in _nodes.Values.Where(node => node.Plan.Peer is not null))
        {
            node.Peer = _nodes[node.Plan.Peer!];
            node.Peer.Trust(node.Endpoint!.Value);
            node.Trust(node.Peer.Endpoint!.Value);
        }

        foreach (var link in _plan.Layout.Links) _proxy.Add(link.Name, _nodes[link.Target].Ports[link.Port]);
        foreach (var node in _nodes.Values)
        {
            _queues.Add(node.Name, new SerialWork());
            node.Start();
            if (node.Plan.Role is NodeRole.Cron or NodeRole.StockCron) _crons.Add(new CronLoop(node, _ground));
        }

        foreach (var cron in _crons) cron.Begin();
    }

    /// <summary>
    /// Faults happen at their moment; the work of a node queues, because its commands take the time that they take.
    /// </summary>
    private async Task FollowPlanAsync(CancellationToken cancellationToken)
    {
        var began = _ground.Log.Now;
        var powers = _nodes.Keys.ToDictionary(name => name, _ => new SerialWork());
        foreach (var step in _plan.Steps)
        {
            if (step.At > _plan.Options.Window && step.Kind != StepKind.Start) continue;   // mending will do it
            if (began + step.At - _ground.Log.Now is var early && early > TimeSpan.Zero)
                await Task.Delay(early, cancellationToken);

            if (step.IsWork) _queues[step.Subject].Add(() => _work[step.Subject].Do(step));
            else if (step.Kind == StepKind.Kill) powers[step.Subject].Add(_nodes[step.Subject].Kill);
            else if (step.Kind == StepKind.Start) powers[step.Subject].Add(_nodes[step.Subject].Start);
            else Apply(step, _proxy[step.Subject]);
        }

        foreach (var power in powers.Values) await power.EndAsync();
        foreach (var queue in _queues.Values) await queue.EndAsync();
    }

    private static void Apply(FleetStep step, Link link)
    {
        switch (step.Kind)
        {
            case StepKind.Cut: link.Cut(); break;
            case StepKind.Stall: link.Stall(); break;
            case StepKind.StallUp: link.Stall(Direction.Up); break;
            case StepKind.StallDown: link.Stall(Direction.Down); break;
            case StepKind.Delay: link.Delay(TimeSpan.FromMilliseconds(step.Amount)); break;
            case StepKind.Reset: link.Reset(); break;
            case StepKind.ResetAfter:
                link.ResetAfter(step.Detail == "up" ? Direction.Up : Direction.Down, step.Amount); break;
            case StepKind.Shape: link.Shape(LinkProfile.Of(step.Detail)); break;
            case StepKind.Heal: link.Heal(); break;
            default: throw new InvalidOperationException($"{step.Kind} is not about a cable");
        }
    }

    private async Task MendAsync()
    {
        _ground.Log.Add("fleet", "everything is mended");
        _proxy.HealAll();
        foreach (var link in _proxy.Links) link.Shape(LinkProfile.Direct);
        foreach (var node in _nodes.Values) await Task.Run(node.Start);
    }

    private async Task<TimeSpan?> ConvergeAsync(FleetReport report, CancellationToken cancellationToken)
    {
        var began = _ground.Log.Now;
        while (true)
        {
            var states = Holders.ToDictionary(node => node.Name, node => FleetState.Read(node.Repository));
            var first = states.Values.First();
            if (states.Values.All(first.Agrees))
            {
                report.Artifacts = first.Artifacts.Count;
                _ground.Log.Add("fleet", $"all agree on {report.Artifacts} artifacts");
                return _ground.Log.Now - began;
            }

            if (_nodes.Values.FirstOrDefault(node => node.Plan.IsProcess && !node.IsRunning) is { } dead)
                throw new FleetFault($"{dead.Name} ended by itself: {dead.Log}");
            if (_ground.Log.Now - began > _plan.Options.ConvergenceMax)
            {
                report.Broken.Add(
                    $"no agreement {_plan.Options.ConvergenceMax.TotalSeconds:0} s after everything was mended:");
                foreach (var (name, state) in states) report.Broken.Add($"  {name}: {state.Lacks(states.Values)}");
                return null;
            }

            await Task.Delay(LookEvery, cancellationToken);
        }
    }

    /// <summary>
    /// What goes over each cable while there is nothing to say: the quietest of a few windows, because the last
    /// reconnections of the faults may fall into the first ones. A node that spins does so in each.
    /// </summary>
    private async Task MeasureAsync(FleetReport report, CancellationToken cancellationToken)
    {
        foreach (var link in _proxy.Links)
            report.Traffic[link.Name] = new LinkTraffic(link.Up.Bytes + link.Down.Bytes, link.Accepted);
        if (report.ConvergedAfter is null || _crons.Count > 0) return;   // cron is never quiet

        for (var window = 0; window < QuietWindowsMax
            && (window == 0 || FleetAssertions.Storms(report).Any()); window++)
        {
            var before = _proxy.Links.ToDictionary(
                link => link.Name, link => (Bytes: link.Up.Bytes + link.Down.Bytes, link.Accepted));
            await Task.Delay(QuietFor, cancellationToken);
            foreach (var link in _proxy.Links)
            {
                report.Traffic[link.Name] = report.Traffic[link.Name] with
                {
                    QuietBytes = link.Up.Bytes + link.Down.Bytes - before[link.Name].Bytes,
                    QuietConnections = link.Accepted - before[link.Name].Accepted,
                };
            }
        }
    }

    private async Task EndCronsAsync()
    {
        foreach (var cron in _crons) await cron.DisposeAsync();
        _crons.Clear();
    }
}
