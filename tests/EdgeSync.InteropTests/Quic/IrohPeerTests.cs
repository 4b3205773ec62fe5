using System.Net;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Quic;
using EdgeSync.Node.Iroh.Diagnostics;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Quic.Tls;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Quic;

/// <summary>Our endpoint and a real one of iroh 1.x, each in both roles, over loopback.</summary>
public sealed class IrohPeerTests
{
    private static RunningProgram? _listener;
    private static string _ticket = "";

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Before(HookType.Class)]
    public static async Task StartAsync()
    {
        if (!IrohPeer.IsInstalled) return;
        (_listener, _ticket) = await IrohPeer.ListenAsync(CancellationToken.None);
    }

    [After(HookType.Class)]
    public static void Stop() => _listener?.Dispose();

    [Before(HookType.Test)]
    public void Require() => IrohPeer.Require();

    [Test]
    [Arguments(0, 3, 1)]
    [Arguments(100, 1000, 50)]
    [Arguments(300_000, 4, 2)]
    public async Task Streams_come_back_from_a_real_endpoint(int size, int count, int parallel) =>
        AssertOk(await Dialer().EchoAsync(count, size, parallel, Cancellation));

    [Test]
    public async Task Unidirectional_streams_come_back_from_a_real_endpoint() =>
        AssertOk(await Dialer().UniAsync(50, 2000, 10, Cancellation));

    [Test]
    public async Task Datagrams_come_back_from_a_real_endpoint()
    {
        var result = AssertOk(await Dialer().DatagramAsync(200, 1000, Cancellation));

        Assert.Equal(200, result.Received);
    }

    [Test]
    [Arguments(8)]
    public async Task Mebibytes_go_to_a_real_endpoint_and_come_from_it(int count)
    {
        AssertOk(await Dialer().SinkAsync(count << 20, Cancellation));
        AssertOk(await Dialer().SourceAsync(count << 20, Cancellation));
    }

    [Test, Explicit, Property("Long", "yes")]
    public Task Many_mebibytes_go_to_a_real_endpoint_and_come_from_it() =>
        Mebibytes_go_to_a_real_endpoint_and_come_from_it(64);

    [Test, Explicit, Property("Long", "yes")]
    [Arguments("sink")]
    [Arguments("source")]
    public Task A_real_endpoint_sends_and_takes_many_mebibytes(string verb) =>
        A_real_endpoint_dials_us(verb, "bytes=67108864");

    [Test]
    public async Task A_real_endpoint_closes_with_code_and_text() =>
        AssertOk(await Dialer().CloseAsync(4242, "bye now", Cancellation));

    [Test]
    public async Task A_real_endpoint_resets_and_stops() => AssertOk(await Dialer().ResetAsync(77, Cancellation));

    [Test]
    public async Task A_real_endpoint_refuses_a_protocol_that_it_does_not_have()
    {
        var dialer = new TestDialer(new IrohTestOptions(), _ticket, _ => { }) { Alpn = "nosuch/1" };

        var failure = await Assert.ThrowsAsync<QuicClosedException>(() => dialer.DialAsync(Cancellation));

        Assert.Equal((CloseKind.PeerError, 0x178UL), (failure.Reason.Kind, failure.Reason.Code));
    }

    [Test]
    public async Task Another_endpoint_than_the_dialled_one_is_refused()
    {
        var real = EndpointTicket.Parse(_ticket);
        using var other = SecretKey.Generate(SystemEntropy.Instance);
        var ticket = EndpointTicket.Format(new EndpointAddress(other.Id, null, real.Direct));

        var failure = await Assert.ThrowsAsync<QuicClosedException>(
            () => new TestDialer(new IrohTestOptions(), ticket, _ => { }).DialAsync(Cancellation));

        Assert.Equal((CloseKind.LocalError, 0x12aUL), (failure.Reason.Kind, failure.Reason.Code));
    }

    [Test]
    public async Task A_real_endpoint_asks_for_an_address_to_be_proved()
    {
        var (program, ticket) = await IrohPeer.ListenAsync(Cancellation, "retry=1");
        using var listener = program;

        AssertOk(await new TestDialer(new IrohTestOptions(), ticket, _ => { }).EchoAsync(2, 100, 1, Cancellation));

        Assert.Contains("\"retry\"", listener.TextSoFar, StringComparison.Ordinal);
    }

    [Test]
    public async Task Keys_change_towards_a_real_endpoint()
    {
        await using var host = StartHost(false);
        var connection = await ConnectAsync(host, AddressOf(_ticket));
        await EchoAsync(connection, 100_000);

        await UpdateKeysAsync(connection);
        await EchoAsync(connection, 100_000);
        await UpdateKeysAsync(connection);
        await EchoAsync(connection, 100_000);
    }

    [Test]
    public async Task A_real_endpoint_follows_us_to_another_address()
    {
        await using var host = StartHost(false);
        var connection = await ConnectAsync(host, AddressOf(_ticket));
        await EchoAsync(connection, 100_000);

        host.Rebind([new IPEndPoint(IPAddress.Loopback, 0)]);

        await EchoAsync(connection, 100_000);
        await EchoAsync(connection, 100_000);
    }

    [Test]
    public async Task A_path_that_loses_repeats_and_invents_does_no_harm_when_we_dial()
    {
        await using var middle = new UdpMiddle(AddressOf(_ticket))
        {
            LosesOneOf = 20,
            ReplaysFirst = true,
            AddsJunk = true,
        };
        await using var host = StartHost(false);
        var connection = await ConnectAsync(host, middle.EndPoint);
        await EchoAsync(connection, 300_000);

        middle.ChangePort();

        await EchoAsync(connection, 300_000);
    }

    [Test]
    public async Task A_path_that_loses_repeats_and_invents_does_no_harm_when_we_listen()
    {
        using var ours = new TestListener(new IrohTestOptions(), _ => { }).Serving();
        var address = EndpointTicket.Parse(ours.Ticket);
        await using var middle = new UdpMiddle(AddressOf(ours.Ticket))
        {
            LosesOneOf = 20,
            ReplaysFirst = true,
            AddsJunk = true,
        };
        var ticket = EndpointTicket.Format(new EndpointAddress(
            address.Id, null, [UdpAddress.From(middle.EndPoint.Address, middle.EndPoint.Port)]));

        var dialling = Task.Run(() => IrohPeer.Dial("echo", ticket, "count=30", "size=20000", "parallel=2"));
        var patience = new Patience(TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(5));
        while (middle.Passed < 200 && !dialling.IsCompleted)
            await patience.LookAgainAsync(() => "datagrams", Cancellation);
        middle.ChangePort();

        var result = await dialling;
        Assert.True(IrohPeer.IsOk(result), result.ToString());
    }

    [Test]
    [Arguments("echo", "count=3 size=0")]
    [Arguments("echo", "count=1000 parallel=50")]
    [Arguments("echo", "count=4 size=300000 parallel=2")]
    [Arguments("uni", "count=50 size=2000 parallel=10")]
    [Arguments("datagram", "count=200 size=1000")]
    [Arguments("sink", "bytes=8388608")]
    [Arguments("source", "bytes=8388608")]
    [Arguments("close", "code=4242 reason=bye")]
    [Arguments("reset", "code=77")]
    public async Task A_real_endpoint_dials_us(string verb, string words)
    {
        using var ours = new TestListener(new IrohTestOptions(), _ => { }).Serving();

        var result = IrohPeer.Dial(verb, ours.Ticket, words.Split(' '));

        Assert.True(IrohPeer.IsOk(result), result.ToString());
    }

    [Test]
    public async Task A_real_endpoint_proves_its_address_to_us()
    {
        using var ours = new TestListener(new IrohTestOptions { Retry = true }, _ => { }).Serving();

        var result = IrohPeer.Dial("echo", ours.Ticket, "count=2");

        Assert.True(IrohPeer.IsOk(result), result.ToString());
    }

    [Test]
    public async Task A_real_endpoint_learns_that_we_do_not_have_its_protocol()
    {
        using var ours = new TestListener(new IrohTestOptions(), _ => { }).Serving();

        var result = IrohPeer.Dial("dial", ours.Ticket, "alpn=nosuch/1");

        Assert.False(IrohPeer.IsOk(result));
        Assert.Contains("120", result.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Test]
    public async Task A_real_endpoint_finds_that_we_are_not_the_one_it_dials()
    {
        using var ours = new TestListener(new IrohTestOptions(), _ => { }).Serving();
        using var other = SecretKey.Generate(SystemEntropy.Instance);
        var ticket = EndpointTicket.Format(
            new EndpointAddress(other.Id, null, EndpointTicket.Parse(ours.Ticket).Direct));

        Assert.False(IrohPeer.IsOk(IrohPeer.Dial("dial", ticket)));
    }

    private static TestDialer Dialer() => new(new IrohTestOptions(), _ticket, _ => { });

    private static IrohTestLine AssertOk(IrohTestLine result)
    {
        Assert.True(
            result.Ok, $"{result.Failed} of {result.Count}: {string.Join(" | ", result.Errors ?? [])} {result.Reason}");
        return result;
    }

    private static QuicHost StartHost(bool accepts) => QuicHost.Start(
        new QuicHostOptions(
            new QuicOptions(new Ed25519Key(new byte[Ed25519Key.KeyBytes]), ["oracle/echo/1"u8.ToArray()]),
            SystemEntropy.Instance)
        {
            Bind = [new IPEndPoint(IPAddress.Loopback, 0)],
            Accepts = accepts,
        },
        TimeProvider.System);

    private static Task<HostConnection> ConnectAsync(QuicHost host, IPEndPoint address) => host.ConnectAsync(
        EndpointTicket.Parse(_ticket).Id.ToArray(), [UdpAddress.From(address.Address, address.Port)], null,
        Cancellation);

    // Refused until the peer has confirmed the handshake and a packet of the phase (RFC 9001 §6.1), which bytes of a
    // stream do not wait for.
    private static Task UpdateKeysAsync(HostConnection connection) =>
        Patience.UntilAsync(connection.UpdateKeys, TimeSpan.FromSeconds(20), () => "the key phase may not end");

    private static IPEndPoint AddressOf(string ticket)
    {
        var direct = EndpointTicket.Parse(ticket).Direct[0];
        return new IPEndPoint(direct.ToAddress(), direct.Port);
    }

    private static async Task EchoAsync(HostConnection connection, int bytes)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        await using var stream = await connection.OpenStreamAsync(false, Cancellation);
        var writing = stream.WriteLastAsync(content, Cancellation).AsTask();
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, Cancellation);
        await writing;
        Assert.True(answer.ToArray().AsSpan().SequenceEqual(content));
    }
}
