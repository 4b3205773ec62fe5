using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Net.Nats;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Net.Nats;

public sealed class NatsBrokerTests
{
    [Test]
    public async Task Many_slow_logins_do_not_delay_connected_clients()
    {
        const string Hash = "$2b$08$BFZgAc7ZA8pUJxclud0FWeQz.VezimdE0KBqxsILaLuShdR1uMP5y";   // s3cr3t
        await using var test = await TestBroker.StartAsync(new BrokerOptions
        {
            ServerName = "test",
            AuthenticationTimeout = TimeSpan.FromMinutes(1),
            Users = [
                new BrokerUser { Name = "bob", Password = Hash }, new BrokerUser { Name = "root", Password = "toor" }],
        });
        var root = await LineClient.ConnectAsync(test.Url);
        await root.OpenAsync("\"user\":\"root\",\"pass\":\"toor\"");
        var storm = new List<LineClient>();
        for (var i = 0; i < 30; i++)
        {
            storm.Add(await LineClient.ConnectAsync(test.Url));
            var password = i == 0 ? "s3cr3t" : "guess";
            await storm[i].SendAsync(
                $"CONNECT {{\"verbose\":false,\"user\":\"bob\",\"pass\":\"{password}\"}}\r\nPING\r\n");
        }

        for (var i = 0; i < 100; i++)
        {
            await root.SendAsync("PING\r\n");
            Assert.Equal("PONG", await root.ReadLineAsync());
        }

        await storm[0].ReadLineAsync();
        Assert.Equal("PONG", await storm[0].ReadLineAsync());
        foreach (var one in storm.Skip(1))
            Assert.EndsWith("-ERR 'Authorization Violation'\r\n", await one.ReadToEndAsync(), StringComparison.Ordinal);
        foreach (var one in storm.Append(root)) await one.DisposeAsync();
    }

    [Test]
    public async Task Carries_messages_between_clients_over_TCP()
    {
        await using var test = await TestBroker.StartAsync();
        await using var subscriber = await LineClient.OpenAsync(test.Url);
        await using var publisher = await LineClient.OpenAsync(test.Url);
        await subscriber.SendAsync("SUB greetings.* 1\r\nPING\r\n");
        Assert.Equal("PONG", await subscriber.ReadLineAsync());

        await publisher.SendAsync("PUB greetings.all 5\r\nhello\r\n");

        Assert.Equal("MSG greetings.all 1 5", await subscriber.ReadLineAsync());
        Assert.Equal("hello", await subscriber.ReadLineAsync());
        Assert.Equal(2, test.Broker.ClientCount);
    }

    [Test]
    public async Task A_payload_of_the_maximum_passes_and_one_byte_more_closes()
    {
        await using var test = await TestBroker.StartAsync();
        await using var client = await LineClient.OpenAsync(test.Url);
        var payload = new string('x', 1024 * 1024);

        await client.SendAsync($"SUB a 1\r\nPUB a {payload.Length}\r\n{payload}\r\n");
        Assert.Equal($"MSG a 1 {payload.Length}", await client.ReadLineAsync());
        Assert.Equal(payload, await client.ReadLineAsync());
        await client.SendAsync($"PUB a {payload.Length + 1}\r\n{payload[..100_000]}");

        Assert.Equal("-ERR 'Maximum Payload Violation'\r\n", await client.ReadToEndAsync());
    }

    [Test]
    public async Task A_client_in_this_process_needs_no_socket_and_no_password()
    {
        await using var test = await TestBroker.StartAsync(
            new BrokerOptions { ServerName = "test", Token = "t" }, o => o with { ClientListen = null });
        var (one, other) = (test.Broker.OpenLocal("one"), test.Broker.OpenLocal("other"));
        using var received = new NatsMessageQueue(one, "a");

        Assert.Equal(NatsOutcome.Ok, other.Publish("a", "hi"u8.ToArray()));

        Assert.True(await received.WaitToReadAsync(LineClient.Patience));
        Assert.True(received.TryRead(out var message));
        Assert.Equal("hi", Encoding.UTF8.GetString(message.Data.Span));
        Assert.Equal(2, test.Broker.ClientCount);
    }

    [Test]
    public async Task A_client_that_never_reads_is_closed_and_the_others_go_on()
    {
        await using var test = await TestBroker.StartAsync(
            new BrokerOptions { ServerName = "test", PendingBytesMax = 4 * 1024 * 1024 });
        await using var stuck = await LineClient.OpenAsync(test.Url);
        await using var quick = await LineClient.OpenAsync(test.Url);
        await using var publisher = await LineClient.OpenAsync(test.Url);
        await stuck.SendAsync("SUB flood 1\r\nPING\r\n");
        Assert.Equal("PONG", await stuck.ReadLineAsync());
        await quick.SendAsync("SUB flood 1\r\n");

        var payload = new string('x', 32 * 1024);
        for (var i = 0; i < 1000; i++)
        {
            await publisher.SendAsync($"PUB flood {payload.Length}\r\n{payload}\r\n");
            Assert.Equal($"MSG flood 1 {payload.Length}", await quick.ReadLineAsync());
            Assert.Equal(payload, await quick.ReadLineAsync());
        }

        await TestBroker.UntilAsync(() => test.Closed.Count == 1, "the slow one is closed");
        Assert.Equal([CloseReason.SlowConsumerPendingBytes], test.Closed);
    }

