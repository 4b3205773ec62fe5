using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Threading.Channels;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Gossip;
using EdgeSync.Net.Iroh;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Tests.Support;
using static EdgeSync.IntegrationTests.Iroh.IrohPair;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary>Gossip over real connections: swarms that all joined through one node.</summary>
public sealed class IrohGossipTests
{
    private static readonly TopicId Topic = new(Enumerable.Repeat((byte)7, TopicId.Bytes).ToArray());

    [Test]
    public async Task A_message_reaches_every_node_once_and_a_swarm_outlives_its_contact()
    {
        var nodes = Enumerable.Range(1, 6).Select(i => new Node((byte)i)).ToList();
        foreach (var node in nodes) node.Join(node == nodes[0] ? [] : [nodes[0].Address]);
        await UntilAsync(() => IsOneSwarm(nodes), nodes);
        await HeardByAllAsync(nodes, "first");

        await nodes[0].DisposeAsync();
        nodes.RemoveAt(0);
        await UntilAsync(() => IsOneSwarm(nodes), nodes);
        await HeardByAllAsync(nodes, "second");

        await nodes[0].CrashAsync();
        nodes.RemoveAt(0);
        await UntilAsync(() => IsOneSwarm(nodes), nodes);
        await HeardByAllAsync(nodes, "third");
        foreach (var node in nodes) await node.DisposeAsync();
    }

    [Test]
    public async Task Messages_for_neighbours_and_what_becomes_of_them()
    {
        await using var one = new Node(1);
        await using var other = new Node(2);
        one.Join([]);
        other.Join([one.Address]);
        await UntilAsync(() => IsOneSwarm([one, other]), [one, other]);

        Assert.True(one.Part.BroadcastNeighbors("near"u8.ToArray()));
        Assert.False(one.Part.Broadcast(new byte[IrohGossip.ContentBytesMax + 1]));
        Assert.True(one.Part.Broadcast(new byte[IrohGossip.ContentBytesMax]));

        await UntilAsync(() => other.Heard.Count == 2, [one, other]);
        Assert.Equal("near", other.Heard.First());
        Assert.Equal([$"up {one.Id.ToShortString()}"], other.Changes);
        one.Part.Dispose();
        await UntilAsync(() => other.Changes.Count == 2, [one, other]);
        Assert.Equal($"down {one.Id.ToShortString()}", other.Changes.Last());
        Assert.False(one.Part.Broadcast("late"u8.ToArray()));
        await one.Reading.WaitAsync(Limit, Token);
    }

    [Test]
    public async Task A_node_alone_tries_its_contact_until_it_is_there()
    {
        var port = Ports.Free();
        await using var early = new Node(1);
        early.Join([new EndpointAddress(Id(2), [], [UdpAddress.From(IPAddress.Loopback, port)])]);
        await using var late = new Node(2, port);
        late.Join([]);

        await UntilAsync(() => IsOneSwarm([early, late]), [early, late]);
    }

    [Test]
    public async Task A_reader_that_is_too_slow_misses_events_and_is_told_how_many()
    {
        await using var node = new Node(1);
        node.Join([]);
        using var part = node.JoinAgain();
        for (var i = 0; i < GossipTopic.QueuedMax + 3; i++) part.Add(Message(i));

        for (var i = 0; i < 2; i++) Assert.Equal(i, await NextAsync(part));
        part.Add(Message(5000));
        for (var i = 2; i < GossipTopic.QueuedMax; i++) Assert.Equal(i, await NextAsync(part));

        Assert.Equal(new GossipEvent.Lagged(3), await part.ReadAsync(Token));
        Assert.Equal(5000, await NextAsync(part));
        part.Dispose();
        Assert.Null(await part.ReadAsync(Token));
    }

    [Test]
    public async Task Bytes_that_are_no_gossip_close_the_connection()
    {
        await using var node = new Node(1);
        node.Join([]);
        await using var stranger = Start(Options(9));

        var connection = await stranger.ConnectAsync(node.Address, IrohGossip.Alpn, Token);
        await using var stream = await connection.OpenStreamAsync(isUnidirectional: true, Token);
        await stream.WriteAsync(GossipFraming.Frame([1, 2, 3]), Token);

        var end = await connection.Closed.WaitAsync(Limit, Token);
        Assert.Equal((1UL, "not a message of gossip"), (end.Code, end.Text));
    }

