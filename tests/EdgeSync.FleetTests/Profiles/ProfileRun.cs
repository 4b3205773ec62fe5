using EdgeSync.FleetTests.Fleet;
using EdgeSync.FleetTests.Proxy;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Profiles;

/// <summary>
/// A megabyte that does not compress is checked in at the hub; leaves on links of all profiles are to get it. It must
/// arrive whole, in a bounded time and without being sent many times over. On <c>worst</c> the link is also reset twice
/// while it travels; on <c>hell</c> it may be missing at the end, but nothing may be damaged and no node may spin.
/// </summary>
internal sealed class ProfileRun : IAsyncDisposable
{
    /// <summary>Two large files and many small ones: what travels in parts, and what travels in rounds.</summary>
    private static readonly int[] FileBytes = [400_000, 200_000, .. Enumerable.Repeat(20_000, 20)];

    private static readonly int[] ResetsAfterBytes = [250_000, 500_000];

    /// <summary>What travels at once: a part of a reply with its headers, and what the cables hold of it.</summary>
    private const int PartBytes = 96 << 10;

    /// <summary>
    /// Questions, signs of life and asking again: some hundred small messages in a minute, on the worst of links.
    /// </summary>
    private const int UpBytesPerMinuteMax = 64 << 10;

    private static readonly TimeSpan StartProcessorMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProcessorPerMinuteMax = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LinkMax = TimeSpan.FromSeconds(30);

    private readonly ProfileReport _report;
    private readonly IReadOnlyList<LinkProfile> _profiles;
    private readonly Transport _transport;
    private readonly TemporaryFolder _folder;
    private readonly FaultProxy _proxy;
    private readonly FleetEnvironment _ground;
    private readonly Dictionary<string, FleetNode> _nodes = [];
    private readonly HashSet<string> _wanted = [];

    private ProfileRun(Transport transport, IReadOnlyList<LinkProfile> profiles, ulong seed)
    {
        (_transport, _profiles, _report) = (transport, profiles, new ProfileReport(transport));
        _folder = new TemporaryFolder($"profiles-{transport}");
        _proxy = new FaultProxy(seed);
        _ground = new FleetEnvironment(_folder, _proxy, ProfileLayout.Of(transport, profiles));
    }

    public static async Task<ProfileReport> RunAsync(
        Transport transport, IReadOnlyList<LinkProfile> profiles, ulong seed, CancellationToken cancellationToken)
    {
        await using var run = new ProfileRun(transport, profiles, seed);
        try
        {
            await run.RunAsync(seed, cancellationToken);
        }
        catch (Exception e) when (e is FleetFault or Xunit.Sdk.XunitException or IOException)
        {
            run._report.Broken.Add(e is FleetFault ? e.Message : e.ToString());
        }

        run._report.Log = run._ground.Log.Lines;
        foreach (var node in run._nodes.Values) run._report.NodeLogs[node.Name] = node.Log;
        return run._report;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values) node.Dispose();
        await _proxy.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>
    /// What the slowest of the links that must make it may take: its rate gives the order, losses the rest.
    /// </summary>
    private static TimeSpan PatienceWith(LinkProfile profile) =>
        TimeSpan.FromSeconds(45) + (4 * profile.BusyFor(FileBytes.Sum()));

    private static bool MustArrive(LinkProfile profile) => profile.Name != "hell";

    private FleetNode Hub => _nodes[ProfileLayout.Center];

    private IEnumerable<FleetNode> Leaves => _profiles.Select(profile => _nodes[profile.Name]);

    private async Task RunAsync(ulong seed, CancellationToken cancellationToken)
    {
        Build();
        await LinkAsync(cancellationToken);
        CheckIn(seed);
        var began = _ground.Log.Now;
        _report.Results.AddRange(
            await Task.WhenAll(_profiles.Select(profile => WatchAsync(profile, began, cancellationToken))));

        // What is still on its way on the worst links is cut off in mid-word, which must do no harm either.
        foreach (var node in _nodes.Values.Reverse()) node.Stop();
        foreach (var result in _report.Results) Judge(result);
        foreach (var node in Leaves.Prepend(Hub))
        {
            _ground.EdgeSync.MustBeIntact(node.Repository);
            if (StockFossil.Program is not null) _ground.Fossil.MustBeIntact(node.Repository);
        }
    }

    private void Build()
    {
        _ground.MakeOrigin();
        foreach (var plan in _ground.Layout.Nodes) _nodes.Add(plan.Name, new FleetNode(plan, _ground));
        using (var server = _ground.EdgeSync.Serve(_ground.Origin))
            _ground.EdgeSync.Run("repo", "clone", server.Url, Hub.Repository, "--once");
        _ground.Open(Hub.Repository);
        foreach (var leaf in Leaves) File.Copy(Hub.Repository, leaf.Repository);
        foreach (var link in _ground.Layout.Links) _proxy.Add(link.Name, _nodes[link.Target].Ports[link.Port]);
        foreach (var profile in _profiles) _proxy[ProfileLayout.LinkOf(profile)].Shape(profile);
        foreach (var node in _nodes.Values) node.Start();
    }

