using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Nats.Leafnodes;

/// <summary>Three servers and more, real and ours in any order.</summary>
public sealed class LeafChainTests
{
    [Test]
    [Arguments("real", "ours", "real")]
    [Arguments("ours", "real", "ours")]
    [Arguments("real", "ours", "ours")]
    [Arguments("ours", "ours", "real")]
    public async Task A_chain_of_hub_mid_and_edge_is_one_bus(string hubKind, string midKind, string edgeKind)
    {
        await using var hub = await LeafBus.StartAsync(hubKind, "hub");
        await using var mid = await LeafBus.StartAsync(midKind, "mid", hub.LeafPort);
        await using var edge = await LeafBus.StartAsync(edgeKind, "edge", mid.LeafPort);
        await using var atHub = await hub.ClientAsync();
        await using var atMid = await mid.ClientAsync();
        await using var atEdge = await edge.ClientAsync();
        LeafClient[] all = [atHub, atMid, atEdge];
        foreach (var client in all) await client.SubscribeAsync("news");
        await atEdge.SubscribeAsync("work", "q");
        await MeetAsync(all);

        foreach (var publisher in all)
        {
            await publisher.PublishAsync("news", "x");
            foreach (var client in all) Assert.Equal("x", (await client.NextAsync()).Body);
        }

        foreach (var asking in new[] { atHub, atMid })
        {
            var answer = asking.RequestAsync("work", "ping");
            var request = await atEdge.NextAsync();
            await atEdge.PublishAsync(request.Reply, "pong");
            Assert.Equal("pong", (await answer).Body);
        }

        await MeetAsync(all);
        foreach (var client in all) Assert.Empty(await client.ArrivedAsync());
    }

    // A message that reaches a node twice, or runs in circles, would be seen as a second arrival.
    [Test]
    [Arguments("ours", "ours")]
    [Arguments("real", "ours")]
    [Arguments("ours", "real")]
    [Arguments("real", "real")]
    public async Task A_link_that_closes_a_loop_is_closed_and_the_others_stay(string hubKind, string midKind)
    {
        var edgePort = Ports.Free();
        await using var hub = hubKind == "real" ? new RealBus("hub") : (LeafBus)await OurBus.StartAsync("hub");
        await using var mid = await LeafBus.StartAsync(midKind, "mid", hub.LeafPort);
        await using var edge = await OurBus.StartAsync("edge", leafPort: edgePort, hubs: [mid.LeafPort]);
        LeafClient[] all = [await hub.ClientAsync(), await mid.ClientAsync(), await edge.ClientAsync()];
        foreach (var client in all) await client.SubscribeAsync("news");
        await MeetAsync(all);

        // Old enough not to be taken for the culprit.
        await edge.UntilAsync(
            status => Instant.FromDateTime(DateTimeOffset.UtcNow) - status.ConnectedSince > TimeSpan.FromSeconds(2.5));
        var closing = edge.Join($"nats-leaf://127.0.0.1:{hub.LeafPort}");
        await Patience.UntilAsync(
            () => closing.Status.LastError.Length > 0, TimeSpan.FromSeconds(15), () => $"{closing.Status}");

        Assert.Contains("loop", closing.Status.LastError, StringComparison.OrdinalIgnoreCase);
        Assert.True(closing.Status.NextTry - Instant.FromDateTime(DateTimeOffset.UtcNow) > TimeSpan.FromSeconds(20));
        Assert.True(edge.Remote.IsConnected);
        await MeetAsync(all);
        foreach (var client in all) await client.ArrivedAsync();
        foreach (var publisher in all)
        {
            await publisher.PublishAsync("news", "x");
            foreach (var client in all) Assert.Equal("x", (await client.NextAsync()).Body);
        }

        await MeetAsync(all);
        foreach (var client in all)
        {
            Assert.Empty(await client.ArrivedAsync());
            await client.DisposeAsync();
        }
    }

    private static async Task MeetAsync(LeafClient[] all)
    {
        foreach (var client in all)
            foreach (var other in all)
                if (client != other) await client.BeReachableFromAsync(other, TimeSpan.FromSeconds(60));
    }

    [Test]
    public async Task A_server_that_solicits_itself_gets_an_error()
    {
        var port = Ports.Free();
        await using var node = await OurBus.StartAsync("alone", leafPort: port, hubs: [port]);

        await node.UntilAsync(status => status.LastError.Length > 0);

        Assert.Contains("this very server", node.Remote.Status.LastError, StringComparison.Ordinal);
        Assert.Equal(LeafRemoteState.Waiting, node.Remote.Status.State);
    }
}
