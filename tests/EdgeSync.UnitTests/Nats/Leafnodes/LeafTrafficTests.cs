using System.Text;
using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.UnitTests.Nats.Leafnodes;

/// <summary>The captured lines between two real servers of 2.9.10, each side taken by us in turn.</summary>
public sealed class LeafTrafficTests
{
    private readonly LeafNode _node = new("ours");
    private readonly ScriptedPeer _peer;
    private readonly ScriptedPeer _client;

    public LeafTrafficTests()
    {
        _peer = _node.AcceptLeaf();
        _peer.Ask("""CONNECT {"version":"2.9.10","name":"leaf","cluster":"leaf","headers":true}""" + "\r\nLS+ $LDS.8Xpkf8RI1qzEcsNwjxSgGw\r\n");
        _client = _node.Client();
    }

    [Test]
    public void One_LS_line_for_all_clients_of_a_subject()
    {
        var second = _node.Client();

        Assert.Equal("LS+ foo\r\n", TellPeer("SUB foo 1\r\n"));
        second.Send("SUB foo 1\r\n");
        Assert.Equal("", _peer.Take());
        Assert.Equal("", TellPeer("UNSUB 1\r\n"));
        second.Cut();
        Assert.Equal("LS- foo\r\n", _peer.Take());
    }

    [Test]
    public void Messages_cross_as_captured()
    {
        _peer.Send("LS+ foo\r\nLS+ bar.*\r\n");

        Assert.Equal("LMSG foo 5\r\nhello\r\n", TellPeer("PUB foo 5\r\nhello\r\n"));
        Assert.Equal("LMSG bar.x re.ply 2\r\nhi\r\n", TellPeer("PUB bar.x re.ply 2\r\nhi\r\n"));
        Assert.Equal(
            "HMSG foo 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n",
            TellPeer("HPUB foo 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n"));
        Assert.Equal(
            "HMSG foo rr 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n",
            TellPeer("HPUB foo rr 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n"));
    }

    [Test]
    public void Messages_arrive_as_captured()
    {
        _client.Send("SUB foo 1\r\nSUB bar.* 2\r\n");

        Assert.Equal("MSG foo 1 5\r\nhello\r\n", TellClient("LMSG foo 5\r\nhello\r\n"));
        Assert.Equal("MSG bar.x 2 re.ply 2\r\nhi\r\n", TellClient("LMSG bar.x re.ply 2\r\nhi\r\n"));
        Assert.Equal(
            "HMSG foo 1 rr 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n",
            TellClient("HMSG foo rr 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n"));
    }

    // Every client can subscribe to a peer's subject, and read there where the reply is expected.
    [Test]
    public void A_request_to_a_linked_peer_takes_its_reply_from_the_link_alone()
    {
        var local = _node.Core.AttachLocal("node", _node.Now);
        var replies = new List<NatsReply>();
        _peer.Send("LS+ ask.leaf\r\n");
        _client.Send("SUB ask.leaf 1\r\n");

        local.TryRequest(_node.Now, "ask.leaf", default, null, replies.Add, out _, replier: "leaf");
        var inbox = _client.Take().Split(' ')[3];
        _client.Send($"PUB {inbox} 2\r\nno\r\n");
        Assert.Equal(1, local.RequestCount);
        _peer.Send($"LMSG {inbox} 3\r\nyes\r\n");
        while (local.TryTake(out var effect)) effect.Run();

        Assert.Equal("yes", Encoding.UTF8.GetString(Assert.Single(replies).Message.Data.Span));
    }

    // Without a link of that name its reply can come from anywhere.
    [Test]
    public void A_request_to_a_peer_without_a_link_takes_any_reply()
    {
        var local = _node.Core.AttachLocal("node", _node.Now);
        var replies = new List<NatsReply>();
        _client.Send("SUB ask.far 1\r\n");

        local.TryRequest(_node.Now, "ask.far", default, null, replies.Add, out _, replier: "far");
        _client.Send($"PUB {_client.Take().Split(' ')[3]} 3\r\nyes\r\n");
        while (local.TryTake(out var effect)) effect.Run();

        Assert.Single(replies);
    }

