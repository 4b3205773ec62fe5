using System.Text;
using EdgeSync.Nats.Client;
using EdgeSync.Net.Nats;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Nats;

/// <summary>Links that break, end and come back, with the distribution's nats-server at the other end.</summary>
public sealed class ClientLinkTests
{
    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task A_killed_server_comes_back_and_everything_goes_on()
    {
        using var server = StockNats.Start();
        var log = new NewsLog();
        await using var nats = Connection(server, log);
        await using var subscription = await nats.SubscribeCoreAsync("a", "workers", cancellationToken: Cancellation);
        await using var requests = await nats.SubscribeCoreAsync("ask", cancellationToken: Cancellation);
        await nats.PingAsync(Cancellation);

        server.Kill();
        await log.WaitForAsync(NatsConnectionNewsKind.Disconnected);
        for (var i = 0; i < 10; i++) await nats.PublishAsync("a", Encoding.UTF8.GetBytes($"{i}"), cancellationToken: Cancellation);
        server.Restart();
        await log.WaitForAsync(NatsConnectionNewsKind.Connected);
        await nats.PingAsync(Cancellation);

        for (var i = 0; i < 10; i++) Assert.Equal($"{i}", await NextTextAsync(subscription));
        var asking = nats.RequestAsync("ask", cancellationToken: Cancellation);
        await requests.WaitToReadAsync(Cancellation);
        Assert.True(requests.TryRead(out var request));
        await nats.ReplyAsync(request, "yes"u8.ToArray(), cancellationToken: Cancellation);
        Assert.Equal("yes", Encoding.UTF8.GetString((await asking).Data.Span));
        Assert.Equal(1, nats.Counters.Reconnects);
    }

    [Test]
    public async Task A_request_under_way_fails_when_the_server_dies_not_at_its_timeout()
    {
        using var server = StockNats.Start();
        await using var nats = Connection(server, new NewsLog());
        await using var deaf = await nats.SubscribeCoreAsync("deaf", cancellationToken: Cancellation);
        var asking = nats.RequestAsync("deaf", timeout: TimeSpan.FromMinutes(5), cancellationToken: Cancellation);
        await deaf.WaitToReadAsync(Cancellation);

        server.Kill();

        var failure = await Assert.ThrowsAsync<NatsException>(async () => await asking);
        Assert.Equal(NatsFailure.Disconnected, failure.Failure);
    }

    [Test]
    public async Task A_daemon_may_start_before_its_server()
    {
        using var server = StockNats.Start();
        server.Kill();
        var log = new NewsLog();
        await using var nats = Connection(server, log, opts => opts with { RetryOnInitialConnect = true });
        await nats.ConnectAsync(Cancellation);
        await using var subscription = await nats.SubscribeCoreAsync("a", cancellationToken: Cancellation);
        await nats.PublishAsync("a", "early"u8.ToArray(), cancellationToken: Cancellation);
        Assert.Equal(NatsConnectionState.Connecting, nats.ConnectionState);

        server.Restart();

        Assert.Equal("early", await NextTextAsync(subscription));
    }

    [Test]
    public async Task Lame_duck_is_told_and_the_other_server_taken()
    {
        using var first = StockNats.Start("lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"1s\"");
        using var second = StockNats.Start();
        var log = new NewsLog();
        await using var nats = new NatsConnection(
            new NatsOpts { Url = $"{first.Url},{second.Url}", NoRandomize = true, OnNews = log.Hear });
        await nats.ConnectAsync(Cancellation);
        Assert.Equal(first.Port, nats.Server.Port);

        first.Signal("USR2");

        await log.WaitForAsync(NatsConnectionNewsKind.LameDuck);
        await log.WaitForAsync(NatsConnectionNewsKind.Disconnected);
        await log.WaitForAsync(NatsConnectionNewsKind.Connected);
        Assert.Equal(second.Port, nats.Server.Port);
    }

    [Test]
    public async Task A_silent_server_is_given_up_and_found_again_when_it_wakes()
    {
        using var server = StockNats.Start();
        var log = new NewsLog();
        await using var nats = Connection(server, log, opts => opts with { PingInterval = TimeSpan.FromMilliseconds(100) });
        await nats.ConnectAsync(Cancellation);

        server.Signal("STOP");
        Assert.Contains("silent", (await log.WaitForAsync(NatsConnectionNewsKind.Disconnected)).Text, StringComparison.Ordinal);
        server.Signal("CONT");

        await log.WaitForAsync(NatsConnectionNewsKind.Connected);
    }

    [Test]
    public async Task The_servers_pings_are_answered()
    {
        using var server = StockNats.Start("ping_interval: \"300ms\"\nping_max: 3");
        await using var nats = Connection(server, new NewsLog());
        await using var subscription = await nats.SubscribeCoreAsync("tick", cancellationToken: Cancellation);

        // Silence is as long as it takes the server to ask several times; a ping of ours every time would hide a missing answer.
        await WaitForLogAsync(server, nats, pings: 6);

        Assert.Equal(NatsConnectionState.Open, nats.ConnectionState);
        Assert.Equal(0, nats.Counters.Reconnects);
    }

    [Test]
    public async Task Over_WebSocket_all_is_the_same()
    {
        var port = Ports.Free();
        using var server = StockNats.Start($"websocket {{ listen: \"127.0.0.1:{port}\", no_tls: true }}");
        await using var nats = new NatsConnection(new NatsOpts { Url = $"ws://127.0.0.1:{port}" });
        await using var tcp = Connection(server, new NewsLog());
        await using var subscription = await nats.SubscribeCoreAsync("w.>", cancellationToken: Cancellation);
        await nats.PingAsync(Cancellation);

        var large = new byte[300_000];
        new Random(1).NextBytes(large);
        await tcp.PublishAsync("w.large", large, cancellationToken: Cancellation);
        await subscription.WaitToReadAsync(Cancellation);
        Assert.True(subscription.TryRead(out var message));
        Assert.Equal(large, message.Data.ToArray());
        for (var i = 0; i < 500; i++) await nats.PublishAsync("w.own", Encoding.UTF8.GetBytes($"{i}"), cancellationToken: Cancellation);
        for (var i = 0; i < 500; i++) Assert.Equal($"{i}", await NextTextAsync(subscription));
    }

    private static NatsConnection Connection(StockNats server, NewsLog log, Func<NatsOpts, NatsOpts>? change = null)
    {
        var opts = new NatsOpts { Url = server.Url, OnNews = log.Hear };
        return new NatsConnection(change?.Invoke(opts) ?? opts);
    }

    private static async Task WaitForLogAsync(StockNats server, NatsConnection nats, int pings)
    {
        // The server pings a silent client every 50 ms from its second second on: so many intervals pass within this request.
        var begin = nats.Counters.InMsgs;
        await Assert.ThrowsAsync<NatsException>(async () =>
            await nats.RequestAsync("tick", timeout: TimeSpan.FromSeconds(2) + TimeSpan.FromMilliseconds(150 * pings), cancellationToken: Cancellation));
        Assert.Equal(begin + 1, nats.Counters.InMsgs);
        Assert.DoesNotContain("Stale", server.Log, StringComparison.Ordinal);
    }

    private static async Task<string> NextTextAsync(NatsSub subscription)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        Assert.True(await subscription.WaitToReadAsync(patience.Token));
        Assert.True(subscription.TryRead(out var message));
        return Encoding.UTF8.GetString(message.Data.Span);
    }
}
