using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Iroh.Gossip;

/// <summary>
/// The neighbours of a node in a swarm: a few active peers, connected both ways, and more that are known and take the
/// place of lost ones. Spec: J. Leitão and others, "HyParView", 2007; numbers in comments are its steps.
/// <para>
/// Beyond the paper, peers that cannot be reached are kept for a while and joined again, one at a time: two parts of a
/// swarm whose nodes are all connected within their part would stay apart after the network between them is back.
/// </para>
/// </summary>
internal sealed class HyParView(EndpointId self, GossipOptions options, Prng prng)
{
    private readonly List<EndpointId> _active = [];
    private readonly List<EndpointId> _passive = [];

    /// <summary>Requests to be neighbours, and when they count as failed.</summary>
    private readonly Dictionary<EndpointId, Instant> _requests = [];

    /// <summary>Peers that disconnected but run: they stay passive when their connection closes.</summary>
    private readonly HashSet<EndpointId> _running = [];

    private readonly Dictionary<EndpointId, Known> _data = [];

    /// <summary>Peers that could not be reached, the one that waits longest first.</summary>
    private readonly List<Lost> _lost = [];
    private readonly Queue<(EndpointId Peer, GossipMessage Message)> _outgoing = new();
    private readonly Queue<EndpointId> _released = new();
    private readonly Queue<(EndpointId Peer, bool IsUp)> _changes = new();

    private byte[]? _ownData;
    private Instant? _shuffleAt;
    private Instant? _rejoinAt;
    private int _lonelyTries;

    public IReadOnlyList<EndpointId> Active => _active;

    public IReadOnlyList<EndpointId> Passive => _passive;

    public Instant? Deadline
    {
        get
        {
            var next = _shuffleAt;
            foreach (var (_, at) in _requests) next = Instant.Earlier(next, at);
            return Instant.Earlier(next, RejoinDeadline);
        }
    }

    /// <summary>Peers that are joined again from time to time.</summary>
    public int LostCount => _lost.Count;

    public bool TryTakeMessage(out (EndpointId Peer, GossipMessage Message) outgoing) =>
        _outgoing.TryDequeue(out outgoing);

    /// <summary>Peers whose stream is to be ended, after the messages to them.</summary>
    public bool TryTakeReleased(out EndpointId peer) => _released.TryDequeue(out peer);

    public bool TryTakeChange(out (EndpointId Peer, bool IsUp) change) => _changes.TryDequeue(out change);

    /// <summary>Where a peer is reached, as it says itself; null when that is not known.</summary>
    public EndpointAddress? AddressOf(EndpointId peer) => _data.GetValueOrDefault(peer).Address;

    /// <summary>Whether the peer is a neighbour, or a request to be one is pending.</summary>
    public bool IsNeeded(EndpointId peer) => _active.Contains(peer) || _requests.ContainsKey(peer);

    public void SetOwnData(byte[]? data) => _ownData = data;

    /// <summary>Peers that one message tells of, so that it does not pass its size.</summary>
    private int ReplyMax => options.ShuffleActive + options.ShufflePassive;

    // Null while there is nobody to join, or an answer is pending.
    private Instant? RejoinDeadline
    {
        get
        {
            if (_active.Count > 0)
                return _lost.Count == 0 ? null : Later(_rejoinAt, _lost.Min(l => l.At));

            return _requests.Count > 0 || _lost.Count + _passive.Count == 0 ? null : _rejoinAt ?? default(Instant);
        }
    }

    /// <summary>Requests a known peer to take this node into the swarm.</summary>
    public void Join(Instant now, EndpointAddress peer)
    {
        if (peer.Id == self) return;

        _shuffleAt ??= now + options.ShuffleInterval;
        Learn(peer.Id, GossipAddress.Encode(peer));
        JoinAt(now, peer.Id);
    }

    /// <summary>Disconnects from all neighbours.</summary>
    public void Leave()
    {
        foreach (var peer in _active.ToArray())
        {
            _active.Remove(peer);
            _changes.Enqueue((peer, false));
            DisconnectFrom(peer, isAlive: false);
        }

        _requests.Clear();
        _passive.Clear();
        _lost.Clear();
        _shuffleAt = null;
    }

