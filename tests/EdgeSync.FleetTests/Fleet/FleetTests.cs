using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>A few short fleets; <c>scripts/soak.sh</c> runs many long ones.</summary>
public sealed class FleetTests
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(4);

    [Test]
    [Arguments(1, "Normal")]
    [Arguments(2, "Adversarial")]
    [Arguments(3, "Hostile")]
    public Task Leaves_and_cron_jobs_of_one_server_agree_after_all(int seed, string severity) =>
        MustHold(seed, severity, Topology.Http);

    [Test]
    [Arguments(4, "Hostile")]
    public Task Leaves_without_a_hub_agree_after_all(int seed, string severity) =>
        MustHold(seed, severity, Topology.Peers);

    [Test]
    [Arguments(11, "Hostile")]
    public Task Leaves_of_a_hub_agree_after_all(int seed, string severity) => MustHold(seed, severity, Topology.Hub);

    [Test]
    [Arguments(6, "Hostile")]
    public Task Leaves_around_a_nats_server_and_a_bridge_agree_after_all(int seed, string severity)
    {
        Skip.When(
            FleetEnvironment.NatsServer is null,
            "nats-server is not installed (or EDGESYNC_NATS_SERVER names no file)");
        return MustHold(seed, severity, Topology.Server);
    }

    [Test]
    [Arguments(7, "Adversarial")]
    public Task Leaves_at_both_ends_of_a_chain_of_hubs_agree_after_all(int seed, string severity) =>
        MustHold(seed, severity, Topology.Chain);

    [Test]
    [Arguments(8, "Hostile")]
    public Task Leaves_that_iroh_joins_directly_and_by_a_relay_agree_after_all(int seed, string severity) =>
        MustHold(seed, severity, Topology.Iroh);

    private static async Task MustHold(int seed, string severity, Topology topology)
    {
        StockFossil.SkipWhenMissing();
        var options = FleetOptions.Draw((ulong)seed, Enum.Parse<Severity>(severity), topology, leaves: 2) with
        {
            Window = Window
        };

        var report = await FleetRun.RunAsync(options, TestContext.Current!.Execution.CancellationToken);

        // On failure the whole story, not only the verdict: a run of real processes is not had twice.
        Assert.True(report.Holds, $"{report}\n{report.Plan}\n{string.Join('\n', report.Log)}");
        Assert.True(report.Artifacts > 5, "nothing happened in this fleet");
    }
}
