using EdgeSync.FleetTests.Fleet;
using EdgeSync.FleetTests.Proxy;
using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Profiles;

/// <summary>
/// A megabyte over links as they are outside; <c>scripts/dev.sh sim real --profiles</c> takes the slow ones, too.
/// </summary>
public sealed class ProfileTests
{
    [Test]
    [Arguments("Http")]
    [Arguments("NatsClient")]
    [Arguments("Leafnode")]
    public async Task A_megabyte_arrives(string transport)
    {
        StockFossil.SkipWhenMissing();
        var by = Enum.Parse<Transport>(transport);
        Skip.When(
            by == Transport.NatsClient
            && FleetEnvironment.NatsServer is null,
            "nats-server is not installed (or EDGESYNC_NATS_SERVER names no file)");
        string[] quick = ["lan", "wifi", "lte", "3g"];

        var report = await ProfileRun.RunAsync(
            by, [.. quick.Select(LinkProfile.Of)], seed: 1, TestContext.Current!.Execution.CancellationToken);

        Assert.True(report.Holds, $"{report}\n{string.Join('\n', report.Log)}");
        Assert.All(report.Results, result => Assert.NotNull(result.After));
    }
}
