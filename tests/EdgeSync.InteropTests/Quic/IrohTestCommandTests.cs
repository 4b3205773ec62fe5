using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Relay;
using EdgeSync.Node.Iroh.Diagnostics;
using EdgeSync.Quic;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Quic;

/// <summary>
/// <c>edgesync iroh test</c>, as scripts drive it: lines and exit codes. Keys and tickets are those that a real iroh
/// endpoint has made.
/// </summary>
public sealed class IrohTestCommandTests : IDisposable
{
    private const string Seed = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    private const string Id = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
    private const string Bare = "endpointaab2cb576phbbpq5odorrz2lycmwpzgwgcn2kdk7dxoimzaskuy3qaa";

    private readonly TemporaryFolder _folder = new();

    private EdgeSyncProgram Program => new(_folder);

    public void Dispose() => _folder.Dispose();

    [Test]
    public void A_key_shows_its_id_and_not_itself()
    {
        var run = Program.Run("iroh", "key", "--secret", Seed, "--json");

        var line = LastLine(run);
        Assert.Equal(Id, line.GetProperty("id").GetString());
        Assert.Equal(Bare, line.GetProperty("ticket").GetString());
        Assert.StartsWith("cc46d62d3754f417", line.GetProperty("sig_abc").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Seed, run.Text, StringComparison.Ordinal);
    }

    [Test]
    public void A_ticket_is_made_and_taken_apart()
    {
        const string WithAddress = "endpointaab2cb576phbbpq5odorrz2lycmwpzgwgcn2kdk7dxoimzaskuy3qaibadakqaic4e6a";

        var made = LastLine(Program.Run("iroh", "ticket", "--id", Id, "--addr", "192.168.1.2:7777", "--json"));
        var read = LastLine(Program.Run("iroh", "ticket", WithAddress, "--json"));

        Assert.Equal(WithAddress, made.GetProperty("ticket").GetString());
        Assert.Equal(Id, read.GetProperty("id").GetString());
        Assert.Equal("192.168.1.2:7777", read.GetProperty("direct")[0].GetString());
    }

    [Test]
    public async Task One_program_listens_and_another_one_dials()
    {
        using var listener = Program.Start("iroh", "test", "listen", "--secret", Seed, "--json").Begin();
        var ticket = await TicketOfAsync(listener);

        var echo = Program.Run("iroh", "test", "echo", ticket, "--count", "20", "--parallel", "5", "--json");
        var close = Program.Run("iroh", "test", "close", ticket, "4242", "bye now", "--json");
        var wrong = Program.Try("iroh", "test", "dial", ticket, "--alpn", "nosuch/1", "--json");
        var stopped = listener.Terminate(TimeSpan.FromSeconds(20)).MustSucceed();

        Assert.Equal("connected", EventsOf(echo)[0]);
        var result = LastLine(echo);
        Assert.Equal(("result", "echo", true, 20), (
            result.GetProperty("event").GetString(), result.GetProperty("verb").GetString(),
            result.GetProperty("ok").GetBoolean(), result.GetProperty("count").GetInt32()));
        Assert.Equal(4242, LastLine(close).GetProperty("code").GetInt64());
        Assert.Equal(1, wrong.ExitCode);
        Assert.Equal("error", EventsOf(wrong)[^1]);
        Assert.Equal(
            [
                "listening", "incoming", "accepted", "closed", "incoming", "accepted", "closed", "incoming",
                "handshake-error"],
            EventsOf(stopped));
        Assert.Equal(120, LastLine(stopped).GetProperty("alert").GetInt32());
        Assert.DoesNotContain(Seed, stopped.Text, StringComparison.Ordinal);
    }

