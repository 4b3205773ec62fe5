using System.Net;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Net.Relay;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;
using EdgeSync.Tests.Support;
using static EdgeSync.IntegrationTests.Iroh.IrohPair;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary>Endpoints that find and reach each other over loopback, our relay, our records and multicast.</summary>
public sealed class IrohEndpointTests
{
    [Test]
    public async Task A_ticket_is_enough_to_connect()
    {
        await using var here = Start(Options(1));
        await using var there = Start(Options(2));
        var serving = EchoAllAsync(there);

        var connection = await here.ConnectAsync(EndpointTicket.Parse(there.Ticket), Echo, Token);
        await ComesBackAsync(connection, 100_000);

        Assert.Equal((there.Id, Echo, false), (connection.Peer, connection.Alpn, connection.IsIncoming));
        Assert.False(connection.Route!.IsRelayed);
        Assert.NotNull(connection.TimeToDirect);
        Assert.Equal([here.Id], there.Connections.Select(c => c.Peer));
        await there.CloseAsync();
        Assert.Equal(CloseKind.Peer, (await connection.Closed.WaitAsync(Limit, Token)).Kind);
        await serving;
    }

    [Test]
    public async Task Who_is_not_admitted_gets_a_refusal_and_nothing_else()
    {
        var refused = new TaskCompletionSource<EndpointId?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var here = Start(Options(1));
        await using var friend = Start(Options(3));
        await using var there = Start(Options(2) with
        {
            Admits = id => id == friend.Id,
            Observer = e => _ = e.Kind == IrohEventKind.NotAdmitted && refused.TrySetResult(e.Peer),
        });
        var serving = EchoAllAsync(there);

        var connection = await here.ConnectAsync(there.Address, Echo, Token);
        var end = await connection.Closed.WaitAsync(Limit, Token);

        Assert.Equal((CloseKind.Peer, 403UL, "not allowed"), (end.Kind, end.Code, end.Text));
        Assert.Equal(here.Id, await refused.Task.WaitAsync(Limit, Token));
        await ComesBackAsync(await friend.ConnectAsync(there.Address, Echo, Token), 10);
        Assert.Equal([friend.Id], there.Connections.Select(c => c.Peer));
        await there.DisposeAsync();
        await serving;
    }

    [Test]
    public async Task Without_UDP_all_goes_through_the_relay()
    {
        await using var relay = await StartRelayAsync();
        await using var here = Start(RelayOnly(1, relay));
        await using var there = Start(RelayOnly(2, relay));
        var serving = EchoAllAsync(there);
        await there.OnlineAsync(Token);

        var connection = await here.ConnectAsync(EndpointTicket.Parse(there.Ticket), Echo, Token);
        await ComesBackAsync(connection, 1 << 20);

        var path = Assert.Single(connection.Paths);
        Assert.Equal((relay.Url + "/", true, 1200), (path.Address, path.IsRelayed, path.Mtu));
        Assert.True(path.BytesSent > 1 << 20 && path.BytesReceived > 1 << 20, path.ToString());
        Assert.Empty(there.Address.Direct);
        Assert.Null(connection.TimeToDirect);
        await there.DisposeAsync();
        Assert.Equal(CloseKind.Peer, (await connection.Closed.WaitAsync(Limit, Token)).Kind);
        await serving;
    }

    [Test]
    public async Task From_the_relay_to_a_direct_way_without_a_lost_byte()
    {
        await using var relay = await StartRelayAsync();
        await using var here = Start(Options(1) with { Relays = [UrlOf(relay.Url)] });
        await using var there = Start(Options(2) with { Relays = [UrlOf(relay.Url)] });
        var serving = EchoAllAsync(there);
        await there.OnlineAsync(Token);

        var connection = await here.ConnectAsync(
            new EndpointAddress(there.Id, there.Address.Relays), Echo, Token);
        await ComesBackAsync(connection, 4 << 20);
        await connection.WaitDirectAsync(Token).WaitAsync(Limit, Token);
        await ComesBackAsync(connection, 1 << 20);

        Assert.Contains(connection.Paths, p => p.IsRelayed);
        Assert.True(relay.Totals.ForwardedCount > 0);
        await there.DisposeAsync();
        await serving;
    }

