using System.Text;
using EdgeSync.Nats.Client;
using EdgeSync.Nats.Wire;
using EdgeSync.Net.Nats;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Nats;

/// <summary>Our client against the distribution's nats-server.</summary>
public sealed class ClientTests : IDisposable
{
    private readonly StockNats _server = StockNats.Start();

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    public void Dispose() => _server.Dispose();

    [Test]
    public async Task Publishes_and_receives_in_order()
    {
        await using var nats = Connection();
        await using var subscription = await nats.SubscribeCoreAsync("foo.*", cancellationToken: Cancellation);

        for (var i = 0; i < 1000; i++)
            await nats.PublishAsync("foo.bar", Encoding.UTF8.GetBytes($"message {i}"), cancellationToken: Cancellation);

        for (var i = 0; i < 1000; i++)
        {
            var message = await Next(subscription);
            Assert.Equal("foo.bar", message.Subject);
            Assert.Equal($"message {i}", Encoding.UTF8.GetString(message.Data.Span));
        }
    }

    [Test]
    public async Task Headers_and_reply_subjects_arrive_as_sent()
    {
        await using var nats = Connection();
        await using var subscription = await nats.SubscribeCoreAsync("h", cancellationToken: Cancellation);
        var headers = new NatsHeaders { { "Key", "one" }, { "key", "Grüße" }, { "Key", "two" } };

        await nats.PublishAsync("h", "body"u8.ToArray(), headers, "re.ply", Cancellation);

        var message = await Next(subscription);
        Assert.Equal("re.ply", message.ReplyTo);
        Assert.Equal(["one", "two"], message.Headers!.GetValues("Key"));
        Assert.Equal("Grüße", message.Headers["key"]);
        Assert.Equal("body", Encoding.UTF8.GetString(message.Data.Span));
    }

