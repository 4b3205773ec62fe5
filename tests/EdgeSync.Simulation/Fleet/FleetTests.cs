using EdgeSync.Tests.Support;

namespace EdgeSync.Simulation.Fleet;

public class FleetTests
{
    private const int SeedsUsual = 64;

    [Test]
    [Arguments("Normal")]
    [Arguments("Adversarial")]
    [Arguments("Hostile")]
    public void Every_fleet_heals(string severity)
    {
        var fleets = Enumerable.Range(1, SeedCount.Or(SeedsUsual))
            .Select(seed => FleetRunner.OptionsFor((ulong)seed, Enum.Parse<Severity>(severity)))
            .ToList();

        var failed = FleetRunner.RunMany(fleets);

        Assert.True(failed.Count == 0, $"{failed.Count} of {fleets.Count}\n{string.Join('\n', failed.Take(3))}");
    }

    /// <summary>Endpoints that are linked by iroh: either side opens, and one link is left.</summary>
    [Test]
    [Arguments("Normal")]
    [Arguments("Adversarial")]
    [Arguments("Hostile")]
    public void Every_fleet_over_iroh_heals(string severity)
    {
        var fleets = Enumerable.Range(1, SeedCount.Or(SeedsUsual) / 4)
            .Select(seed => new FleetOptions((ulong)seed, Enum.Parse<Severity>(severity), IsIroh: true)).ToList();

        var failed = FleetRunner.RunMany(fleets);

        Assert.True(failed.Count == 0, $"{failed.Count} of {fleets.Count}\n{string.Join('\n', failed.Take(3))}");
    }

    [Test]
    public void A_seed_gives_the_same_trace_every_time()
    {
        for (var seed = 1UL; seed <= 6; seed++)
        {
            var options = new FleetOptions(seed, Severity.Hostile);

            Assert.Equal(FleetRunner.Run(options).TraceHash, FleetRunner.Run(options).TraceHash);
        }
    }

    /// <summary>A simulation in which nothing happens proves nothing.</summary>
    [Test]
    public void Hostile_fleets_inject_every_fault()
    {
        var results = new List<FleetResult>();
        _ = FleetRunner.RunMany(
            Enumerable.Range(1, 30).Select(seed => new FleetOptions((ulong)seed, Severity.Hostile, KeepsTrace: true)),
            results.Add);
        var lines = results.SelectMany(r => r.Trace).ToList();

        string[] words =
        [
            "star of", "chain of", "two hubs of", "mesh of", "server of", "server and hub of", "bridge of", "mixed of",
                "is cut", "stalls in direction",
            " dies", "is full", "fails", "clock of", "web server is down", "joins", "loses", "check-in", "uv ", "row ",
                "Announcement", "LocalChange", "CatchUp",
            "Retry", "NoResponders", "Unreachable", "LocalFailed",
        ];
        Assert.Equal([], words.Where(word => !lines.Any(line => line.Contains(word, StringComparison.Ordinal))));
        Assert.All(results, r => Assert.True(r.Syncs > 0));
    }

    /// <summary>
    /// The star of fifty: each brings to the hub and fetches from it, so one commit costs one exchange a leaf, not
    /// fifty.
    /// </summary>
    [Test]
    public void One_commit_reaches_fifty_leaves_by_about_fifty_exchanges()
    {
        using var fleet = new Fleet(new FleetOptions(7, Severity.Normal));
        var (syncs, span, heard) = fleet.RunStar(50);

        Assert.InRange(syncs, 50, 120);
        Assert.InRange(span, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.InRange(heard, 1, 4);
    }
}