    [Test]
    public async Task A_connection_outlives_its_relay()
    {
        var port = Ports.Free();
        var options = new IrohRelayOptions { Listen = new IPEndPoint(IPAddress.Loopback, port) };
        var first = await StartRelayAsync(options);
        await using var here = Start(RelayOnly(1, first));
        await using var there = Start(RelayOnly(2, first));
        var serving = EchoAllAsync(there);
        await there.OnlineAsync(Token);
        var connection = await here.ConnectAsync(there.Address, Echo, Token);
        await ComesBackAsync(connection, 1000);

        await first.DisposeAsync();
        await using var second = await StartRelayAsync(options);

        await ComesBackAsync(connection, 100_000);
        await there.DisposeAsync();
        await serving;
    }

    [Test]
    public async Task A_relay_that_refuses_says_why()
    {
        await using var relay = await StartRelayAsync(new IrohRelayOptions { Token = "secret" });
        await using var refused = Start(RelayOnly(1, relay));
        await using var taken = Start(RelayOnly(2, relay) with { RelayToken = "secret" });

        var failure = await Assert.ThrowsAsync<EdgeSyncException>(() => refused.OnlineAsync(Token));
        await taken.OnlineAsync(Token);

        Assert.Equal(ErrorKind.Denied, failure.Kind);
        Assert.Contains("needs a token", failure.Message, StringComparison.Ordinal);
        Assert.Contains("needs a token", refused.Relay!.Denial, StringComparison.Ordinal);
        Assert.True(taken.Relay!.IsOnline);
    }

    [Test]
    public async Task The_relay_that_answers_is_chosen()
    {
        await using var relay = await StartRelayAsync();
        var silent = UrlOf($"http://127.0.0.1:{Ports.Free()}");

        await using var endpoint = Start(Options(1) with { Relays = [silent, UrlOf(relay.Url)] });
        await endpoint.OnlineAsync(Token).WaitAsync(Limit, Token);

        Assert.Equal(relay.Url + "/", endpoint.Relay!.Url.Text);
        Assert.Equal([endpoint.Relay.Url], endpoint.Address.Relays);
    }

