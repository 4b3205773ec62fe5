using EdgeSync.Net.Relay;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Iroh;

/// <summary>Two real endpoints of iroh 1.x (npm's <c>@number0/iroh</c>) meet through our relay.</summary>
public sealed class RelayBesideIrohTests
{
    private static readonly string Folder =
        Environment.GetEnvironmentVariable("EDGESYNC_NPM") is { Length: > 0 } given
        ? given
        : Path.Combine(Vectors.RepositoryRoot, "artifacts", "npm");

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task Real_endpoints_find_each_other_by_nothing_but_the_relay()
    {
        Require();
        await using var relay = await StartAsync(new IrohRelayOptions());

        var run = Start(relay.Url, "both").Run();

        Assert.True(run.Output.Contains("\"ok\":true,\"echoed\":106201", StringComparison.Ordinal), run.ToString());
        Assert.True(relay.Totals is { AuthenticatedCount: 2, DeniedCount: 0, FaultCount: 0, ForwardedCount: > 2 });
    }

    [Test]
    public async Task Real_endpoints_present_a_token()
    {
        Require();
        await using var relay = await StartAsync(new IrohRelayOptions { Token = "secret" });

        var run = Start(relay.Url, "both", "", "secret").Run();

        Assert.True(run.Output.Contains("\"ok\":true", StringComparison.Ordinal), run.ToString());
        Assert.Equal(0, relay.Totals.DeniedCount);
    }

    [Test]
    public async Task Real_endpoints_that_cannot_reach_each_other_stay_on_the_relay()
    {
        Require();
        using var network = new RelayNetwork();
        using var relay = network.Begin(
            0, EdgeSyncProgram.Program, "iroh", "relay", "serve", "--bind", $"{RelayNetwork.RelayAddress}:3340",
            "--json");
        await SaidAsync(relay, "\"url\":");
        var url = $"http://{RelayNetwork.RelayAddress}:3340";
        using var listener = network.Begin(1, "node", Words(url, "listen"));
        var ticket = await SaidAsync(listener, "\"ticket\":\"");

        using var dialler = network.Begin(2, "node", Words(url, "echo", ticket));

        var result = dialler.WaitForEnd(TimeSpan.FromSeconds(60));
        Assert.True(
            result.Output.Contains("\"ok\":true,\"echoed\":106201", StringComparison.Ordinal), result.ToString());
        Assert.Contains("{\"relay\":true,\"selected\":true}", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("{\"relay\":false,\"selected\":true}", result.Output, StringComparison.Ordinal);
    }

    private static void Require()
    {
        Skip.Unless(
            Directory.Exists(Path.Combine(Folder, "node_modules", "@number0", "iroh")),
            $"needs the packages of tests/npm in {Folder}: scripts/test.sh installs them");
        try
        {
            new ProgramStart("node") { Arguments = ["--version"] }.Run();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip.Test("needs node");
        }
    }

    private static Task<IrohRelay> StartAsync(IrohRelayOptions options) =>
        IrohRelay.StartAsync(options, SystemEntropy.Instance, TimeProvider.System, Cancellation);

    private static ProgramStart Start(string url, params string[] words) =>
        new("node") { Arguments = Words(url, words) };

    private static string[] Words(string url, params string[] words) =>
        [Path.Combine(Vectors.RepositoryRoot, "tests", "npm", "iroh-relay.cjs"), Folder, url, .. words];

    /// <summary>Waits for a text in the output; returns what stands behind it up to the next quote.</summary>
    private static async Task<string> SaidAsync(RunningProgram program, string text)
    {
        var patience = new Patience(TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(20));
        while (true)
        {
            var said = program.TextSoFar;
            var at = said.IndexOf(text, StringComparison.Ordinal);
            if (at >= 0 && said.IndexOf('\n', at) > 0) return said[(at + text.Length)..].Split('"')[0];
            if (program.HasEnded) throw new Xunit.Sdk.XunitException(said);
            await patience.LookAgainAsync(() => program.TextSoFar, Cancellation);
        }
    }
}
