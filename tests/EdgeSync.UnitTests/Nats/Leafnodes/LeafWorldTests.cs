using System.Text;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Leafnodes;

/// <summary>Several of our brokers together: everything that crosses a link must be as if there were none.</summary>
public sealed class LeafWorldTests
{
    [Test]
    public void A_chain_works_both_ways()
    {
        var world = new LeafWorld(new Prng(1));
        var (hub, mid, edge) = (world.Add("hub"), world.Add("mid"), world.Add("edge"));
        world.Join(mid, hub);
        world.Join(edge, mid);
        world.Settle();
        var (atHub, atEdge) = (hub.Client(), edge.Client());
        atEdge.Send("SUB down.> 1\r\n");
        atHub.Send("SUB up.> 1\r\n");
        world.Settle();

        atHub.Send("PUB down.a 1\r\nx\r\n");
        atEdge.Send("HPUB up.a r 12 13\r\nNATS/1.0\r\n\r\ny\r\n");
        world.Settle();

        Assert.Equal("MSG down.a 1 1\r\nx\r\n", atEdge.Take());
        Assert.Equal("HMSG up.a 1 r 12 13\r\nNATS/1.0\r\n\r\ny\r\n", atHub.Take());
    }

    [Test]
    public void Two_leaves_of_one_cluster_do_not_talk_through_the_hub()
    {
        var world = new LeafWorld(new Prng(1));
        var hub = world.Add("hub");
        var (a, b, c) = (
            world.Add("a", new() { Cluster = "same" }), world.Add("b", new() { Cluster = "same" }), world.Add("c"));
        foreach (var leaf in new[] { a, b, c }) world.Join(leaf, hub);
        world.Settle();
        var (atB, atC) = (b.Client(), c.Client());
        atB.Send("SUB foo 1\r\n");
        atC.Send("SUB foo 1\r\n");
        world.Settle();

        a.Client().Send("PUB foo 1\r\nx\r\n");
        world.Settle();

        Assert.Equal("", atB.Take());
        Assert.Equal("MSG foo 1 1\r\nx\r\n", atC.Take());
    }

    [Test]
    public void An_isolated_leaf_receives_interest_of_hub_clients_only()
    {
        var world = new LeafWorld(new Prng(1));
        var (hub, quiet, other) = (world.Add("hub"), world.Add("quiet"), world.Add("other"));
        var cable = world.Join(quiet, hub, new LeafnodeRemote { Urls = ["hub"], Isolate = true });
        world.Join(other, hub);
        world.Settle();
        other.Client().Send("SUB theirs 1\r\n");
        hub.Client().Send("SUB hubs 1\r\n");
        world.Settle();

        var heard = cable.LeafSide.Link.Interest.Keys.Select(Encoding.ASCII.GetString)
            .Where(key => !key.StartsWith("$LDS.", StringComparison.Ordinal));

        Assert.Equal(["hubs"], heard);
    }

    [Test]
    public void A_circle_of_three_loses_one_link_and_every_message_arrives_once()
    {
        Property.Check(prng =>
        {
            var world = new LeafWorld(prng);
            var nodes = new[] { world.Add("a"), world.Add("b"), world.Add("c") };
            for (var i = 0; i < 3; i++) world.Join(nodes[i], nodes[(i + 1) % 3]);
            world.Settle();
            world.Advance(TimeSpan.FromSeconds(0.3));

            // All three may be found at once; those that were refused come back one by one after their pause.
            Assert.True(world.Cables.Count < 3);
            for (var i = 0; i < 3; i++)
            {
                if (world.Cables.Any(cable => cable.Leaf == nodes[i])) continue;

                world.Advance(TimeSpan.FromSeconds(10));
                world.Join(nodes[i], nodes[(i + 1) % 3]);
                world.Settle();
            }

            Assert.Equal(2, world.Cables.Count);
            var clients = nodes.Select(node => node.Client()).ToArray();
            foreach (var client in clients) client.Send("SUB foo 1\r\n");
            world.Settle();
            clients[0].Send("PUB foo 1\r\nx\r\n");
            world.Settle();
            Assert.All(clients, client => Assert.Equal("MSG foo 1 1\r\nx\r\n", client.Take()));
        }, runs: 50);
    }

