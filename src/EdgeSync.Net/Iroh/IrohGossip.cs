using System.Buffers;
using System.Text;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Gossip;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Iroh;

/// <summary>
/// Gossip over the connections of an endpoint: messages reach every endpoint of a topic, though each is connected to a
/// few. The endpoint accepts <see cref="Alpn"/>, and the code that takes its connections passes those to
/// <see cref="Accept"/>.
/// <code>
/// GossipTopic ──▶ GossipNode (core) ──▶ GossipLink, one for each peer ──▶ streams
///             ◀──                   ◀── ReadAsync, one for each stream ◀──
/// </code>
/// </summary>
public sealed class IrohGossip : IAsyncDisposable
{
    /// <summary>The protocol of its connections.</summary>
    public static readonly string Alpn = Encoding.ASCII.GetString(GossipFraming.Alpn);

    /// <summary>Bytes of the largest content.</summary>
    public const int ContentBytesMax = GossipFraming.DefaultBodyBytesMax - EndpointId.Bytes - 12;

    /// <summary>The code by which a connection without a valid message is closed.</summary>
    private const ulong InvalidCode = 1;

    /// <summary>Peers with a connection, or one that is being made.</summary>
    private const int LinksMax = 256;

    private static readonly TimeSpan DialTimeMax = TimeSpan.FromSeconds(20);

    /// <summary>For the last messages, when it ends.</summary>
    private static readonly TimeSpan EndTimeMax = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly IrohEndpoint _endpoint;
    private readonly GossipNode _core;
    private readonly TimeProvider _clock;
    private readonly QuicClock _time;
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<EndpointId, GossipLink> _links = [];
    private readonly Dictionary<TopicId, List<GossipTopic>> _topics = [];
    private EndpointAddress? _told;
    private bool _isOver;

    private IrohGossip(IrohEndpoint endpoint, GossipOptions options, Prng prng, TimeProvider clock)
    {
        (_endpoint, _clock, _time) = (endpoint, clock, new QuicClock(clock));
        _core = new GossipNode(endpoint.Id, options, prng);
        _timer = _time.CreateTimer(_ => Call(static (core, now) => core.OnDeadline(now)));
    }

    /// <summary>Peers that it is connected to, or connects to.</summary>
    public int PeerCount
    {
        get
        {
            using (_lock.EnterScope()) return _links.Count;
        }
    }

    /// <param name="endpoint">Whose connections; its owner keeps it, longer than this.</param>
    /// <param name="options">The limits of a message are those of all nodes.</param>
    /// <param name="prng">Chooses neighbours.</param>
    /// <param name="clock">Of its timers.</param>
    public static IrohGossip Start(IrohEndpoint endpoint, GossipOptions options, Prng prng, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        return new IrohGossip(endpoint, options with { BodyBytesMax = GossipFraming.DefaultBodyBytesMax }, prng, clock);
    }

    /// <summary>Takes part in a topic.</summary>
    /// <param name="topic">Which.</param>
    /// <param name="bootstrap">
    /// Peers that take part, in part or whole; one is enough, and none waits for others. They are tried again and again
    /// until one is a neighbour. A peer without an address is looked up by its id.
    /// </param>
    /// <exception cref="ObjectDisposedException">It has ended.</exception>
    public GossipTopic Join(TopicId topic, IReadOnlyCollection<EndpointAddress> bootstrap)
    {
        ArgumentNullException.ThrowIfNull(bootstrap);
        var part = new GossipTopic(this, topic);
        Call((core, now) =>
        {
            if (!_topics.TryGetValue(topic, out var parts)) _topics[topic] = parts = [];
            parts.Add(part);
            foreach (var peer in core.Neighbors(topic)) part.Add(new GossipEvent.NeighborUp(peer));
            core.Join(now, topic, bootstrap);
        });
        ObjectDisposedException.ThrowIf(_isOver, this);
        return part;
    }

    /// <summary>Serves a connection that a peer has dialled with <see cref="Alpn"/>.</summary>
    public void Accept(IrohConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        using (_lock.EnterScope())
        {
            if (_isOver || (_links.Count >= LinksMax && !_links.ContainsKey(connection.Peer)))
            {
                connection.Close(0, "too many peers");
                return;
            }

            LinkTo(connection.Peer).Offer(connection);
        }

        _ = ReadStreamsAsync(connection);
    }

    /// <summary>Leaves all topics, so that peers know, and closes its connections.</summary>
    public async ValueTask DisposeAsync()
    {
        GossipLink[] links;
        using (_lock.EnterScope())
        {
            if (_isOver) return;
            foreach (var (topic, parts) in _topics)
            {
                _core.Leave(topic);
                foreach (var part in parts) part.Complete();
            }

            _topics.Clear();
            Perform();
            _isOver = true;
            links = [.. _links.Values];
        }

        foreach (var link in links) link.Finish();
        try
        {
            await Task.WhenAll(links.Select(l => l.Ended)).WaitAsync(EndTimeMax, _clock);
        }
        catch (TimeoutException)
        {
            // A peer that takes nothing any more.
        }

        await _stopping.CancelAsync();
        await Task.WhenAll(links.Select(l => l.Ended));
        await _timer.DisposeAsync();
        _stopping.Dispose();
    }

    internal IReadOnlyList<EndpointId> Neighbors(TopicId topic)
    {
        using (_lock.EnterScope()) return [.. _core.Neighbors(topic)];
    }

    internal void AddPeers(TopicId topic, IReadOnlyCollection<EndpointAddress> peers) => Call((core, now) =>
    {
        if (_topics.ContainsKey(topic)) core.Join(now, topic, peers);
    });

