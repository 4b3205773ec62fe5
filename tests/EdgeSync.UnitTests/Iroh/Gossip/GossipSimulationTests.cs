using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Gossip;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.Gossip;

/// <summary>
/// Sixty nodes in virtual time: they join through each other, lose connections, crash, and new ones join. Afterwards
/// every message reaches every node once, over a tree that sends little twice. A node that is not connected to a peer
/// must know where it is to send to it, as with real connections.
/// </summary>
public sealed class GossipSimulationTests
{
    private const int Nodes = 60;

    private static readonly EndpointId[] Ids =
    [
        .. Enumerable.Range(1, Nodes + 20).Select(i =>
        {
            using var key = new SecretKey([.. new Prng((ulong)i).NextBytes(SecretKey.SeedBytes)]);
            return key.Id;
        }),
    ];

    [Test]
    public void Every_message_reaches_every_node_once()
    {
        for (var seed = 1UL; seed <= (ulong)SeedCount.Or(3); seed++)
        {
            var swarm = new Swarm(seed);
            swarm.Grow(Nodes);
            swarm.Run(TimeSpan.FromSeconds(30));
            swarm.RequireReach(messages: 10);

            var sent = swarm.PayloadCount;
            swarm.RequireReach(messages: 10);
            // A tree of n nodes needs n - 1, a flood over five links each about four times as many.
            Assert.InRange(swarm.PayloadCount - sent, 10 * (Nodes - 1), 10 * Nodes * 2);
        }
    }

    [Test]
    public void A_swarm_heals_when_a_third_of_it_crashes_and_others_come()
    {
        for (var seed = 1UL; seed <= (ulong)SeedCount.Or(3); seed++)
        {
            var swarm = new Swarm(seed);
            swarm.Grow(Nodes);
            swarm.Run(TimeSpan.FromSeconds(30));
            swarm.Crash(Nodes / 3);
            swarm.LoseConnections(40);
            swarm.Grow(10);
            swarm.Run(TimeSpan.FromSeconds(150));

            swarm.RequireReach(messages: 10);
        }
    }

    [Test]
    public void A_swarm_holds_together_when_the_contact_of_all_is_gone()
    {
        for (var seed = 1UL; seed <= (ulong)SeedCount.Or(2); seed++)
        {
            var swarm = new Swarm(seed);
            swarm.Grow(50, throughTheFirst: true);
            if (seed % 2 == 0) swarm.Leave(1);
            else swarm.CrashFirst();
            swarm.Run(TimeSpan.FromSeconds(60));

            swarm.RequireReach(messages: 5);
        }
    }

    [Test]
    public void Parts_of_a_swarm_find_each_other_again()
    {
        for (var seed = 1UL; seed <= (ulong)SeedCount.Or(1); seed++)
        {
            var swarm = new Swarm(seed);
            swarm.Grow(50);
            swarm.Run(TimeSpan.FromSeconds(90));
            swarm.Divide(30);
            swarm.Run(TimeSpan.FromMinutes(4));
            Assert.True(swarm.IsDivided);
            swarm.Unite();
            swarm.Run(TimeSpan.FromMinutes(6));

            swarm.RequireReach(messages: 5);
        }
    }

    [Test]
    public void A_node_joins_once_its_contact_is_there()
    {
        var swarm = new Swarm(3);
        swarm.Grow(1);
        swarm.Divide(1);
        swarm.Grow(1, throughTheFirst: true);
        swarm.Run(TimeSpan.FromSeconds(90));
        swarm.Unite();
        swarm.Run(TimeSpan.FromSeconds(70));

        swarm.RequireReach(messages: 1);
    }

