using System.Text.RegularExpressions;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>
/// Two machines behind two NATs that know nothing of each other but a code, joined by iroh with a relay of our own.
/// </summary>
public sealed partial class IrohLeafTests
{
    private const string RelayUrl = $"http://{NatNetwork.RelayAddress}:3340";

    [Test]
    public Task A_pairing_code_joins_leaves_behind_two_NATs_over_restarts_of_all_and_other_addresses() =>
        StayInStepAsync(NatKind.AddressDependent, NatKind.Symmetric, "direct");

    [Test, Explicit, Property("Long", "yes")]
    public Task Leaves_that_only_the_relay_joins_stay_in_step_too() =>
        StayInStepAsync(NatKind.Symmetric, NatKind.Symmetric, "relay");

    [Test, Explicit, Property("Long", "yes")]
    public Task A_leaf_without_UDP_stays_in_step_too() =>
        StayInStepAsync(NatKind.UdpBlocked, NatKind.EndpointIndependent, "relay");

    [Test]
    public async Task A_join_code_works_where_no_port_of_the_first_machine_can_be_reached()
    {
        using var network = new NatNetwork([NatKind.AddressDependent], [NatKind.AddressDependent]);
        using var relay = await BeginRelayAsync(network);
        using var first = new Machine(network.Machine(1, NatKind.AddressDependent));
        using var second = new Machine(network.Machine(2, NatKind.AddressDependent));
        // At the address of the first machine, another one is in the second one's network: with a node of its own.
        using var stranger = new Machine(second.Where);
        using var other = stranger.Begin("up", "other.fossil");
        await other.ReadUntilAsync("edgesync join ");

        var up = first.Begin("up", "work.fossil", "--iroh");
        var code = JoinCode().Match((await up.ReadUntilAsync("edgesync join "))[^1]).Value;
        var join = second.Begin("join", code, "work.fossil");
        await join.ReadUntilAsync("in sync with ");
        try
        {
            first.Commit("a.txt");
            await second.UntilCheckinsAsync(2);
            second.Commit("b.txt");
            await first.UntilCheckinsAsync(3);
            await first.UntilInSyncAsync();
            await second.UntilInSyncAsync();

            // A code works once.
            using var third = new Machine(second.Where);
            Assert.Equal(6, third.Try("join", code, "work.fossil").ExitCode);

            // Both come back as the nodes that they were.
            join.Dispose();
            up.Dispose();
            up = first.Begin("up", "work.fossil");
            await up.ReadUntilAsync("edgesync join ");
            first.Commit("c.txt");
            join = second.Begin("up", "work.fossil");
            await second.UntilCheckinsAsync(4);
        }
        finally
        {
            join.Dispose();
            up.Dispose();
        }
    }

    private static async Task StayInStepAsync(NatKind here, NatKind there, string route)
    {
        StockFossil.SkipWhenMissing();
        using var network = new NatNetwork([here], [there]);
        var relay = await BeginRelayAsync(network);
        using var first = new Machine(network.Machine(1, here));
        using var second = new Machine(network.Machine(2, there));
        first.Program.Ok("repo", "new", "work.fossil");
        var one = first.BeginLeaf();
        await one.ReadUntilAsync("--iroh-peer ");
        await PairAsync(first, second);
        var two = second.BeginLeaf();
        try
        {
            await InStepAsync("paired");
            await first.UntilRouteAsync(route);

            two.Kill();
            two.Dispose();
            first.Commit("while the second is away");
            two = second.BeginLeaf();
            await InStepAsync("the second one is back");
            one.Kill();
            one.Dispose();
            second.Commit("while the first is away");
            one = first.BeginLeaf();
            await InStepAsync("the first one is back");

            network.SwitchUplink(1, here);
            await InStepAsync("the first one is elsewhere");

            // The way to each other is gone, and found again by the relay that came back.
            relay.Kill();
            relay.Dispose();
            relay = await BeginRelayAsync(network);
            network.SwitchUplink(2, there);
            await InStepAsync("the second one is elsewhere, and the relay is another one");

            // Stock clones from the second what the first has committed.
            second.Must(StockFossil.Program!, "clone", "http://127.0.0.1:8080/", "stock.fossil");
            Assert.Equal(second.Checkins(), second.Checkins("stock.fossil"));

            await ForgetAsync(first, second);
        }
        finally
        {
            two.Dispose();
            one.Dispose();
            relay.Dispose();
        }

        async Task InStepAsync(string when)
        {
            first.Commit($"first: {when}");
            await second.UntilCheckinsAsync(first.Checkins());
            second.Commit($"second: {when}");
            await first.UntilCheckinsAsync(second.Checkins());
        }
    }

