using System.Runtime.CompilerServices;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Gossip;

namespace EdgeSync.Net.Iroh;

/// <summary>
/// Part in one topic of an <see cref="IrohGossip"/>: one reader gets its events. Disposing leaves the topic, when it is
/// the last of this endpoint.
/// </summary>
public sealed class GossipTopic : IDisposable
{
    /// <summary>Events that wait for the reader; more are dropped, and counted.</summary>
    public const int QueuedMax = 2048;

    private readonly IrohGossip _gossip;
    private readonly Lock _lock = new();
    private readonly Queue<GossipEvent> _events = new();
    private readonly AsyncSignal _signal = new() { ContinuesOnPool = true };
    private long _dropped;
    private bool _isOver;

    internal GossipTopic(IrohGossip gossip, TopicId id) => (_gossip, Id) = (gossip, id);

    public TopicId Id { get; }

    /// <summary>The peers that messages go to; empty while none is reached.</summary>
    public IReadOnlyList<EndpointId> Neighbors => _gossip.Neighbors(Id);

    /// <summary>Asks further peers to take this endpoint into the swarm.</summary>
    /// <param name="peers">A peer without an address is looked up by its id.</param>
    public void Join(IReadOnlyCollection<EndpointAddress> peers) => _gossip.AddPeers(Id, peers);

    /// <summary>
    /// Sends to every node of the topic. The same content again within 90 seconds is the same message, and not sent.
    /// </summary>
    /// <returns>
    /// False when it has more than <see cref="IrohGossip.ContentBytesMax"/> bytes, or the topic was left.
    /// </returns>
    public bool Broadcast(ReadOnlyMemory<byte> content) => _gossip.Broadcast(Id, content, isForNeighbors: false);

    /// <summary>Sends to the neighbours alone.</summary>
    /// <returns>As <see cref="Broadcast"/>.</returns>
    public bool BroadcastNeighbors(ReadOnlyMemory<byte> content) =>
        _gossip.Broadcast(Id, content, isForNeighbors: true);

    /// <summary>The next event; null once the topic was left. One reader at a time.</summary>
    public async ValueTask<GossipEvent?> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            using (_lock.EnterScope())
            {
                if (_events.TryDequeue(out var next)) return next;
                if (_dropped > 0)
                {
                    (next, _dropped) = (new GossipEvent.Lagged(_dropped), 0);
                    return next;
                }

                if (_isOver) return null;
            }

            await _signal.WaitOrCancelAsync(cancellationToken);
        }
    }

    /// <summary>The events until the topic is left. One reader at a time.</summary>
    public async IAsyncEnumerable<GossipEvent> ReadAllAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await ReadAsync(cancellationToken) is { } next) yield return next;
    }

    public void Dispose() => _gossip.Leave(this);

    /// <summary>Never waits: a slow reader misses events, and gets their number.</summary>
    internal void Add(GossipEvent happened)
    {
        using (_lock.EnterScope())
        {
            if (_dropped > 0 && _events.Count + 1 < QueuedMax)
            {
                _events.Enqueue(new GossipEvent.Lagged(_dropped));
                _dropped = 0;
            }

            if (_dropped == 0 && _events.Count < QueuedMax) _events.Enqueue(happened);
            else _dropped++;
        }

        _signal.Set();
    }

    internal void Complete()
    {
        using (_lock.EnterScope()) _isOver = true;
        _signal.Set();
    }
}