    public void Receive(Instant now, EndpointId from, GossipMessage message)
    {
        _shuffleAt ??= now + options.ShuffleInterval;
        if (_lost.RemoveAll(l => l.Peer == from) > 0 && message is not GossipMessage.Disconnect { IsAlive: false })
            OnFound(from);
        switch (message)
        {
            case GossipMessage.Join join: OnJoin(from, join.Data); break;
            case GossipMessage.ForwardJoin forward: OnForwardJoin(now, from, forward); break;
            case GossipMessage.Shuffle shuffle: OnShuffle(now, from, shuffle); break;
            case GossipMessage.ShuffleReply reply: OnShuffleReply(now, reply); break;
            case GossipMessage.Neighbor neighbor: OnNeighbor(from, neighbor); break;
            case GossipMessage.Disconnect disconnect:
                OnDisconnect(now, from, disconnect.IsAlive);
                break;
        }

        // The connection of a peer that is not a neighbour served this message alone.
        if (!IsNeeded(from)) _released.Enqueue(from);
    }

    /// <summary>The connection to a peer ended, or could not be made.</summary>
    /// <param name="isAlive">It was closed in order: the peer runs, and has no more need of it.</param>
    public void OnClosed(Instant now, EndpointId peer, bool isAlive)
    {
        var wasAsked = _requests.Remove(peer);
        if (_active.Remove(peer))
        {
            _changes.Enqueue((peer, false));
            Lose(now, peer);
            Replace(now, peer);
        }
        else if (_running.Remove(peer) || isAlive)
        {
            // What it was asked for is not answered any more; later it may be.
            if (wasAsked) AddPassive([PeerOf(peer)]);
        }
        else if (wasAsked || _passive.Contains(peer)) Lose(now, peer);

        if (wasAsked) Refill(now, except: peer);
    }

    public void OnDeadline(Instant now)
    {
        foreach (var (peer, at) in _requests.ToArray())
        {
            if (at > now) continue;

            _requests.Remove(peer);
            if (!_active.Contains(peer)) Lose(now, peer);
            Refill(now, except: peer);
        }

        if (RejoinDeadline <= now) Rejoin(now);
        if (_shuffleAt is not { } shuffleAt || shuffleAt > now) return;

        _shuffleAt = now + options.ShuffleInterval;
        Shuffle();
        Refill(now, except: null);
    }

    /// <summary>
    /// Joins one of the peers that could not be reached; a node without neighbours takes a known peer before that.
    /// </summary>
    private void Rejoin(Instant now)
    {
        var isLonely = _active.Count == 0;
        _rejoinAt = now + (isLonely ? LonelyDelay() : options.ShuffleInterval);
        if (isLonely && _passive.Count > 0)
        {
            Refill(now, except: null);
            return;
        }

        var index = _lost.FindIndex(l => isLonely || l.At <= now);
        if (index < 0) return;

        var (peer, tries, _) = _lost[index];
        _lost.RemoveAt(index);
        if (!isLonely && tries >= options.RejoinsMax)
        {
            Forget(peer);
            return;
        }

        _lost.Add(new Lost(peer, tries + 1, now + (options.ShuffleInterval * (1 << Math.Min(tries + 1, 5)))));
        JoinAt(now, peer);
    }

    private TimeSpan LonelyDelay()
    {
        var delay = options.RejoinDelay * (1 << Math.Min(_lonelyTries++, 10));
        return delay < options.ShuffleInterval ? delay : options.ShuffleInterval;
    }

    // What was lost with it may be back, too: a network, rather than a peer.
    private void OnFound(EndpointId peer)
    {
        var others = _lost.Select(l => l.Peer).ToArray();
        _lost.Clear();
        AddPassive([PeerOf(peer), .. others.Select(PeerOf)]);
    }

    private void OnJoin(EndpointId peer, byte[]? data)
    {
        _requests.Remove(peer);
        Learn(peer, data);
        if (!_active.Contains(peer)) AddActive(peer);
        Send(peer, new GossipMessage.Neighbor(IsHigh: true, _ownData));

        // (7) Every neighbour starts a random walk for the joining node.
        foreach (var neighbor in _active)
            if (neighbor != peer)
                Send(neighbor, new GossipMessage.ForwardJoin(new GossipPeer(peer, data), options.ActiveWalk));
    }