    private static GossipEvent.Received Message(int number) => new(Id(9), BitConverter.GetBytes(number), 0);

    private static async Task<int> NextAsync(GossipTopic part) =>
        BitConverter.ToInt32(Assert.IsType<GossipEvent.Received>(await part.ReadAsync(Token)).Content.Span);

    private static EndpointId Id(byte seed)
    {
        using var key = new SecretKey([.. Enumerable.Repeat(seed, SecretKey.SeedBytes)]);
        return key.Id;
    }

    // Neighbours on both sides, and each reached from the first.
    private static bool IsOneSwarm(IReadOnlyList<Node> nodes)
    {
        var ids = nodes.ToDictionary(n => n.Id);
        var reached = new HashSet<EndpointId> { nodes[0].Id };
        var next = new Queue<Node>([nodes[0]]);
        while (next.TryDequeue(out var node))
        {
            foreach (var peer in node.Part.Neighbors)
            {
                if (!ids.TryGetValue(peer, out var other) || !other.Part.Neighbors.Contains(node.Id)) return false;
                if (reached.Add(peer)) next.Enqueue(other);
            }
        }

        return reached.Count == nodes.Count;
    }

    private static async Task HeardByAllAsync(List<Node> nodes, string text)
    {
        Assert.True(nodes[^1].Part.Broadcast(Encoding.UTF8.GetBytes(text)));

        await UntilAsync(() => nodes.SkipLast(1).All(n => n.Heard.Contains(text)), nodes);
        Assert.All(nodes, n => Assert.True(n.Heard.Count(h => h == text) <= 1));
    }

    private static Task UntilAsync(Func<bool> condition, IEnumerable<Node> nodes) => Patience.UntilAsync(
        condition, Limit,
        () => string.Join(
            "; ", nodes.Select(n => $"{n.Part.Neighbors.Count} neighbours, heard {string.Join(',', n.Heard)}")));

    private sealed class Node : IAsyncDisposable
    {
        private readonly IrohEndpoint _endpoint;
        private readonly IrohGossip _gossip;
        private readonly Task _serving;
        private GossipTopic? _part;

        public Node(byte seed, int port = 0)
        {
            _endpoint = Start(Options(seed) with
            {
                Alpns = [IrohGossip.Alpn],
                Bind = [new IPEndPoint(IPAddress.Loopback, port)],
            });
            _gossip = IrohGossip.Start(_endpoint, new GossipOptions(), new Prng(seed), TimeProvider.System);
            _serving = ServeAsync();
        }

        public EndpointId Id => _endpoint.Id;

        public EndpointAddress Address => _endpoint.Address;

        public GossipTopic Part => _part!;

        public Task Reading { get; private set; } = Task.CompletedTask;

        public ConcurrentQueue<string> Heard { get; } = [];

        public ConcurrentQueue<string> Changes { get; } = [];

        public void Join(IReadOnlyCollection<EndpointAddress> peers)
        {
            _part = _gossip.Join(Topic, peers);
            Reading = ReadAsync();
        }

        public GossipTopic JoinAgain() => _gossip.Join(Topic, []);

        public async ValueTask DisposeAsync()
        {
            await _gossip.DisposeAsync();
            await Reading;
            await _endpoint.CloseAsync();
            await _serving;
        }

        /// <summary>Its connections end, and nobody was told that it leaves.</summary>
        public async Task CrashAsync()
        {
            await _endpoint.DisposeAsync();
            await DisposeAsync();
        }

        private async Task ReadAsync()
        {
            await foreach (var happened in Part.ReadAllAsync(Token))
            {
                switch (happened)
                {
                    case GossipEvent.Received received:
                        Heard.Enqueue(Encoding.UTF8.GetString(received.Content.Span));
                        break;
                    case GossipEvent.NeighborUp up: Changes.Enqueue($"up {up.Peer.ToShortString()}"); break;
                    case GossipEvent.NeighborDown down: Changes.Enqueue($"down {down.Peer.ToShortString()}"); break;
                }
            }
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true) _gossip.Accept(await _endpoint.AcceptAsync(Token));
            }
            catch (Exception e) when (e is ChannelClosedException or OperationCanceledException)
            {
                // The endpoint is closed.
            }
        }
    }
}
