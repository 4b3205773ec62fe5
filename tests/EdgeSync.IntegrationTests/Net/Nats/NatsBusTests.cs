using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Keys;
using EdgeSync.Net.Nats;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;
using NATS.NKeys;

namespace EdgeSync.IntegrationTests.Net.Nats;

/// <summary>Both implementations of the port with our own broker, over everything that connects them.</summary>
public sealed class NatsBusTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Test]
    [Arguments("tcp")]
    [Arguments("in-process")]
    [Arguments("websocket")]
    [Arguments("tls")]
    [Arguments("tls-first")]
    public async Task Messages_and_requests_over(string transport)
    {
        var isTls = transport.StartsWith("tls", StringComparison.Ordinal);
        var files = new TestCertificates(_folder.Path);
        await using var test = await TestBroker.StartAsync(change: options => options with
        {
            WebSocketListen = transport == "websocket" ? new IPEndPoint(IPAddress.Loopback, 0) : null,
            Tls = isTls
            ? new NatsBrokerTls { Certificate = CertificateOf(files), HandshakeFirst = transport == "tls-first" }
            : null,
        });
        await using var opened = new Opened(test, transport, files);
        var (answers, asks) = (await opened.OpenAsync(), await opened.OpenAsync());
        using var answering = answers.Subscribe("svc.*", "workers", m => answers.Publish(m.ReplyTo!, m.Data));
        await opened.FlushAsync();

        var large = new byte[1 << 20];
        new Prng(3).Fill(large);
        var replies = await Task.WhenAll(Enumerable.Range(0, 50).Select(i =>
            AskAsync(asks, $"svc.{i}", i == 7 ? large : Encoding.UTF8.GetBytes($"{i}"))));

        Assert.All(replies, reply => Assert.Equal(NatsOutcome.Ok, reply.Outcome));
        for (var i = 0; i < 50; i++)
            Assert.Equal(i == 7 ? large : Encoding.UTF8.GetBytes($"{i}"), replies[i].Message.Data.ToArray());
        Assert.Equal(NatsOutcome.NoResponders, (await AskAsync(asks, "nobody", default)).Outcome);
        Assert.Equal(NatsOutcome.TooLarge, (await AskAsync(asks, "svc.1", new byte[asks.MaxPayload + 1])).Outcome);
    }

    [Test]
    [Arguments("tcp")]
    [Arguments("in-process")]
    public async Task A_stopped_broker_reports_the_loss_and_ends_requests(string transport)
    {
        var test = await TestBroker.StartAsync();
        await using var opened = new Opened(test, transport, null);
        var (deaf, asks) = (await opened.OpenAsync(), await opened.OpenAsync());
        using var hearing = new NatsMessageQueue(deaf, "deaf");
        await opened.FlushAsync();
        var lost = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        asks.LinkChanged = isUp => lost.TrySetResult(isUp);
        var asking = AskAsync(asks, "deaf", default);
        Assert.True(await hearing.WaitToReadAsync(LineClient.Patience));

        await test.DisposeAsync();

        Assert.Equal(NatsOutcome.Disconnected, (await asking).Outcome);
        Assert.False(await lost.Task);
        Assert.False(asks.IsConnected);
        Assert.Equal(NatsOutcome.Disconnected, asks.Publish("a", default));
    }

    [Test]
    public async Task An_nkey_is_accepted_by_a_broker_of_ours()
    {
        var (known, stranger) = (KeyPair.CreatePair(PrefixByte.User), KeyPair.CreatePair(PrefixByte.User));
        await using var test = await TestBroker.StartAsync(
            new BrokerOptions { ServerName = "test", Users = [new BrokerUser { Name = known.GetPublicKey() }] });

        await using var accepted = await OpenAsync(known);
        await using var refused = await OpenAsync(stranger);

        Assert.True(accepted.IsConnected, accepted.LastFailure);
        Assert.False(refused.IsConnected);
        Assert.Contains("credentials", refused.LastFailure, StringComparison.Ordinal);

        async Task<NatsNetBus> OpenAsync(KeyPair key)
        {
            var nats = new NatsNetBus(
                new NatsNetOptions
                {
                    Url = test.Url.ToString(),
                    Credentials = new NatsCredentials { NkeySeed = key.GetSeed() }
                }, TimeProvider.System);
            await nats.StartAsync(Cancellation);
            return nats;
        }
    }

    [Test]
    [Arguments("tcp")]
    [Arguments("in-process")]
    public async Task Many_publishers_at_once_lose_nothing_and_keep_their_order(string transport)
    {
        const int Publishers = 8;
        const int Each = 5000;
        await using var test = await TestBroker.StartAsync();
        await using var opened = new Opened(test, transport, null);
        var (nats, other) = (await opened.OpenAsync(), test.Broker.OpenLocal("other"));
        using var received = new NatsMessageQueue(other, "p.*", messagesMax: Publishers * Each);

        await Task.WhenAll(Enumerable.Range(0, Publishers).Select(p => Task.Run(
            () =>
            {
                for (var i = 0; i < Each; i++)
                    Assert.Equal(NatsOutcome.Ok, nats.Publish($"p.{p}", BitConverter.GetBytes(i)));
            },
            Cancellation)));

        var next = new int[Publishers];
        for (var i = 0; i < Publishers * Each; i++)
        {
            Assert.True(await received.WaitToReadAsync(LineClient.Patience));
            Assert.True(received.TryRead(out var message));
            var publisher = message.Subject[2] - '0';
            Assert.Equal(next[publisher]++, BitConverter.ToInt32(message.Data.Span));
        }

        Assert.Equal(0, received.Dropped);
    }

    [Test]
    public async Task Disposing_ends_at_any_moment()
    {
        using var deaf = new TcpListener(IPAddress.Loopback, 0);   // takes connections and says nothing
        deaf.Start();
        var options = new NatsNetOptions { Url = $"nats://{deaf.LocalEndpoint}" };

        await using (new NatsNetBus(options, TimeProvider.System))
        {
            // Never started.
        }

        var nats = new NatsNetBus(options, TimeProvider.System);
        using var subscription = nats.Subscribe("a", null, _ => { });
        var starting = nats.StartAsync(Cancellation);
        using var accepted = await deaf.AcceptSocketAsync(Cancellation);
        await nats.DisposeAsync();
        await starting;

        Assert.Equal(NatsOutcome.Disconnected, nats.Publish("a", default));
    }

    /// <summary>What is delivered while callbacks run is delivered too, by one thread at a time.</summary>
    [Test]
    public async Task A_callback_may_publish_and_request()
    {
        await using var test = await TestBroker.StartAsync();
        var (one, other) = (test.Broker.OpenLocal("one"), test.Broker.OpenLocal("other"));
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var ping = one.Subscribe("ping", null, m => one.Publish("pong", m.Data));
        using var pong = other.Subscribe("pong", null, m =>
        {
            if (m.Data.Span[0] == 100) done.TrySetResult();
            else other.Publish("ping", new[] { (byte)(m.Data.Span[0] + 1) });
        });

        other.Publish("ping", new byte[] { 0 });

        await done.Task.WaitAsync(LineClient.Patience);
    }

    private static X509Certificate2 CertificateOf(TestCertificates files)
    {
        using var certificate = X509Certificate2.CreateFromPemFile(files.ServerFile, files.ServerKeyFile);
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    private static Task<NatsReply> AskAsync(INatsBus bus, string subject, ReadOnlyMemory<byte> data) =>
        bus.RequestAsync(subject, data, null, TimeSpan.FromMinutes(1), TimeProvider.System, Cancellation);

    /// <summary>Clients of one broker, by one way.</summary>
    private sealed class Opened(TestBroker test, string transport, TestCertificates? files) : IAsyncDisposable
    {
        private readonly List<NatsNetBus> _all = [];

        public async Task<INatsBus> OpenAsync()
        {
            if (transport == "in-process") return test.Broker.OpenLocal("test");

            var nats = new NatsNetBus(
                new NatsNetOptions
                {
                    Url = transport == "websocket"
                        ? test.Broker.WebSocketUrl!.ToString()
                        : $"nats://localhost:{test.Url.Port}",
                    CaFile = transport.StartsWith("tls", StringComparison.Ordinal) ? files!.CaFile : null,
                    TlsFirst = transport == "tls-first",
                },
                TimeProvider.System);
            _all.Add(nats);
            await nats.StartAsync(Cancellation);
            Assert.True(nats.IsConnected, nats.LastFailure);
            return nats;
        }

        public async Task FlushAsync()
        {
            foreach (var nats in _all) await nats.FlushAsync(Cancellation);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var nats in _all) await nats.DisposeAsync();
        }
    }
}
