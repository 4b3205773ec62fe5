using System.Globalization;
using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Messages;
using EdgeSync.Node.Agents;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeSync.Simulation.Fleet;

/// <summary>What to run; the seed decides all the rest.</summary>
/// <param name="IsIroh">Endpoints are linked, and nothing else.</param>
internal sealed record FleetOptions(
    ulong Seed, Severity Severity, bool OnSqlite = false, bool KeepsTrace = false, bool IsIroh = false);

/// <summary>
/// A fleet on virtual time: leaves, hubs, brokers, bridges and a Fossil server, joined by links of the nine profiles,
/// made of the real cores. A workload runs, faults occur; then the faults end, and within a bounded time all have the
/// same.
/// </summary>
internal sealed class Fleet : IDisposable
{
    private static readonly TimeSpan HealingMax = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan QuietSpan = TimeSpan.FromSeconds(60);
    private static readonly Instant Epoch = Instant.FromUnixSeconds(1_700_000_000);

    private readonly Prng _prng;
    private readonly Trace _trace;
    private readonly Workload _workload;
    private readonly Dictionary<string, object> _answered = [];
    private readonly List<string> _broken = [];
    private readonly List<SimProcess> _processes = [];

    public Fleet(FleetOptions options)
    {
        Options = options;
        _prng = new Prng((options.Seed * 3) + (ulong)options.Severity + 1_000_003);
        _trace = new Trace(options.KeepsTrace);
        Clock = new FleetClock(Epoch);
        _workload = new Workload(_prng.Fork());
        Topology = FleetTopology.Build(this, _prng.Fork());
        Note(Topology);
    }

    public FleetOptions Options { get; }

    public FleetClock Clock { get; }

    public ProjectSubjects Subjects { get; } = new("fossil", SampleProject.Code);

    public string Topology { get; }

    public List<FleetNode> Nodes { get; } = [];

    public List<FleetLink> Links { get; } = [];

    public List<FleetServer> Servers { get; } = [];

    public FleetWebServer? Web { get; set; }

    public FleetBridge? Bridge { get; set; }

    public IReadOnlySet<ArtifactId> ShunnedIds => _workload.Shunned;

    public bool HasWeb => Web is not null;

    /// <summary>Some links close a circle: the brokers refuse one of it, and try again now and then.</summary>
    public bool HasCircles { get; set; }

    public int Faults { get; private set; }

    public int SyncsStarted { get; set; }

    /// <summary>Virtual time from the end of the faults until all held the same.</summary>
    public TimeSpan? HealedAfter { get; private set; }

    public string TraceHash => _trace.Hash;

    public List<string> TraceLines => _trace.Lines;

    public IEnumerable<FleetBroker> Brokers =>
        Nodes.Select(n => n.Broker).Concat(Servers.Select(s => s.Broker)).OfType<FleetBroker>();

    public List<string> Run()
    {
        foreach (var server in Servers) server.Start();
        foreach (var node in Nodes)
        {
            if (node == Web?.Repository) continue;

            if (Options.Severity != Severity.Normal) node.Skew = TimeSpan.FromSeconds(_prng.NextInt32(-300, 300));
            Clock.After(TimeSpan.FromMilliseconds(_prng.NextInt32(3000)), node.Start);
        }

        var span = TimeSpan.FromSeconds(_prng.NextInt32(20, 90));
        PlanWork(span);
        Faults = FleetFaults.Plan(this, _prng.Fork(), span);
        Watch(span);
        Heal();
        if (_broken.Count > 0) return _broken;

        var before = SyncsStarted;
        Watch(QuietSpan);
        _broken.AddRange(FleetInvariants.Quiet(this, SyncsStarted - before, QuietSpan));
        _broken.AddRange(FleetInvariants.Questions(this));
        _broken.AddRange(FleetInvariants.Storms(this));
        if (!HasCircles) _broken.AddRange(FleetInvariants.OneLinkEach(this));
        StopAll();
        _broken.AddRange(FleetInvariants.Leaks(this));
        return _broken;
    }

    /// <summary>
    /// A fleet of its own instead of the seed's: one hub and leaves on good links, and one commit on one leaf.
    /// </summary>
    /// <returns>Exchanges until all have it, the time that took, and how often a leaf received it.</returns>
    public (int Syncs, TimeSpan Span, int Heard) RunStar(int leaves)
    {
        Nodes.Clear();
        var hub = AddNode("hub", NodeRole.Hub);
        for (var i = 0; i < leaves; i++)
            AddNode($"leaf{i}", NodeRole.Leaf).AddUplink(AddLink($"leaf{i}-hub", LinkProfile.All[0]), () => hub.Broker);
        foreach (var node in Nodes) node.Start();
        Watch(TimeSpan.FromMinutes(3));

        // In the long quiet the polls have become rare; what happens now is the commit's doing.
        var (syncs, begin) = (SyncsStarted, Clock.Now);
        Note(_workload.Step(Nodes[1].Repository, Nodes[1].Now));
        Nodes[1].Changed(ChangeOrigin.Local);
        while (FleetInvariants.Convergence(this).Any() && Clock.Now - begin < TimeSpan.FromMinutes(1))
            Clock.RunUntil(Clock.Now + TimeSpan.FromMilliseconds(10));
        return (SyncsStarted - syncs, Clock.Now - begin, Nodes.Max(n => n.Heard.Values.DefaultIfEmpty().Max()));
    }