    private static async Task PairAsync(Machine first, Machine second)
    {
        using var pair = first.Begin("pair", "-R", "work.fossil", "--yes");
        var code = PairCode().Match((await pair.ReadUntilAsync("edgesync pair "))[^1]).Value;
        second.Must(EdgeSyncProgram.Program, "pair", code, "-R", "work.fossil", "--yes");
        await pair.ReadUntilAsync("paired with ");
    }

    // Who is forgotten is out.
    private static async Task ForgetAsync(Machine first, Machine second)
    {
        var before = first.Checkins();
        var key = second.Program.Json("iroh", "key", "--key-file", "work.fossil.iroh-key");
        var id = key.GetProperty("id").GetString()!;
        first.Program.Ok("peers", "forget", id, "-R", "work.fossil");
        second.Commit("not for the first one");
        await Patience.UntilAsync(
            () => second.Try("sync", "now", "work.fossil").ExitCode == 7
                && second.Status().Contains($"does not know this one, {id}", StringComparison.Ordinal),
            TimeSpan.FromMinutes(1), second.Status, pause: TimeSpan.FromMilliseconds(200));
        Assert.Equal(before, first.Checkins());
    }

    private static async Task<RunningProgram> BeginRelayAsync(NatNetwork network)
    {
        var relay = NatNetwork.Begin(network.Core, "iroh", "relay", "serve", "--bind", RelayUrl["http://".Length..]);
        await relay.ReadUntilAsync(RelayUrl);
        return relay;
    }

    [GeneratedRegex("esp[a-z2-7]+")]
    private static partial Regex PairCode();

    [GeneratedRegex("esj[a-z2-7]+")]
    private static partial Regex JoinCode();

    /// <summary>A network namespace with a folder and a home of its own, and one repository.</summary>
    private sealed class Machine : IDisposable
    {
        public Machine(string where)
        {
            Where = where;
            Program.Variables["LEAF_IROH_DISCOVERY"] = "off";
            Program.Variables["LEAF_IROH_RELAY"] = RelayUrl;
        }

        public string Where { get; }

        public EdgeSyncProgram Program { get; } = new();

        public RunningProgram Begin(params string[] arguments) =>
            Program.BeginDaemon(NatNetwork.Command(Where, [EdgeSyncProgram.Program, .. arguments]));

        public RunningProgram BeginLeaf() =>
            Begin("leaf", "--repo", "work.fossil", "--iroh", "--serve-http", "127.0.0.1:8080");

        /// <summary>Runs a command of ours to its end.</summary>
        public ProgramResult Try(params string[] arguments) =>
            Start([EdgeSyncProgram.Program, .. arguments]).Run();

        public void Must(params string[] command) => Start(command).Run().MustSucceed();

        public void Commit(string comment)
        {
            Program.Write("file.txt", comment + "\n");
            Program.Ok("repo", "ci", "--nosync", "-R", "work.fossil", "-m", comment, "file.txt");
        }

        public long Checkins(string repository = "work.fossil")
        {
            using var file = new SqliteFile(Program[repository]);
            return file.Count("SELECT count(*) FROM event WHERE type='ci'");
        }

        public Task UntilCheckinsAsync(long count) => Patience.UntilAsync(
            () => File.Exists(Program["work.fossil"]) && Checkins() >= count, TimeSpan.FromMinutes(2),
            () => $"{count} check-ins: {Status()}", pause: TimeSpan.FromMilliseconds(20));

        public Task UntilRouteAsync(string route) => Patience.UntilAsync(
            () => Program.Json("peers", "work.fossil").GetProperty("iroh")[0].GetProperty("route").GetString() == route,
            TimeSpan.FromMinutes(1), () => $"{route}: {Status()}", pause: TimeSpan.FromMilliseconds(200));

        public Task UntilInSyncAsync() => Patience.UntilAsync(
            () => Try("status", "work.fossil").ExitCode == 0, TimeSpan.FromMinutes(1), Status,
            pause: TimeSpan.FromMilliseconds(200));

        public string Status() => Try("status", "work.fossil").Text;

        public void Dispose() => Program.Dispose();

        private ProgramStart Start(string[] command)
        {
            var inside = NatNetwork.Command(Where, command);
            return Program.StartAs(inside[0], inside.AsSpan(1));
        }
    }
}