    private void OnForwardJoin(Instant now, EndpointId from, GossipMessage.ForwardJoin message)
    {
        var peer = message.Peer.Id;
        if (peer == self) return;

        // (7 i) The walk ends here. The joining node becomes active when it answers, so an unreachable one never does.
        if (_active.Contains(peer) || message.Ttl == 0 || _active.Count <= 1)
        {
            Learn(peer, message.Peer.Data);
            Ask(now, peer, isHigh: true);
            return;
        }

        if (message.Ttl == options.PassiveWalk) AddPassive([message.Peer]);
        if (_requests.ContainsKey(peer)) return;

        var next = PickActive(from, peer);
        if (next is { } neighbor)
            Send(neighbor, new GossipMessage.ForwardJoin(message.Peer, (ushort)(message.Ttl - 1)));
    }

    private void OnNeighbor(EndpointId from, GossipMessage.Neighbor message)
    {
        var isReply = _requests.Remove(from);
        Learn(from, message.Data);
        if (!_active.Contains(from))
        {
            // A node without another neighbour is never refused.
            if (!message.IsHigh && !isReply && _active.Count >= options.ActiveMax)
            {
                DisconnectFrom(from, isAlive: true);
                AddPassive([PeerOf(from)]);
                return;
            }

            AddActive(from);
        }

        if (!isReply) Send(from, new GossipMessage.Neighbor(IsHigh: false, _ownData));
    }

    private void OnShuffle(Instant now, EndpointId from, GossipMessage.Shuffle message)
    {
        if (message.Origin == self) return;
        if (message.Ttl > 0 && _active.Count > 1 && PickActive(from, message.Origin) is { } next)
        {
            Send(next, message with { Ttl = (ushort)(message.Ttl - 1) });
            return;
        }

        // Before the reply: the origin's address is among them.
        AddPassive(message.Peers);
        Reply(message.Origin, Math.Min(message.Peers.Count, ReplyMax));
        if (!IsNeeded(message.Origin)) _released.Enqueue(message.Origin);
        Refill(now, except: null);
    }

    private void OnShuffleReply(Instant now, GossipMessage.ShuffleReply message)
    {
        AddPassive(message.Peers);
        Refill(now, except: null);
    }

    private void OnDisconnect(Instant now, EndpointId from, bool isAlive)
    {
        _requests.Remove(from);
        if (_active.Contains(from)) RemoveActive(now, from, isAlive);
        else if (isAlive) AddPassive([PeerOf(from)]);
        else Forget(from);
        // A refusal triggers no request to the next one: in a full swarm that would never end. The next shuffle does.
        if (isAlive && _passive.Contains(from)) _running.Add(from);
    }

    private void AddActive(EndpointId peer)
    {
        if (_active.Count >= options.ActiveMax)
        {
            var leaving = _active[prng.NextInt32(_active.Count)];
            _active.Remove(leaving);
            _changes.Enqueue((leaving, false));
            DisconnectFrom(leaving, isAlive: true);
            AddPassive([PeerOf(leaving)]);
            _running.Add(leaving);
        }

        _passive.Remove(peer);
        _running.Remove(peer);
        _lonelyTries = 0;
        _active.Add(peer);
        _changes.Enqueue((peer, true));
    }

    private void RemoveActive(Instant now, EndpointId peer, bool isAlive)
    {
        _active.Remove(peer);
        _changes.Enqueue((peer, false));
        if (isAlive) AddPassive([PeerOf(peer)]);
        else Forget(peer);
        Replace(now, peer);
    }

    private void Replace(Instant now, EndpointId lost)
    {
        if (_active.Count == 0) _rejoinAt = null;
        Refill(now, except: lost);
    }

    // Lost neighbours are replaced by known peers; a node without any neighbour requests with high priority.
    private void Refill(Instant now, EndpointId? except)
    {
        var candidates = _passive.Where(p => p != except && !_requests.ContainsKey(p)).ToArray();
        prng.Shuffle<EndpointId>(candidates);
        var free = options.ActiveMax - _active.Count - _requests.Keys.Count(r => !_active.Contains(r));
        foreach (var peer in candidates.Take(Math.Max(0, free))) Ask(now, peer, isHigh: _active.Count == 0);
    }