    [Test]
    public void Queue_members_are_counted()
    {
        Assert.Equal("LS+ q.x workers 1\r\n", TellPeer("SUB q.x workers 1\r\n"));
        Assert.Equal("LS+ q.x workers 2\r\n", TellPeer("SUB q.x workers 2\r\n"));
        Assert.Equal("LS+ q.x other 1\r\n", TellPeer("SUB q.x other 3\r\n"));
        Assert.Equal("LS+ q.x workers 1\r\n", TellPeer("UNSUB 1\r\n"));
        Assert.Equal("LS- q.x workers\r\n", TellPeer("UNSUB 2\r\n"));
    }

    [Test]
    public void All_queues_of_a_message_are_named_in_one_line()
    {
        _peer.Send("LS+ q.x workers 2\r\nLS+ q.x other 1\r\n");

        Assert.Equal("LMSG q.x | workers other 3\r\nabc\r\n", TellPeer("PUB q.x 3\r\nabc\r\n"));
        Assert.Equal("LMSG q.x + r.1 workers other 3\r\nabc\r\n", TellPeer("PUB q.x r.1 3\r\nabc\r\n"));
        Assert.Equal(
            "HMSG q.x + r.1 workers other 18 21\r\nNATS/1.0\r\nA: b\r\n\r\nabc\r\n",
            TellPeer("HPUB q.x r.1 18 21\r\nNATS/1.0\r\nA: b\r\n\r\nabc\r\n"));
    }

    [Test]
    public void Only_named_queues_get_a_message_from_a_link()
    {
        _client.Send("SUB q.x workers 1\r\nSUB q.x other 2\r\nSUB q.x 3\r\n");

        Assert.Equal("MSG q.x 3 3\r\nabc\r\n", TellClient("LMSG q.x 3\r\nabc\r\n"));
        Assert.Equal(
            "MSG q.x 3 r.1 3\r\nabc\r\nMSG q.x 2 r.1 3\r\nabc\r\n",
            TellClient("LMSG q.x + r.1 other nobody 3\r\nabc\r\n"));
    }

    [Test]
    public void A_message_crosses_once_for_overlapping_interest_and_never_goes_back()
    {
        _peer.Send("LS+ foo.*\r\nLS+ foo.>\r\nLS+ foo.bar\r\nLS+ foo.bar q 1\r\n");

        Assert.Equal("LMSG foo.bar | q 1\r\nx\r\n", TellPeer("PUB foo.bar 1\r\nx\r\n"));
        Assert.Equal("", _peer.Ask("LMSG foo.bar 1\r\nx\r\n"));
    }

    [Test]
    public void Interest_in_an_inbox_goes_before_the_request_that_needs_it()
    {
        _peer.Send("LS+ svc\r\n");

        Assert.Equal(
            "LS+ _INBOX.abc.*\r\nLMSG svc _INBOX.abc.1 4\r\nping\r\n",
            TellPeer("SUB _INBOX.abc.* 7\r\nPUB svc _INBOX.abc.1 4\r\nping\r\n"));
        Assert.Equal("MSG _INBOX.abc.1 7 4\r\npong\r\n", TellClient("LMSG _INBOX.abc.1 4\r\npong\r\n"));
    }

    [Test]
    public void After_the_last_interest_is_gone_a_request_gets_503()
    {
        _client.Send("SUB _INBOX.a.* 9\r\n");
        _peer.Send("LS+ svc\r\n");
        Assert.Equal("", TellClient("LS+ other\r\n"));
        _client.Send("PUB svc _INBOX.a.1 0\r\n\r\n");
        Assert.Equal("", _client.Take());
        _peer.Send("LS- svc\r\n");
        _client.Send("PUB svc _INBOX.a.2 0\r\n\r\n");

        Assert.StartsWith("HMSG _INBOX.a.2 9 16 16\r\nNATS/1.0 503\r\n", _client.Take(), StringComparison.Ordinal);
    }

