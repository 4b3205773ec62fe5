using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Nats.Leafnodes;

/// <summary>A real server keeps the streams under a domain; a client of our leaf uses them.</summary>
public sealed class LeafJetStreamTests
{
    private const string Api = "$JS.hub.API.";

    [Test]
    public async Task Streams_consumers_and_key_values_work_through_our_leaf()
    {
        using var folder = new TemporaryFolder("jetstream");
        await using var hub = new RealBus("hub", more: $$"""jetstream { domain: hub, store_dir: "{{folder.Path}}" }""");
        await using var leaf = await LeafBus.StartAsync("ours", "leaf", hub.LeafPort);
        await using var atHub = await hub.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();
        await atLeaf.BeReachableFromAsync(atHub);

        Assert.Contains("stream_info_response", await MadeAsync(), StringComparison.Ordinal);

        // Publishing is a request to the stream's subject.
        Assert.Contains("\"stream\":\"S\"", (await atLeaf.RequestAsync("s.x", "hello")).Body, StringComparison.Ordinal);
        Assert.Contains("consumer_create_response", (await atLeaf.RequestAsync(
            Api + "CONSUMER.DURABLE.CREATE.S.C", """{"stream_name":"S","config":{"durable_name":"C","ack_policy":"explicit"}}""")).Body, StringComparison.Ordinal);

        var pulled = await atLeaf.RequestAsync(Api + "CONSUMER.MSG.NEXT.S.C", """{"batch":1,"expires":5000000000}""");
        Assert.Equal(("s.x", "hello"), (pulled.Subject, pulled.Body));
        Assert.StartsWith("$JS.ACK.S.C.1.", pulled.Reply, StringComparison.Ordinal);
        Assert.DoesNotContain("@", pulled.Reply, StringComparison.Ordinal);

        // An acknowledgement that wants to be confirmed.
        Assert.Equal("", (await atLeaf.RequestAsync(pulled.Reply, "+ACK")).Body);
        Assert.StartsWith(
            "NATS/1.0 404",
            (await atLeaf.RequestAsync(Api + "CONSUMER.MSG.NEXT.S.C", """{"batch":1,"no_wait":true}""")).Header,
            StringComparison.Ordinal);

        // A bucket of keys and values.
        Assert.Contains("\"config\"", (await atLeaf.RequestAsync(
            Api + "STREAM.CREATE.KV_b", """{"name":"KV_b","subjects":["$KV.b.>"],"allow_direct":true,"max_msgs_per_subject":1,"storage":"memory"}""")).Body, StringComparison.Ordinal);
        Assert.Contains(
            "\"stream\":\"KV_b\"", (await atLeaf.RequestAsync(Api + "$KV.b.k", "v1")).Body, StringComparison.Ordinal);
        var value = await atLeaf.RequestAsync(Api + "DIRECT.GET.KV_b.$KV.b.k", "");
        Assert.Equal("v1", value.Body);
        Assert.Contains("Nats-Sequence: 1\r\n", value.Header, StringComparison.Ordinal);

        async Task<string> MadeAsync()
        {
            await atLeaf.RequestAsync(
                Api + "STREAM.CREATE.S", """{"name":"S","subjects":["s.*"],"storage":"memory"}""");
            // The interest of the new stream follows on its own.
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            while ((await atLeaf.RequestAsync("s.warm", "x")).Header.StartsWith(
                "NATS/1.0 503", StringComparison.Ordinal))
                Assert.False(patience.IsCancellationRequested);
            await atLeaf.RequestAsync(Api + "STREAM.PURGE.S", "");
            return (await atLeaf.RequestAsync(Api + "STREAM.INFO.S", "")).Body;
        }
    }

    [Test]
    public async Task Streams_of_a_real_leaf_are_used_from_our_hub()
    {
        using var folder = new TemporaryFolder("jetstream");
        await using var hub = await LeafBus.StartAsync("ours", "hub");
        await using var leaf = new RealBus(
            "leaf", $$"""{ url: "nats-leaf://127.0.0.1:{{hub.LeafPort}}" }""",
            more: $$"""jetstream { domain: edge, store_dir: "{{folder.Path}}" }""");
        await using var atHub = await hub.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();
        await atHub.BeReachableFromAsync(atLeaf);
        await atLeaf.BeReachableFromAsync(atHub);

        Assert.Contains("\"config\"", (await atHub.RequestAsync(
            "$JS.edge.API.STREAM.CREATE.S",
            """{"name":"S","subjects":["s.*"],"storage":"memory"}""")).Body, StringComparison.Ordinal);
        Assert.Contains(
            "\"name\":\"S\"", (await atHub.RequestAsync("$JS.edge.API.STREAM.INFO.S", "")).Body,
            StringComparison.Ordinal);
    }
}
