using EdgeSync.Tests.Support;
namespace EdgeSync.InteropTests.Nats.Leafnodes;

/// <summary>One hub and one leaf, of which at least one is ours.</summary>
public sealed class LeafTwoNodesTests
{
    public static TheoryData<string, string> Pairs() =>
        new() { { "real", "ours" }, { "ours", "real" }, { "ours", "ours" } };

    [Test]
    [MethodDataSource(nameof(Pairs))]
    public async Task Messages_cross_both_ways_with_replies_and_headers(string hubKind, string leafKind)
    {
        await using var hub = await LeafBus.StartAsync(hubKind, "hub");
        await using var leaf = await LeafBus.StartAsync(leafKind, "leaf", hub.LeafPort);
        await using var atHub = await hub.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();
        await atHub.SubscribeAsync("up.>");
        await atLeaf.SubscribeAsync("down.*");
        await atHub.BeReachableFromAsync(atLeaf);
        await atLeaf.BeReachableFromAsync(atHub);

        foreach (var (from, to, subject) in new[] { (atHub, atLeaf, "down.x"), (atLeaf, atHub, "up.a.b") })
        {
            await from.PublishAsync(subject, "hello");
            Assert.Equal(("hello", subject, ""), await SeenAsync(to));
            await from.PublishAsync(subject, "hi", "re.ply");
            Assert.Equal(("hi", subject, "re.ply"), await SeenAsync(to));
            await from.PublishAsync(subject, "A: b", "body", "rr");
            var message = await to.NextAsync();
            Assert.Equal(("NATS/1.0\r\nA: b\r\n\r\n", "body", "rr"), (message.Header, message.Body, message.Reply));
            await from.PublishAsync(subject, new string('x', 300_000));
            Assert.Equal(300_000, (await to.NextAsync()).Body.Length);
        }
    }

    [Test]
    [MethodDataSource(nameof(Pairs))]
    public async Task Requests_cross_and_get_503_without_responders(string hubKind, string leafKind)
    {
        await using var hub = await LeafBus.StartAsync(hubKind, "hub");
        await using var leaf = await LeafBus.StartAsync(leafKind, "leaf", hub.LeafPort);
        await using var atHub = await hub.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();

        foreach (var (asking, answering) in new[] { (atHub, atLeaf), (atLeaf, atHub) })
        {
            var sid = await answering.SubscribeAsync("svc");
            await answering.BeReachableFromAsync(asking);
            await asking.BeReachableFromAsync(answering);

            var answer = asking.RequestAsync("svc", "ping");
            var request = await answering.NextAsync();
            await answering.PublishAsync(request.Reply, "pong");
            Assert.Equal("pong", (await answer).Body);

            await answering.SendAsync($"UNSUB {sid}\r\n");
            await answering.BeReachableFromAsync(asking);
            Assert.StartsWith(
                "NATS/1.0 503", (await asking.RequestAsync("svc", "ping")).Header, StringComparison.Ordinal);
        }
    }

    [Test]
    [MethodDataSource(nameof(Pairs))]
    public async Task Queue_groups_get_each_message_once_and_local_members_first(string hubKind, string leafKind)
    {
        await using var hub = await LeafBus.StartAsync(hubKind, "hub");
        await using var leaf = await LeafBus.StartAsync(leafKind, "leaf", hub.LeafPort);
        await using var atHub = await hub.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();
        await using var secondAtLeaf = await leaf.ClientAsync();
        await atLeaf.SubscribeAsync("q.x", "workers");
        await secondAtLeaf.SubscribeAsync("q.x", "workers");
        await atLeaf.SubscribeAsync("q.x", "other");
        await atLeaf.SubscribeAsync("q.*");
        await atLeaf.BeReachableFromAsync(atHub);
        await secondAtLeaf.BeReachableFromAsync(atHub);

        for (var i = 0; i < 100; i++) await atHub.PublishAsync("q.x", "abc");
        await atLeaf.BeReachableFromAsync(atHub);
        var (first, second) = (await atLeaf.ArrivedAsync(), await secondAtLeaf.ArrivedAsync());
        // All of the plain subscription and of "other", and "workers" shared by the two.
        Assert.Equal(300, first.Count + second.Count);
        Assert.InRange(second.Count, 20, 80);

        await atHub.SubscribeAsync("q.x", "workers");
        await atHub.BeReachableFromAsync(atLeaf);
        for (var i = 0; i < 100; i++) await atHub.PublishAsync("q.x", "abc");
        await atLeaf.BeReachableFromAsync(atHub);
        Assert.Equal(100, (await atHub.ArrivedAsync()).Count);
        Assert.Equal(200, (await atLeaf.ArrivedAsync()).Count + (await secondAtLeaf.ArrivedAsync()).Count);

        for (var i = 0; i < 100; i++) await atLeaf.PublishAsync("q.x", "abc");
        Assert.Equal(300, (await atLeaf.ArrivedAsync()).Count + (await secondAtLeaf.ArrivedAsync()).Count);
        await atHub.BeReachableFromAsync(atLeaf);
        Assert.Empty(await atHub.ArrivedAsync());
    }

    [Test]
    [MethodDataSource(nameof(Pairs))]
    public async Task A_thousand_interests_cross_are_withdrawn_and_keep_their_order(string hubKind, string leafKind)
    {
        await using var hub = await LeafBus.StartAsync(hubKind, "hub");
        await using var leaf = await LeafBus.StartAsync(leafKind, "leaf", hub.LeafPort);
        await using var atHub = await hub.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();
        for (var i = 0; i < 1_000; i++) await atLeaf.SubscribeAsync($"many.{i}");
        await atLeaf.BeReachableFromAsync(atHub);

        for (var i = 0; i < 1_000; i++) await atHub.PublishAsync($"many.{i}", $"{i}");
        for (var i = 0; i < 1_000; i++) Assert.Equal($"{i}", (await atLeaf.NextAsync()).Body);

        for (var i = 0; i < 1_000; i++) await atLeaf.SendAsync($"UNSUB {i + 1}\r\n");
        await atLeaf.BeReachableFromAsync(atHub);
        Assert.StartsWith("NATS/1.0 503", (await atHub.RequestAsync("many.7", "x")).Header, StringComparison.Ordinal);
    }

    // Members on two leaves of a hub of ours, one of them real.
    [Test]
    public async Task A_hub_of_ours_shares_by_the_number_of_members()
    {
        await using var hub = await LeafBus.StartAsync("ours", "hub");
        await using var one = await LeafBus.StartAsync("real", "one", hub.LeafPort);
        await using var three = await LeafBus.StartAsync("ours", "three", hub.LeafPort);
        await using var atHub = await hub.ClientAsync();
        await using var atOne = await one.ClientAsync();
        await using var atThree = await three.ClientAsync();
        await atOne.SubscribeAsync("work", "q");
        for (var i = 0; i < 3; i++) await atThree.SubscribeAsync("work", "q");
        await atOne.BeReachableFromAsync(atHub);
        await atThree.BeReachableFromAsync(atHub);

        for (var i = 0; i < 400; i++) await atHub.PublishAsync("work", "x");
        await atOne.BeReachableFromAsync(atHub);
        await atThree.BeReachableFromAsync(atHub);

        var (few, many) = ((await atOne.ArrivedAsync()).Count, (await atThree.ArrivedAsync()).Count);
        Assert.Equal(400, few + many);
        Assert.InRange(few, 60, 140);
    }

    private static async Task<(string Body, string Subject, string Reply)> SeenAsync(LeafClient client)
    {
        var message = await client.NextAsync();
        return (message.Body, message.Subject, message.Reply);
    }
}