    [Test]
    public void A_second_interest_in_the_same_subject_changes_nothing()
    {
        var other = _node.AcceptLeaf();
        other.Ask("""CONNECT {"name":"b","cluster":"b"}""" + "\r\n");

        _peer.Send("LS+ foo\r\nLS+ foo\r\n");
        Assert.Equal("LS+ foo\r\n", other.Take());
        _peer.Send("LS- foo\r\nLS- foo\r\n");
        Assert.Equal("LS- foo\r\n", other.Take());
    }

    [Test]
    public void A_lost_link_takes_its_interest_along()
    {
        var other = _node.AcceptLeaf();
        other.Ask("""CONNECT {"name":"b","cluster":"b"}""" + "\r\n");
        _node.Advance(TimeSpan.FromSeconds(0.3));
        _peer.Send("LS+ bar.*\r\nLS+ svc q 2\r\nLS+ _INBOX.hh.*\r\n");
        other.Take();

        _peer.Cut();

        Assert.Equal(
            ["LS- $LDS.8Xpkf8RI1qzEcsNwjxSgGw", "LS- _INBOX.hh.*", "LS- bar.*", "LS- svc q"],
            other.Take().Split("\r\n")[..^1].Order(StringComparer.Ordinal));
        Assert.Equal(0, _node.Core.Subscriptions.Count);
        Assert.Equal(0, _node.Links.Interest.Count);
    }

    [Test]
    public void Jetstream_acknowledgements_are_taken_apart_for_clients_and_passed_on_whole()
    {
        var other = _node.AcceptLeaf();
        other.Ask("""CONNECT {"name":"b","cluster":"b"}""" + "\r\nLS+ _INBOX.z.*\r\n");
        _client.Send("SUB _INBOX.z.* 1\r\n");

        _peer.Send("LMSG _INBOX.z.5 $JS.ACK.S.C.1.1.1.1795310794478154086.0@s.x 5\r\nhello\r\n");

        Assert.Equal("MSG s.x 1 $JS.ACK.S.C.1.1.1.1795310794478154086.0 5\r\nhello\r\n", _client.Take());
        Assert.EndsWith(
            "LMSG _INBOX.z.5 $JS.ACK.S.C.1.1.1.1795310794478154086.0@s.x 5\r\nhello\r\n", other.Take(),
            StringComparison.Ordinal);
    }

    [Test]
    public void Ping_is_answered_also_behind_lines_with_odd_blanks_and_line_ends()
    {
        Assert.Equal("PONG\r\n", _peer.Ask("ping\r\n"));
        _peer.Send("ls+  foo.baz\n");
        Assert.Equal("LMSG foo.baz 1\r\nx\r\n", TellPeer("PUB foo.baz 1\r\nx\r\n"));
    }

    [Test]
    [Arguments("LS+ foo bar\r\n")]
    [Arguments("LMSG foo x y 3\r\nabc\r\n")]
    [Arguments("MSG foo 3\r\nabc\r\n")]
    [Arguments("LMSG foo 3\r\nabcde\r\n")]
    [Arguments("LMSG foo -3\r\nabc\r\n")]
    [Arguments("HMSG foo 20 3\r\nabc\r\n")]
    public void Nonsense_ends_the_link(string line)
    {
        _peer.Send(line);

        Assert.True(_peer.IsClosed);
        Assert.Equal(0, _node.Core.LeafCount);
    }

    [Test]
    [Arguments("LS+ foo..bar\r\n")]
    [Arguments("LS+ foo.>.bar\r\n")]
    public void Interest_in_no_subject_is_answered_and_the_link_stays(string line)
    {
        Assert.Equal("-ERR 'Invalid Subscription'\r\n", _peer.Ask(line));
        Assert.False(_peer.IsClosed);
    }

    [Test]
    public void A_message_over_max_payload_closes_the_link_before_its_payload()
    {
        Assert.Equal("-ERR 'Maximum Payload Violation'\r\n", _peer.Ask("LMSG foo 1048577\r\n"));
        Assert.True(_peer.IsClosed);
    }

