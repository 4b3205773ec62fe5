using System.Threading.Channels;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Gossip;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;
using EdgeSync.Quic.Connections;

namespace EdgeSync.Net.Iroh;

/// <summary>
/// What is sent to one peer, in order: over the connection that it has dialled or one that is dialled for the first
/// message. When both sides dial, each sends on one and reads both. The link ends with its last connection.
/// </summary>
internal sealed class GossipLink
{
    /// <summary>Messages that wait; a peer that does not take them is given up.</summary>
    private const int QueuedMax = 1024;

    /// <summary>Connections of one peer: those of both sides, and the ones before a restart.</summary>
    private const int ConnectionsMax = 4;

    /// <summary>For which a connection that no topic needs stays open: messages of both sides cross.</summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(5);

    private readonly IrohGossip _gossip;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _ending;
    private readonly Channel<Item> _items = Channel.CreateUnbounded<Item>(
        new UnboundedChannelOptions { SingleReader = true });

    private readonly List<IrohConnection> _connections = [];
    private readonly Queue<Item> _waiting = new();
    private readonly Dictionary<TopicId, HostStream> _streams = [];

    /// <summary>Ends of streams that the peer has not wholly received yet.</summary>
    private readonly List<Task> _unfinished = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _queued;
    private int _offered;
    private int _idleAsked;
    private int _isWaitingIdle;
    private bool _isDialling;
    private bool _isFinishing;

    public GossipLink(IrohGossip gossip, EndpointId peer, TimeProvider clock, CancellationToken stopping)
    {
        (_gossip, Peer, _clock) = (gossip, peer, clock);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _ = Task.Run(RunAsync, CancellationToken.None);
    }

    public EndpointId Peer { get; }

    /// <summary>Ends when nothing is sent any more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>A connection that the peer has dialled.</summary>
    public void Offer(IrohConnection connection)
    {
        if (Interlocked.Increment(ref _offered) <= ConnectionsMax)
        {
            _items.Writer.TryWrite(new Item(ItemKind.Connected) { Connection = connection });
            return;
        }

        Interlocked.Decrement(ref _offered);
        connection.Close(0, "too many connections");
    }

    public void Send(GossipEffect.Send message)
    {
        if (Interlocked.Increment(ref _queued) <= QueuedMax)
            _items.Writer.TryWrite(new Item(ItemKind.Send)
            {
                Topic = message.Topic,
                Body = message.Body,
                Address = message.Address,
            });
        else _ = _ending.CancelAsync();
    }

    /// <summary>Ends the topic's stream once all is sent, and the connection a while after the last.</summary>
    public void End(TopicId topic, bool isLast)
    {
        _items.Writer.TryWrite(new Item(ItemKind.End) { Topic = topic });
        if (isLast) CloseLater();
    }

    /// <summary>Sends what waits, and ends.</summary>
    public void Finish() => _items.Writer.TryWrite(new Item(ItemKind.Finish));

