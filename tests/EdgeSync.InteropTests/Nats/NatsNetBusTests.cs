using System.Text;
using EdgeSync.Nats;
using EdgeSync.Nats.Wire;
using EdgeSync.Net.Nats;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Nats;

/// <summary>The port over NATS.Net, against the distribution's nats-server: messages, and links that break.</summary>
public sealed class NatsNetBusTests
{
    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    [Test]
    public async Task Messages_arrive_in_order_with_headers_and_reply()
    {
        using var server = StockNats.Start();
        await using var one = await OpenAsync(server);
        await using var other = await OpenAsync(server);
        using var received = new NatsMessageQueue(other, "foo.*");
        await other.FlushAsync(Cancellation);

        one.Publish(
            "foo.h", "body"u8.ToArray(), new NatsHeaders { { "Key", "one" }, { "other", "Grüße" }, { "Key", "two" } },
            "re.ply");
        for (var i = 0; i < 1000; i++) one.Publish("foo.bar", Encoding.UTF8.GetBytes($"message {i}"));

        var first = await NextAsync(received);
        Assert.Equal(("foo.h", "re.ply", "body"), (first.Subject, first.ReplyTo, TextOf(first)));
        Assert.Equal(["one", "two"], first.Headers!.GetValues("Key"));
        Assert.Equal("Grüße", first.Headers["other"]);
        for (var i = 0; i < 1000; i++) Assert.Equal($"message {i}", TextOf(await NextAsync(received)));
    }

