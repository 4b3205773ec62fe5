using System.Text;
using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Broker;

public class LocalClientTests
{
    private readonly List<string> _heard = [];

    [Test]
    public void Messages_go_both_ways_with_headers_and_reply()
    {
        var harness = new BrokerHarness();
        var (local, remote) = (harness.Core.AttachLocal("node", harness.Now), harness.Connect());
        local.Subscribe(harness.Now, "a.*", null, Hear);

        remote.Send("SUB b 1\r\nHPUB a.x back 22 24\r\nNATS/1.0\r\nKey: val\r\n\r\nhi\r\n");
        Run(local);
        var outcome = local.Publish(harness.Now, "b", "ho"u8.ToArray(), new NatsHeaders { { "K", "v" } }, "there");

        Assert.Equal(["a.x back Key=val hi"], _heard);
        Assert.Equal(NatsOutcome.Ok, outcome);
        Assert.Equal("HMSG b 1 there 18 20\r\nNATS/1.0\r\nK: v\r\n\r\nho\r\n", remote.Read());
    }

    /// <summary>So that failed logins of an exchange are counted where they came from.</summary>
    [Test]
    public void A_message_carries_the_address_of_its_connection()
    {
        var harness = new BrokerHarness();
        var local = harness.Core.AttachLocal("node", harness.Now);
        var remote = harness.Connect();
        local.Subscribe(harness.Now, "a", null, m => _heard.Add($"{m.Subject} {m.Origin}"));

        remote.Send("PUB a 0\r\n\r\n");
        Run(local);

        Assert.Equal([$"a {remote.Connection.Origin.Group}"], _heard);
        Assert.NotEqual("", remote.Connection.Origin.Group);
    }

    [Test]
    public void Its_own_messages_do_not_come_back()
    {
        var harness = new BrokerHarness();
        var (one, other) = (
            harness.Core.AttachLocal("one", harness.Now), harness.Core.AttachLocal("other", harness.Now));
        one.Subscribe(harness.Now, ">", null, m => _heard.Add("one"));
        other.Subscribe(harness.Now, ">", null, m => _heard.Add("other"));

        one.Publish(harness.Now, "a", default);
        Run(one);
        Run(other);

        Assert.Equal(["other"], _heard);
    }

    [Test]
    public void One_of_a_queue_group_gets_it_and_the_sender_is_passed_over()
    {
        var harness = new BrokerHarness();
        var (one, other) = (
            harness.Core.AttachLocal("one", harness.Now), harness.Core.AttachLocal("other", harness.Now));
        var remote = harness.Connect();
        one.Subscribe(harness.Now, "a", "g", m => _heard.Add("one"));
        other.Subscribe(harness.Now, "a", "g", m => _heard.Add("other"));

        for (var i = 0; i < 40; i++) remote.Send("PUB a 0\r\n\r\n");
        Run(one);
        Run(other);
        Assert.Equal(40, _heard.Count);
        Assert.Equal(2, _heard.Distinct().Count());

        _heard.Clear();
        for (var i = 0; i < 10; i++) one.Publish(harness.Now, "a", default);
        Run(one);
        Run(other);
        Assert.Equal(Enumerable.Repeat("other", 10), _heard);
    }

    [Test]
    public void A_request_gets_its_first_reply_and_no_other()
    {
        var harness = new BrokerHarness();
        var (local, remote) = (harness.Core.AttachLocal("node", harness.Now), harness.Connect());
        remote.Send("SUB ask 1\r\n");
        var replies = new List<NatsReply>();

        Assert.Equal(NatsOutcome.Ok, local.TryRequest(harness.Now, "ask", "?"u8.ToArray(), null, replies.Add, out _));
        var reply = remote.Read().Split(' ')[3];
        remote.Send($"PUB {reply} 3\r\nyes\r\nPUB {reply} 2\r\nno\r\nPUB {reply}9 2\r\nno\r\n");
        Run(local);

        Assert.Equal("yes", Encoding.UTF8.GetString(Assert.Single(replies).Message.Data.Span));
        Assert.Equal(0, local.RequestCount);
    }