    [Test]
    public async Task The_relay_tells_an_endpoint_the_address_that_it_comes_from()
    {
        await using var relay = await StartRelayAsync();
        var observed = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var endpoint = Start(Options(1) with
        {
            Relays = [UrlOf(relay.Url)],
            Observer = e => _ = e is { Kind: IrohEventKind.Observed, Text: { Length: > 0 } seen }
                && observed.TrySetResult(seen),
        });

        Assert.Equal(endpoint.Bound[0].ToString(), await observed.Task.WaitAsync(Limit, Token));
        Assert.Equal(endpoint.Local, endpoint.Observed);
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public async Task An_id_is_enough_where_records_are_published(bool byName)
    {
        const string Origin = "dns.example.org";
        await using var relay = await StartRelayAsync(new IrohRelayOptions
        {
            DnsOrigin = Origin,
            DnsListen = new IPEndPoint(IPAddress.Loopback, 0),
        });
        var published = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var records = new IrohDiscovery { Records = [new Uri($"{relay.Url}/pkarr")] };
        await using var there = Start(Options(2) with
        {
            Relays = [UrlOf(relay.Url)],
            Discovery = records,
            Observer = e => _ = e.Kind == IrohEventKind.Published && published.TrySetResult(),
        });
        var serving = EchoAllAsync(there);
        await there.OnlineAsync(Token);
        await published.Task.WaitAsync(Limit, Token);

        await using var here = Start(Options(1) with
        {
            Discovery = byName
                ? new IrohDiscovery { Origins = [Origin], NameServers = [relay.DnsAddress!] }
                : records,
        });
        var found = await here.ResolveAsync(there.Id, Token);
        await ComesBackAsync(await here.ConnectAsync(there.Id, Echo, Token), 1000);

        // Nobody learns IP addresses from a record unless that was asked for.
        Assert.Equal($"{there.Id.ToShortString()} {relay.Url}/", found!.ToString());
        Assert.Null(await here.ResolveAsync(Options(9).Key.Id, Token));
        await there.DisposeAsync();
        await serving;
    }

    [Test]
    public async Task An_id_is_enough_on_the_LAN()
    {
        var lan = IrohDiscovery.Local with { LanInterfaces = [IPAddress.Loopback], LanPort = Ports.Free() };
        await using var there = Start(Options(2) with { Discovery = lan });
        var serving = EchoAllAsync(there);
        await using var here = Start(Options(1) with { Discovery = lan });

        await ComesBackAsync(await here.ConnectAsync(there.Id, Echo, Token), 1000);

        Assert.Equal([there.Address.ToString()], here.LanPeers.Select(p => p.ToString()));
        await there.DisposeAsync();
        await serving;
    }

    [Test]
    public async Task Relays_that_are_not_ours_are_used_only_when_that_is_wanted()
    {
        await using var relay = await StartRelayAsync();
        await using var there = Start(RelayOnly(2, relay));
        var serving = EchoAllAsync(there);
        await there.OnlineAsync(Token);
        await using var willing = Start(Options(1));
        await using var strict = Start(Options(3) with { UsesPeersRelays = false });

        await ComesBackAsync(await willing.ConnectAsync(there.Address, Echo, Token), 1000);
        var failure = await Assert.ThrowsAsync<EdgeSyncException>(
            () => strict.ConnectAsync(there.Address, Echo, Token));

        Assert.Contains("which is not one of ours", failure.Message, StringComparison.Ordinal);
        await there.DisposeAsync();
        await serving;
    }

    [Test]
    public async Task A_changed_network_ends_no_connection()
    {
        await using var relay = await StartRelayAsync();
        await using var here = Start(Options(1) with { Relays = [UrlOf(relay.Url)] });
        await using var there = Start(Options(2) with { Relays = [UrlOf(relay.Url)] });
        var serving = EchoAllAsync(there);
        await there.OnlineAsync(Token);
        var connection = await here.ConnectAsync(there.Address, Echo, Token);

        here.NetworkChanged();
        await ComesBackAsync(connection, 100_000);
        there.NetworkChanged();
        await ComesBackAsync(connection, 100_000);

        await there.DisposeAsync();
        await serving;
    }

    [Test]
    public async Task An_endpoint_that_is_closed_says_so_to_those_who_dial()
    {
        await using var listener = Start(Options(1));
        var dialler = Start(Options(2));
        var silent = new EndpointAddress(Options(3).Key.Id, [], [UdpAddress.From(IPAddress.Loopback, 1)]);
        var dialling = dialler.ConnectAsync(silent, Echo, Token);

        await dialler.DisposeAsync();

        Assert.Equal(ErrorKind.Unavailable, (await Assert.ThrowsAnyAsync<EdgeSyncException>(() => dialling)).Kind);
        var closed = await Assert.ThrowsAnyAsync<EdgeSyncException>(
            () => dialler.ConnectAsync(listener.Address, Echo, Token));
        Assert.Equal(ErrorKind.Unavailable, closed.Kind);
    }

    [Test]
    public async Task An_endpoint_answers_a_ping_whatever_its_protocols()
    {
        await using var here = Start(Options(1));
        await using var there = Start(Options(2));
        var serving = EchoAllAsync(there);

        var connection = await here.ConnectAsync(there.Address, IrohEndpoint.PingAlpn, Token);
        var failure = await Assert.ThrowsAsync<QuicClosedException>(
            () => here.ConnectAsync(there.Address, "nosuch/1", Token));

        Assert.False(connection.Closed.IsCompleted);
        Assert.Equal(ErrorKind.NotFound, failure.Kind);
        await there.DisposeAsync();
        await serving;
    }

    private static IrohEndpointOptions RelayOnly(byte seed, IrohRelay relay) =>
        Options(seed) with { Bind = [], Relays = [UrlOf(relay.Url)] };
}
