using System.Diagnostics.CodeAnalysis;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Iroh.Gossip;

/// <summary>
/// Gossip of one endpoint over all its topics: messages that reach every node of a swarm, though each is connected to a
/// few.
/// <code>
/// Join, Leave, Broadcast ─▶                           ─▶ TryTakeEffect    send, end streams, what was received
/// Receive(now, peer, topic, body) ─▶  core             ─▶ Deadline
/// OnConnectionClosed, OnDeadline ─▶
/// </code>
/// Messages travel over streams that keep their order (<see cref="GossipFraming"/>); the shell connects to a peer when
/// the first message goes there. Nodes tell each other where they and others are (<see cref="GossipAddress"/>).
/// </summary>
public sealed class GossipNode
{
    private readonly EndpointId _self;
    private readonly GossipOptions _options;
    private readonly Prng _prng;
    private readonly Dictionary<TopicId, Swarm> _swarms = [];
    private readonly Queue<GossipEffect> _effects = new();

    private byte[]? _data;

    public GossipNode(EndpointId self, GossipOptions options, Prng prng)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_self, _options, _prng) = (self, options, prng);
    }

    /// <summary>When <see cref="OnDeadline"/> is due; null: never.</summary>
    public Instant? Deadline
    {
        get
        {
            Instant? next = null;
            foreach (var swarm in _swarms.Values)
                next = Instant.Earlier(next, Instant.Earlier(swarm.View.Deadline, swarm.Tree.Deadline));
            return next;
        }
    }

    public bool TryTakeEffect([NotNullWhen(true)] out GossipEffect? effect) => _effects.TryDequeue(out effect);

    /// <summary>The neighbours in a topic.</summary>
    public IReadOnlyList<EndpointId> Neighbors(TopicId topic) =>
        _swarms.TryGetValue(topic, out var swarm) ? swarm.View.Active : [];

    /// <summary>The peers of a topic that are known besides.</summary>
    public IReadOnlyList<EndpointId> Known(TopicId topic) =>
        _swarms.TryGetValue(topic, out var swarm) ? swarm.View.Passive : [];

    /// <summary>Whether a topic needs the connection to a peer: as a neighbour, or for an answer.</summary>
    public bool IsNeeded(EndpointId peer) => _swarms.Values.Any(s => s.View.IsNeeded(peer));

    /// <summary>Where this endpoint is: nodes of its swarms learn it.</summary>
    public void SetAddress(EndpointAddress address)
    {
        _data = GossipAddress.Encode(address);
        foreach (var swarm in _swarms.Values) swarm.View.SetOwnData(_data);
    }

    /// <summary>Takes part in a topic, with the given peers. A repeated call adds further peers.</summary>
    public void Join(Instant now, TopicId topic, IEnumerable<EndpointAddress> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        if (!_swarms.TryGetValue(topic, out var swarm))
        {
            swarm = new Swarm(new HyParView(_self, _options, _prng.Fork()), new PlumTree(_options));
            swarm.View.SetOwnData(_data);
            _swarms.Add(topic, swarm);
        }

        foreach (var peer in peers) swarm.View.Join(now, peer);
        Drain(topic, swarm);
    }

    /// <summary>Leaves a topic.</summary>
    public void Leave(TopicId topic)
    {
        if (!_swarms.Remove(topic, out var swarm)) return;

        swarm.View.Leave();
        Drain(topic, swarm);
    }

    /// <summary>Sends to every node of the topic, or to the neighbours alone.</summary>
    /// <returns>False when the topic was not joined, or the content does not fit a message.</returns>
    public bool Broadcast(Instant now, TopicId topic, ReadOnlySpan<byte> content, bool isForNeighbors = false)
    {
        // Two bytes of kind, the id, a length and the scope.
        if (!_swarms.TryGetValue(topic, out var swarm)
            || content.Length + EndpointId.Bytes + 12 > _options.BodyBytesMax) return false;

        swarm.Tree.Broadcast(now, content.ToArray(), isForNeighbors);
        Drain(topic, swarm);
        return true;
    }

    /// <summary>A frame's body on a peer's stream of a topic.</summary>
    /// <returns>False when it is not a message: the connection is to be closed.</returns>
    public bool Receive(Instant now, EndpointId peer, TopicId topic, ReadOnlySpan<byte> body)
    {
        if (GossipMessage.Decode(body) is not { } message) return false;
        if (!_swarms.TryGetValue(topic, out var swarm)) return true;

        if (message is GossipMessage.Payload or GossipMessage.Prune or GossipMessage.Graft or GossipMessage.IHave)
            swarm.Tree.Receive(now, peer, message);
        else swarm.View.Receive(now, peer, message);
        Drain(topic, swarm);
        return true;
    }

    /// <summary>The connection to a peer ended, or could not be made.</summary>
    /// <param name="isAlive">It was closed in order, by either side: the peer runs.</param>
    public void OnConnectionClosed(Instant now, EndpointId peer, bool isAlive)
    {
        foreach (var (topic, swarm) in _swarms)
        {
            swarm.View.OnClosed(now, peer, isAlive);
            Drain(topic, swarm);
        }
    }

    public void OnDeadline(Instant now)
    {
        foreach (var (topic, swarm) in _swarms)
        {
            swarm.View.OnDeadline(now);
            swarm.Tree.OnDeadline(now);
            Drain(topic, swarm);
        }
    }

    // Neighbours first: what is sent to them goes by the tree that they are in.
    private void Drain(TopicId topic, Swarm swarm)
    {
        while (swarm.View.TryTakeChange(out var change))
        {
            if (change.IsUp) swarm.Tree.OnNeighborUp(change.Peer);
            else swarm.Tree.OnNeighborDown(change.Peer);
            _effects.Enqueue(change.IsUp
                ? new GossipEffect.NeighborUp(topic, change.Peer) : new GossipEffect.NeighborDown(topic, change.Peer));
        }

        while (swarm.View.TryTakeMessage(out var outgoing)) Send(topic, swarm, outgoing.Peer, outgoing.Message);
        while (swarm.Tree.TryTakeMessage(out var outgoing)) Send(topic, swarm, outgoing.Peer, outgoing.Message);
        while (swarm.View.TryTakeReleased(out var peer))
        {
            if (swarm.View.IsNeeded(peer)) continue;

            _effects.Enqueue(new GossipEffect.EndStream(topic, peer, IsLast: !IsNeeded(peer)));
        }

        while (swarm.Tree.TryTakeReceived(out var received))
            _effects.Enqueue(new GossipEffect.Received(
                topic, received.From, received.Message.Content, received.Message.Round));
    }

    private void Send(TopicId topic, Swarm swarm, EndpointId peer, GossipMessage message) =>
        _effects.Enqueue(new GossipEffect.Send(topic, peer, swarm.View.AddressOf(peer), message.Encode()));

    private sealed record Swarm(HyParView View, PlumTree Tree);
}
