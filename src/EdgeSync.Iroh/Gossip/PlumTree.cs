using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Iroh.Gossip;

/// <summary>
/// How messages go through a swarm: whole to the neighbours of a tree, announced to the others, which request what they
/// miss. The tree grows by itself: a neighbour whose message came second is pruned, one that is requested is grafted.
/// Spec: J. Leitão and others, "Epidemic Broadcast Trees", 2007.
/// </summary>
internal sealed class PlumTree(GossipOptions options)
{
    /// <summary>Bytes of an announcement at most: id and round.</summary>
    private const int AnnouncedBytesMax = EndpointId.Bytes + 3;

    private const int BodyHeadBytes = 5;

    private readonly List<EndpointId> _eager = [];
    private readonly List<EndpointId> _lazy = [];
    private readonly Dictionary<EndpointId, List<Announced>> _announcements = [];
    private readonly Dictionary<EndpointId, Queue<(EndpointId Peer, ushort Round)>> _missing = [];
    private readonly HashSet<EndpointId> _known = [];
    private readonly Queue<(Instant Until, EndpointId Id)> _knownOrder = new();
    private readonly Dictionary<EndpointId, GossipMessage.Payload> _kept = [];
    private readonly Queue<(Instant Until, EndpointId Id)> _keptOrder = new();
    private readonly PriorityQueue<EndpointId, (Instant At, long Order)> _grafts = new();
    private readonly Queue<(EndpointId Peer, GossipMessage Message)> _outgoing = new();
    private readonly Queue<(EndpointId From, GossipMessage.Payload Message)> _received = new();

    private Instant? _announceAt;
    private long _order;
    private int _keptBytes;

    /// <summary>Neighbours that get messages whole.</summary>
    public IReadOnlyList<EndpointId> Eager => _eager;

    public Instant? Deadline
    {
        get
        {
            var next = _announceAt;
            if (_grafts.TryPeek(out _, out var graft)) next = Instant.Earlier(next, graft.At);
            if (_keptOrder.TryPeek(out var kept)) next = Instant.Earlier(next, kept.Until);
            return _knownOrder.TryPeek(out var known) ? Instant.Earlier(next, known.Until) : next;
        }
    }

    public bool TryTakeMessage(out (EndpointId Peer, GossipMessage Message) outgoing) =>
        _outgoing.TryDequeue(out outgoing);

    public bool TryTakeReceived(out (EndpointId From, GossipMessage.Payload Message) received) =>
        _received.TryDequeue(out received);

    public void OnNeighborUp(EndpointId peer)
    {
        _lazy.Remove(peer);
        if (!_eager.Contains(peer)) _eager.Add(peer);
    }

    public void OnNeighborDown(EndpointId peer)
    {
        _eager.Remove(peer);
        _lazy.Remove(peer);
        _announcements.Remove(peer);
    }

    public void Broadcast(Instant now, byte[] content, bool isForNeighbors)
    {
        var id = new EndpointId(IrohHash.Compute(content));
        if (isForNeighbors)
        {
            var message = new GossipMessage.Payload(id, content, null);
            foreach (var peer in _eager.Concat(_lazy)) Send(peer, message);
            return;
        }

        if (!Know(now, id)) return;

        Pass(now, new GossipMessage.Payload(id, content, 0), from: null);
    }

    public void Receive(Instant now, EndpointId from, GossipMessage message)
    {
        switch (message)
        {
            case GossipMessage.Payload payload: OnPayload(now, from, payload); break;
            case GossipMessage.Prune: MakeLazy(from); break;
            case GossipMessage.Graft graft: OnGraft(from, graft); break;
            case GossipMessage.IHave have: OnIHave(now, from, have); break;
        }
    }

    public void OnDeadline(Instant now)
    {
        if (_announceAt is { } announceAt && announceAt <= now) Announce();
        while (_grafts.TryPeek(out var id, out var graft) && graft.At <= now)
        {
            _grafts.Dequeue();
            AskForMissing(now, id);
        }

        while (_keptOrder.TryPeek(out var kept) && kept.Until <= now) DropKept();
        while (_knownOrder.TryPeek(out var known) && known.Until <= now) _known.Remove(_knownOrder.Dequeue().Id);
    }