    [Test]
    public void Addresses_are_those_of_iroh_gossip()
    {
        Assert.True(RelayUrl.TryParse("http://127.0.0.1:3340", out var relay));
        var address = new EndpointAddress(
            Ids[0], [relay], [UdpAddress.From(System.Net.IPAddress.Parse("192.168.1.2"), 7777)]);

        var data = GossipAddress.Encode(address);

        Assert.Equal(
            "0116687474703a2f2f3132372e302e302e313a333334302f0100c0a80102e13c", Convert.ToHexStringLower(data));
        Assert.Equal(address.ToString(), GossipAddress.Decode(Ids[0], data)!.ToString());
        Assert.All(Splits.Prefixes(data), cut => Assert.Null(GossipAddress.Decode(Ids[0], cut)));
        Assert.Null(GossipAddress.Decode(Ids[0], [.. data, 0]));
        Assert.Null(GossipAddress.Decode(Ids[0], [0, 0]));
        var many = Enumerable.Range(1, 40)
            .Select(i => UdpAddress.From(System.Net.IPAddress.Parse($"2001:db8::{i}"), i));
        Assert.True(GossipAddress.Encode(new EndpointAddress(Ids[0], [relay], many)).Length <= GossipAddress.BytesMax);
    }

    [Test]
    public void Nodes_that_leave_are_forgotten()
    {
        var swarm = new Swarm(1);
        swarm.Grow(20);
        swarm.Run(TimeSpan.FromSeconds(30));

        swarm.Leave(10);
        swarm.Run(TimeSpan.FromSeconds(60));

        swarm.RequireReach(messages: 5);
    }

    [Test]
    public void Messages_for_neighbours_go_no_further()
    {
        var swarm = new Swarm(2);
        swarm.Grow(30);
        swarm.Run(TimeSpan.FromSeconds(30));

        Assert.InRange(swarm.ToNeighbors(), 1, 5);
    }

    [Test]
    public void One_seed_is_one_run()
    {
        var (one, other) = (new Swarm(5), new Swarm(5));
        foreach (var swarm in (Swarm[])[one, other])
        {
            swarm.Grow(20);
            swarm.Run(TimeSpan.FromSeconds(90));
            swarm.RequireReach(messages: 3);
        }

        Assert.Equal(one.SentCount, other.SentCount);
        Assert.True(one.SentCount > 100);
    }

    private sealed class Swarm(ulong seed)
    {
        private static readonly TopicId Topic = new(new byte[TopicId.Bytes]);

        private readonly Prng _prng = new(seed);
        private readonly Dictionary<EndpointId, Node> _nodes = [];
        private readonly HashSet<EndpointId> _apart = [];
        private readonly PriorityQueue<Action, (Instant, int)> _agenda = new();

        private Instant _now = Instant.FromUnixSeconds(1_700_000_000);
        private int _order;
        private int _started;
        private int _messages;

        public int SentCount { get; private set; }

        public int PayloadCount { get; private set; }

        /// <summary>No node has a neighbour in the other part.</summary>
        public bool IsDivided => _nodes.All(n => n.Value.Core.Neighbors(Topic).All(p => Reaches(n.Key, p)));

        public void Grow(int count, bool throughTheFirst = false)
        {
            for (var i = 0; i < count; i++)
            {
                var id = Ids[_started++];
                var known = _nodes.Keys.ToArray();
                var node = new Node(id, new GossipNode(id, new GossipOptions(), _prng.Fork()));
                _nodes.Add(id, node);
                node.Core.SetAddress(AddressOf(id));
                node.Core.Join(
                    _now, Topic,
                    known.Length == 0
                        ? []
                        : [AddressOf(throughTheFirst ? Ids[0] : known[_prng.NextInt32(known.Length)])]);
                Run(TimeSpan.FromMilliseconds(200));
            }
        }

        public void Crash(int count)
        {
            var all = _nodes.Keys.ToArray();
            _prng.Shuffle<EndpointId>(all);
            foreach (var id in all.Take(count)) Crash(id);
        }

        public void CrashFirst() => Crash(_nodes.Keys.First());

