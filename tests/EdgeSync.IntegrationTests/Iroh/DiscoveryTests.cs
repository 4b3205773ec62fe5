using System.Net;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Discovery;
using EdgeSync.Net.Relay;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary>Publishing to our relay and looking up there and by its DNS; the LAN on loopback.</summary>
public sealed class DiscoveryTests
{
    private const string Origin = "dns.example.org";

    private static CancellationToken Token => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task A_published_endpoint_is_found_by_HTTP_and_by_DNS()
    {
        await using var relay = await StartAsync();
        using var http = new HttpClient();
        using var key = KeyOf(1);
        var client = new PkarrClient(http, new Uri($"{relay.Url}/pkarr"));

        Assert.Null(await client.ResolveAsync(key.Id, Token));
        await client.PublishAsync(PacketOf(key, 1, addresses: 1), Token);

        Assert.Equal(1ul, (await client.ResolveAsync(key.Id, Token))!.Timestamp);
        var info = await ResolverOf(relay).ResolveAsync(key.Id, Origin, Token);
        Assert.Equal($"{key.Id.ToShortString()} 10.0.0.1:1", info!.Address.ToString());
        Assert.Null(await ResolverOf(relay).ResolveAsync(KeyOf(2).Id, Origin, Token));
    }

    [Test]
    public async Task What_does_not_fit_a_datagram_is_asked_for_over_TCP()
    {
        await using var relay = await StartAsync();
        using var http = new HttpClient();
        using var key = KeyOf(1);
        await new PkarrClient(http, new Uri($"{relay.Url}/pkarr")).PublishAsync(
            PacketOf(key, 1, addresses: 32), Token);

        // Each record names its owner by a pointer, so all fit one extended datagram; a plain one has less room.
        var info = await ResolverOf(relay).ResolveAsync(key.Id, Origin, Token);

        Assert.True(info!.Address.Direct.Count >= 30);
    }

    [Test]
    public async Task An_older_packet_and_one_of_somebody_else_are_refused()
    {
        await using var relay = await StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(relay.Url) };
        using var key = KeyOf(1);
        var client = new PkarrClient(http, new Uri($"{relay.Url}/pkarr"));
        await client.PublishAsync(PacketOf(key, 2, addresses: 1), Token);

        var older = await Assert.ThrowsAsync<EdgeSyncException>(
            () => client.PublishAsync(PacketOf(key, 1, addresses: 1), Token));
        Assert.Contains("409", older.Message, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, await PutAsync(http, KeyOf(2).Id, PacketOf(key, 3, 1).Body));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await PutAsync(http, key.Id, new byte[1073]));
    }

    [Test]
    public async Task A_name_server_that_does_not_answer_is_passed_over()
    {
        await using var relay = await StartAsync();
        using var http = new HttpClient();
        using var key = KeyOf(1);
        await new PkarrClient(http, new Uri($"{relay.Url}/pkarr")).PublishAsync(PacketOf(key, 1, 1), Token);
        var resolver = new TxtResolver(
            [new IPEndPoint(IPAddress.Loopback, Ports.Free()), relay.DnsAddress!], SystemEntropy.Instance,
            TimeProvider.System);

        Assert.NotNull(await resolver.ResolveAsync(key.Id, Origin, Token));
    }

    [Test]
    public async Task Endpoints_of_one_machine_find_each_other_by_multicast()
    {
        var port = Ports.Free();
        using var key = KeyOf(1);
        var found = new TaskCompletionSource<EndpointInfo>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var one = Listen(KeyOf(2), port, e => _ = e.Info is not null && found.TrySetResult(e.Info));
        await using var two = Listen(key, port, _ => { });

        two.Announce(InfoOf(key, addresses: 1));

        var info = await found.Task.WaitAsync(TimeSpan.FromSeconds(60), Token);
        Assert.Equal($"{key.Id.ToShortString()} 10.0.0.1:1", info.Address.ToString());
    }

    private static LanSocket Listen(SecretKey key, int port, Action<LanEvent> found) => LanSocket.Start(
        key.Id, new Prng(key.Id.ToArray()[0]), found, TimeProvider.System, [IPAddress.Loopback], port);

    private static Task<IrohRelay> StartAsync() => IrohRelay.StartAsync(
        new IrohRelayOptions { DnsOrigin = Origin, DnsListen = new IPEndPoint(IPAddress.Loopback, 0) },
        SystemEntropy.Instance, TimeProvider.System, Token);

    private static TxtResolver ResolverOf(IrohRelay relay) =>
        new([relay.DnsAddress!], SystemEntropy.Instance, TimeProvider.System);

    private static async Task<HttpStatusCode> PutAsync(HttpClient http, EndpointId id, ReadOnlyMemory<byte> body)
    {
        using var content = new ReadOnlyMemoryContent(body);
        using var response = await http.PutAsync(new Uri($"/pkarr/{id.ToZ32()}", UriKind.Relative), content, Token);
        return response.StatusCode;
    }

    private static SignedPacket PacketOf(SecretKey key, ulong timestamp, int addresses) =>
        SignedPacket.Sign(key, timestamp, InfoOf(key, addresses));

    private static EndpointInfo InfoOf(SecretKey key, int addresses) => new(new EndpointAddress(
        key.Id, [],
        Enumerable.Range(1, addresses).Select(i => UdpAddress.From(IPAddress.Parse("10.0.0.1"), i))));

    private static SecretKey KeyOf(byte seed) => new([.. Enumerable.Repeat(seed, SecretKey.SeedBytes)]);
}