    // A third party would end a good link if it received the loop's subscription.
    [Test]
    public void Only_the_link_that_closes_a_circle_is_lost()
    {
        Property.Check(prng =>
        {
            var world = new LeafWorld(prng);
            var nodes = Enumerable.Range(0, prng.NextInt32(3, 7)).Select(i => world.Add($"n{i}")).ToArray();
            var good = new List<LeafCable>();
            for (var i = 1; i < nodes.Length; i++)
            {
                good.Add(prng.Chance(0.5) ? world.Join(nodes[i], nodes[i - 1]) : world.Join(nodes[i - 1], nodes[i]));
                world.Settle();
                world.Advance(TimeSpan.FromSeconds(10));
            }

            var closing = prng.Chance(0.5) ? world.Join(nodes[0], nodes[^1]) : world.Join(nodes[^1], nodes[0]);
            world.Settle();
            world.Advance(TimeSpan.FromSeconds(0.3));
            world.Advance(TimeSpan.FromSeconds(2));

            Assert.DoesNotContain(closing, world.Cables);
            Assert.True(closing.LeafSide.Link.IsRefused);
            Assert.All(good, cable => Assert.Contains(cable, world.Cables));
        }, runs: 100);
    }

    // Found by the simulation of fleets: both uplinks were refused, and came back together, for ever.
    [Test]
    public void Of_two_uplinks_into_one_mesh_one_stays_and_takes_over_when_its_hub_is_gone()
    {
        Property.Check(prng =>
        {
            var world = new LeafWorld(prng);
            var (first, second, edge) = (world.Add("first"), world.Add("second"), world.Add("edge"));
            world.Join(second, first);
            world.Settle();
            world.Advance(TimeSpan.FromSeconds(10));
            var uplinks = new[] { first, second }.Select(hub => new Uplink(world, edge, hub)).ToArray();

            var downFor = 0;
            for (var tenths = 0; tenths < 3_000; tenths++)
            {
                foreach (var uplink in uplinks) uplink.Step();
                world.Advance(TimeSpan.FromSeconds(0.1));
                Assert.False(
                    uplinks.All(uplink => uplink.Solicitor.IsUp) && tenths > 100
                    && world.Cables.Count == 3, "the circle stays");
                downFor = uplinks.Any(uplink => uplink.Solicitor.IsUp) ? 0 : downFor + 1;
                Assert.True(downFor < 50, $"no uplink for {downFor / 10} s at {tenths / 10} s");

                // In the middle, the mesh falls apart and the hub in use is no more.
                if (tenths != 1_500) continue;
                world.Cut(world.Cables.Single(cable => cable.Hub == first && cable.Leaf == second));
                uplinks.Single(uplink => uplink.Solicitor.IsUp).HubIsGone();
            }
        }, runs: 20);
    }

    [Test]
    public void A_thousand_interests_cross_and_are_sent_again_after_a_cut()
    {
        var world = new LeafWorld(new Prng(1));
        var (hub, edge) = (world.Add("hub"), world.Add("edge"));
        var client = edge.Client();
        for (var i = 0; i < 1_000; i++) client.Send($"SUB subject.{i} {i + 1}\r\n");
        var cable = world.Join(edge, hub);
        world.Settle();
        world.Advance(TimeSpan.FromSeconds(0.3));
        Assert.Equal(1_001, cable.HubSide.Link.Interest.Count);

        world.Cut(cable);
        Assert.Equal(0, hub.Core.Subscriptions.Count);
        Assert.Equal(0, hub.Links.Interest.Count);
        client.Send("UNSUB 1\r\nSUB another 2000\r\n");
        cable = world.Join(edge, hub);
        world.Settle();

        Assert.Equal(1_001, cable.HubSide.Link.Interest.Count);
        Assert.Contains(cable.HubSide.Link.Interest.Keys, key => key.AsSpan().SequenceEqual("another"u8));
    }

    [Test]
    public void Members_on_two_leaves_share_by_their_number()
    {
        var world = new LeafWorld(new Prng(7));
        var (hub, one, nine) = (world.Add("hub"), world.Add("one"), world.Add("nine"));
        world.Join(one, hub);
        world.Join(nine, hub);
        var (few, many) = (one.Client(), nine.Client());
        few.Send("SUB work q 1\r\n");
        for (var i = 1; i <= 9; i++) many.Send($"SUB work q {i}\r\n");
        world.Settle();

        var publisher = hub.Client();
        for (var i = 0; i < 1_000; i++) publisher.Send("PUB work 1\r\nx\r\n");
        world.Settle();

        var (toFew, toMany) = (Count(few.Take()), Count(many.Take()));
        Assert.Equal(1_000, toFew + toMany);
        Assert.InRange(toFew, 60, 150);
    }

    // The statement about all topologies: see the model below.
    [Test]
    public void Any_tree_of_brokers_delivers_as_the_model()
    {
        Property.Check(prng => new Run(prng).Go(), runs: 120);
    }