        /// <summary>The first nodes and the others do not reach each other.</summary>
        public void Divide(int count)
        {
            _apart.UnionWith(_nodes.Keys.Take(count));
            foreach (var (id, node) in _nodes)
                foreach (var peer in node.Connected.Where(p => !Reaches(id, p)).ToArray())
                    After(TimeSpan.FromSeconds(_prng.NextInt32(1, 15)), () => Close(id, peer, isAlive: false));
        }

        public void Unite() => _apart.Clear();

        public void LoseConnections(int count)
        {
            var all = _nodes.Keys.ToArray();
            for (var i = 0; i < count; i++)
            {
                var (one, other) = (all[_prng.NextInt32(all.Length)], all[_prng.NextInt32(all.Length)]);
                if (one == other) continue;

                After(TimeSpan.FromMilliseconds(_prng.NextInt32(5000)), () =>
                {
                    if (!_nodes.TryGetValue(one, out var node) || !node.Connected.Contains(other)) return;
                    Close(one, other, isAlive: false);
                    Close(other, one, isAlive: false);
                });
            }
        }

        public void Leave(int count)
        {
            foreach (var id in _nodes.Keys.Take(count).ToArray())
            {
                _nodes[id].Core.Leave(Topic);
                Pump(id, _nodes[id]);
                _nodes.Remove(id);
            }
        }

        public int ToNeighbors()
        {
            foreach (var node in _nodes.Values) node.Received.Clear();
            _nodes.Values.First().Core.Broadcast(_now, Topic, "near"u8, isForNeighbors: true);
            Run(TimeSpan.FromSeconds(2));
            return _nodes.Values.Count(n => n.Received.Count > 0);
        }

        public void RequireReach(int messages)
        {
            foreach (var node in _nodes.Values) node.Received.Clear();
            var sent = new List<string>();
            for (var i = 0; i < messages; i++)
            {
                var content = $"message {_messages++}";
                sent.Add(content);
                var author = _nodes.Values.ElementAt(_prng.NextInt32(_nodes.Count));
                author.Received.Add(content);
                Assert.True(author.Core.Broadcast(_now, Topic, System.Text.Encoding.UTF8.GetBytes(content)));
                Run(TimeSpan.FromSeconds(2));
            }

            foreach (var (id, node) in _nodes)
            {
                var count = node.Core.Neighbors(Topic).Count;
                Assert.True(
                    count is > 0 and <= 5,
                    $"seed {seed}: {id.ToShortString()} has {count} neighbours, knows {node.Core.Known(Topic).Count}, "
                    + $"looks again in {node.Core.Deadline - _now}");
                Assert.True(node.Core.Known(Topic).Count <= 30);
                Assert.Equal(sent.Order(StringComparer.Ordinal), node.Received.Order(StringComparer.Ordinal));
            }
        }

        public void Run(TimeSpan span)
        {
            var end = _now + span;
            while (true)
            {
                foreach (var node in _nodes.Values)
                {
                    if (!node.TryClean()) continue;
                    Pump(node.Id, node);
                    node.Due = node.Core.Deadline;
                    node.TryClean();
                }

                Instant? next = end;
                foreach (var node in _nodes.Values) next = Instant.Earlier(next, node.Due);
                if (_agenda.TryPeek(out _, out var at)) next = Instant.Earlier(next, at.Item1);
                if (next >= end) break;

                _now = next!.Value > _now ? next.Value : _now;
                while (_agenda.TryPeek(out var action, out at) && at.Item1 <= _now)
                {
                    _agenda.Dequeue();
                    action();
                }

                foreach (var node in _nodes.Values)
                    if (node.Due <= _now) node.Core.OnDeadline(_now);
            }

            _now = end;
        }

        private void Pump(EndpointId id, Node node)
        {
            while (node.Core.TryTakeEffect(out var effect))
            {
                switch (effect)
                {
                    case GossipEffect.Send send: Send(id, send); break;
                    case GossipEffect.EndStream { IsLast: true } stream: End(id, node, stream.Peer); break;
                    case GossipEffect.Received received:
                        node.Received.Add(System.Text.Encoding.UTF8.GetString(received.Content.Span));
                        break;
                }
            }
        }

