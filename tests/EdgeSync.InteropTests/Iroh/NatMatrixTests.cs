using System.Diagnostics;
using System.Text.Json;
using EdgeSync.InteropTests.Quic;
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
    private const string TlsUrl = $"https://{NatNetwork.RelayAddress}:3340";

    // A relay with TLS, and with no address service of its own; that of the other one is at the port of both.
    private const string BareUrl = $"https://{NatNetwork.RelayAddress}:3341";

    // Side 1, as the core sees it behind this NAT.
    private const string OuterOfFirst = "10.101.2.2:";

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
    public Task A_real_endpoint_on_one_side_passes_the_worst_NATs() => CheckBesideRealAsync(
        [(NatKind.AddressDependent, NatKind.AddressDependent), (NatKind.UdpBlocked, NatKind.None)], directMin: 1);

    // Here it does not learn what its NAT makes of its address: a relay without TLS cannot tell it. So ours behind a
    // symmetric NAT has nowhere to send to.
    [Test, Explicit, Property("Long", "yes")]
    public Task A_real_endpoint_on_one_side_passes_every_pair_of_NATs_but_four() =>
        CheckBesideRealAsync([.. from here in All from there in All select (here, there)], directMin: 12);

    /// <summary>As with relays of others: nothing but address discovery tells ours its outer address.</summary>
    [Test]
    public async Task Address_discovery_is_enough_for_the_worst_NATs()
    {
        using var certificates = new RelayCertificates();
        using var network = new NatNetwork(
            [NatKind.AddressDependent, NatKind.Symmetric], [NatKind.AddressDependent]);
        using var telling = await BeginRelayAsync(network, certificates);
        using var bare = NatNetwork.Begin(
            network.Core, "iroh", "relay", "serve", "--bind", $"{NatNetwork.RelayAddress}:3341", "--tls-cert",
            certificates.CertificateFile, "--tls-key", certificates.KeyFile, "--address-port", "off", "--json");
        await SaidAsync(bare, "\"url\":\"");

        using var check = NatNetwork.BeginTrusting(
            certificates.CaFile, network.Machine(1, NatKind.AddressDependent), "iroh", "netcheck",
            "--relay", BareUrl, "--no-port-mapping", "--json");
        var said = check.WaitForEnd(TimeSpan.FromSeconds(60));
        Assert.True(said.Succeeded, said.ToString());
        var learnt = JsonElement.Parse(said.Output.Trim());
        Assert.StartsWith(OuterOfFirst, learnt.GetProperty("observed")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal("/iroh-qad/0", learnt.GetProperty("observed_by").GetProperty("protocol").GetString());
        Assert.Equal(7842, learnt.GetProperty("observed_by").GetProperty("port").GetInt32());
        Assert.True(learnt.GetProperty("nat").GetBoolean());

        using var listener = BeginListener(network, NatKind.AddressDependent, BareUrl, certificates.CaFile);
        var ticket = await SaidAsync(listener, "\"ticket\":\"");
        foreach (var here in (NatKind[])[NatKind.AddressDependent, NatKind.Symmetric])
        {
            var (way, _) = await Task.Run(
                () => WayOf(network, (here, NatKind.AddressDependent), ticket, BareUrl, certificates.CaFile));
            Assert.Equal("direct", way);
        }
    }

    /// <summary>
    /// A real endpoint at a relay of ours: with TLS it learns the address that its NAT gives it; without, it is refused
    /// at once, and is online as fast.
    /// </summary>
    [Test, Explicit, Property("Long", "yes")]
    public async Task A_real_endpoint_learns_its_outer_address_from_our_relay()
    {
        IrohPeer.Require();
        using var certificates = new RelayCertificates();
        var library = certificates.MakeLibrary();
        using var network = new NatNetwork([NatKind.AddressDependent], [NatKind.None]);
        var machine = network.Machine(1, NatKind.AddressDependent);
        JsonElement inside, without, silent;
        using (await BeginRelayAsync(network, certificates))
        {
            inside = IrohPeer.AddressOn(
                machine, "bind=0.0.0.0:0", $"relay={TlsUrl}", "quic=7842", $"library={library}",
                $"outer={OuterOfFirst}");
        }

        using (await BeginRelayAsync(network))
        {
            without = IrohPeer.AddressOn(
                machine, "bind=0.0.0.0:0", $"relay={Url}", "quic=7842", $"outer={OuterOfFirst}", "seconds=5");
            silent = IrohPeer.AddressOn(
                machine, "bind=0.0.0.0:0", $"relay={Url}", "quic=7843", $"outer={OuterOfFirst}", "seconds=5");
        }

        foreach (var (what, seen) in new[] { ("TLS", inside), ("no TLS", without), ("no answer", silent) })
            TestContext.Current!.Output.WriteLine($"real\taddress\t{what}\t{seen}");
        Assert.True(IrohPeer.IsOk(inside), inside.ToString());
        Assert.False(IrohPeer.IsOk(without), without.ToString());
        // A refusal is not waited for as silence is.
        Assert.True(
            without.GetProperty("online_ms").GetDouble() < silent.GetProperty("online_ms").GetDouble(),
            $"{without}\n{silent}");
    }

    [Test, Explicit, Property("Long", "yes")]
    public async Task A_real_endpoint_at_a_relay_with_TLS_passes_every_pair_of_NATs_but_one()
    {
        IrohPeer.Require();
        using var certificates = new RelayCertificates();
        await CheckBesideRealAsync(
            [.. from here in All from there in All select (here, there)], directMin: 15, certificates);
    }

    [Test]
    public async Task Machines_that_change_their_addresses_stay_connected()
    {
        using var network = new NatNetwork([NatKind.None], [NatKind.None]);
        using var relay = await BeginRelayAsync(network);
        using var listener = BeginListener(network, NatKind.None);
        var ticket = await SaidAsync(listener, "\"ticket\":\"");
        using var dialler = BeginHolding(network, NatKind.None, ticket);

        await LivesAsync(dialler, 1);
        network.Readdress(1, last: 7);
        await LivesAsync(dialler, 2);
        network.Readdress(2, last: 8);
        await LivesAsync(dialler, 2);

        Assert.DoesNotContain("\"dead\"", dialler.TextSoFar, StringComparison.Ordinal);
    }

    [Test]
    public Task Another_uplink_and_another_relay_heal_a_connection() => HealAsync(TimeSpan.MaxValue);

    [Test, Explicit, Property("Long", "yes")]
    public Task Another_uplink_and_another_relay_heal_a_connection_in_ten_seconds() =>
        HealAsync(TimeSpan.FromSeconds(10));

    /// <summary>
    /// A direct connection whose sides get another router each, and one that only the relay carries, which is killed
    /// and started again.
    /// </summary>
    private static async Task HealAsync(TimeSpan longest)
    {
        const NatKind Nat = NatKind.AddressDependent;
        using var network = new NatNetwork([Nat, NatKind.UdpBlocked], [Nat]);
        var relay = await BeginRelayAsync(network);
        using var listener = BeginListener(network, Nat);
        var ticket = await SaidAsync(listener, "\"ticket\":\"");
        using var direct = BeginHolding(network, Nat, ticket);
        using var relayed = BeginHolding(network, NatKind.UdpBlocked, ticket);
        try
        {
            await Patience.UntilAsync(
                () => LastLife(direct).Contains("\"relay\":false,\"selected\":true", StringComparison.Ordinal),
                TimeSpan.FromSeconds(60), () => direct.TextSoFar, TimeSpan.FromMilliseconds(50));
            await LivesAsync(relayed, 1);

            await HealsAsync("another uplink of the dialling side", direct, () => network.SwitchUplink(1, Nat));
            await HealsAsync("another uplink of the listening side", direct, () => network.SwitchUplink(2, Nat));
            relay.Kill();
            relay.Dispose();
            relay = await BeginRelayAsync(network);
            await HealsAsync("another relay at the same address", relayed, () => { });
            Assert.Contains("\"relay\":true,\"selected\":true", LastLife(relayed), StringComparison.Ordinal);
            Assert.DoesNotContain("\"dead\"", direct.TextSoFar + relayed.TextSoFar, StringComparison.Ordinal);
        }
        finally
        {
            relay.Dispose();
        }

        async Task HealsAsync(string what, RunningProgram dialler, Action change)
        {
            var before = Lives(dialler).Length;
            change();
            await LivesAsync(dialler, 2);
            // The echo that was under way took as long as the connection was broken.
            var outage = TimeSpan.FromMilliseconds(Lives(dialler)[before..].Max(l => l.GetProperty("ms").GetDouble()));
            Report(TestContext.Current!, $"heal\t{what}\t{outage.TotalSeconds:F2}");
            Assert.InRange(outage, TimeSpan.Zero, longest);
        }
    }

    private static RunningProgram BeginHolding(
        NatNetwork network, NatKind kind, string ticket, string url = Url, string? caFile = null) =>
        NatNetwork.BeginTrusting(
            caFile, network.Machine(1, kind), "iroh", "test", "hold", ticket, "--bind", "0.0.0.0:0", "--relay", url,
            "--hold", "600", "--json");

    private static JsonElement[] Lives(RunningProgram dialler) =>
        [.. dialler.TextSoFar.Split('\n').SkipLast(1).Where(IsLife).Select(l => JsonElement.Parse(l))];

    private static string LastLife(RunningProgram dialler) =>
        dialler.TextSoFar.Split('\n').SkipLast(1).LastOrDefault(IsLife) ?? "";

    private static bool IsLife(string line) => line.Contains("\"event\":\"alive\"", StringComparison.Ordinal);

    /// <summary>More echoes come back; after a change the first may have been under way.</summary>
    private static Task LivesAsync(RunningProgram dialler, int echoes)
    {
        var before = Lives(dialler).Length;
        return Patience.UntilAsync(
            () => Lives(dialler).Length >= before + echoes || dialler.HasEnded, TimeSpan.FromSeconds(60),
            () => dialler.TextSoFar, TimeSpan.FromMilliseconds(50));
    }

    private static async Task<RunningProgram> BeginRelayAsync(
        NatNetwork network, RelayCertificates? certificates = null)
    {
        string[] tls = certificates is null
            ? []
            : ["--tls-cert", certificates.CertificateFile, "--tls-key", certificates.KeyFile];
        var relay = NatNetwork.Begin(
            network.Core,
            ["iroh", "relay", "serve", "--bind", $"{NatNetwork.RelayAddress}:3340", .. tls, "--json"]);
        await SaidAsync(relay, "\"url\":\"");
        return relay;
    }

    private static RunningProgram BeginListener(
        NatNetwork network, NatKind kind, string url = Url, string? caFile = null) => NatNetwork.BeginTrusting(
        caFile, network.Machine(2, kind), "iroh", "test", "listen", "--bind", "0.0.0.0:0", "--relay", url, "--json");

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
            var context = TestContext.Current!;
            await Parallel.ForEachAsync(
                cells,
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation },
                async (cell, _) =>
                {
                    var start = Stopwatch.GetTimestamp();
                    var (way, ms) = await Task.Run(() => WayOf(network, cell, tickets[cell.There]));
                    var whole = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                    ways[cell] = way;
                    Report(context, $"nat\t{cell.Here}\t{cell.There}\t{way}\t{ms}\t{whole:F0}");
                });

            Assert.Equal(
                cells.Select(c => $"{c.Here} {c.There} {ExpectedOf(c.Here, c.There)}"),
                cells.Select(c => $"{c.Here} {c.There} {ways[c]}"));
        }
        finally
        {
            foreach (var listener in listeners.Values) listener.Dispose();
        }
    }

    /// <summary>
    /// Each pair twice: a real endpoint listens and ours dials, and the other way round. What does not become direct
    /// is answered through the relay.
    /// </summary>
    /// <param name="certificates">Of a relay with TLS; null: without.</param>
    private static async Task CheckBesideRealAsync(
        (NatKind Here, NatKind There)[] cells, int directMin, RelayCertificates? certificates = null)
    {
        IrohPeer.Require();
        var (url, caFile) = (certificates is null ? Url : TlsUrl, certificates?.CaFile);
        string[] words = certificates is null
            ? ["bind=0.0.0.0:0", $"relay={url}"]
            : ["bind=0.0.0.0:0", $"relay={url}", "quic=7842", $"library={certificates.MakeLibrary()}"];
        var there = cells.Select(c => c.There).Distinct().ToArray();
        using var network = new NatNetwork([.. cells.Select(c => c.Here).Distinct()], there);
        using var relay = await BeginRelayAsync(network, certificates);
        var (ours, real) = (new Dictionary<NatKind, string>(), new Dictionary<NatKind, string>());
        var listeners = new List<RunningProgram>();
        try
        {
            foreach (var kind in there)
            {
                listeners.Add(BeginListener(network, kind, url, caFile));
                ours[kind] = await SaidAsync(listeners[^1], "\"ticket\":\"");
                var (listener, ticket) = await IrohPeer.ListenOnAsync(
                    network.Machine(2, kind), Cancellation, [.. words, "ways=relay"]);
                listeners.Add(listener);
                real[kind] = ticket;
            }

            var ways = new System.Collections.Concurrent.ConcurrentDictionary<(NatKind, NatKind, bool), string>();
            var context = TestContext.Current!;
            await Parallel.ForEachAsync(
                from cell in cells from dials in (bool[])[true, false] select (cell, dials),
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation },
                async (pair, _) =>
                {
                    var ((here, other), realDials) = pair;
                    var way = realDials
                        ? await Task.Run(() => WayOfReal(network, pair.cell, ours[other], words))
                        : await WayToRealAsync(network, pair.cell, real[other], url, caFile);
                    ways[(here, other, realDials)] = way;
                    context.Output.WriteLine($"real\t{here}\t{other}\t{(realDials ? "dials" : "listens")}\t{way}");
                });

            Assert.DoesNotContain(ways, w => w.Value is not ("direct" or "relay"));
            foreach (var realDials in (bool[])[true, false])
            {
                var direct = ways.Count(w => w.Key.Item3 == realDials && w.Value == "direct");
                Assert.True(direct >= directMin, $"{direct} pairs are direct; the real endpoint dials: {realDials}");
            }
        }
        finally
        {
            foreach (var listener in listeners) listener.Dispose();
        }
    }

    private static int SecondsOf((NatKind Here, NatKind There) cell) =>
        ExpectedOf(cell.Here, cell.There) == "direct" ? 30 : 5;

    private static string WayOfReal(
        NatNetwork network, (NatKind Here, NatKind There) cell, string ticket, string[] words) =>
        IrohPeer.DialFrom(
            network.Machine(1, cell.Here), "hold", ticket, [.. words, $"seconds={SecondsOf(cell)}"])
            is not { } result ? "no result"
        : IrohPeer.IsOk(result) ? "direct"
        // Its echoes came back, so the relay carried them.
        : result.TryGetProperty("error", out var error) ? error.ToString() : "relay";

    private static async Task<string> WayToRealAsync(
        NatNetwork network, (NatKind Here, NatKind There) cell, string ticket, string url, string? caFile)
    {
        using var dialler = BeginHolding(network, cell.Here, ticket, url, caFile);
        await LivesAsync(dialler, 1);
        // A pair that stays on the relay has had a round of probes by then; one that becomes direct ends the loop.
        var end = Stopwatch.GetTimestamp() + (SecondsOf(cell) * Stopwatch.Frequency);
        while (!IsDirect() && !dialler.HasEnded && Stopwatch.GetTimestamp() < end)
            await Task.Delay(50, Cancellation);
        return IsDirect() ? "direct" : dialler.HasEnded ? dialler.TextSoFar : "relay";

        bool IsDirect() => LastLife(dialler).Contains("\"relay\":false,\"selected\":true", StringComparison.Ordinal);
    }

    private static string ExpectedOf(NatKind here, NatKind there) =>
        (here == NatKind.Symmetric && there == NatKind.Symmetric) || here == NatKind.UdpBlocked ? "relay" : "direct";

    /// <summary>Prints a figure, and adds it to the file of <c>scripts/bench.sh iroh</c>.</summary>
    private static void Report(TestContext context, string line)
    {
        context.Output.WriteLine(line);
        if (Environment.GetEnvironmentVariable("EDGESYNC_NAT_REPORT") is not { Length: > 0 } path) return;
        lock (All) File.AppendAllText(path, line + "\n");
    }

    /// <summary>The way that a pair has found, and the milliseconds until it was direct.</summary>
    private static (string Way, double? Ms) WayOf(
        NatNetwork network, (NatKind Here, NatKind There) cell, string ticket, string url = Url, string? caFile = null)
    {
        // A pair that cannot become direct has had a round of probes, which takes four seconds.
        var wait = ExpectedOf(cell.Here, cell.There) == "direct" ? "60s" : "5s";
        using var ping = NatNetwork.BeginTrusting(
            caFile, network.Machine(1, cell.Here), "iroh", "ping", ticket, "--relay", url, "--wait", wait,
            "--timeout", "90", "--json");
        var run = ping.WaitForEnd(TimeSpan.FromSeconds(120));
        var last = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "";
        if (!last.StartsWith('{')) return (run.ToString(), null);
        var result = JsonElement.Parse(last);
        return (
            result.TryGetProperty("route", out var route) ? route.GetString()! : last,
            result.TryGetProperty("ms", out var ms) ? ms.GetDouble() : null);
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
