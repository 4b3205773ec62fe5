using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.UnitTests.Nats.Leafnodes;

public sealed class LeafSolicitorTests
{
    private static readonly ConnectionOrigin Origin = new() { Kind = ConnectionKind.Leaf };

    [Test]
    public void Pauses_grow_to_the_cap_are_spread_and_never_end()
    {
        var node = new LeafNode("edge");
        var remote = new LeafnodeRemote { Urls = ["hub"] };
        var solicitor = new LeafSolicitor(node.Core, remote, node.Now);
        var now = node.Now;
        var pauses = new List<TimeSpan>();
        for (var i = 0; i < 200; i++)
        {
            Assert.True(solicitor.NextDial >= now);
            now = solicitor.NextDial!.Value;
            solicitor.Begin();
            Assert.Null(solicitor.NextDial);
            solicitor.DialFailed("connection refused", now);
            pauses.Add(solicitor.NextDial!.Value - now);
        }

        Assert.InRange(pauses[0], remote.ReconnectWait / 2, remote.ReconnectWait);
        Assert.InRange(pauses[1], remote.ReconnectWait, remote.ReconnectWait * 2);
        Assert.All(pauses[10..], pause => Assert.InRange(pause, remote.ReconnectWaitMax / 2, remote.ReconnectWaitMax));
        Assert.True(pauses[10..].Distinct().Count() > 100);
        Assert.Equal("connection refused", solicitor.Status().LastError);
        Assert.Equal(LeafRemoteState.Waiting, solicitor.Status().State);
    }

    [Test]
    public void A_link_that_lasted_starts_the_pauses_afresh()
    {
        var node = new LeafNode("edge");
        var remote = new LeafnodeRemote { Urls = ["hub"] };
        var solicitor = new LeafSolicitor(node.Core, remote, node.Now);
        for (var i = 0; i < 10; i++)
        {
            solicitor.Begin();
            solicitor.DialFailed("no", node.Now);
        }

        var link = Up(node, solicitor);
        Assert.Equal(LeafRemoteState.Connected, solicitor.Status().State);
        Assert.Equal("hub", solicitor.Status().PeerName);
        Assert.Equal("", solicitor.Status().LastError);
        var later = node.Now + TimeSpan.FromMinutes(5);
        node.Core.Detach(link, CloseReason.ReadError, later);
        solicitor.Ended(later);

        Assert.True(solicitor.NextDial - later <= remote.ReconnectWait);
        Assert.Equal("Read Error", solicitor.Status().LastError);
        Assert.Equal(1, solicitor.Status().Connects);
    }

    [Test]
    public void A_loop_pauses_for_half_a_minute()
    {
        var node = new LeafNode("edge");
        var solicitor = new LeafSolicitor(node.Core, new LeafnodeRemote { Urls = ["a", "b"] }, node.Now);
        var link = Up(node, solicitor);
        node.Receive(link, "-ERR 'Loop detected for leafnode account=\"$G\"'\r\n"u8);
        solicitor.Ended(node.Now);

        Assert.InRange(solicitor.NextDial!.Value - node.Now, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(40));
        Assert.Contains("Loop detected", solicitor.Status().LastError, StringComparison.Ordinal);

        // As long as it is so, tries become rare.
        for (var i = 0; i < 4; i++)
        {
            link = Up(node, solicitor);
            node.Receive(link, "-ERR 'Loop detected for leafnode account=\"$G\"'\r\n"u8);
            solicitor.Ended(node.Now);
        }

        Assert.InRange(solicitor.NextDial!.Value - node.Now, TimeSpan.FromSeconds(120), TimeSpan.FromSeconds(160));
    }

    [Test]
    public void Addresses_are_tried_in_order_then_those_that_the_hub_announced()
    {
        var node = new LeafNode("edge");
        var solicitor = new LeafSolicitor(
            node.Core, new LeafnodeRemote { Urls = ["nats-leaf://u:p@a:1", "b:2"] }, node.Now);
        Assert.Equal("a", solicitor.Begin().Host);
        solicitor.DialFailed("no", node.Now);
        Assert.Equal("b", solicitor.Begin().Host);
        solicitor.DialFailed("no", node.Now);

        var link = Up(node, solicitor, """INFO {"client_id":1,"leafnode_urls":["a:1","c:3","c:3","d:4"]}""");
        node.Core.Detach(link, CloseReason.ReadError, node.Now);
        solicitor.Ended(node.Now);

        var hosts = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            hosts.Add(solicitor.Begin().Host);
            solicitor.DialFailed("no", node.Now);
        }

        Assert.Equal(["b", "c", "d", "a", "b"], hosts);
    }

    [Test]
    public void Taken_away_it_dials_no_more()
    {
        var node = new LeafNode("edge");
        var solicitor = new LeafSolicitor(node.Core, new LeafnodeRemote { Urls = ["hub"] }, node.Now);
        var link = Up(node, solicitor);

        solicitor.Stop();
        solicitor.Ended(node.Now);

        Assert.Equal(CloseReason.RemoteRemoved, link.CloseReason);
        Assert.Null(solicitor.NextDial);
        Assert.Equal(LeafRemoteState.Stopped, solicitor.Status().State);
    }

    private static BrokerConnection Up(
        LeafNode node, LeafSolicitor solicitor,
        string info = """INFO {"client_id":1,"server_name":"hub","leafnode_urls":[]}""")
    {
        var link = solicitor.Connected(solicitor.Begin(), false, Origin, node.Now);
        node.Receive(link, System.Text.Encoding.ASCII.GetBytes(info + "\r\n"));
        Assert.True(solicitor.IsUp);
        return link;
    }
}