    /// <summary>What a shell does for a remote.</summary>
    private sealed class Uplink(LeafWorld world, LeafNode leaf, LeafNode hub)
    {
        private LeafCable? _cable;
        private bool _isHubGone;

        public LeafSolicitor Solicitor { get; } = new(leaf.Core, new LeafnodeRemote { Urls = [hub.Name] }, leaf.Now);

        public void HubIsGone()
        {
            _isHubGone = true;
            world.Cut(_cable!);
        }

        public void Step()
        {
            if (_cable is not null && !world.Cables.Contains(_cable))
            {
                Solicitor.Ended(leaf.Now);
                _cable = null;
            }

            if (Solicitor.NextDial is not { } next || next > leaf.Now) return;

            var url = Solicitor.Begin();
            if (_isHubGone)
            {
                Solicitor.DialFailed("gone", leaf.Now);
                return;
            }

            var link = Solicitor.Connected(url, false, new ConnectionOrigin { Kind = ConnectionKind.Leaf }, leaf.Now);
            _cable = world.Join(new ScriptedPeer(leaf, link), hub.AcceptLeaf());
        }
    }

    private static int Count(string messages) => messages.Split("MSG ").Length - 1;

    /// <summary>
    /// A tree of nodes where each edge has a leaf and a hub end, clients with subscriptions that come and go, cables
    /// that are cut and laid again. At rest: a message reaches every matching plain subscription once, and each queue
    /// group once, of all nodes on whose way no broker would hand it from one of its hubs to another.
    /// </summary>
    private sealed class Run
    {
        private static readonly string[] Patterns = ["a", "a.b", "a.*", "a.>", "*.b", "b", "b.c.d", "b.>", ">"];
        private static readonly string[] Subjects = ["a", "a.b", "a.c", "b", "b.c.d", "b.x", "c"];
        private static readonly string[] Queues = ["", "", "", "q", "r"];

        private readonly Prng _prng;
        private readonly LeafWorld _world;
        private readonly List<(int Leaf, int Hub)> _edges = [];
        private readonly Dictionary<(int Leaf, int Hub), LeafCable> _laid = [];
        private readonly List<Sub> _subs = [];
        private readonly List<ScriptedPeer> _clients = [];
        private int _lastSid;
        private int _lastMessage;

        public Run(Prng prng)
        {
            _prng = prng;
            _world = new LeafWorld(prng);
            var size = prng.NextInt32(2, 7);
            for (var i = 0; i < size; i++)
            {
                _clients.Add(_world.Add($"n{i}").Client());
                if (i == 0) continue;

                var other = prng.NextInt32(i);
                _edges.Add(prng.Chance(0.5) ? (i, other) : (other, i));
            }

            foreach (var edge in _edges) Lay(edge);
        }

        public void Go()
        {
            for (var round = 0; round < 12; round++)
            {
                for (var change = _prng.NextInt32(8); change >= 0; change--)
                {
                    Change();
                    for (var step = _prng.NextInt32(5); step > 0; step--) _world.Step();
                }

                _world.Settle();
                _world.Advance(TimeSpan.FromSeconds(0.3));
                CheckInterest();
                for (var i = 0; i < 3; i++) Publish();
            }

            foreach (var edge in _edges)
                if (_laid.Remove(edge, out var cable)) _world.Cut(cable);
            _world.Settle();
            for (var i = 0; i < _clients.Count; i++)
            {
                var own = _subs.Where(sub => sub.Node == i).ToArray();
                Assert.Equal(own.Length, _world.Nodes[i].Core.Subscriptions.Count);
                Assert.Equal(
                    own.Select(sub => (sub.Pattern, sub.Queue)).Distinct().Count(),
                    _world.Nodes[i].Links.Interest.Count);
            }
        }

        private void Lay((int Leaf, int Hub) edge) =>
            _laid[edge] = _world.Join(_world.Nodes[edge.Leaf], _world.Nodes[edge.Hub]);

        private void Change()
        {
            var node = _prng.NextInt32(_clients.Count);
            var edge = _edges[_prng.NextInt32(_edges.Count)];
            switch (_prng.NextInt32(10))
            {
                case < 5:
                    var sub = new Sub(node, ++_lastSid, _prng.Pick<string>(Patterns), _prng.Pick<string>(Queues));
                    _subs.Add(sub);
                    _clients[node].Send($"SUB {sub.Pattern} {sub.Queue} {sub.Sid}\r\n");
                    break;
                case < 8 when _subs.Count > 0:
                    var gone = _subs[_prng.NextInt32(_subs.Count)];
                    _subs.Remove(gone);
                    _clients[gone.Node].Send($"UNSUB {gone.Sid}\r\n");
                    break;
                case 8 when _laid.Remove(edge, out var cable): _world.Cut(cable); break;
                case 9 when !_laid.ContainsKey(edge): Lay(edge); break;
            }
        }

