using System.Net;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Dns;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.Discovery;

public sealed class LanDiscoveryTests
{
    [Test]
    public void Endpoints_of_one_network_find_each_other()
    {
        var network = new Network(3);

        network.Run(TimeSpan.FromSeconds(1));

        foreach (var node in network.Nodes)
            Assert.Equal(
                network.Nodes.Where(n => n != node).Select(n => n.Info.Address.ToString())
                    .Order(StringComparer.Ordinal),
                node.Found.Values.Select(i => i.Address.ToString()).Order(StringComparer.Ordinal));
    }

    [Test]
    public void A_change_is_heard_and_silence_ends_it()
    {
        var network = new Network(2);
        network.Run(TimeSpan.FromSeconds(1));
        var (one, two) = (network.Nodes[0], network.Nodes[1]);

        two.Core.Announce(two.Info with { UserData = "new" });
        network.Run(TimeSpan.FromSeconds(25));
        Assert.Equal("new", one.Found[two.Info.Address.Id].UserData);

        two.IsDeaf = true;
        network.Run(TimeSpan.FromSeconds(60));
        Assert.Empty(one.Found);
    }

    [Test]
    public void A_listener_is_not_found()
    {
        var network = new Network(2);
        network.Nodes[0].Core.Announce(null);

        network.Run(TimeSpan.FromSeconds(1));

        Assert.Empty(network.Nodes[1].Found);
        Assert.Single(network.Nodes[0].Found);
    }

    [Test]
    public void A_large_network_stays_quiet_and_known()
    {
        var network = new Network(60);

        network.Run(TimeSpan.FromMinutes(4));
        var sent = network.SentCount;
        network.Run(TimeSpan.FromMinutes(4));

        // Sixty endpoints each at each query would be 1,440 answers and more.
        Assert.InRange(network.SentCount - sent, 24, 960);
        foreach (var node in network.Nodes) Assert.Equal(59, node.Found.Count);
    }

    [Test]
    public void An_answer_has_the_records_of_iroh()
    {
        var network = new Network(1);
        network.Run(TimeSpan.FromSeconds(1));
        var peer = network.Nodes[0].Info.Address.Id.ToBase32();

        Assert.True(DnsReader.TryRead(network.Messages[^1], out var answer));

        Assert.Equal(
            [
                $"{peer}._irohv1._udp.local Srv 0 {peer}-1.local 1 ",
                $"{peer}._irohv1._udp.local Txt 0  0 relay=https://r.example/ user-data=hi",
            ],
            answer.Answers.Select(a =>
                $"{a.Name} {a.Type} {a.TtlSeconds} {a.Target} {a.Port} {string.Join(' ', a.Texts)}"));
        Assert.Equal([$"{peer}-1.local 10.0.0.1"], answer.Additionals.Select(a => $"{a.Name} {a.Address}"));
    }

    [Test]
    public void Damaged_messages_never_throw()
    {
        var network = new Network(2);
        network.Run(TimeSpan.FromSeconds(1));
        var core = network.Nodes[0].Core;

        Property.Check(
            prng => core.Receive(
                network.Now, Mutation.OfBytes(prng, prng.Pick<byte[]>([.. network.Messages]), network.Messages)),
            runs: 2000);
    }

    private sealed class Network
    {
        public Network(int count)
        {
            Assert.True(RelayUrl.TryParse("https://r.example", out var relay));
            for (var i = 1; i <= count; i++)
            {
                var info = new EndpointInfo(
                    new EndpointAddress(
                        IrohVectors.KeyOf((byte)i).Id, [relay], [UdpAddress.From(IPAddress.Parse("10.0.0.1"), i)]),
                    "hi");
                var node = new Node(new LanDiscovery(info.Address.Id, new Prng((ulong)i), Now), info);
                node.Core.Announce(info);
                Nodes.Add(node);
            }
        }

        public List<Node> Nodes { get; } = [];

        public List<byte[]> Messages { get; } = [];

        public Instant Now { get; private set; } = Instant.FromUnixSeconds(1_700_000_000);

        public int SentCount => Messages.Count;

        public void Run(TimeSpan span)
        {
            var end = Now + span;
            while (true)
            {
                var next = Nodes.Where(n => !n.IsDeaf).Min(n => n.Core.Deadline);
                if (next >= end) break;

                Now = next > Now ? next : Now;
                foreach (var node in Nodes.Where(n => !n.IsDeaf))
                {
                    node.Core.OnDeadline(Now);
                    while (node.Core.TryTakeMessage(out var message)) Deliver(message);
                }

                foreach (var node in Nodes)
                    while (node.Core.TryTakeEvent(out var found))
                    {
                        if (found.Info is null) node.Found.Remove(found.Id);
                        else node.Found[found.Id] = found.Info;
                    }
            }

            Now = end;
        }

        private void Deliver(byte[] message)
        {
            Messages.Add(message);
            // The sender hears itself, too.
            foreach (var node in Nodes.Where(n => !n.IsDeaf)) node.Core.Receive(Now, message);
        }
    }

    private sealed class Node(LanDiscovery core, EndpointInfo info)
    {
        public LanDiscovery Core => core;

        public EndpointInfo Info => info;

        public Dictionary<EndpointId, EndpointInfo> Found { get; } = [];

        public bool IsDeaf { get; set; }
    }
}
