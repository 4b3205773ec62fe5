using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Tests.Shared;

namespace EdgeSync.UnitTests.Nats.Broker;

/// <summary>What clients send, and what they get, as captured from nats-server 2.9.10.</summary>
public sealed class ClientProtocolTests
{
    private readonly BrokerHarness _harness = new();

    public static TheoryData<string, string> Transcripts => new()
    {
        { "SUB a 1\r\nSUB b 1\r\nPUB a 1\r\nx\r\nPUB b 1\r\ny\r\n", "MSG a 1 1\r\nx\r\n" },
        { "SUB a 1\r\nUNSUB 1 2\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nPUB a 1\r\n3\r\n", "MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\n" },
        { "SUB a 1\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nUNSUB 1 2\r\nPUB a 1\r\n3\r\n", "MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\n" },
        { "SUB a 1\r\nUNSUB 1 0\r\nPUB a 1\r\n1\r\n", "" },
        { "SUB a.b 1\r\nSUB a.* 2\r\nSUB a.> 3\r\nPUB a.* 1\r\nx\r\n", "MSG a.* 3 1\r\nx\r\nMSG a.* 2 1\r\nx\r\n" },
        { "SUB > 1\r\nSUB a 2\r\nPUB > 1\r\nx\r\n", "MSG > 1 1\r\nx\r\n" },
        { "SUB foo* 1\r\nPUB foo* 1\r\nx\r\nPUB foot 1\r\ny\r\n", "MSG foo* 1 1\r\nx\r\n" },
        { "SUB a xyz\r\nPUB a 1\r\nx\r\n", "MSG a xyz 1\r\nx\r\n" },
        { "SUB a 1\r\nSUB a q 2\r\nPUB a 1\r\nx\r\n", "MSG a 1 1\r\nx\r\nMSG a 2 1\r\nx\r\n" },
        { "SUB a q 1\r\nSUB * q 2\r\nPUB a 1\r\nx\r\nUNSUB 2\r\nPUB b 1\r\ny\r\n", null! },
        { "SUB _INBOX.x.* 9\r\nPUB nope _INBOX.x.77 0\r\n\r\n", "HMSG _INBOX.x.77 9 16 16\r\nNATS/1.0 503\r\n\r\n\r\n" },
        { "SUB _INBOX.x.* q 9\r\nPUB nope _INBOX.x.77 0\r\n\r\n", "" },
        { "PUB nope _INBOX.x.77 0\r\n\r\n", "" },
        { "SUB a 1\r\nHPUB a 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n", "HMSG a 1 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n" },
        { "SUB a 1\r\nHPUB a 6 11\r\nA: b\r\nhello\r\n", "HMSG a 1 6 11\r\nA: b\r\nhello\r\n" },
        { "SUB a 1\r\nPUB a re.ply 2\r\nhi\r\n", "MSG a 1 re.ply 2\r\nhi\r\n" },
        { "sub\ta \t 1\npub  a\tre.ply  2\nhi\r\n", "MSG a 1 re.ply 2\r\nhi\r\n" },
        { "SUB > 1\r\nPUB a..b 0\r\n\r\nPUB .a 0\r\n\r\n", "" },
        { "SUB a..b 1\r\nSUB a. 1\r\nSUB a.>.b 1\r\n", "-ERR 'Invalid Subject'\r\n-ERR 'Invalid Subject'\r\n-ERR 'Invalid Subject'\r\n" },
        { "PING anything\nPING\r\n", "PONG\r\nPONG\r\n" },
        { "+OK\r\nPONG\r\nINFO {}\r\nPING\r\n", "PONG\r\n" },
        { "UNSUB nope\r\nPING\r\n", "PONG\r\n" },
        { "PUB $GNR.x 0\r\n\r\n", "-ERR 'Permissions Violation for Publish to \"$GNR.x\"'\r\n" },
        { "PUB a $JS.ACK.x 0\r\n\r\n", "-ERR 'Permissions Violation for Publish with Reply of \"$JS.ACK.x\"'\r\n" },
        { "SUB a _sys_ 1\r\n", "-ERR 'Permissions Violation for Subscription to \"a\" using queue \"_sys_\"'\r\n" },
    };

    [Theory]
    [MemberData(nameof(Transcripts))]
    public void Answers_the_same_however_the_bytes_are_cut(string sent, string? expected)
    {
        var bytes = Encoding.UTF8.GetBytes(sent);
        foreach (var split in Splits.Of(bytes))
        {
            var client = new BrokerHarness().Connect();
            foreach (var part in split) client.Send(part.Span);

            var answer = client.Read();
            Assert.Equal(expected ?? answer, answer);
            Assert.False(client.IsClosed);
        }
    }