    [Test]
    public void A_request_without_subscribers_fails_at_once()
    {
        var harness = new BrokerHarness();
        var local = harness.Core.AttachLocal("node", harness.Now);
        local.Subscribe(harness.Now, "ask", null, Hear);   // its own does not count
        var replies = new List<NatsReply>();

        local.TryRequest(harness.Now, "ask", default, null, replies.Add, out _);
        Assert.Empty(replies);   // told by the queue, not within the call
        Run(local);

        Assert.Equal(NatsOutcome.NoResponders, Assert.Single(replies).Outcome);
        Assert.Equal(0, local.RequestCount);
    }

    [Test]
    public void A_503_of_another_server_means_no_responders()
    {
        var harness = new BrokerHarness();
        var (local, remote) = (harness.Core.AttachLocal("node", harness.Now), harness.Connect());
        remote.Send("SUB ask 1\r\n");
        var replies = new List<NatsReply>();

        local.TryRequest(harness.Now, "ask", default, null, replies.Add, out _);
        remote.Send($"HPUB {remote.Read().Split(' ')[3]} 16 16\r\nNATS/1.0 503\r\n\r\n\r\n");
        Run(local);

        Assert.Equal(NatsOutcome.NoResponders, Assert.Single(replies).Outcome);
    }

    [Test]
    public void A_reply_that_is_not_waited_for_is_dropped()
    {
        var harness = new BrokerHarness();
        var (local, remote) = (harness.Core.AttachLocal("node", harness.Now), harness.Connect());
        remote.Send("SUB ask 1\r\n");
        var replies = new List<NatsReply>();

        local.TryRequest(harness.Now, "ask", default, null, replies.Add, out var request);
        local.Forget(request);
        remote.Send($"PUB {remote.Read().Split(' ')[3]} 3\r\nyes\r\n");
        Run(local);

        Assert.Empty(replies);
    }

    [Test]
    public void An_ended_subscription_gets_nothing_and_holds_nothing()
    {
        var harness = new BrokerHarness();
        var (local, remote) = (harness.Core.AttachLocal("node", harness.Now), harness.Connect());
        var before = harness.Core.SubscriptionMemory.Taken;
        var subscription = local.Subscribe(harness.Now, "a", null, Hear);
        Assert.True(harness.Core.SubscriptionMemory.Taken > before);

        local.Unsubscribe(harness.Now, subscription);
        local.Unsubscribe(harness.Now, subscription);
        remote.Send("PUB a 0\r\n\r\n");
        Run(local);

        Assert.Empty(_heard);
        Assert.Equal(before, harness.Core.SubscriptionMemory.Taken);
        Assert.Equal(0, harness.Core.CurrentTotals.Subscriptions);
    }

    [Test]
    public void The_payload_limit_applies_to_local_clients()
    {
        var harness = new BrokerHarness(new BrokerOptions { ServerName = "test", PayloadBytesMax = 100 });
        var (local, remote) = (harness.Core.AttachLocal("node", harness.Now), harness.Connect());
        remote.Send("SUB a 1\r\n");

        Assert.Equal(NatsOutcome.TooLarge, local.Publish(harness.Now, "a", new byte[101]));
        Assert.Equal(
            NatsOutcome.TooLarge, local.Publish(harness.Now, "a", new byte[90], new NatsHeaders { { "K", "v" } }));
        Assert.Equal("", remote.Read());
        Assert.Equal(NatsOutcome.Ok, local.Publish(harness.Now, "a", new byte[100]));
        Assert.StartsWith("MSG a 1 100\r\n", remote.Read(), StringComparison.Ordinal);
    }