    /// <summary>
    /// Every node has dialled and sent something before the clock runs: this is about a sync, not about a start.
    /// </summary>
    private async Task LinkAsync(CancellationToken cancellationToken)
    {
        var began = _ground.Log.Now;
        while (_profiles.Select(profile => _proxy[ProfileLayout.LinkOf(profile)]).Any(link => link.Down.Bytes == 0))
        {
            if (_ground.Log.Now - began > LinkMax) throw new FleetFault("not everybody reaches the hub");
            await Task.Delay(LookEvery, cancellationToken);
        }
    }

    private void CheckIn(ulong seed)
    {
        var tree = _folder.Folder("tree");
        var prng = new Prng(seed);
        var names = new List<string>();
        foreach (var size in FileBytes)
        {
            var bytes = new byte[size];
            prng.Fill(bytes);
            names.Add($"part-{names.Count}.bin");
            File.WriteAllBytes(Path.Combine(tree, names[^1]), bytes);
        }

        var before = FleetState.Read(Hub.Repository).Artifacts;
        _ground.EdgeSync.RunIn(
            tree, ["repo", "ci", "-R", Hub.Repository, "-m", "a megabyte", "--user", StockFossil.User, .. names]);
        _wanted.UnionWith(FleetState.Read(Hub.Repository).Artifacts.Except(before));
        _ground.Log.Add(Hub.Name, $"has {_wanted.Count} artifacts more");
    }

    private async Task<ProfileResult> WatchAsync(
        LinkProfile profile, TimeSpan began, CancellationToken cancellationToken)
    {
        var (link, node) = (_proxy[ProfileLayout.LinkOf(profile)], _nodes[profile.Name]);
        var (down, up, dialled, spent) = (link.Down.Bytes, link.Up.Bytes, link.Accepted, node.ProcessorTime);
        var resets = new Queue<int>(profile.Name == "worst" ? ResetsAfterBytes : []);
        TimeSpan? after = null;
        var seen = 0;
        while (after is null && _ground.Log.Now - began < PatienceWith(profile))
        {
            await Task.Delay(LookEvery, cancellationToken);
            if (resets.TryPeek(out var at) && link.Down.Bytes - down > at)
            {
                resets.Dequeue();
                link.Reset();
            }

            seen = FleetState.Read(node.Repository).Artifacts.Intersect(_wanted).Count();
            if (seen == _wanted.Count) after = _ground.Log.Now - began;
        }

        _ground.Log.Add(node.Name, after is null ? $"has {seen} of {_wanted.Count}" : "has all");
        return new ProfileResult(
            profile, after, seen, link.Down.Bytes - down, link.Up.Bytes - up, link.Accepted - dialled,
            FailuresIn(node.Log), node.ProcessorTime - spent, _ground.Log.Now - began);
    }

    /// <summary>Exchanges that ended without success; the log folds those that repeat themselves.</summary>
    private static int FailuresIn(string log)
    {
        var failures = 0;
        foreach (var line in log.Split('\n').Where(line => line.Contains("Sync failed", StringComparison.Ordinal)))
        {
            var at = line.IndexOf("repeated=", StringComparison.Ordinal);
            failures += at < 0
                ? 1
                : int.Parse(
                    line[(at + "repeated=".Length)..].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        }

        return failures;
    }

    private void Judge(ProfileResult result)
    {
        var name = $"{result.Profile.Name} over {_transport}";
        if (result.After is null && MustArrive(result.Profile))
            _report.Broken.Add(
                $"{name}: {result.Seen} of {_wanted.Count} artifacts after "
                    + $"{PatienceWith(result.Profile).TotalSeconds:0} s");

        // What is cut on its way comes again, and an exchange that gave up begins anew; nothing else may come twice. On
        // hell exchanges give up now and then.
        var downMax = result.Profile.Name switch
        {
            "hell" => 2.5 * FileBytes.Sum(),
            "worst" => (1.5 * FileBytes.Sum()) + (ResetsAfterBytes.Length * PartBytes),
            _ => 1.25 * FileBytes.Sum(),
        };
        if (result.BytesDown > downMax)
            _report.Broken.Add($"{name}: {result.BytesDown} B came for {FileBytes.Sum()} B");
        if (result.BytesUp > UpBytesPerMinuteMax * (1 + result.Watched.TotalMinutes))
            _report.Broken.Add($"{name}: {result.BytesUp} B went up to ask");

        // HTTP polls every two seconds, with a connection that may be new.
        if (result.Connections > 60) _report.Broken.Add($"{name}: dialled {result.Connections} times");
        if (result.Processor > StartProcessorMax + (ProcessorPerMinuteMax * result.Watched.TotalMinutes))
            _report.Broken.Add($"{name}: {result.Processor.TotalSeconds:0.0} s of processor; somebody spins");
    }
}