    [Theory]
    [InlineData("FOO\r\n", "-ERR 'Unknown Protocol Operation'\r\n", CloseReason.ParseError)]
    [InlineData("PUB a 1\r\nxy\r\n", "-ERR 'Unknown Protocol Operation'\r\n", CloseReason.ParseError)]
    [InlineData("PUB a 1048577\r\n", "-ERR 'Maximum Payload Violation'\r\n", CloseReason.MaxPayloadExceeded)]
    [InlineData("PUB a 1234567890\r\n", "", CloseReason.ParseError)]
    [InlineData("PUB a -1\r\n", "", CloseReason.ParseError)]
    [InlineData("PUB a\r\n", "", CloseReason.ParseError)]
    [InlineData("PUB a b c d\r\n", "", CloseReason.ParseError)]
    [InlineData("HPUB a 5 4\r\n", "", CloseReason.ParseError)]
    [InlineData("SUB a\r\n", "", CloseReason.ParseError)]
    [InlineData("CONNECT {\r\n", "", CloseReason.ParseError)]
    [InlineData("CONNECT {\"protocol\":2}\r\n", "-ERR 'invalid client protocol'\r\n", CloseReason.BadClientProtocolVersion)]
    [InlineData("CONNECT {\"no_responders\":true,\"headers\":false}\r\n", "-ERR 'no responders requires headers support'\r\n", CloseReason.ProtocolViolation)]
    [InlineData("-ERR 'x'\r\n", "", CloseReason.ClientClosed)]
    public void Closes(string sent, string expected, CloseReason reason)
    {
        var client = _harness.Connect();

        Assert.Equal(expected, client.Exchange(sent));
        Assert.Equal(reason, client.Connection.CloseReason);
    }

    [Fact]
    public void A_control_line_may_have_4096_bytes_of_arguments()
    {
        var client = _harness.Connect();

        Assert.Equal("", client.Exchange($"SUB {new string('a', 4094)} 1\r\n"));
        Assert.Equal("-ERR 'maximum control line exceeded'\r\n", client.Exchange($"SUB {new string('a', 4095)} 1\r\n"));
        Assert.Equal(CloseReason.MaxControlLineExceeded, client.Connection.CloseReason);
    }

    [Fact]
    public void A_payload_may_have_the_maximum_and_arrives_whole()
    {
        var client = _harness.Connect();
        var payload = new string('p', 1024 * 1024);

        Assert.Equal($"MSG a 1 {payload.Length}\r\n{payload}\r\n", client.Exchange($"SUB a 1\r\nPUB a {payload.Length}\r\n{payload}\r\n"));
    }

    [Fact]
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

    [Fact]
    public void Without_CONNECT_everything_works_and_is_verbose()
    {
        var client = _harness.Attach();
        client.Read();

        Assert.Equal(
            "+OK\r\n+OK\r\nMSG a 1 1\r\nx\r\n+OK\r\nPONG\r\n-ERR 'Invalid Publish Subject'\r\n+OK\r\n",
            client.Exchange("SUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1\r\nPING\r\nPUB * 0\r\n\r\n"));
        Assert.Equal("+OK\r\n", client.Exchange("CONNECT {}\r\n"));
    }

    [Fact]
    public void Headers_are_cut_off_for_who_does_not_know_them_and_refused_from_him()
    {
        var (old, modern) = (_harness.Connect("\"headers\":false"), _harness.Connect());
        old.Send("SUB a 1\r\n");

        modern.Send("HPUB a r 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n");

        Assert.Equal("MSG a 1 r 5\r\nhello\r\n", old.Read());
        old.Send("HPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n");
        Assert.Equal(CloseReason.ParseError, old.Connection.CloseReason);
    }

    [Fact]
    public void Without_echo_the_own_messages_stay_away_and_are_no_delivery()
    {
        var client = _harness.Connect("\"echo\":false,\"headers\":true,\"no_responders\":true");
        var other = _harness.Connect();
        other.Send("SUB a 7\r\n");

        Assert.Equal("", client.Exchange("SUB a 1\r\nSUB r.* 2\r\nPUB a 1\r\nx\r\n"));
        Assert.Equal("MSG a 7 1\r\nx\r\n", other.Exchange(""));
        Assert.Equal("HMSG r.1 2 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", client.Exchange("SUB svc 3\r\nPUB svc r.1 0\r\n\r\n"));
    }

    [Fact]
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

    [Fact]
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

    [Fact]
    public void A_client_that_goes_leaves_nothing_behind()
    {
        var (one, other) = (_harness.Connect(), _harness.Connect());
        one.Send("SUB a 1\r\nSUB a.> q 2\r\nSUB *.b 3\r\n");

        _harness.Core.Detach(one.Connection, CloseReason.ClientClosed, _harness.Now);

        Assert.Equal(1, _harness.Core.ClientCount);
        Assert.True(_harness.Core.Subscriptions.IsEmpty);
        Assert.Equal("HMSG r 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", other.Exchange("SUB r 1\r\nPUB a r 0\r\n\r\n"));
    }

    [Fact]
    public void Only_so_many_subscriptions_are_taken()
    {
        var client = new BrokerHarness(new BrokerOptions { ServerName = "test", SubscriptionsMax = 2 }).Connect();

        Assert.Equal("-ERR 'maximum subscriptions exceeded'\r\nPONG\r\n", client.Exchange("SUB a 1\r\nSUB a 2\r\nSUB a 2\r\nSUB a 3\r\nPING\r\n"));
    }

    [Fact]
    public void Only_so_many_connections_are_taken_and_the_last_one_is_told()
    {
        var harness = new BrokerHarness(new BrokerOptions { ServerName = "test", ConnectionsMax = 1 });
        harness.Connect();

        var second = harness.Attach();

        Assert.Matches("^INFO .*\r\n-ERR 'maximum connections exceeded'\r\n$", second.Read());
        Assert.Equal(CloseReason.MaxConnectionsExceeded, second.Connection.CloseReason);
        Assert.Equal(1, harness.Core.ClientCount);
    }
}