    [Test]
    public async Task A_reading_subscriber_receives_everything_from_a_fast_publisher()
    {
        await using var test = await TestBroker.StartAsync(
            new BrokerOptions { ServerName = "test", PendingBytesMax = 2 * 1024 * 1024 });
        await using var subscriber = await LineClient.OpenAsync(test.Url);
        await using var publisher = await LineClient.OpenAsync(test.Url);
        await subscriber.SendAsync("SUB flood 1\r\nPING\r\n");
        Assert.Equal("PONG", await subscriber.ReadLineAsync());
        var batch = Encoding.ASCII.GetBytes(
            string.Concat(Enumerable.Repeat($"PUB flood 1000\r\n{new string('x', 1000)}\r\n", 1000)));

        var publishing = Task.Run(
            async () =>
            {
                for (var i = 0; i < 60; i++) await publisher.SendAsync(batch);
            },
            TestContext.Current!.Execution.CancellationToken);

        var expected = 60_000L * ("MSG flood 1 1000\r\n".Length + 1002);
        // The broker's first PING may come between them.
        Assert.InRange(await subscriber.ReadBytesAsync(expected), expected, expected + "PING\r\n".Length);
        await publishing;
    }

    [Test]
    public async Task Stopping_sends_written_output_and_closes_every_connection()
    {
        var test = await TestBroker.StartAsync();
        await using var client = await LineClient.OpenAsync(test.Url);
        await client.SendAsync("SUB a 1\r\nPUB a 1\r\nx\r\nPING\r\n");
        Assert.Equal("MSG a 1 1", await client.ReadLineAsync());

        await test.DisposeAsync();

        Assert.Equal("x\r\nPONG\r\n", await client.ReadToEndAsync());
        Assert.Equal([CloseReason.ServerShutdown], test.Closed);
        await Assert.ThrowsAnyAsync<Exception>(() => LineClient.ConnectAsync(test.Url));
    }

    [Test]
    public async Task Lame_duck_mode_accepts_no_new_connection()
    {
        await using var test = await TestBroker.StartAsync(
            new BrokerOptions
            {
                ServerName = "test",
                LameDuckGrace = TimeSpan.FromMilliseconds(50),
                LameDuckDuration = TimeSpan.FromMilliseconds(100)
            });
        await using var client = await LineClient.ConnectAsync(test.Url);
        await client.OpenAsync("\"protocol\":1");

        await test.Broker.EnterLameDuckAsync();

        Assert.Contains("\"ldm\":true", await client.ReadLineAsync(), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => LineClient.ConnectAsync(test.Url));
        Assert.Null(await client.TryReadLineAsync());
        await test.Broker.WaitUntilDrainedAsync(TestContext.Current!.Execution.CancellationToken);
    }

    [Test]
    public async Task Two_brokers_do_not_share_a_port()
    {
        await using var first = await TestBroker.StartAsync();

        var e = await Assert.ThrowsAsync<EdgeSyncException>(
            () => TestBroker.StartAsync(
                change: o => o with { ClientListen = new IPEndPoint(IPAddress.Loopback, first.Url.Port) }));

        Assert.Equal(ErrorKind.System, e.Kind);
        Assert.Contains("another program listens there", e.Hint, StringComparison.Ordinal);
    }

    [Test]
    public async Task Many_short_connections_leave_nothing_behind()
    {
        await using var test = await TestBroker.StartAsync();

        for (var round = 0; round < 5; round++)
        {
            var clients = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => LineClient.OpenAsync(test.Url)));
            foreach (var client in clients) await client.SendAsync("SUB > 1\r\nPUB a 100\r\nhalf");
            foreach (var client in clients) await client.DisposeAsync();
        }

        await TestBroker.UntilAsync(() => test.Broker.ClientCount == 0 && test.Closed.Count == 250, "all are gone");
    }

    [Test]
    public async Task What_is_sent_after_a_fault_is_cut_after_a_megabyte()
    {
        await using var test = await TestBroker.StartAsync();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, test.Url.Port, LineClient.Patience);
        await socket.SendAsync("NONSENSE\r\n"u8.ToArray());

        // What the buffers of both sockets hold comes on top.
        var sent = 0L;
        var piece = new byte[64 * 1024];
        try
        {
            while (sent < 128 << 20) sent += await socket.SendAsync(piece, LineClient.Patience);
        }
        catch (SocketException)
        {
            // Cut.
        }

        Assert.InRange(sent, 0, 32 << 20);
    }

    [Test]
    public async Task An_address_has_a_share_of_the_connections_and_others_have_the_rest()
    {
        await using var test = await TestBroker.StartAsync(
            new BrokerOptions { ServerName = "test", ConnectionsMax = 20 });
        var crowd = new List<Socket>();
        try
        {
            for (var i = 0; i < 30; i++)
                crowd.Add(await OpenFromAsync("127.0.0.2", i < 5 ? "CONNECT {}\r\nSUB a 1\r\n" : ""));

            await using var other = await LineClient.OpenAsync(test.Url);
            await other.SendAsync("PING\r\n");
            Assert.Equal("PONG", await other.ReadLineAsync());
            await TestBroker.UntilAsync(() => test.Broker.ClientCount <= 11, "only a share of them is left");
        }
        finally
        {
            foreach (var one in crowd) one.Dispose();
        }

        async Task<Socket> OpenFromAsync(string address, string says)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            await socket.ConnectAsync(IPAddress.Loopback, test.Url.Port, LineClient.Patience);
            await socket.SendAsync(Encoding.ASCII.GetBytes(says));
            return socket;
        }
    }

    [Test]
    public async Task Every_address_means_IPv4_too()
    {
        Skip.Unless(Socket.OSSupportsIPv6, "this kernel has no IPv6");
        await using var test = await TestBroker.StartAsync(
            change: o => o with { ClientListen = new IPEndPoint(IPAddress.IPv6Any, 0) });

        await using var client = await LineClient.OpenAsync(new Uri($"nats://127.0.0.1:{test.Url.Port}"));
        await client.SendAsync("PING\r\n");

        Assert.Equal("PONG", await client.ReadLineAsync());
    }
}
