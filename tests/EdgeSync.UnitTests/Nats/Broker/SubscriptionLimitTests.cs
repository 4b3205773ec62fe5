using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.UnitTests.Nats.Leafnodes;

namespace EdgeSync.UnitTests.Nats.Broker;

/// <summary>Subscriptions cost memory: of one connection, of one address, of all together, and of links.</summary>
public sealed class SubscriptionLimitTests
{
    private const string Refused = "-ERR 'maximum subscriptions exceeded'\r\n";
    private static readonly BrokerOptions Options = new() { ServerName = "test", SubscriptionBytesMax = 400_000 };

    [Test]
    public void One_client_gets_its_share_and_no_more()
    {
        var harness = new BrokerHarness(Options);
        var client = harness.Connect();

        var refusals = SubscribeMany(client, 1_000);

        var held = harness.Core.Subscriptions.Count;
        Assert.InRange(held, 40, 100);
        Assert.Equal(1_000 - held, refusals);
        Assert.InRange(harness.Core.SubscriptionMemory.Taken, 90_000, 100_000);
        Assert.False(client.IsClosed);
    }

    [Test]
    public void One_address_leaves_half_to_others_and_all_together_stay_within_the_bound()
    {
        var harness = new BrokerHarness(Options);
        for (var i = 0; i < 8; i++) SubscribeMany(AttachFrom(harness, "10.0.0.1"), 1_000);
        Assert.InRange(harness.Core.SubscriptionMemory.Taken, 190_000, 200_000);

        for (var i = 0; i < 8; i++) SubscribeMany(AttachFrom(harness, $"10.0.0.{i + 2}"), 1_000);
        Assert.InRange(harness.Core.SubscriptionMemory.Taken, 390_000, 400_000);

        // The node's own client must be able to work beside any crowd.
        var own = harness.Attach(ConnectionTransport.InProcess);
        own.Read();
        Assert.DoesNotContain("-ERR", own.Exchange("SUB own.> 1\r\n"), StringComparison.Ordinal);
    }

    [Test]
    public void What_is_given_up_is_free_for_others()
    {
        var harness = new BrokerHarness(Options);
        var (first, second) = (harness.Connect(), harness.Connect());
        SubscribeMany(first, 1_000);
        SubscribeMany(second, 10);

        for (var i = 0; i < 1_000; i++) first.Send($"UNSUB {i}\r\n");
        harness.Core.Detach(second.Connection, CloseReason.ClientClosed, harness.Now);

        Assert.Equal(0, harness.Core.SubscriptionMemory.Taken);
        Assert.Equal(0, harness.Core.SubscriptionMemory.TakenBy("127.0.0.1"));
        Assert.Equal("", first.Exchange("SUB a 1\r\n").Replace(Refused, "", StringComparison.Ordinal));
        Assert.Equal(1, harness.Core.Subscriptions.Count);
    }

    [Test]
    public void A_subject_of_many_tokens_costs_more_than_a_short_one()
    {
        var harness = new BrokerHarness(Options);
        var client = harness.Connect();

        Assert.Equal(Refused, client.Exchange($"SUB {string.Join('.', Enumerable.Repeat("a", 1_500))} 1\r\n"));
        Assert.Equal("", client.Exchange("SUB a 1\r\n"));
    }

    [Test]
    [Arguments("short", 1)]
    [Arguments("deep", 100)]
    [Arguments("queues", 1)]
    [Arguments("long", 1)]
    public void The_estimate_is_an_upper_bound_of_the_heap(string kind, int tokens)
    {
        var harness = new BrokerHarness(new BrokerOptions { ServerName = "test", SubscriptionBytesMax = 1 << 30 });
        harness.Core.OpenLeafnodes(new LeafnodeOptions());
        var client = harness.Connect();
        client.Send("SUB warm.up 0\r\n");
        var (heap, counted) = (GC.GetAllocatedBytesForCurrentThread(), harness.Core.SubscriptionMemory.Taken);

        for (var i = 1; i <= 2_000; i++)
        {
            var subject = kind switch
            {
                "deep" => string.Join('.', Enumerable.Repeat($"t{i}", tokens)),
                "long" => new string('x', 3_000) + i,
                _ => $"s{i}",
            };
            var line = Encoding.ASCII.GetBytes(kind == "queues" ? $"SUB one q{i} {i}\r\n" : $"SUB {subject} {i}\r\n");
            heap += line.Length + (2 * subject.Length) + 200;   // what the test itself allocates; less is on our side
            client.Send(line);
        }

        // Tables that grow leave as much garbage again as they hold.
        var taken = GC.GetAllocatedBytesForCurrentThread() - heap;
        Assert.InRange(taken, 1, 2 * (harness.Core.SubscriptionMemory.Taken - counted));
    }