    [Test]
    public void A_pipe_carries_bytes_and_nothing_else()
    {
        using var listening = new TestListener(new IrohTestOptions(), _ => { }).Serving();
        var content = new byte[200_000];
        new Random(1).NextBytes(content);

        var run = (Program.Start("iroh", "test", "pipe", listening.Ticket, "--alpn", "oracle/echo/1") with
        {
            Input = content,
        }).Run().MustSucceed();

        Assert.True(run.OutputBytes.AsSpan().SequenceEqual(content));
        Assert.Contains("connected", run.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void A_bad_ticket_ends_with_2_and_silence_with_3()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var at = (IPEndPoint)silent.LocalEndPoint!;
        using var key = SecretKey.Generate(SystemEntropy.Instance);
        var ticket = EndpointTicket.Format(
            new EndpointAddress(key.Id, null, [UdpAddress.From(at.Address, at.Port)]));

        var bad = Program.Try("iroh", "test", "dial", "endpointnonsense", "--json");
        var late = Program.Try("iroh", "test", "dial", ticket, "--timeout", "1", "--json");

        Assert.Equal((2, 3), (bad.ExitCode, late.ExitCode));
        Assert.Equal("error", EventsOf(bad)[^1]);
        Assert.Contains("timeout", LastLine(late).GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Test]
    public async Task Only_endpoints_that_are_allowed_get_in()
    {
        var options = new IrohTestOptions { Allow = [Id] };
        using var listening = new TestListener(options, _ => { }).Serving();
        IrohTestLine? result = null;

        result = await new TestDialer(new IrohTestOptions { Secret = Seed }, listening.Ticket, _ => { })
            .EchoAsync(1, 10, 1, CancellationToken.None);
        var refused = await new TestDialer(new IrohTestOptions(), listening.Ticket, _ => { })
            .EchoAsync(1, 10, 1, CancellationToken.None);

        Assert.True(result.Ok);
        Assert.False(refused.Ok);
        Assert.Contains("403: not allowed", refused.Errors![0], StringComparison.Ordinal);
    }

    [Test]
    public async Task Without_UDP_programs_meet_at_the_relay()
    {
        await using var relay = await StartRelayAsync();
        using var listener = Program.Start(
            "iroh", "test", "listen", "--relay", relay.Url, "--relay-only", "--json").Begin();
        var ticket = await TicketOfAsync(listener);

        var echo = Program.Run("iroh", "test", "echo", ticket, "--relay-only", "--size", "20000", "--json");
        var direct = Program.Try("iroh", "test", "echo", ticket, "--direct-only", "--json");
        var stopped = listener.Terminate(TimeSpan.FromSeconds(20)).MustSucceed();

        var path = Assert.Single(LastLine(echo).GetProperty("paths").EnumerateArray());
        Assert.Equal(
            ($"{relay.Url}/", true, 1200),
            (path.GetProperty("addr").GetString(), path.GetProperty("relay").GetBoolean(),
            path.GetProperty("mtu").GetInt32()));
        Assert.Equal(1, direct.ExitCode);
        Assert.Contains(
            "which is not one of ours", LastLine(direct).GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(["relay", "listening", "incoming", "accepted", "closed"], EventsOf(stopped));
        Assert.Equal("relay", LinesOf(stopped)[2].GetProperty("kind").GetString());
    }

    [Test]
    public async Task A_ping_tells_the_ways_and_ends_with_a_direct_one()
    {
        await using var relay = await StartRelayAsync();
        using var listening = new TestListener(new IrohTestOptions { Relays = [relay.Url] }, _ => { }).Serving();
        var address = EndpointTicket.Parse(listening.Ticket);
        var ticket = EndpointTicket.Format(new EndpointAddress(address.Id, address.Relays));

        var run = Program.Run("iroh", "ping", ticket, "--relay", relay.Url, "--wait", "60s", "--json");

        Assert.Equal(["trying", "connected"], EventsOf(run)[..2]);
        Assert.Equal(["route", "result"], EventsOf(run)[^2..]);
        var result = LastLine(run);
        Assert.Equal(
            ("direct", true), (result.GetProperty("route").GetString(), result.GetProperty("ok").GetBoolean()));
        Assert.True(result.GetProperty("ms").GetDouble() > 0);
    }

    [Test]
    public async Task A_check_of_the_network_tells_what_the_relay_sees()
    {
        await using var relay = await StartRelayAsync();

        var result = LastLine(
            Program.Run("iroh", "netcheck", "--relay", relay.Url, "--no-port-mapping", "--json"));

        Assert.Equal($"{relay.Url}/", result.GetProperty("relay").GetString());
        Assert.True(result.GetProperty("relays")[0].GetProperty("home").GetBoolean());
        Assert.StartsWith("127.0.0.1:", result.GetProperty("observed")[0].GetString(), StringComparison.Ordinal);
        Assert.False(result.GetProperty("nat").GetBoolean());
        Assert.Equal(0, Program.Try("iroh", "netcheck", "--no-port-mapping", "--json").ExitCode);
    }

    private static Task<IrohRelay> StartRelayAsync() => IrohRelay.StartAsync(
        new IrohRelayOptions(), SystemEntropy.Instance, TimeProvider.System, CancellationToken.None);

    private static async Task<string> TicketOfAsync(RunningProgram listener)
    {
        var patience = new Patience(TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(20));
        string? line;
        while ((line = LineWithTicket(listener)) is null)
            await patience.LookAgainAsync(() => listener.TextSoFar, CancellationToken.None);
        using var document = JsonDocument.Parse(line);
        return document.RootElement.GetProperty("ticket").GetString()!;
    }

    private static string? LineWithTicket(RunningProgram listener) => listener.TextSoFar.Split('\n')
        .FirstOrDefault(l => l.Contains("\"ticket\"", StringComparison.Ordinal) && l.EndsWith('}'));

    private static List<JsonElement> LinesOf(ProgramResult run) =>
    [
        .. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.Clone();
        }),
    ];

    private static JsonElement LastLine(ProgramResult run) => LinesOf(run)[^1];

    private static List<string> EventsOf(ProgramResult run) =>
        [.. LinesOf(run).Select(l => l.GetProperty("event").GetString()!)];
}
