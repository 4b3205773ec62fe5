using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Client;
using EdgeSync.Nats.Keys;
using EdgeSync.Net.Nats;
using EdgeSync.Primitives;
using NATS.NKeys;

namespace EdgeSync.IntegrationTests.Net.Nats;

/// <summary>Our client with our broker, over everything that connects them.</summary>
public class NatsConnectionTests
{
    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    [Arguments("tcp")]
    [Arguments("in-process")]
    [Arguments("websocket")]
    [Arguments("tls")]
    [Arguments("tls-first")]
    public async Task Messages_requests_and_drain_over(string transport)
    {
        await using var test = await TestBroker.StartAsync(change: options => options with
        {
            WebSocketListen = transport == "websocket" ? new IPEndPoint(IPAddress.Loopback, 0) : null,
            Tls = transport.StartsWith("tls", StringComparison.Ordinal)
                ? new NatsBrokerTls { Certificate = TestBroker.CreateCertificate(), HandshakeFirst = transport == "tls-first" }
                : null,
        });
        var opts = OptsFor(test, transport);
        await using var server = new NatsConnection(opts);
        await using var client = new NatsConnection(opts);
        var subscription = await server.SubscribeCoreAsync("svc.*", "workers", cancellationToken: Cancellation);
        await server.PingAsync(Cancellation);
        var answering = AnswerAsync(server, subscription);

        var large = new byte[1 << 20];
        new Prng(3).Fill(large);
        var replies = await Task.WhenAll(Enumerable.Range(0, 50).Select(async i =>
            (await client.RequestAsync($"svc.{i}", i == 7 ? large : Encoding.UTF8.GetBytes($"{i}"), cancellationToken: Cancellation)).Data));

        for (var i = 0; i < 50; i++)
            Assert.Equal(i == 7 ? large : Encoding.UTF8.GetBytes($"{i}"), replies[i].ToArray());
        var nobody = await Assert.ThrowsAsync<NatsException>(async () => await client.RequestAsync("nobody", cancellationToken: Cancellation));
        Assert.Equal(NatsFailure.NoResponders, nobody.Failure);
        await server.DrainAsync(Cancellation);
        await answering;
        await TestBroker.UntilAsync(() => test.Broker.ClientCount == 1, "the drained connection is gone");
    }

    [Test]
    public async Task A_stopped_broker_ends_an_in_process_link_and_the_next_one_takes_over()
    {
        var first = await TestBroker.StartAsync();
        await using var second = await TestBroker.StartAsync();
        var current = first.Broker;
        await using var nats = new NatsConnection(new NatsOpts { ConnectInProcess = _ => new(current.ConnectInProcess()) });
        await using var subscription = await nats.SubscribeCoreAsync("a", cancellationToken: Cancellation);
        await nats.PingAsync(Cancellation);

        current = second.Broker;
        await first.DisposeAsync();
        await TestBroker.UntilAsync(() => second.Broker.ClientCount == 1, "connected to the second broker");
        await nats.PublishAsync("a", "on"u8.ToArray(), cancellationToken: Cancellation);

        Assert.True(await subscription.WaitToReadAsync(Cancellation));
    }

    [Test]
    public async Task An_nkey_of_ours_is_accepted_by_a_broker_of_ours()
    {
        var key = KeyPair.CreatePair(PrefixByte.User);
        await using var test = await TestBroker.StartAsync(
            new BrokerOptions { ServerName = "test", Users = [new BrokerUser { Name = key.GetPublicKey() }] });

        await using var known = new NatsConnection(
            new NatsOpts { Url = test.Url.ToString(), Credentials = NatsCredentials.FromSeed(key.GetSeed()) });
        await known.ConnectAsync(Cancellation);
        await using var stranger = new NatsConnection(new NatsOpts
        {
            Url = test.Url.ToString(),
            Credentials = new NatsCredentials { Key = NKeyPair.FromSeed(KeyPair.CreatePair(PrefixByte.User).GetSeed()) },
        });
        var failure = await Assert.ThrowsAsync<NatsException>(async () => await stranger.ConnectAsync(Cancellation));

        Assert.Equal(NatsFailure.Refused, failure.Failure);
    }

    [Test]
    public async Task Many_publishers_at_once_lose_nothing_and_keep_their_order()
    {
        const int Publishers = 8;
        const int Each = 5000;
        await using var test = await TestBroker.StartAsync();
        await using var nats = new NatsConnection(new NatsOpts { Url = test.Url.ToString(), SendBufferBytesMax = 20_000 });
        await using var other = new NatsConnection(new NatsOpts { Url = test.Url.ToString(), SubPendingMessagesMax = Publishers * Each });
        await using var subscription = await other.SubscribeCoreAsync("p.*", cancellationToken: Cancellation);
        await other.PingAsync(Cancellation);

        await Task.WhenAll(Enumerable.Range(0, Publishers).Select(p => Task.Run(
            async () =>
            {
                for (var i = 0; i < Each; i++)
                    await nats.PublishAsync($"p.{p}", BitConverter.GetBytes(i), cancellationToken: Cancellation);
            },
            Cancellation)));

        var next = new int[Publishers];
        for (var i = 0; i < Publishers * Each; i++)
        {
            Assert.True(await subscription.WaitToReadAsync(Cancellation));
            Assert.True(subscription.TryRead(out var message));
            var publisher = message.Subject[2] - '0';
            Assert.Equal(next[publisher]++, BitConverter.ToInt32(message.Data.Span));
        }

        Assert.Equal(0, subscription.Dropped);
    }