    [Test]
    public async Task Requests_are_answered_by_their_own_reply()
    {
        using var server = StockNats.Start();
        await using var answers = await OpenAsync(server);
        await using var asks = await OpenAsync(server);
        using var echo = answers.Subscribe(
            "echo", "g", m => answers.Publish(m.ReplyTo!, Encoding.UTF8.GetBytes($"re {TextOf(m)}")));
        await answers.FlushAsync(Cancellation);

        var replies = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => AskAsync(asks, "echo", $"{i}")));

        for (var i = 0; i < 100; i++) Assert.Equal($"re {i}", TextOf(replies[i].Message));
    }

    [Test]
    public async Task A_request_returns_why_there_is_no_reply()
    {
        using var server = StockNats.Start();
        await using var deaf = await OpenAsync(server);
        await using var nats = await OpenAsync(server);
        using var hearing = deaf.Subscribe("deaf", null, _ => { });
        await deaf.FlushAsync(Cancellation);

        Assert.Equal(NatsOutcome.NoResponders, (await AskAsync(nats, "nobody", "")).Outcome);
        var late = await nats.RequestAsync(
            "deaf", default, null, TimeSpan.FromMilliseconds(50), TimeProvider.System, Cancellation);
        Assert.Equal(NatsOutcome.TimedOut, late.Outcome);
        Assert.Equal(
            NatsOutcome.TooLarge, (await AskAsync(nats, "deaf", new string('x', nats.MaxPayload + 1))).Outcome);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var asking = nats.RequestAsync(
            "deaf", default, null, TimeSpan.FromMinutes(1), TimeProvider.System, patience.Token);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
    }

    [Test]
    public async Task Own_messages_do_not_come_back()
    {
        using var server = StockNats.Start();
        await using var silent = await OpenAsync(server);
        await using var other = await OpenAsync(server);
        using var received = new NatsMessageQueue(silent, "x");
        await silent.FlushAsync(Cancellation);

        silent.Publish("x", "own"u8.ToArray());
        await silent.FlushAsync(Cancellation);
        other.Publish("x", "other"u8.ToArray());

        Assert.Equal("other", TextOf(await NextAsync(received)));
    }

    [Test]
    public async Task A_message_of_exactly_max_payload_passes_and_one_byte_more_is_refused_here()
    {
        using var server = StockNats.Start();
        await using var nats = await OpenAsync(server);
        await using var other = await OpenAsync(server);
        using var received = new NatsMessageQueue(other, "big");
        await other.FlushAsync(Cancellation);

        Assert.Equal(NatsOutcome.TooLarge, nats.Publish("big", new byte[nats.MaxPayload + 1]));
        Assert.Equal(NatsOutcome.Ok, nats.Publish("big", new byte[nats.MaxPayload]));

        Assert.Equal(1 << 20, (await NextAsync(received)).Data.Length);
    }

    [Test]
    public async Task A_slow_reader_loses_the_newest_and_the_connection_goes_on()
    {
        using var server = StockNats.Start();
        await using var nats = await OpenAsync(server);
        await using var other = await OpenAsync(server);
        var fills = 0;
        using var slow = new NatsMessageQueue(nats, "s", null, () => Interlocked.Increment(ref fills), messagesMax: 10);
        using var quick = new NatsMessageQueue(nats, "end");
        await nats.FlushAsync(Cancellation);

        for (var i = 0; i < 25; i++) other.Publish("s", Encoding.UTF8.GetBytes($"{i}"));
        await UntilAsync(() => slow.Dropped == 15, () => $"{slow.Dropped} were dropped");
        other.Publish("end", default);

        await NextAsync(quick);
        Assert.Equal(1, fills);
        Assert.Equal("0", TextOf(await NextAsync(slow)));
    }

    [Test]
    [Arguments("")]
    [Arguments("a b")]
    [Arguments("a..b")]
    [Arguments("a.*")]
    [Arguments("a\r\nPUB x 0")]
    public async Task An_invalid_subject_is_rejected(string subject)
    {
        using var server = StockNats.Start();
        await using var nats = await OpenAsync(server);

        Assert.Equal(NatsOutcome.Refused, nats.Publish(subject, default));
        Assert.Equal(NatsOutcome.Refused, nats.TryRequest(subject, default, null, _ => { }, out _));
    }

    [Test]
    public async Task A_killed_server_comes_back_and_everything_goes_on()
    {
        using var server = StockNats.Start();
        var log = new EventLog();
        var links = new List<bool>();
        await using var nats = await OpenAsync(server, log);
        nats.LinkChanged = isUp => { lock (links) links.Add(isUp); };
        using var received = new NatsMessageQueue(nats, "a", "workers");
        await nats.FlushAsync(Cancellation);

        server.Kill();
        await log.WaitForAsync(NatsNetEventKind.Disconnected);
        Assert.Equal(NatsOutcome.Disconnected, nats.Publish("a", default));
        server.Restart();
        await log.WaitForAsync(NatsNetEventKind.Connected);

        await using var other = await OpenAsync(server);
        await nats.FlushAsync(Cancellation);
        other.Publish("a", "again"u8.ToArray());
        Assert.Equal("again", TextOf(await NextAsync(received)));
        Assert.Equal(NatsOutcome.NoResponders, (await AskAsync(nats, "nobody", "")).Outcome);
        lock (links) Assert.Equal([false, true], links);
    }

    [Test]
    public async Task A_request_under_way_fails_when_the_server_dies_not_at_its_timeout()
    {
        using var server = StockNats.Start();
        await using var nats = await OpenAsync(server);
        await using var other = await OpenAsync(server);
        using var deaf = new NatsMessageQueue(other, "deaf");
        await other.FlushAsync(Cancellation);
        var asking = AskAsync(nats, "deaf", "");
        await NextAsync(deaf);

        server.Kill();

        Assert.Equal(NatsOutcome.Disconnected, (await asking).Outcome);
    }

    [Test]
    public async Task A_daemon_may_start_before_its_server()
    {
        using var server = StockNats.Start();
        server.Kill();
        var log = new EventLog();
        await using var nats = await OpenAsync(server, log);
        using var received = new NatsMessageQueue(nats, "a");
        Assert.False(nats.IsConnected);
        Assert.Contains(
            "refused", (await log.WaitForAsync(NatsNetEventKind.ConnectFailed)).Text, StringComparison.Ordinal);

        server.Restart();

        await log.WaitForAsync(NatsNetEventKind.Connected);
        await using var other = await OpenAsync(server);
        await nats.FlushAsync(Cancellation);
        other.Publish("a", "late"u8.ToArray());
        Assert.Equal("late", TextOf(await NextAsync(received)));
    }

    [Test]
    public async Task Lame_duck_mode_is_reported_and_another_server_used()
    {
        using var first = StockNats.Start("lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"1s\"");
        using var second = StockNats.Start();
        var log = new EventLog();
        await using var nats = await OpenAsync($"{first.Url},{second.Url}", log);
        var duck = nats.Server.EndsWith($":{first.Port}", StringComparison.Ordinal) ? first : second;
        if (duck == second)
        {
            // The client library draws the first server; then the first one is down and tells nothing: only the change
            // is seen.
            duck.Kill();
        }
        else
        {
            duck.Signal(Signals.User2);
            Assert.Contains(
                "about to stop", (await log.WaitForAsync(NatsNetEventKind.Notice)).Text, StringComparison.Ordinal);
        }

        await log.WaitForAsync(NatsNetEventKind.Disconnected);
        await log.WaitForAsync(NatsNetEventKind.Connected);
        Assert.EndsWith($":{(duck == first ? second : first).Port}", nats.Server, StringComparison.Ordinal);
    }

    [Test]
    public async Task A_silent_server_is_given_up_and_found_again_when_it_wakes()
    {
        using var server = StockNats.Start();
        var log = new EventLog();
        await using var nats = await OpenAsync(
            server, log,
            o => o with { PingInterval = TimeSpan.FromMilliseconds(100), ConnectTimeout = TimeSpan.FromSeconds(1) });

        server.Signal(Signals.Stop);
        await log.WaitForAsync(NatsNetEventKind.Disconnected);
        server.Signal(Signals.Continue);

        await log.WaitForAsync(NatsNetEventKind.Connected);
    }

    [Test]
    public async Task Over_WebSocket_all_is_the_same()
    {
        var port = Ports.Free();
        using var server = StockNats.Start($"websocket {{ listen: \"127.0.0.1:{port}\", no_tls: true }}");
        await using var nats = await OpenAsync($"ws://127.0.0.1:{port}", new EventLog());
        await using var tcp = await OpenAsync(server);
        using var received = new NatsMessageQueue(nats, "w.>");
        await nats.FlushAsync(Cancellation);

        var large = new byte[300_000];
        new Random(1).NextBytes(large);
        tcp.Publish("w.large", large);
        for (var i = 0; i < 500; i++) tcp.Publish("w.small", Encoding.UTF8.GetBytes($"{i}"));

        Assert.Equal(large, (await NextAsync(received)).Data.ToArray());
        for (var i = 0; i < 500; i++) Assert.Equal($"{i}", TextOf(await NextAsync(received)));
    }

    [Test]
    public async Task A_rejected_connection_reports_server_and_reason()
    {
        var log = new EventLog();
        var port = Ports.Free();
        await using var nats = await OpenAsync($"nats://me:secret@127.0.0.1:{port}", log);

        var failure = await log.WaitForAsync(NatsNetEventKind.ConnectFailed);

        Assert.Equal($"127.0.0.1:{port}", failure.Server);
        Assert.Contains("refused", failure.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
    }

    private static Task<NatsNetBus> OpenAsync(
        StockNats server, EventLog? log = null, Func<NatsNetOptions, NatsNetOptions>? change = null) =>
        OpenAsync(server.Url, log ?? new EventLog(), change);

    private static async Task<NatsNetBus> OpenAsync(
        string url, EventLog log, Func<NatsNetOptions, NatsNetOptions>? change = null)
    {
        var options = new NatsNetOptions { Url = url, Happened = log.Hear };
        var nats = new NatsNetBus(change?.Invoke(options) ?? options, TimeProvider.System);
        await nats.StartAsync(Cancellation);
        return nats;
    }

    private static Task<NatsReply> AskAsync(INatsBus nats, string subject, string text) =>
        nats.RequestAsync(
            subject, Encoding.UTF8.GetBytes(text), null, TimeSpan.FromMinutes(5), TimeProvider.System, Cancellation);

    private static string TextOf(NatsMessage message) => Encoding.UTF8.GetString(message.Data.Span);

    private static Task UntilAsync(Func<bool> condition, Func<string> what) =>
        Patience.UntilAsync(condition, TimeSpan.FromSeconds(20), what);

    private static async Task<NatsMessage> NextAsync(NatsMessageQueue queue)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        Assert.True(await queue.WaitToReadAsync(patience.Token));
        Assert.True(queue.TryRead(out var message));
        return message;
    }
}