    private async Task RunAsync()
    {
        var isAlive = false;
        try
        {
            await foreach (var item in _items.Reader.ReadAllAsync(_ending.Token))
            {
                if (await TakeAsync(item) is not { } end) continue;
                isAlive = end;
                break;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // It is given up, or all ends.
        }

        _items.Writer.TryComplete();
        foreach (var connection in _connections) connection.Close(0, "");
        while (_items.Reader.TryRead(out var late)) late.Connection?.Close(0, "");
        await _ending.CancelAsync();
        _gossip.OnEnded(this, isAlive);
        _ended.TrySetResult();
    }

    /// <summary>Null to go on; else whether the peer was there to the end.</summary>
    private async ValueTask<bool?> TakeAsync(Item item)
    {
        switch (item.Kind)
        {
            case ItemKind.Connected:
                _isDialling &= item.Connection!.IsIncoming;
                await OnConnectedAsync(item.Connection!);
                break;
            case ItemKind.DialFailed:
                _isDialling = false;
                return _connections.Count == 0 ? false : null;
            case ItemKind.Closed:
                return await OnClosedAsync(item.Connection!);
            case ItemKind.Send:
                await SendOrWaitAsync(item);
                break;
            case ItemKind.End when _waiting.Count > 0:
                _waiting.Enqueue(item);
                break;
            case ItemKind.End:
                await EndAsync(item.Topic);
                break;
            case ItemKind.Idle:
                if (_waiting.Count == 0 && !_isDialling && !_gossip.IsNeeded(Peer)) return true;
                break;
            case ItemKind.Finish:
                _isFinishing = true;
                break;
        }

        // A connection that is still to be made tells nobody that this endpoint leaves.
        if (!_isFinishing) return null;
        await FinishAsync();
        return true;
    }

    private async Task OnConnectedAsync(IrohConnection connection)
    {
        _connections.Add(connection);
        _ = WatchAsync(connection);
        while (_waiting.TryDequeue(out var item))
            await (item.Kind == ItemKind.Send ? SendAsync(item) : EndAsync(item.Topic));
        // The peer may want nothing that is needed here.
        if (connection.IsIncoming) CloseLater();
    }

    private async ValueTask<bool?> OnClosedAsync(IrohConnection connection)
    {
        if (connection.IsIncoming) Interlocked.Decrement(ref _offered);
        if (_connections.FirstOrDefault() == connection) _streams.Clear();
        _connections.Remove(connection);
        if (_connections.Count > 0 || _isDialling) return null;
        return await connection.Closed is { Kind: CloseKind.Peer or CloseKind.Local, Code: 0 };
    }

    private async Task SendOrWaitAsync(Item item)
    {
        if (_connections.Count > 0)
        {
            await SendAsync(item);
            return;
        }

        _waiting.Enqueue(item);
        if (_isDialling) return;
        _isDialling = true;
        _ = DialAsync(item.Address);
    }

    private async Task DialAsync(EndpointAddress? address)
    {
        try
        {
            var connection = await _gossip.DialAsync(Peer, address, _ending.Token);
            if (!_items.Writer.TryWrite(new Item(ItemKind.Connected) { Connection = connection }))
                connection.Close(0, "");
        }
        catch (Exception e) when (e is EdgeSyncException or OperationCanceledException or ObjectDisposedException)
        {
            _items.Writer.TryWrite(new Item(ItemKind.DialFailed));
        }
    }

    private async Task WatchAsync(IrohConnection connection)
    {
        await connection.Closed;
        _items.Writer.TryWrite(new Item(ItemKind.Closed) { Connection = connection });
    }

    private void CloseLater()
    {
        Interlocked.Increment(ref _idleAsked);
        if (Interlocked.Exchange(ref _isWaitingIdle, 1) == 0) _ = CloseLaterAsync();
    }

    private async Task CloseLaterAsync()
    {
        try
        {
            int asked;
            do
            {
                asked = Volatile.Read(ref _idleAsked);
                await Task.Delay(IdleTime, _clock, _ending.Token);
            }
            while (asked != Volatile.Read(ref _idleAsked));
            Volatile.Write(ref _isWaitingIdle, 0);
            _items.Writer.TryWrite(new Item(ItemKind.Idle));
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The link has ended.
        }
    }

    // A message is lost with its connection: the core learns when the last one is over.
    private async Task SendAsync(Item item)
    {
        Interlocked.Decrement(ref _queued);
        try
        {
            if (!_streams.TryGetValue(item.Topic, out var stream))
            {
                stream = await _connections[0].OpenStreamAsync(isUnidirectional: true, _ending.Token);
                _streams[item.Topic] = stream;
                await stream.WriteAsync(GossipFraming.Header(item.Topic), _ending.Token);
            }

            await stream.WriteAsync(GossipFraming.Frame(item.Body.Span), _ending.Token);
        }
        catch (QuicStreamException)
        {
            _streams.Remove(item.Topic);   // the peer has left the topic
        }
        catch (QuicClosedException)
        {
            // The item that says so is under way.
        }
    }

    private async Task EndAsync(TopicId topic)
    {
        if (!_streams.Remove(topic, out var stream)) return;
        try
        {
            stream.CompleteWrites();
            _unfinished.RemoveAll(t => t.IsCompleted);
            _unfinished.Add(stream.SendEnd);
            await stream.DisposeAsync();
        }
        catch (EdgeSyncException)
        {
            // It has ended otherwise.
        }
    }

    /// <summary>Waits until the peer has what was sent.</summary>
    private async Task FinishAsync()
    {
        foreach (var topic in _streams.Keys.ToArray()) await EndAsync(topic);
        foreach (var end in _unfinished)
        {
            try
            {
                await end.WaitAsync(_ending.Token);
            }
            catch (EdgeSyncException)
            {
                // The peer takes no more.
            }
        }
    }

    private enum ItemKind
    {
        Send,

        /// <summary>The topic's stream ends.</summary>
        End,

        /// <summary>A connection was made, by either side.</summary>
        Connected,

        DialFailed,

        /// <summary>A connection is over.</summary>
        Closed,

        /// <summary>It may be that no topic needs the connection.</summary>
        Idle,

        Finish,
    }

    private readonly record struct Item(ItemKind Kind)
    {
        public TopicId Topic { get; init; }

        public ReadOnlyMemory<byte> Body { get; init; }

        public EndpointAddress? Address { get; init; }

        public IrohConnection? Connection { get; init; }
    }
}