    internal bool Broadcast(TopicId topic, ReadOnlyMemory<byte> content, bool isForNeighbors)
    {
        var isTaken = false;
        Call((core, now) => isTaken = core.Broadcast(now, topic, content.Span, isForNeighbors));
        return isTaken;
    }

    internal void Leave(GossipTopic part)
    {
        Call((core, _) =>
        {
            if (!_topics.TryGetValue(part.Id, out var parts) || !parts.Remove(part) || parts.Count > 0) return;
            _topics.Remove(part.Id);
            core.Leave(part.Id);
        });
        part.Complete();
    }

    /// <summary>Whether a topic needs the connection to a peer.</summary>
    internal bool IsNeeded(EndpointId peer)
    {
        using (_lock.EnterScope()) return _core.IsNeeded(peer);
    }

    /// <summary>Connects to a peer, and serves its streams.</summary>
    /// <param name="address">Null: it is looked up by its id.</param>
    internal async Task<IrohConnection> DialAsync(
        EndpointId peer, EndpointAddress? address, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(DialTimeMax, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var connection = await _endpoint.ConnectAsync(address ?? new EndpointAddress(peer), Alpn, either.Token);
        _ = ReadStreamsAsync(connection);
        return connection;
    }

    /// <summary>A peer cannot be reached, or its last connection is over.</summary>
    /// <param name="isAlive">It was closed in order.</param>
    internal void OnEnded(GossipLink link, bool isAlive)
    {
        if (_isOver) return;
        Call((core, now) =>
        {
            if (_links.GetValueOrDefault(link.Peer) == link) _links.Remove(link.Peer);
            core.OnConnectionClosed(now, link.Peer, isAlive);
        });
    }

    private void Call(Action<GossipNode, Instant> action)
    {
        using (_lock.EnterScope())
        {
            if (_isOver) return;
            if (_endpoint.Address is var address && !ReferenceEquals(address, _told))
            {
                _told = address;
                _core.SetAddress(address);
            }

            var now = _time.Now;
            action(_core, now);
            Perform();
            // Timers fire early by up to their resolution; then it looks again.
            if (_core.Deadline is { } deadline)
                _timer.Change(
                    deadline > now ? deadline - now + TimeSpan.FromMilliseconds(1) : TimeSpan.Zero,
                    Timeout.InfiniteTimeSpan);
        }
    }

    // Under the lock: nothing here waits.
    private void Perform()
    {
        while (_core.TryTakeEffect(out var effect))
        {
            switch (effect)
            {
                case GossipEffect.Send send:
                    LinkTo(send.Peer).Send(send);
                    break;
                case GossipEffect.EndStream end:
                    if (_links.TryGetValue(end.Peer, out var link)) link.End(end.Topic, end.IsLast);
                    break;
                case GossipEffect.NeighborUp up:
                    Tell(up.Topic, new GossipEvent.NeighborUp(up.Peer));
                    break;
                case GossipEffect.NeighborDown down:
                    Tell(down.Topic, new GossipEvent.NeighborDown(down.Peer));
                    break;
                case GossipEffect.Received received:
                    Tell(
                        received.Topic,
                        new GossipEvent.Received(received.From, received.Content, received.Hops));
                    break;
            }
        }
    }

    private void Tell(TopicId topic, GossipEvent happened)
    {
        if (!_topics.TryGetValue(topic, out var parts)) return;
        foreach (var part in parts) part.Add(happened);
    }

    private GossipLink LinkTo(EndpointId peer)
    {
        if (_links.TryGetValue(peer, out var link)) return link;
        return _links[peer] = new GossipLink(this, peer, _clock, _stopping.Token);
    }

    private async Task ReadStreamsAsync(IrohConnection connection)
    {
        try
        {
            while (true)
            {
                var stream = await connection.AcceptStreamAsync(_stopping.Token);
                if (stream.IsUnidirectional) _ = ReadAsync(connection, stream);
                else await stream.DisposeAsync();
            }
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException or ObjectDisposedException)
        {
            // It is over; its link tells.
        }
    }

    /// <summary>Reads the messages of one topic.</summary>
    private async Task ReadAsync(IrohConnection connection, HostStream stream)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(2 * GossipFraming.DefaultBodyBytesMax);
        try
        {
            await using var ours = stream;
            var (length, topic) = (0, (TopicId?)null);
            while (await stream.ReadAsync(buffer.AsMemory(length), _stopping.Token) is var count and > 0)
            {
                length += count;
                if (TakeFrames(connection.Peer, buffer, ref length, ref topic)) continue;
                connection.Close(InvalidCode, "not a message of gossip");
                return;
            }
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException or ObjectDisposedException)
        {
            // The stream, or the connection, is over.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>False when the bytes are not frames of messages.</summary>
    private bool TakeFrames(EndpointId peer, byte[] buffer, ref int length, ref TopicId? topic)
    {
        var taken = 0;
        while (true)
        {
            var status = GossipFraming.TryReadFrame(
                buffer.AsSpan(taken, length - taken), GossipFraming.DefaultBodyBytesMax, out var body, out var size);
            if (status == OperationStatus.InvalidData) return false;
            if (status == OperationStatus.NeedMoreData) break;
            if (topic is null)
            {
                if (!GossipFraming.TryReadHeader(body, out var first)) return false;
                topic = first;
            }
            else if (!Receive(peer, topic.Value, buffer, taken + size - body.Length, body.Length))
            {
                return false;
            }

            taken += size;
        }

        buffer.AsSpan(taken, length - taken).CopyTo(buffer);
        length -= taken;
        return true;
    }

    private bool Receive(EndpointId peer, TopicId topic, byte[] buffer, int offset, int length)
    {
        var isValid = true;
        Call((core, now) => isValid = core.Receive(now, peer, topic, buffer.AsSpan(offset, length)));
        return isValid;
    }
}
