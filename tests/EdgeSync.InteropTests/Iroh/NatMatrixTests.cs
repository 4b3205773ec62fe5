using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Iroh;

/// <summary>
/// Two machines behind two NATs, joined by nothing but a ticket and our relay. All pairs of kinds but that of two
/// symmetric NATs become direct; those stay with the relay, and so does a machine without UDP.
/// </summary>
public sealed class NatMatrixTests
{
    private const int AtOnce = 4;
    private const string Url = $"http://{NatNetwork.RelayAddress}:3340";

    private static readonly NatKind[] All =
        [NatKind.None, NatKind.EndpointIndependent, NatKind.AddressDependent, NatKind.Symmetric];

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public Task The_worst_NATs_are_passed() => CheckAsync(
    [
        (NatKind.AddressDependent, NatKind.AddressDependent), (NatKind.AddressDependent, NatKind.Symmetric),
        (NatKind.Symmetric, NatKind.Symmetric), (NatKind.UdpBlocked, NatKind.None),
    ]);

    [Test, Explicit, Property("Long", "yes")]
    public Task Every_pair_of_NATs_is_passed_but_one() =>
        CheckAsync([.. from here in All from there in All select (here, there)]);

    [Test]
    public async Task Machines_that_change_their_addresses_stay_connected()
    {
        using var network = new NatNetwork([NatKind.None], [NatKind.None]);
        using var relay = await BeginRelayAsync(network);
        using var listener = BeginListener(network, NatKind.None);
        var ticket = await SaidAsync(listener, "\"ticket\":\"");
        using var dialler = NatNetwork.Begin(
            network.Machine(1, NatKind.None), "iroh", "test", "hold", ticket, "--bind", "0.0.0.0:0", "--relay", Url,
            "--hold", "600", "--json");

        await LivesAsync(dialler, 1);
        network.Readdress(1, last: 7);
        await LivesAsync(dialler, 2);
        network.Readdress(2, last: 8);
        await LivesAsync(dialler, 2);

        Assert.DoesNotContain("\"dead\"", dialler.TextSoFar, StringComparison.Ordinal);
    }

    /// <summary>More echoes come back; after a change the first may have been under way.</summary>
    private static Task LivesAsync(RunningProgram dialler, int echoes)
    {
        var before = Lives();
        return Patience.UntilAsync(
            () => Lives() >= before + echoes || dialler.HasEnded, TimeSpan.FromSeconds(60), () => dialler.TextSoFar,
            TimeSpan.FromMilliseconds(50));

        int Lives() => dialler.TextSoFar.Split("\"event\":\"alive\"").Length - 1;
    }

    private static async Task<RunningProgram> BeginRelayAsync(NatNetwork network)
    {
        var relay = NatNetwork.Begin(
            network.Core, "iroh", "relay", "serve", "--bind", $"{NatNetwork.RelayAddress}:3340", "--json");
        await SaidAsync(relay, "\"url\":\"");
        return relay;
    }

    private static RunningProgram BeginListener(NatNetwork network, NatKind kind) => NatNetwork.Begin(
        network.Machine(2, kind), "iroh", "test", "listen", "--bind", "0.0.0.0:0", "--relay", Url, "--json");

    private static async Task CheckAsync((NatKind Here, NatKind There)[] cells)
    {
        var there = cells.Select(c => c.There).Distinct().ToArray();
        using var network = new NatNetwork([.. cells.Select(c => c.Here).Distinct()], there);
        using var relay = await BeginRelayAsync(network);
        var listeners = there.ToDictionary(kind => kind, kind => BeginListener(network, kind));
        try
        {
            var tickets = new Dictionary<NatKind, string>();
            foreach (var (kind, listener) in listeners) tickets[kind] = await SaidAsync(listener, "\"ticket\":\"");

            var ways = new System.Collections.Concurrent.ConcurrentDictionary<(NatKind, NatKind), string>();
            await Parallel.ForEachAsync(
                cells,
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation },
                async (cell, _) => ways[cell] = await Task.Run(() => WayOf(network, cell, tickets[cell.There])));

            Assert.Equal(
                cells.Select(c => $"{c.Here} {c.There} {ExpectedOf(c.Here, c.There)}"),
                cells.Select(c => $"{c.Here} {c.There} {ways[c]}"));
        }
        finally
        {
            foreach (var listener in listeners.Values) listener.Dispose();
        }
    }

    private static string ExpectedOf(NatKind here, NatKind there) =>
        (here == NatKind.Symmetric && there == NatKind.Symmetric) || here == NatKind.UdpBlocked ? "relay" : "direct";

    private static string WayOf(NatNetwork network, (NatKind Here, NatKind There) cell, string ticket)
    {
        // A pair that cannot become direct has had a round of probes, which takes four seconds.
        var wait = ExpectedOf(cell.Here, cell.There) == "direct" ? "60s" : "5s";
        using var ping = NatNetwork.Begin(
            network.Machine(1, cell.Here), "iroh", "ping", ticket, "--relay", Url, "--wait", wait, "--timeout", "90",
            "--json");
        var run = ping.WaitForEnd(TimeSpan.FromSeconds(120));
        var last = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "";
        if (!last.StartsWith('{')) return run.ToString();
        using var document = JsonDocument.Parse(last);
        return document.RootElement.TryGetProperty("route", out var route) ? route.GetString()! : last;
    }

    /// <summary>Waits for a text in the output; returns what stands behind it up to the next quote.</summary>
    private static async Task<string> SaidAsync(RunningProgram program, string text)
    {
        var patience = new Patience(TimeSpan.FromSeconds(60), TimeSpan.FromMilliseconds(20));
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