    [Test]
    [Arguments("a..b")]
    [Arguments("a.>")]
    [Arguments("a b")]
    [Arguments("")]
    [Arguments("a\r\nPING")]
    [Arguments("_GR_.a.b")]
    public void An_invalid_publish_subject_is_rejected(string subject)
    {
        var harness = new BrokerHarness();
        var local = harness.Core.AttachLocal("node", harness.Now);

        Assert.Equal(NatsOutcome.Refused, local.Publish(harness.Now, subject, default));
        Assert.Throws<EdgeSyncException>(() => local.Subscribe(harness.Now, "a..b", null, Hear));
    }

    [Test]
    public void It_needs_no_login_and_a_change_of_users_leaves_it()
    {
        var options = new BrokerOptions { ServerName = "test", Token = "t" };
        var harness = new BrokerHarness(options);
        var local = harness.Core.AttachLocal("node", harness.Now);

        harness.Core.Reconfigure(options with { Token = "other" }, harness.Now);

        Assert.False(local.IsClosed);
        Assert.Equal(1, harness.Core.ClientCount);
    }

    [Test]
    public void With_the_broker_its_requests_end()
    {
        var harness = new BrokerHarness();
        var (local, remote) = (harness.Core.AttachLocal("node", harness.Now), harness.Connect());
        remote.Send("SUB ask 1\r\n");
        var replies = new List<NatsReply>();
        local.TryRequest(harness.Now, "ask", default, null, replies.Add, out _);

        harness.Core.Shutdown(harness.Now);
        Run(local);

        Assert.Equal(NatsOutcome.Disconnected, Assert.Single(replies).Outcome);
        Assert.Equal(NatsOutcome.Disconnected, local.Publish(harness.Now, "ask", default));
        Assert.Equal(NatsOutcome.Disconnected, local.TryRequest(harness.Now, "ask", default, null, replies.Add, out _));
    }

    [Test]
    public void It_is_touched_when_there_is_something_to_take()
    {
        var harness = new BrokerHarness();
        var (local, remote) = (harness.Core.AttachLocal("node", harness.Now), harness.Connect());
        local.Subscribe(harness.Now, "a", null, Hear);
        harness.Flush();

        remote.Send("PUB a 0\r\n\r\n");

        var touched = new List<BrokerConnection>();
        while (harness.Core.TryTakeTouched(out var connection)) touched.Add(connection);
        Assert.Contains(local, touched);
    }

    [Test]
    public void Whatever_others_send_it_stays_whole() => Property.Check(prng =>
    {
        var harness = new BrokerHarness(seed: prng.NextUInt64());
        var (local, remote) = (harness.Core.AttachLocal("node", harness.Now), harness.Connect());
        var (sent, got) = (new List<int>(), new List<int>());
        local.Subscribe(harness.Now, "a", null, m => got.Add(m.Data.Length));
        var subscriptions = new List<long>();
        for (var i = 0; i < 60; i++)
        {
            switch (prng.NextInt32(4))
            {
                case 0:
                    subscriptions.Add(
                        local.Subscribe(
                            harness.Now, prng.Pick<string>(["a", "a.*", ">", "b"]), prng.Chance(0.5) ? "g" : null,
                            _ => { }));
                    break;
                case 1 when subscriptions.Count > 0:
                    local.Unsubscribe(harness.Now, prng.Pick<long>([.. subscriptions]));
                    break;
                case 2:
                    var size = prng.NextInt32(3000);
                    sent.Add(size);
                    remote.Send(Encoding.ASCII.GetBytes($"PUB a {size}\r\n{new string('x', size)}\r\n"));
                    break;
                default:
                    local.Publish(harness.Now, "a", prng.NextBytes(prng.NextInt32(100)));
                    break;
            }

            if (prng.Chance(0.3)) Run(local);
        }

        Run(local);
        Assert.Equal(sent, got);
    });

    private void Hear(NatsMessage message) => _heard.Add(
        $"{message.Subject} {message.ReplyTo} "
            + $"{string.Join(',', (message.Headers ?? []).Select(h => $"{h.Key}={h.Value}"))} "
                + $"{Encoding.UTF8.GetString(message.Data.Span)}");

    private static void Run(LocalClient client)
    {
        while (client.TryTake(out var effect)) effect.Run();
    }
}