    private void JoinAt(Instant now, EndpointId peer)
    {
        _requests[peer] = now + options.NeighborTimeout;
        Send(peer, new GossipMessage.Join(_ownData));
    }

    private void Ask(Instant now, EndpointId peer, bool isHigh)
    {
        if (_requests.TryAdd(peer, now + options.NeighborTimeout))
            Send(peer, new GossipMessage.Neighbor(isHigh, _ownData));
    }

    // The ids in the reply keep the peer in the swarm.
    private void DisconnectFrom(EndpointId peer, bool isAlive)
    {
        Reply(peer, ReplyMax);
        Send(peer, new GossipMessage.Disconnect(isAlive));
        _released.Enqueue(peer);
    }

    private void Reply(EndpointId peer, int count)
    {
        var known = _passive.Concat(_active).Where(p => p != peer).ToArray();
        prng.Shuffle<EndpointId>(known);
        Send(peer, new GossipMessage.ShuffleReply([.. known.Take(count).Select(PeerOf)]));
    }

    private void Shuffle()
    {
        if (PickActive(null, null) is not { } target) return;

        var active = _active.Where(p => p != target).ToArray();
        var passive = _passive.ToArray();
        prng.Shuffle<EndpointId>(active);
        prng.Shuffle<EndpointId>(passive);
        GossipPeer[] peers =
            [
                .. active.Take(options.ShuffleActive).Select(PeerOf),
                .. passive.Take(options.ShufflePassive).Select(PeerOf),
                // Who answers may not know where this node is.
                new GossipPeer(self, _ownData),
            ];
        Send(target, new GossipMessage.Shuffle(self, peers, options.ShuffleWalk));
    }

    private void AddPassive(IEnumerable<GossipPeer> peers)
    {
        foreach (var peer in peers)
        {
            if (peer.Id == self || _active.Contains(peer.Id)) continue;
            // Others may not have noticed yet that it cannot be reached; at another address it may be.
            if (!Learn(peer.Id, peer.Data) && IsLost(peer.Id)) continue;

            _lost.RemoveAll(l => l.Peer == peer.Id);
            if (_passive.Contains(peer.Id)) continue;
            if (_passive.Count >= options.PassiveMax) Forget(_passive[prng.NextInt32(_passive.Count)]);
            _passive.Add(peer.Id);
        }
    }

    /// <summary>True when it was not known that the peer is there.</summary>
    private bool Learn(EndpointId peer, byte[]? data)
    {
        if (data is not { Length: > 0 and <= GossipAddress.BytesMax }
            || (_data.TryGetValue(peer, out var known) && known.Data.AsSpan().SequenceEqual(data))
            || GossipAddress.Decode(peer, data) is not { } address) return false;

        _data[peer] = new Known(data, address);
        return true;
    }

    private bool IsLost(EndpointId peer) => _lost.Exists(l => l.Peer == peer);

    private void Lose(Instant now, EndpointId peer)
    {
        _passive.Remove(peer);
        _running.Remove(peer);
        if (IsLost(peer)) return;

        if (_lost.Count >= options.PassiveMax) Forget(_lost[0].Peer);
        _lost.Add(new Lost(peer, 0, now + options.ShuffleInterval));
    }

    private void Forget(EndpointId peer)
    {
        _passive.Remove(peer);
        _running.Remove(peer);
        _lost.RemoveAll(l => l.Peer == peer);
        _data.Remove(peer);
    }

    private EndpointId? PickActive(EndpointId? except, EndpointId? nor)
    {
        var choices = _active.Where(p => p != except && p != nor).ToArray();
        return choices.Length == 0 ? null : choices[prng.NextInt32(choices.Length)];
    }

    private GossipPeer PeerOf(EndpointId peer) => new(peer, _data.GetValueOrDefault(peer).Data);

    private static Instant? Later(Instant? one, Instant other) => one > other ? one : other;

    private void Send(EndpointId peer, GossipMessage message) => _outgoing.Enqueue((peer, message));

    /// <param name="Data">As the peer encodes it.</param>
    private readonly record struct Known(byte[]? Data, EndpointAddress? Address);

    /// <param name="Tries">For which it was joined again.</param>
    /// <param name="At">Not before.</param>
    private readonly record struct Lost(EndpointId Peer, int Tries, Instant At);
}