    [Test]
    public void The_own_loop_mark_ends_the_link_and_names_both_ends()
    {
        var mark = System.Text.Encoding.ASCII.GetString(_node.Links.LoopMark);

        Assert.Equal(
            "-ERR 'Loop detected for leafnode account=\"$G\" between \"ours\" and \"leaf\". Delaying attempt to "
                + "reconnect for 30s'\r\n",
            _peer.Ask($"LS+ {mark}\r\n"));
        Assert.Equal(CloseReason.LeafnodeLoop, _peer.Connection.CloseReason);
    }

    [Test]
    public void An_old_link_gives_the_young_one_of_a_circle_time_to_end()
    {
        var mark = System.Text.Encoding.ASCII.GetString(_node.Links.LoopMark);
        _node.Advance(TimeSpan.FromSeconds(10));
        _peer.Send($"PONG\r\nLS+ {mark}\r\nLS- {mark}\r\n");
        _node.Advance(TimeSpan.FromSeconds(2));
        Assert.False(_peer.IsClosed);

        _peer.Send($"LS+ {mark}\r\n");
        Assert.False(_peer.IsClosed);
        _node.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(CloseReason.LeafnodeLoop, _peer.Connection.CloseReason);
    }

    [Test]
    public void A_peer_without_headers_gets_the_body_alone()
    {
        var plain = _node.AcceptLeaf();
        plain.Ask("""CONNECT {"name":"plain"}""" + "\r\nLS+ foo\r\n");

        _client.Send("HPUB foo 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n");

        Assert.Equal("LMSG foo 5\r\nhello\r\n", plain.Take());
    }

    [Test]
    public void A_silent_link_is_pinged_and_closed_and_any_byte_resets_it()
    {
        _node.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Equal("PING\r\n", _peer.Take());
        var interval = _node.Links.Options.PingInterval;
        for (var i = 0; i < 5; i++)
        {
            _peer.Send("LS+ alive." + i + "\r\n");
            _node.Advance(interval);
            Assert.Equal("PING\r\n", _peer.Take());
        }

        _node.Advance(interval);
        _node.Advance(interval);

        Assert.EndsWith("-ERR 'Stale Connection'\r\n", _peer.Take(), StringComparison.Ordinal);
        Assert.Equal(CloseReason.StaleConnection, _peer.Connection.CloseReason);
    }

    [Test]
    public void A_link_that_does_not_read_is_closed_without_delaying_others()
    {
        var node = new LeafNode("hub", new LeafnodeOptions { PendingBytesMax = 10_000 });
        var leaf = node.AcceptLeaf();
        leaf.Ask("CONNECT {}\r\nLS+ foo\r\n");
        node.HoldsOutput = true;
        var client = node.Client();

        for (var i = 0; i < 20; i++) client.Send($"PUB foo 1000\r\n{new string('x', 1000)}\r\n");

        Assert.Equal(CloseReason.SlowConsumerPendingBytes, leaf.Connection.CloseReason);
        Assert.False(client.IsClosed);
        Assert.Equal(0, node.Core.LeafCount);
    }

    [Test]
    public void A_link_that_is_overfilled_by_interest_is_closed_without_hurting_the_others()
    {
        var node = new LeafNode("hub", new LeafnodeOptions { PendingBytesMax = 2_000 });
        var first = node.AcceptLeaf();
        first.Ask("""CONNECT {"name":"a"}""" + "\r\nLS+ mine\r\n");
        node.HoldsOutput = true;

        var client = node.Client();
        for (var i = 0; i < 200; i++) client.Send($"SUB subject.number.{i} {i + 1}\r\n");

        Assert.Equal(CloseReason.SlowConsumerPendingBytes, first.Connection.CloseReason);
        Assert.Equal(200, node.Links.Interest.Count);
        Assert.Equal(200, node.Core.Subscriptions.Count);
    }

    private string TellPeer(string fromClient)
    {
        _peer.Take();
        _client.Send(fromClient);
        return _peer.Take();
    }

    private string TellClient(string fromPeer)
    {
        _client.Take();
        _peer.Send(fromPeer);
        return _client.Take();
    }
}
