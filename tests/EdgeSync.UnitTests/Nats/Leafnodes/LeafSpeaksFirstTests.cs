using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Leafnodes;

/// <summary>A link over a stream that the accepting side sees with its first bytes only.</summary>
public sealed class LeafSpeaksFirstTests
{
    private static readonly LeafnodeRemote Remote = new()
    {
        Urls = ["nats-leaf://tunnel:1"],
        SpeaksFirst = true,
        UseAnnouncedUrls = false,
    };

    [Test]
    public void CONNECT_precedes_INFO_and_is_sent_once()
    {
        var hub = new LeafNode("edge").Solicit(Remote);

        Assert.StartsWith("CONNECT {", hub.Take(), StringComparison.Ordinal);

        Assert.Equal("", hub.Ask(
            """INFO {"server_id":"NB","server_name":"hub","version":"2.12.0","headers":true,"client_id":7,""" +
            """ "max_payload":1048576,"info_on_connect":true} """ + "\r\n"));
        Assert.False(hub.Link.IsUp);
    }

    [Test]
    public void Brokers_are_joined_whichever_line_comes_first()
    {
        Property.Check(
            prng =>
            {
                var world = new LeafWorld(prng.Fork());
                var (edge, hub) = (world.Add("edge"), world.Add("hub"));
                var listener = hub.Client();
                listener.Send("SUB a.b 1\r\n");
                var cable = world.Join(edge, hub, Remote);

                world.Settle();

                Assert.True(cable.LeafSide.Link.IsUp && cable.HubSide.Link.IsUp);
                edge.Client().Send("PUB a.b 2\r\nhi\r\n");
                world.Settle();
                Assert.Equal("MSG a.b 1 2\r\nhi\r\n", listener.Take());
            },
            runs: 50);
    }

    [Test]
    public void A_trusted_leaf_needs_no_login_and_stays_when_users_change()
    {
        var hub = new LeafNode("hub", options: o => o with { Users = [new BrokerUser { Name = "u", Password = "p" }] });
        var world = new LeafWorld(new Prng(3));
        var trusted = new ScriptedPeer(
            hub, hub.Core.Attach(
                new ConnectionOrigin { Kind = ConnectionKind.Leaf, Address = "iroh:7", IsTrusted = true }, hub.Now));
        var cable = world.Join(new LeafNode("edge", seed: 2).Solicit(Remote), trusted);
        var other = world.Join(new LeafNode("other", seed: 4).Solicit(Remote), hub.AcceptLeaf());

        world.Settle();

        Assert.True(cable.HubSide.Link.IsUp);
        Assert.True(other.HubSide.IsClosed);   // without a login, as any other

        hub.Core.Reconfigure(
            hub.Core.Options with { Users = [new BrokerUser { Name = "v", Password = "q" }] }, hub.Now);

        Assert.False(cable.HubSide.IsClosed);
    }
}