        private void Send(EndpointId from, GossipEffect.Send send)
        {
            SentCount++;
            if (send.Body.Span.StartsWith("\u0001\0"u8)) PayloadCount++;
            var node = _nodes[from];
            if (!node.Connected.Contains(send.Peer) && !TryConnect(from, node, send)) return;

            var at = node.NextTo(send.Peer, _now + Delay());
            _agenda.Enqueue(
                () =>
                {
                    if (_nodes.TryGetValue(send.Peer, out var target) && Reaches(from, send.Peer))
                        Assert.True(target.Core.Receive(_now, from, Topic, send.Body.Span));
                },
                (at, _order++));
        }

        private bool TryConnect(EndpointId from, Node node, GossipEffect.Send send)
        {
            if (send.Address is null || !_nodes.TryGetValue(send.Peer, out var target) || !Reaches(from, send.Peer))
            {
                // Without an address it fails at once, else after a while.
                var silent = send.Address is null ? TimeSpan.Zero : TimeSpan.FromSeconds(5);
                After(silent, () => _nodes.GetValueOrDefault(from)?.Core.OnConnectionClosed(
                    _now, send.Peer, isAlive: false));
                return false;
            }

            Assert.Equal(AddressOf(send.Peer).ToString(), send.Address.ToString());
            node.Connected.Add(send.Peer);
            target.Connected.Add(from);
            node.NextTo(send.Peer, _now + Delay() + Delay());
            return true;
        }

        // The connection is closed when all has arrived.
        private void End(EndpointId id, Node node, EndpointId peer)
        {
            if (!node.Connected.Contains(peer)) return;
            _agenda.Enqueue(() => Close(peer, id, isAlive: true), (node.NextTo(peer, _now + Delay()), _order++));
            node.Connected.Remove(peer);
        }

        private void Crash(EndpointId id)
        {
            _nodes.Remove(id);
            // Others notice when their connections to it fall silent.
            foreach (var (other, node) in _nodes)
                if (node.Connected.Contains(id))
                    After(TimeSpan.FromSeconds(_prng.NextInt32(1, 15)), () => Close(other, id, isAlive: false));
        }

        private void Close(EndpointId at, EndpointId peer, bool isAlive)
        {
            if (!_nodes.TryGetValue(at, out var node) || !node.Connected.Remove(peer)) return;
            node.Core.OnConnectionClosed(_now, peer, isAlive);
        }

        private bool Reaches(EndpointId one, EndpointId other) => _apart.Contains(one) == _apart.Contains(other);

        private static EndpointAddress AddressOf(EndpointId id) => new(
            id, [], [UdpAddress.From(new System.Net.IPAddress(id.ToArray().AsSpan(0, 4)), 1 + id.ToArray()[4])]);

        private TimeSpan Delay() => TimeSpan.FromMilliseconds(_prng.NextInt32(5, 40));

        private void After(TimeSpan delay, Action action) => _agenda.Enqueue(action, (_now + delay, _order++));
    }

    private sealed class Node(EndpointId id, GossipNode core)
    {
        private readonly Dictionary<EndpointId, Instant> _last = [];
        private bool _isDirty;

        public EndpointId Id => id;

        /// <summary>Whoever takes it may change it.</summary>
        public GossipNode Core
        {
            get
            {
                _isDirty = true;
                return core;
            }
        }

        /// <summary>The deadline after the last change.</summary>
        public Instant? Due { get; set; }

        public List<string> Received { get; } = [];

        public HashSet<EndpointId> Connected { get; } = [];

        /// <summary>Whether something may have changed since the last call.</summary>
        public bool TryClean()
        {
            var was = _isDirty;
            _isDirty = false;
            return was;
        }

        /// <summary>Messages to a peer keep their order.</summary>
        public Instant NextTo(EndpointId peer, Instant at)
        {
            if (_last.TryGetValue(peer, out var last) && last > at) at = last;
            _last[peer] = at;
            return at;
        }
    }
}
