using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Broker;

/// <summary>What clients send, and what they get, as captured from nats-server 2.9.10.</summary>
public sealed class ClientProtocolTests
{
    private readonly BrokerHarness _harness = new();

    public static TheoryData<string, string> Transcripts() => NatsTranscripts.Staying();

    public static TheoryData<string, string, CloseReason> Ends()
    {
        var ends = new TheoryData<string, string, CloseReason>();
        foreach (var (sent, received, reason) in NatsTranscripts.Closing)
            ends.Add(sent, received, Enum.Parse<CloseReason>(reason));
        return ends;
    }

    [Test]
    [MethodDataSource(nameof(Transcripts))]
    public void Answers_the_same_however_the_bytes_are_cut(string sent, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(sent);
        foreach (var split in Splits.Of(bytes))
        {
            var client = new BrokerHarness().Connect();
            foreach (var part in split) client.Send(part.Span);

            var answer = client.Read();
            Assert.Equal(expected, answer);
            Assert.False(client.IsClosed);
        }
    }

    [Test]
    [MethodDataSource(nameof(Ends))]
    public void Closes(string sent, string expected, CloseReason reason)
    {
        var client = _harness.Connect();

        Assert.Equal(expected, client.Exchange(sent));
        Assert.Equal(reason, client.Connection.CloseReason);
    }

    [Test]
    public void A_control_line_may_have_4096_bytes_of_arguments()
    {
        var client = _harness.Connect();

        Assert.Equal("", client.Exchange($"SUB {new string('a', 4094)} 1\r\n"));
        Assert.Equal("-ERR 'maximum control line exceeded'\r\n", client.Exchange($"SUB {new string('a', 4095)} 1\r\n"));
        Assert.Equal(CloseReason.MaxControlLineExceeded, client.Connection.CloseReason);
    }

    [Test]
    public void A_payload_may_have_the_maximum_and_arrives_whole()
    {
        var client = _harness.Connect();
        var payload = new string('p', 1024 * 1024);

        Assert.Equal(
            $"MSG a 1 {payload.Length}\r\n{payload}\r\n",
            client.Exchange($"SUB a 1\r\nPUB a {payload.Length}\r\n{payload}\r\n"));
    }

    [Test]
    public void INFO_comes_first_and_tells_what_clients_need()
    {
        var client = _harness.Attach();

        var info = client.Read();

        Assert.StartsWith("INFO {\"server_id\":\"N", info, StringComparison.Ordinal);
        Assert.EndsWith("} \r\n", info, StringComparison.Ordinal);
        Assert.Contains("\"server_name\":\"test\"", info, StringComparison.Ordinal);
        Assert.Contains("\"headers\":true", info, StringComparison.Ordinal);
        Assert.Contains("\"max_payload\":1048576", info, StringComparison.Ordinal);
        Assert.Contains("\"client_id\":1", info, StringComparison.Ordinal);
        Assert.DoesNotContain("auth_required", info, StringComparison.Ordinal);
        Assert.DoesNotContain("nonce", info, StringComparison.Ordinal);
    }

    [Test]
    public void Without_CONNECT_everything_works_and_is_verbose()
    {
        var client = _harness.Attach();
        client.Read();

        Assert.Equal(
            "+OK\r\n+OK\r\nMSG a 1 1\r\nx\r\n+OK\r\nPONG\r\n-ERR 'Invalid Publish Subject'\r\n+OK\r\n",
            client.Exchange("SUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1\r\nPING\r\nPUB * 0\r\n\r\n"));
        Assert.Equal("+OK\r\n", client.Exchange("CONNECT {}\r\n"));
    }

    [Test]
    public void Clients_without_headers_get_none_and_may_send_none()
    {
        var (old, modern) = (_harness.Connect("\"headers\":false"), _harness.Connect());
        old.Send("SUB a 1\r\n");

        modern.Send("HPUB a r 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n");

        Assert.Equal("MSG a 1 r 5\r\nhello\r\n", old.Read());
        old.Send("HPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n");
        Assert.Equal(CloseReason.ParseError, old.Connection.CloseReason);
    }

    [Test]
    public void Without_echo_own_messages_are_not_delivered()
    {
        var client = _harness.Connect("\"echo\":false,\"headers\":true,\"no_responders\":true");
        var other = _harness.Connect();
        other.Send("SUB a 7\r\n");

        Assert.Equal("", client.Exchange("SUB a 1\r\nSUB r.* 2\r\nPUB a 1\r\nx\r\n"));
        Assert.Equal("MSG a 7 1\r\nx\r\n", other.Exchange(""));
        Assert.Equal(
            "HMSG r.1 2 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", client.Exchange("SUB svc 3\r\nPUB svc r.1 0\r\n\r\n"));
    }

    [Test]
    public void A_queue_group_gets_each_message_once_and_its_members_share()
    {
        var members = Enumerable.Range(0, 4).Select(_ => _harness.Connect()).ToList();
        foreach (var member in members) member.Send("SUB work.* q 1\r\n");
        var publisher = _harness.Connect();

        for (var i = 0; i < 1000; i++) publisher.Send("PUB work.a 1\r\nx\r\n");

        var counts = members.ConvertAll(m => m.Read().Split("MSG").Length - 1);
        Assert.Equal(1000, counts.Sum());
        Assert.All(counts, count => Assert.InRange(count, 150, 350));
    }

    [Test]
    public void A_queue_member_that_cannot_take_a_message_is_passed_over()
    {
        var deaf = _harness.Connect("\"echo\":false");
        var other = _harness.Connect();
        deaf.Send("SUB a q 1\r\n");
        other.Send("SUB a q 1\r\n");

        for (var i = 0; i < 20; i++) deaf.Send("PUB a 1\r\nx\r\n");

        Assert.Equal(20, other.Read().Split("MSG").Length - 1);
        Assert.Equal("", deaf.Read());
    }

    [Test]
    public void A_client_that_goes_leaves_nothing_behind()
    {
        var (one, other) = (_harness.Connect(), _harness.Connect());
        one.Send("SUB a 1\r\nSUB a.> q 2\r\nSUB *.b 3\r\n");

        _harness.Core.Detach(one.Connection, CloseReason.ClientClosed, _harness.Now);

        Assert.Equal(1, _harness.Core.ClientCount);
        Assert.True(_harness.Core.Subscriptions.IsEmpty);
        Assert.Equal("HMSG r 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", other.Exchange("SUB r 1\r\nPUB a r 0\r\n\r\n"));
    }

    [Test]
    public void Only_so_many_subscriptions_are_taken()
    {
        var client = new BrokerHarness(new BrokerOptions { ServerName = "test", SubscriptionsMax = 2 }).Connect();

        Assert.Equal(
            "-ERR 'maximum subscriptions exceeded'\r\nPONG\r\n",
            client.Exchange("SUB a 1\r\nSUB a 2\r\nSUB a 2\r\nSUB a 3\r\nPING\r\n"));
    }

    [Test]
    public void The_connection_limit_rejects_with_an_error()
    {
        var harness = new BrokerHarness(new BrokerOptions { ServerName = "test", ConnectionsMax = 1 });
        harness.Connect();

        var second = harness.Attach();

        Assert.Matches("^INFO .*\r\n-ERR 'maximum connections exceeded'\r\n$", second.Read());
        Assert.Equal(CloseReason.MaxConnectionsExceeded, second.Connection.CloseReason);
        Assert.Equal(1, harness.Core.ClientCount);
    }
}