    [Test]
    public void A_link_gets_its_share_and_stays()
    {
        var node = new LeafNode("hub", options: o => o with { SubscriptionBytesMax = 400_000 });
        var link = node.AcceptLeaf();
        link.Ask("""CONNECT {"version":"2.9.10","name":"leaf","cluster":"leaf","headers":true}""" + "\r\n");
        var lines = string.Concat(Enumerable.Range(0, 1_000).Select(i => $"LS+ s.{i}\r\n"));

        var said = link.Ask(lines);

        Assert.Equal(Refused, said);   // once, not for each
        Assert.Equal("PONG\r\n", link.Ask("PING\r\n"));
        Assert.InRange(node.Core.SubscriptionMemory.Taken, 90_000, 100_000);
        link.Cut();
        Assert.Equal(0, node.Core.SubscriptionMemory.Taken);
    }

    [Test]
    public void Interest_that_comes_and_goes_does_not_fill_a_link_that_is_slow_and_the_last_state_arrives()
    {
        var node = new LeafNode("ours", new LeafnodeOptions { PendingBytesMax = 3_000_000 });
        var link = node.AcceptLeaf();
        link.Ask("""CONNECT {"version":"2.9.10","name":"leaf","cluster":"leaf","headers":true}""" + "\r\n");
        var client = node.Client();
        client.Send("SUB kept.before 1\r\nSUB gone.later 2\r\n");
        link.Take();

        // The link's output is not read meanwhile.
        var subject = new string('x', 3_000);
        for (var i = 0; i < 2_000; i++)
            node.Core.Receive(
                client.Connection, node.Now, Encoding.ASCII.GetBytes($"SUB {subject}.{i} n{i}\r\nUNSUB n{i}\r\n"));
        node.Core.Receive(client.Connection, node.Now, "UNSUB 2\r\nSUB new.one 3\r\n"u8);

        Assert.False(link.Connection.IsClosed);
        Assert.InRange(link.Connection.PendingBytes, 0, 1_100_000);
        var told = ToldBy(
            Encoding.ASCII.GetString(
                node.Take(link.Connection)) + Encoding.ASCII.GetString(node.Take(link.Connection)));
        Assert.Equal(["new.one"], told.Where(t => t.Value).Select(t => t.Key));
        Assert.False(told["gone.later"]);
    }

    [Test]
    public void Cached_results_are_bounded_in_size_and_number()
    {
        var harness = new BrokerHarness(new BrokerOptions { ServerName = "test" });
        var (client, publisher) = (harness.Connect(), harness.Connect());
        for (var i = 0; i < 5_000; i++) client.Send($"SUB > {i}\r\n");

        for (var i = 0; i < 400; i++) publisher.Send($"PUB s.{i} 0\r\n\r\n");

        Assert.InRange(harness.Core.Subscriptions.RememberedAnswers, 1, 8 * 1024 * 1024 / (5_000 * 8));
    }

    private static int SubscribeMany(TestClient client, int count)
    {
        var refusals = 0;
        for (var i = 0; i < count; i++)
        {
            client.Send($"SUB s.{i}.> {i}\r\n");
            var said = client.Read();
            if (said.Length == 0) continue;

            Assert.Equal(Refused, said);
            refusals++;
        }

        return refusals;
    }

    private static TestClient AttachFrom(BrokerHarness harness, string address)
    {
        var origin = new ConnectionOrigin { Kind = ConnectionKind.Client, Address = address, Port = 1 };
        var client = new TestClient(harness, harness.Core.Attach(origin, harness.Now));
        client.Exchange("CONNECT {\"verbose\":false}\r\n");
        return client;
    }

    // The last line for each key.
    private static Dictionary<string, bool> ToldBy(string lines)
    {
        var told = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var line in lines.Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("LS", StringComparison.Ordinal)) told[line[4..]] = line[2] == '+';
        }

        return told;
    }
}