    [Test]
    public async Task Disposing_ends_at_any_moment()
    {
        using var deaf = new TcpListener(IPAddress.Loopback, 0);   // takes connections and says nothing
        deaf.Start();
        var url = $"nats://{deaf.LocalEndpoint}";

        await using (new NatsConnection(new NatsOpts { Url = url }))
        {
            // Never connected.
        }

        var nats = new NatsConnection(new NatsOpts { Url = url });
        var connecting = nats.ConnectAsync(Cancellation).AsTask();
        using var accepted = await deaf.AcceptSocketAsync(Cancellation);
        await nats.DisposeAsync();
        await nats.DisposeAsync();

        await Assert.ThrowsAsync<NatsException>(() => connecting);
        var late = await Assert.ThrowsAsync<NatsException>(async () => await nats.PublishAsync("a", cancellationToken: Cancellation));
        Assert.Equal(NatsFailure.Closed, late.Failure);
    }

    [Test]
    public async Task A_request_can_be_cancelled()
    {
        await using var test = await TestBroker.StartAsync();
        await using var nats = new NatsConnection(new NatsOpts { Url = test.Url.ToString() });
        await using var deaf = await nats.SubscribeCoreAsync("deaf", cancellationToken: Cancellation);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        var asking = nats.RequestAsync("deaf", timeout: TimeSpan.FromMinutes(1), cancellationToken: patience.Token);
        await deaf.WaitToReadAsync(Cancellation);
        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await asking);
    }

    /// <summary>Links are cut again and again under load; every message is one that was sent, in order, and the last ones arrive.</summary>
    [Test]
    public async Task Cut_links_come_back_under_load()
    {
        await using var test = await TestBroker.StartAsync();
        var cuts = 0;
        CuttablePipe? pipe = null;
        await using var publisher = new NatsConnection(new NatsOpts
        {
            ReconnectWaitMin = TimeSpan.FromMilliseconds(1),
            ReconnectWaitMax = TimeSpan.FromMilliseconds(5),
            ReconnectJitter = TimeSpan.FromMilliseconds(1),
            ConnectInProcess = _ => new(pipe = new CuttablePipe(test.Broker.ConnectInProcess())),
        });
        await using var subscriber = new NatsConnection(new NatsOpts { Url = test.Url.ToString(), SubPendingMessagesMax = 100_000 });
        await using var subscription = await subscriber.SubscribeCoreAsync("n", cancellationToken: Cancellation);
        await subscriber.PingAsync(Cancellation);

        for (var i = 0; i < 20_000; i++)
        {
            await publisher.PublishAsync("n", BitConverter.GetBytes(i), cancellationToken: Cancellation);
            if (i % 1000 != 500) continue;

            pipe!.Cut();
            cuts++;
        }

        await TestBroker.UntilAsync(() => publisher.ConnectionState == NatsConnectionState.Open, "connected again");
        await publisher.PublishAsync("n", BitConverter.GetBytes(-1), cancellationToken: Cancellation);
        var (last, count) = (-1, 0);
        while (await subscription.WaitToReadAsync(Cancellation))
        {
            Assert.True(subscription.TryRead(out var message));
            var number = BitConverter.ToInt32(message.Data.Span);
            if (number == -1) break;

            Assert.True(number > last, $"{number} after {last}");
            last = number;
            count++;
        }

        Assert.Equal(20, cuts);
        Assert.InRange(count, 1000, 20_000);
    }

    private static NatsOpts OptsFor(TestBroker test, string transport) => transport switch
    {
        "in-process" => new NatsOpts { ConnectInProcess = _ => new(test.Broker.ConnectInProcess()) },
        "websocket" => new NatsOpts { Url = test.Broker.WebSocketUrl!.ToString() },
        "tls" => new NatsOpts { Url = test.Url.ToString(), Tls = new NatsTlsOpts { InsecureSkipVerify = true } },
        "tls-first" => new NatsOpts { Url = test.Url.ToString(), Tls = new NatsTlsOpts { InsecureSkipVerify = true }, TlsMode = TlsMode.Implicit },
        _ => new NatsOpts { Url = test.Url.ToString() },
    };

    private static async Task AnswerAsync(NatsConnection nats, NatsSub subscription)
    {
        await foreach (var message in subscription.ReadAllAsync(Cancellation))
            await nats.ReplyAsync(message, message.Data, cancellationToken: Cancellation);
    }
}