    private void OnPayload(Instant now, EndpointId from, GossipMessage.Payload message)
    {
        // An id that is not the content's hash is a fault or an attack: nothing of it is kept.
        if (new EndpointId(IrohHash.Compute(message.Content)) != message.Id) return;

        if (message.Round is not { } round)
        {
            _received.Enqueue((from, message));
            return;
        }

        if (!Know(now, message.Id))
        {
            MakeLazy(from);
            Send(from, new GossipMessage.Prune());
            return;
        }

        _received.Enqueue((from, message));
        var next = message with { Round = (ushort)Math.Min(round + 1, ushort.MaxValue) };
        Pass(now, next, from);
        if (_missing.Remove(message.Id, out var announcers)) Optimize(from, next.Round.Value, announcers);
    }

    // A peer much nearer to the origin has announced it: its branch replaces this one.
    private void Optimize(EndpointId from, ushort round, Queue<(EndpointId Peer, ushort Round)> announcers)
    {
        if (announcers.Count == 0) return;

        var best = announcers.MinBy(a => a.Round);
        if (best.Peer == from || round - best.Round < options.OptimizeRounds) return;

        if (!_eager.Contains(best.Peer))
        {
            MakeEager(best.Peer);
            Send(best.Peer, new GossipMessage.Graft(null, best.Round));
        }

        MakeLazy(from);
        Send(from, new GossipMessage.Prune());
    }

    private void OnGraft(EndpointId from, GossipMessage.Graft message)
    {
        MakeEager(from);
        if (message.Id is { } id && _kept.TryGetValue(id, out var kept)) Send(from, kept);
    }

    private void OnIHave(Instant now, EndpointId from, GossipMessage.IHave message)
    {
        foreach (var announced in message.Messages)
        {
            if (_known.Contains(announced.Id)) continue;

            if (!_missing.TryGetValue(announced.Id, out var announcers))
            {
                if (_missing.Count >= options.KnownMax) return;

                _missing[announced.Id] = announcers = new Queue<(EndpointId, ushort)>();
                _grafts.Enqueue(announced.Id, (now + options.GraftTimeout, _order++));
            }

            announcers.Enqueue((from, announced.Round));
        }
    }

    private void AskForMissing(Instant now, EndpointId id)
    {
        if (!_missing.TryGetValue(id, out var announcers)) return;
        if (!announcers.TryDequeue(out var announcer))
        {
            _missing.Remove(id);
            return;
        }

        MakeEager(announcer.Peer);
        Send(announcer.Peer, new GossipMessage.Graft(id, announcer.Round));
        _grafts.Enqueue(id, (now + options.NextGraftTimeout, _order++));
    }

    /// <summary>Whole to the tree, announced to the rest.</summary>
    private void Pass(Instant now, GossipMessage.Payload message, EndpointId? from)
    {
        Keep(now, message);
        foreach (var peer in _eager)
            if (peer != from) Send(peer, message);
        foreach (var peer in _lazy)
        {
            if (peer == from) continue;

            if (!_announcements.TryGetValue(peer, out var list)) _announcements[peer] = list = [];
            list.Add(new Announced(message.Id, message.Round!.Value));
            _announceAt ??= now + options.AnnounceDelay;
        }
    }

    private void Announce()
    {
        _announceAt = null;
        var most = Math.Max(1, (options.BodyBytesMax - BodyHeadBytes) / AnnouncedBytesMax);
        foreach (var (peer, list) in _announcements)
            foreach (var part in list.Chunk(most)) Send(peer, new GossipMessage.IHave(part));
        _announcements.Clear();
    }

    /// <summary>False when the message was known.</summary>
    private bool Know(Instant now, EndpointId id)
    {
        if (!_known.Add(id)) return false;

        _knownOrder.Enqueue((now + options.KnownFor, id));
        if (_knownOrder.Count > options.KnownMax) _known.Remove(_knownOrder.Dequeue().Id);
        return true;
    }

    private void Keep(Instant now, GossipMessage.Payload message)
    {
        if (!_kept.TryAdd(message.Id, message)) return;

        _keptOrder.Enqueue((now + options.KeptFor, message.Id));
        _keptBytes += message.Content.Length;
        while (_keptBytes > options.KeptBytesMax) DropKept();
    }

    private void DropKept()
    {
        if (_kept.Remove(_keptOrder.Dequeue().Id, out var dropped)) _keptBytes -= dropped.Content.Length;
    }

    // Only neighbours have a place in the tree; a request of others is answered once.
    private void MakeEager(EndpointId peer)
    {
        if (_lazy.Remove(peer)) _eager.Add(peer);
    }

    private void MakeLazy(EndpointId peer)
    {
        if (_eager.Remove(peer)) _lazy.Add(peer);
    }

    private void Send(EndpointId peer, GossipMessage message) => _outgoing.Enqueue((peer, message));
}
