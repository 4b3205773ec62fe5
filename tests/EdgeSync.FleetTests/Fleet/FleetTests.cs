using EdgeSync.Tests.Shared;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>A few short fleets; <c>scripts/soak.sh</c> runs many long ones.</summary>
public sealed class FleetTests
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(4);

    [Theory]
    [InlineData(1, "Normal")]
    [InlineData(2, "Adversarial")]
    [InlineData(3, "Hostile")]
    public Task Leaves_and_cron_jobs_of_one_server_agree_after_all(int seed, string severity) => MustHold(seed, severity, Topology.Http);

    private static async Task MustHold(int seed, string severity, Topology topology)
    {
        StockFossil.SkipWhenMissing();
        var options = FleetOptions.Draw((ulong)seed, Enum.Parse<Severity>(severity), topology, leaves: 3) with { Window = Window };

        var report = await FleetRun.RunAsync(options, TestContext.Current.CancellationToken);

        // On failure the whole story, not only the verdict: a run of real processes is not had twice.
        Assert.True(report.Holds, $"{report}\n{report.Plan}\n{string.Join('\n', report.Log)}");
        Assert.True(report.Artifacts > 5, "nothing happened in this fleet");
    }
}