        /// <summary>The interest that one end sent is the one that the other end has.</summary>
        private void CheckInterest()
        {
            foreach (var cable in _laid.Values)
            {
                Assert.False(
                    cable.LeafSide.IsClosed
                    || cable.HubSide.IsClosed, cable.LeafSide.Link.CloseDetail + cable.HubSide.Link.CloseDetail);
                Assert.Equal(Told(cable.LeafSide), Heard(cable.HubSide));
                Assert.Equal(Told(cable.HubSide), Heard(cable.LeafSide));
            }
        }

        private static SortedDictionary<string, int> Told(ScriptedPeer side)
        {
            var told = side.Node.Links.Interest.AnnouncedTo(side.Link).ToDictionary(
                pair => Encoding.ASCII.GetString(pair.Key), pair => pair.Key.Contains((byte)' ') ? pair.Count : 1);
            told[Encoding.ASCII.GetString(side.Node.Links.LoopMark)] = 1;
            return new SortedDictionary<string, int>(told, StringComparer.Ordinal);
        }

        private static SortedDictionary<string, int> Heard(ScriptedPeer side) => new(
            side.Link.Interest.ToDictionary(pair => Encoding.ASCII.GetString(pair.Key), pair => pair.Value.Weight),
            StringComparer.Ordinal);

        private void Publish()
        {
            var source = _prng.NextInt32(_clients.Count);
            var subject = _prng.Pick<string>(Subjects);
            var text = $"m{++_lastMessage}";
            foreach (var client in _clients) client.Take();

            _clients[source].Send($"PUB {subject} {text.Length}\r\n{text}\r\n");
            _world.Settle();

            var reached = Reached(source);
            var got = new Dictionary<int, int>();
            for (var i = 0; i < _clients.Count; i++)
            {
                foreach (var line in _clients[i].Take().Split("\r\n").Where(
                    line => line.StartsWith("MSG ", StringComparison.Ordinal)))
                {
                    var sid = int.Parse(line.Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture);
                    Assert.Equal(i, _subs.Single(sub => sub.Sid == sid).Node);
                    got[sid] = got.GetValueOrDefault(sid) + 1;
                }
            }

            var wanted = _subs.Where(sub => reached.Contains(sub.Node) && sub.Matches(subject)).ToArray();
            var what =
                $"{subject} from n{source}; edges {string.Join(' ', _laid.Keys)}; subs {string.Join(' ', _subs)}";
            foreach (var sub in wanted.Where(sub => sub.Queue.Length == 0))
                Assert.True(got.Remove(sub.Sid, out var times) && times == 1, $"{sub} got {times}: {what}");
            foreach (var group in wanted.Where(sub => sub.Queue.Length > 0).GroupBy(sub => sub.Queue))
            {
                var members = group.Where(sub => got.ContainsKey(sub.Sid)).ToArray();
                Assert.True(
                    members.Length == 1 && got.Remove(members[0].Sid, out var times)
                    && times == 1, $"queue {group.Key} got {members.Length}: {what}");
                if (group.Any(sub => sub.Node == source)) Assert.Equal(source, members[0].Node);
            }

            Assert.True(got.Count == 0, $"not wanted: {string.Join(',', got.Keys)}: {what}");
        }

        private HashSet<int> Reached(int source)
        {
            var reached = new HashSet<int> { source };
            var todo = new Queue<(int Node, bool FromHub)>([(source, false)]);
            while (todo.TryDequeue(out var at))
            {
                foreach (var (leaf, hub) in _laid.Keys)
                {
                    if (leaf == at.Node && !at.FromHub && reached.Add(hub)) todo.Enqueue((hub, false));
                    if (hub == at.Node && reached.Add(leaf)) todo.Enqueue((leaf, true));
                }
            }

            return reached;
        }

        private sealed record Sub(int Node, int Sid, string Pattern, string Queue)
        {
            public bool Matches(string subject)
            {
                var (pattern, tokens) = (Pattern.Split('.'), subject.Split('.'));
                for (var i = 0; i < pattern.Length; i++)
                {
                    if (pattern[i] == ">") return tokens.Length > i;
                    if (i >= tokens.Length || (pattern[i] != "*" && pattern[i] != tokens[i])) return false;
                }

                return pattern.Length == tokens.Length;
            }
        }
    }
}
