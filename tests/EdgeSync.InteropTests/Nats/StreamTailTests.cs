using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Net.Nats;
using EdgeSync.Net.Nats.Leafnodes;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Nats;

/// <summary>
/// The end of a stream of the distribution's nats-server, as its client and through our broker's leaf link.
/// </summary>
public sealed class StreamTailTests
{
    private static readonly NatsStreamSpec Stream = new("TAIL", "t.commit", "hub")
    {
        MessagesMax = 10_000,
        BytesMax = 8 << 20,
        AgeMax = TimeSpan.FromDays(7),
        MessageBytesMax = 1 << 16,
    };

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task Of_a_server_that_we_are_a_client_of()
    {
        using var folder = new TemporaryFolder("jetstream");
        using var server = StockNats.Start($$"""jetstream { domain: hub, store_dir: "{{folder.Path}}" }""");
        await using var nats = new NatsNetBus(new NatsNetOptions { Url = server.Url }, TimeProvider.System);
        await nats.StartAsync(Cancellation);

        await ReadsAsync(nats, (after, count) => nats.ReadTailAsync(Stream, after, count, Cancellation));
    }

    [Test]
    public async Task Beyond_a_leaf_link()
    {
        using var folder = new TemporaryFolder("jetstream");
        var leafPort = Ports.Free();
        using var server = StockNats.Start($$"""
            jetstream { domain: hub, store_dir: "{{folder.Path}}" }
            leafnodes { listen: 127.0.0.1:{{leafPort}} }
            """);
        await using var nats = new NatsNetBus(new NatsNetOptions { Url = server.Url }, TimeProvider.System);
        await nats.StartAsync(Cancellation);
        await using var broker = await NatsBroker.StartAsync(
            new NatsBrokerOptions
            {
                Broker = new BrokerOptions { ServerName = "leaf", Token = "t" },
                Entropy = SystemEntropy.Instance
            },
            TimeProvider.System, null, Cancellation);
        var isUp = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var link = broker.AddRemote(
            new LeafnodeRemote { Urls = [$"127.0.0.1:{leafPort}"] },
            new LeafnodeDialing
            {
                OnChanged = status =>
                {
                    if (status.State == LeafRemoteState.Connected) isUp.TrySetResult();
                },
            });
        await isUp.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);

        await ReadsAsync(nats, (after, count) => broker.ReadTailAsync(Stream, after, count, Cancellation));
    }

    [Test]
    public async Task A_server_without_streams_has_none()
    {
        using var server = StockNats.Start();
        await using var nats = new NatsNetBus(new NatsNetOptions { Url = server.Url }, TimeProvider.System);
        await nats.StartAsync(Cancellation);

        Assert.Null(await nats.ReadTailAsync(Stream, 1, 10, Cancellation));
    }

    private static async Task ReadsAsync(NatsNetBus publisher, Func<ulong, int, Task<NatsStreamTail?>> read)
    {
        // The leaf's interest may still be on its way; the stream is made by the first reading that gets through.
        NatsStreamTail? made = null;
        await Patience.UntilAsync(
            async () => (made = await read(0, 64)) is not null, TimeSpan.FromSeconds(20), () => "no JetStream answers");
        Assert.Equal(0UL, made!.LastSequence);

        for (var i = 1; i <= 100; i++) publisher.Publish("t.commit", Encoding.UTF8.GetBytes($"{i}"));
        await publisher.FlushAsync(Cancellation);

        // The server stores what it got behind the answer to the flush.
        NatsStreamTail? stored = null;
        await Patience.UntilAsync(
            async () => (stored = await read(0, 64))?.LastSequence == 100, TimeSpan.FromSeconds(20),
            () => $"{stored?.LastSequence} of 100 are stored");
        Assert.Equal("100:", Text(stored));
        Assert.Equal("100:", Text(await read(100, 64)));
        Assert.Equal("100:", Text(await read(500, 64)));
        Assert.Equal("100:99,100", Text(await read(98, 64)));
        Assert.Equal($"100:{string.Join(',', Enumerable.Range(37, 64))}", Text(await read(5, 64)));
        Assert.Equal("100:100", Text(await read(5, 1)));
    }

    private static string Text(NatsStreamTail? tail) =>
        $"{tail!.LastSequence}:{string.Join(',', tail.Messages.Select(m => Encoding.UTF8.GetString(m.Span)))}";
}