    [Test]
    public async Task Requests_are_answered_by_their_own_reply()
    {
        await using var server = Connection();
        await using var client = Connection();
        await using var subscription = await server.SubscribeCoreAsync("echo", cancellationToken: Cancellation);
        await server.PingAsync(Cancellation);
        var answering = AnswerAsync(server, subscription);

        var replies = await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
            (i, await client.RequestAsync("echo", Encoding.UTF8.GetBytes($"{i}"), cancellationToken: Cancellation))));

        Assert.All(replies, reply => Assert.Equal($"re {reply.i}", Encoding.UTF8.GetString(reply.Item2.Data.Span)));
        subscription.Unsubscribe();
        await answering;
    }

    [Test]
    public async Task A_request_that_nobody_hears_fails_at_once()
    {
        await using var nats = Connection();

        var failure = await Assert.ThrowsAsync<NatsException>(
            async () => await nats.RequestAsync("nobody", timeout: TimeSpan.FromSeconds(60), cancellationToken: Cancellation));

        Assert.Equal(NatsFailure.NoResponders, failure.Failure);
    }

    [Test]
    public async Task A_request_without_an_answer_times_out()
    {
        await using var nats = Connection();
        await using var deaf = await nats.SubscribeCoreAsync("deaf", cancellationToken: Cancellation);

        var failure = await Assert.ThrowsAsync<NatsException>(
            async () => await nats.RequestAsync("deaf", timeout: TimeSpan.FromMilliseconds(50), cancellationToken: Cancellation));

        Assert.Equal(NatsFailure.Timeout, failure.Failure);
    }

    [Test]
    public async Task One_member_of_a_queue_group_gets_each_message()
    {
        await using var nats = Connection();
        var members = new List<NatsSub>();
        for (var i = 0; i < 3; i++) members.Add(await nats.SubscribeCoreAsync("work", "workers", cancellationToken: Cancellation));

        for (var i = 0; i < 300; i++) await nats.PublishAsync("work", cancellationToken: Cancellation);
        await nats.PingAsync(Cancellation);

        Assert.Equal(300, members.Sum(member => member.Pending));
        Assert.All(members, member => Assert.InRange(member.Pending, 1, 299));
    }

    [Test]
    public async Task Own_messages_do_not_come_back_without_echo()
    {
        await using var silent = Connection(opts => opts with { Echo = false });
        await using var other = Connection();
        await using var subscription = await silent.SubscribeCoreAsync("x", cancellationToken: Cancellation);
        await silent.PingAsync(Cancellation);

        await silent.PublishAsync("x", "own"u8.ToArray(), cancellationToken: Cancellation);
        await silent.PingAsync(Cancellation);
        await other.PublishAsync("x", "other"u8.ToArray(), cancellationToken: Cancellation);

        Assert.Equal("other", Encoding.UTF8.GetString((await Next(subscription)).Data.Span));
    }

    [Test]
    public async Task A_subscription_for_so_many_messages_ends_after_them()
    {
        await using var nats = Connection();
        await using var subscription = await nats.SubscribeCoreAsync("few", max: 2, cancellationToken: Cancellation);

        for (var i = 0; i < 3; i++) await nats.PublishAsync("few", cancellationToken: Cancellation);
        await nats.PingAsync(Cancellation);

        await Next(subscription);
        await Next(subscription);
        Assert.False(await subscription.WaitToReadAsync(Cancellation));
    }

    [Test]
    public async Task A_message_of_exactly_max_payload_passes_and_one_byte_more_is_refused_here()
    {
        await using var nats = Connection();
        await using var subscription = await nats.SubscribeCoreAsync("big", cancellationToken: Cancellation);
        await nats.PingAsync(Cancellation);

        await nats.PublishAsync("big", new byte[nats.MaxPayload], cancellationToken: Cancellation);
        var refused = await Assert.ThrowsAsync<NatsException>(
            async () => await nats.PublishAsync("big", new byte[nats.MaxPayload + 1], cancellationToken: Cancellation));

        Assert.Equal(NatsFailure.TooLarge, refused.Failure);
        Assert.Equal(1 << 20, (await Next(subscription)).Data.Length);
    }

    [Test]
    public async Task Draining_delivers_what_is_under_way()
    {
        await using var publisher = Connection();
        var nats = Connection();
        var subscription = await nats.SubscribeCoreAsync("last", cancellationToken: Cancellation);
        await nats.PingAsync(Cancellation);
        for (var i = 0; i < 5000; i++) await publisher.PublishAsync("last", cancellationToken: Cancellation);
        await publisher.PingAsync(Cancellation);

        var draining = nats.DrainAsync(Cancellation).AsTask();
        var count = 0;
        await foreach (var _ in subscription.ReadAllAsync(Cancellation)) count++;
        await draining;

        Assert.Equal(5000, count);
        Assert.Equal(NatsConnectionState.Closed, nats.ConnectionState);
    }

    [Test]
    public async Task A_slow_reader_loses_the_newest_and_holds_nobody_up()
    {
        var news = new List<NatsConnectionNews>();
        await using var nats = Connection(opts => opts with { SubPendingMessagesMax = 10, OnNews = item => { lock (news) news.Add(item); } });
        await using var slow = await nats.SubscribeCoreAsync("s", cancellationToken: Cancellation);

        for (var i = 0; i < 25; i++) await nats.PublishAsync("s", Encoding.UTF8.GetBytes($"{i}"), cancellationToken: Cancellation);
        await nats.PingAsync(Cancellation);

        Assert.Equal(15, slow.Dropped);
        Assert.Equal(15, nats.Dropped);
        Assert.True(slow.TryRead(out var first));
        Assert.Equal("0", Encoding.UTF8.GetString(first.Data.Span));
        await nats.DisposeAsync();   // all news are told by then
        Assert.Single(news, item => item.Kind == NatsConnectionNewsKind.MessageDropped);
    }

    [Test]
    public async Task A_refused_connection_says_where_and_why()
    {
        await using var nats = new NatsConnection(new NatsOpts { Url = $"nats://me:secret@127.0.0.1:{Ports.Free()}" });

        var failure = await Assert.ThrowsAsync<NatsException>(async () => await nats.ConnectAsync(Cancellation));

        Assert.Equal(NatsFailure.NotConnected, failure.Failure);
        Assert.Contains("127.0.0.1", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("")]
    [Arguments("a b")]
    [Arguments("a..b")]
    [Arguments("a.*")]
    [Arguments("a\r\nPUB x 0")]
    public async Task Refuses_to_publish_to_what_is_no_subject(string subject)
    {
        await using var nats = Connection();

        var failure = await Assert.ThrowsAsync<EdgeSyncException>(async () => await nats.PublishAsync(subject, cancellationToken: Cancellation));

        Assert.Equal(ErrorKind.Usage, failure.Kind);
    }

    private NatsConnection Connection(Func<NatsOpts, NatsOpts>? change = null)
    {
        var opts = new NatsOpts { Url = _server.Url };
        return new NatsConnection(change?.Invoke(opts) ?? opts);
    }

    private static async Task AnswerAsync(NatsConnection nats, NatsSub subscription)
    {
        await foreach (var message in subscription.ReadAllAsync(Cancellation))
            await nats.ReplyAsync(message, Encoding.UTF8.GetBytes($"re {Encoding.UTF8.GetString(message.Data.Span)}"), cancellationToken: Cancellation);
    }

    private static async Task<NatsMsg> Next(NatsSub subscription)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(10));
        Assert.True(await subscription.WaitToReadAsync(patience.Token));
        Assert.True(subscription.TryRead(out var message));
        return message;
    }
}