    public FleetNode AddNode(string name, NodeRole role, bool hasBroker = true)
    {
        var index = Nodes.Count;
        SimNode repository = Options.OnSqlite
            ? new SqliteNode(index, _prng.NextUInt64(), Epoch, isEmpty: false)
            : new MemoryNode(index, SampleProject.Create("sxy"));
        var node = new FleetNode(this, index, name, role, repository, _prng.Fork()) { HasBroker = hasBroker };
        Nodes.Add(node);
        return node;
    }

    public FleetLink AddLink(string name, LinkProfile profile)
    {
        var link = new FleetLink(name, profile, Clock, _prng.Fork());
        Links.Add(link);
        return link;
    }

    /// <summary>What the programs log goes nowhere: the trace has it.</summary>
    public ILogger Log { get; } = NullLogger.Instance;

    public SimProcess NewProcess(Func<TimeSpan> skew)
    {
        var process = new SimProcess(Clock, skew);
        _processes.Add(process);
        return process;
    }

    /// <summary>What a program's parts share: its clock, scheduler and chance are the simulation's.</summary>
    public NodeContext ContextOf(string name, NodeRole role, SimProcess process, Entropy entropy) =>
        new(name, role, [], process.Time, Log, Fail)
        {
            Scheduler = process.Scheduler,
            Entropy = entropy,
            Instance = entropy.NextHex(8)
        };

    /// <summary>A program would have ended by a bug.</summary>
    public void Fail(Exception bug) => _broken.Add($"bug: {bug}");

    public void Note(string text) => _trace.Add(Clock.Now, text);

    /// <summary>A request on the project's subject was delivered to a member of the queue group.</summary>
    public void OnAnswered(string replyTo, object by)
    {
        if (!_answered.TryAdd(replyTo, by)) _broken.Add($"queue group: {replyTo} was delivered twice");
    }

    public void Dispose()
    {
        foreach (var process in _processes) process.Die();
        foreach (var node in Nodes) node.Repository.Dispose();
        _trace.Dispose();
    }

    private void PlanWork(TimeSpan span)
    {
        for (var i = _prng.NextInt32(4, 24); i > 0; i--)
            Clock.After(span * _prng.NextDouble(), () =>
            {
                var node = Nodes[_prng.NextInt32(Nodes.Count)];
                if (node.IsDiskFull) return;

                Note($"{node.Name} {_workload.Step(node.Repository, node.Now)}");
                if (node.IsAlive) node.Changed(ChangeOrigin.Local);
            });
    }

    /// <summary>Time passes, and the bounds are looked at every second.</summary>
    private void Watch(TimeSpan span)
    {
        var end = Clock.Now + span;
        while (Clock.Now < end && _broken.Count == 0)
        {
            Clock.RunUntil(Clock.Now + TimeSpan.FromSeconds(1));
            _broken.AddRange(FleetInvariants.Bounds(this));
            if (Clock.Stray is { } stray) _broken.Add($"stray: {stray}");
        }
    }

    private void Heal()
    {
        Note("healed");
        FleetFaults.Heal(this);
        var start = Clock.Now;
        while (_broken.Count == 0 && Clock.Now - start < HealingMax)
        {
            if (Nodes.Select(n => FleetInvariants.Fingerprint(this, n)).Distinct().Count() == 1
                && !FleetInvariants.Convergence(this).Any())
            {
                HealedAfter = Clock.Now - start;
                Note(
                    string.Create(
                        CultureInfo.InvariantCulture, $"all the same after {HealedAfter.Value.TotalSeconds} s"));
                return;
            }

            Watch(TimeSpan.FromSeconds(1));
        }

        _broken.AddRange(FleetInvariants.Convergence(this).Take(4));
    }

    private void StopAll()
    {
        var running = new List<string>();
        foreach (var node in Nodes)
        {
            running.Add(node.Name);
            node.Stop(() => running.Remove(node.Name));
        }

        if (Bridge is { } bridge)
        {
            running.Add("bridge");
            bridge.Stop(() => running.Remove("bridge"));
        }

        Clock.RunUntil(Clock.Now + TimeSpan.FromSeconds(30));
        if (running.Count > 0) _broken.Add($"stop: {string.Join(' ', running)} did not end");
    }
}
