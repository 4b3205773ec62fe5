using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Mirror;

/// <summary>
/// Stores of one passphrase on virtual time: connections with delays, disks that answer later, a rendezvous that names
/// other peers. Who uses it decides what happens to them.
/// </summary>
internal sealed class MirrorWorld
{
    /// <summary>The least cost: what is simulated is not the derivation.</summary>
    public static readonly SyncKeys Keys = SyncKeys.Derive("one for all", cost: new StretchCost(8, 1));

    private static readonly TimeSpan ScanInterval = TimeSpan.FromSeconds(15);
    private static readonly Instant Start = Instant.FromUnixSeconds(1_760_000_000);

    private readonly PriorityQueue<Action, (long Ticks, long Order)> _events = new();
    private readonly SyncOptions _options;
    private readonly bool _hasRealProofs;
    private readonly Dictionary<MirrorPeer, Instant> _armed = [];
    private long _order;
    private long _connections;
    private readonly List<MirrorPeer> _originals = [];
    private int[] _sides = [];

    /// <param name="seed">Of all chance.</param>
    /// <param name="peers">How many stores.</param>
    /// <param name="options">Of all nodes.</param>
    /// <param name="othersKeys">Of all but the first one; null: the same.</param>
    /// <param name="hasRealProofs">Otherwise proofs have the same messages and no arithmetic, which costs most.</param>
    public MirrorWorld(
        ulong seed, int peers, SyncOptions? options = null, SyncKeys? othersKeys = null, bool hasRealProofs = true)
    {
        (Prng, _options, _hasRealProofs, Now) = (new Prng(seed), options ?? new SyncOptions(), hasRealProofs, Start);
        for (var i = 0; i < peers; i++)
        {
            var key = new SecretKey(Prng.NextBytes(SecretKey.SeedBytes));
            Peers.Add(new MirrorPeer(
                i, new StoreId(Prng.NextUInt64()), key, i > 0 && othersKeys is not null ? othersKeys : Keys));
        }

        foreach (var peer in Peers) StartNode(peer);
    }

    public Prng Prng { get; }

    public Instant Now { get; private set; }

    public List<MirrorPeer> Peers { get; } = [];

    /// <summary>Chance that a node dies instead of doing the next thing.</summary>
    public double DeathChance { get; set; }

    /// <summary>Frames of the first stream that were sent, by type.</summary>
    public Dictionary<byte, int> Frames { get; } = [];

    /// <summary>Bytes of the first streams, and of all.</summary>
    public long ControlBytes { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>Changes whatever is sent by a peer; null leaves it.</summary>
    public Func<MirrorPeer, SyncEffect.Send, ReadOnlyMemory<byte>>? Spoil { get; set; }

    public ulong Trace { get; private set; } = 14695981039346656037;

    public int Deaths { get; private set; }

    /// <summary>Runs until the time has passed.</summary>
    public void Run(TimeSpan time)
    {
        var until = Now + time;
        while (_events.TryPeek(out _, out var due) && due.Ticks <= until.UnixTicks) Step();
        Now = until;
    }

    /// <summary>Runs until something holds; false when the time has passed before.</summary>
    public bool RunUntil(Func<bool> holds, TimeSpan timeMax)
    {
        var until = Now + timeMax;
        while (!holds())
        {
            if (!_events.TryPeek(out _, out var due) || due.Ticks > until.UnixTicks) return holds();
            Step();
        }

        return true;
    }

    public void After(TimeSpan wait, Action action) =>
        _events.Enqueue(action, ((Now + wait).UnixTicks, _order++));

    public Moment At(MirrorPeer peer) => new(Now, Now + peer.ClockError);

    /// <summary>Splits the peers; those of different sides do not reach each other.</summary>
    public void Partition(int sides)
    {
        _sides = sides < 2 ? [] : [.. Peers.Select(_ => Prng.NextInt32(sides))];
        foreach (var end in Peers.SelectMany(p => p.Ends).ToList())
        {
            if (!Reaches(end.Peer, end.Connection.Other(end).Peer)) CloseEnd(end);
        }
    }

    /// <summary>All connections break, as when a cable is pulled.</summary>
    public void BreakConnections()
    {
        foreach (var end in Peers.SelectMany(p => p.Ends).ToList()) CloseEnd(end);
    }

    public void Kill(MirrorPeer peer)
    {
        if (peer.Node is null) return;

        Deaths++;
        Note(1, peer.Number);
        (peer.Node, peer.Life) = (null, peer.Life + 1);
        foreach (var end in peer.Ends)
        {
            end.IsOpen = false;
            var other = end.Connection.Other(end);
            After(end.Connection.Delay, () => CloseEnd(other));
        }

        peer.Ends.Clear();
        peer.Ready.Clear();
    }

    public void StartNode(MirrorPeer peer)
    {
        if (peer.Node is not null) return;

        Note(2, peer.Number);
        peer.Store.DropArrivals();
        var options = _options with { Name = $"store {peer.Number}" };
        peer.Node = _hasRealProofs
            ? new SyncNode(
                peer.Store, peer.Keys, peer.Id, options, new SeededEntropy(Prng.NextUInt64()), Prng.Fork(), At(peer))
            : new SyncNode(
                peer.Store, peer.Id, options, Prng.Fork(), At(peer),
                (isDialler, _, binding) => new CheapProof(isDialler, binding));
        if (peer.Originals.Count > 0) peer.Node.SetOriginals(At(peer), peer.Originals);
        var life = peer.Life;
        After(TimeSpan.FromMilliseconds(Prng.NextInt32(1, 500)), () => Scan(peer, life));
        Carry(peer);
    }

    /// <summary>An agent that speaks the original's protocol alone, and is named by the first stores.</summary>
    public MirrorPeer AddOriginal(int namedBy)
    {
        var key = new SecretKey(Prng.NextBytes(SecretKey.SeedBytes));
        var original = new MirrorPeer(100 + _originals.Count, default, key, Keys);
        original.Original = new OriginalAgent(this);
        _originals.Add(original);
        foreach (var peer in Peers.Take(namedBy))
        {
            peer.Originals.Add(original.Id);
            Tell(peer, (node, at) => node.SetOriginals(at, peer.Originals));
        }

        return original;
    }

    /// <summary>The agent opens a connection.</summary>
    public void DialFromOriginal(MirrorPeer original, MirrorPeer peer) => After(TimeSpan.FromMilliseconds(10), () =>
    {
        if (peer.Node is not null) Connect(original, peer, TimeSpan.FromMilliseconds(Prng.NextInt32(1, 150)));
    });

    /// <summary>An agent of the original sends.</summary>
    public void SendFrom(MirrorEnd end, int lane, ReadOnlyMemory<byte> bytes)
    {
        var cut = bytes.Length > 1 && Prng.Chance(0.3) ? Prng.NextInt32(1, bytes.Length) : bytes.Length;
        Deliver(end, lane, bytes[..cut], isEnd: false);
        if (cut < bytes.Length) Deliver(end, lane, bytes[cut..], isEnd: false);
    }

    /// <summary>An agent of the original ends its side of a stream.</summary>
    public void EndFrom(MirrorEnd end, int lane) => Deliver(end, lane, default, isEnd: true);

    /// <summary>Something that a node is told; what follows from it is carried out.</summary>
    public void Tell(MirrorPeer peer, Action<SyncNode, Moment> told)
    {
        if (peer.Node is not { } node) return;

        told(node, At(peer));
        Carry(peer);
    }

    /// <summary>A user of that store adds an asset.</summary>
    public AssetHash Add(
        MirrorPeer peer, byte[] content, long timestampMs, string name = "a", long? updatedAtMs = null)
    {
        var hash = AssetHash.Of(timestampMs, content);
        peer.Store.Put(hash, content);
        Tell(peer, (node, at) => node.Add(
            at, hash, timestampMs, content.Length, updatedAtMs ?? timestampMs, [(RecordField.FileName, name)]));
        return hash;
    }

    /// <summary>All stores have the same records and all content, and all deletions are forgotten.</summary>
    public bool IsEqual()
    {
        var first = Peers[0];
        foreach (var peer in Peers)
        {
            if (peer.Node is not { Missing: 0 } node || node.Replica.DeletionCount > 0) return false;
            if (node.Replica.Index.FingerprintOf(KeyPrefix.All)
                != first.Node!.Replica.Index.FingerprintOf(KeyPrefix.All)) return false;
        }

        return true;
    }

    private void Step()
    {
        _events.TryDequeue(out var action, out var due);
        Now = new Instant(due.Ticks);
        action!();
    }

    private bool Reaches(MirrorPeer one, MirrorPeer other) =>
        _sides.Length == 0 || _sides[one.Number] == _sides[other.Number];

    private void Note(int kind, long detail) =>
        Trace = unchecked(((Trace ^ (ulong)(Now.UnixTicks + kind)) * 1099511628211) ^ (ulong)detail);

    // The stand-in of pkarr and gossip: now and then the id of another peer that is reached.
    private void Scan(MirrorPeer peer, int life)
    {
        if (peer.Life != life || peer.Node is null) return;

        var other = Peers[Prng.NextInt32(Peers.Count)];
        if (Reaches(peer, other)) Tell(peer, (node, at) => node.OnPeerFound(at, other.Id));
        After(ScanInterval, () => Scan(peer, life));
    }

    private void Carry(MirrorPeer peer)
    {
        while (peer.Node is { } node)
        {
            while (peer.Node == node && node.TryTake(out var effect))
            {
                if (DeathChance > 0 && Prng.Chance(DeathChance))
                {
                    Kill(peer);
                    return;
                }

                CarryOut(peer, effect);
            }

            if (!Deliver(peer)) break;
        }

        Arm(peer);
    }

    // Gives the node what has arrived and it takes; true when there was something.
    private bool Deliver(MirrorPeer peer)
    {
        for (var i = 0; i < peer.Ready.Count && peer.Node is { } node; i++)
        {
            var (end, lane) = peer.Ready[i];
            if (end.IsOpen && !node.CanReceive(Now, end.Session, lane)) continue;

            var arrived = end.Arrived[lane];
            if (!end.IsOpen || arrived.Count == 1) peer.Ready.RemoveAt(i);
            if (!end.IsOpen) return true;

            var (bytes, isEnd) = arrived.Dequeue();
            if (isEnd) node.OnLaneEnded(At(peer), end.Session, lane);
            else node.Receive(At(peer), end.Session, lane, bytes.Span);
            if (!isEnd) Acknowledge(end, lane, bytes.Length);
            return true;
        }

        return false;
    }

    private void Acknowledge(MirrorEnd end, int lane, int count)
    {
        var sender = end.Connection.Other(end);
        After(end.Connection.Delay, () =>
        {
            if (sender.IsOpen) Tell(sender.Peer, (node, at) => node.OnSent(at, sender.Session, lane, count));
        });
    }

    private void Arm(MirrorPeer peer)
    {
        if (peer.Node?.Deadline is not { } deadline) return;
        if (_armed.TryGetValue(peer, out var armed) && armed <= deadline && armed >= Now) return;

        var due = deadline < Now ? Now : deadline;
        _armed[peer] = due;
        var life = peer.Life;
        After(due - Now, () =>
        {
            if (_armed.TryGetValue(peer, out var at) && at == due) _armed.Remove(peer);
            if (peer.Life == life) Tell(peer, (node, now) => node.OnDeadline(now));
        });
    }

    private void CarryOut(MirrorPeer peer, SyncEffect effect)
    {
        switch (effect)
        {
            case SyncEffect.Dial dial: Dial(peer, dial.Peer); break;
            case SyncEffect.Send send: Send(peer, send); break;
            case SyncEffect.EndLane ended: EndLane(peer, ended); break;
            case SyncEffect.Close close:
                if (peer.Ends.FirstOrDefault(e => e.Session == close.Session) is { } end) CloseEnd(end);
                break;
            case SyncEffect.ReadGroup read:
                OnDisk(peer, (node, at) =>
                    node.OnGroupRead(at, read.Token, peer.Store.Read(read.Hash, read.Offset, read.Count)));
                break;
            case SyncEffect.WriteGroup write:
                OnDisk(peer, (node, at) => node.OnGroupWritten(at, write.Token, peer.Store.Write(write)));
                break;
            case SyncEffect.Commit commit:
                OnDisk(peer, (node, at) => node.OnCommitted(at, commit.Hash, peer.Store.Commit(commit)));
                break;
            case SyncEffect.WriteArrival write:
                OnDisk(peer, (node, at) => node.OnGroupWritten(at, write.Token, peer.Store.WriteArrival(write)));
                break;
            case SyncEffect.CommitArrival commit:
                OnDisk(peer, (node, at) => node.OnCommitted(at, commit.Hash, peer.Store.CommitArrival(commit)));
                break;
            case SyncEffect.DropArrival drop: peer.Store.DropArrival(drop.Arrival); break;
            case SyncEffect.Verify verify:
                OnDisk(peer, (node, at) =>
                {
                    if (!peer.Store.Verify(verify.Hash)) node.OnContentLost(at, [verify.Hash]);
                });
                break;
            case SyncEffect.Ask ask: peer.Questions.Add(ask); break;
            case SyncEffect.Report report: peer.Reports.Add(report.Event); break;
        }
    }

    private void OnDisk(MirrorPeer peer, Action<SyncNode, Moment> done)
    {
        var life = peer.Life;
        After(TimeSpan.FromMilliseconds(Prng.NextInt32(1, 20)), () =>
        {
            if (peer.Life == life) Tell(peer, done);
        });
    }

    private void Dial(MirrorPeer peer, EndpointId id)
    {
        var delay = TimeSpan.FromMilliseconds(Prng.NextInt32(1, 150));
        var life = peer.Life;
        After(delay, () =>
        {
            if (peer.Life != life) return;

            var other = Peers.Concat(_originals).FirstOrDefault(p => p.Id == id);
            if (other is null || (other.Original is null && (other.Node is null || !Reaches(peer, other))))
            {
                Tell(peer, (node, at) => node.OnDialFailed(at, id));
                return;
            }

            Connect(peer, other, delay);
        });
    }

    private void Connect(MirrorPeer peer, MirrorPeer other, TimeSpan delay)
    {
        var connection = new MirrorConnection(peer, other, ++_connections, delay, Prng);
        peer.Ends.Add(connection.Dialler);
        other.Ends.Add(connection.Acceptor);
        Note(3, connection.Dialler.Session);
        var isOriginal = peer.Original is not null || other.Original is not null;
        foreach (var (end, from) in new[] { (connection.Acceptor, peer), (connection.Dialler, other) })
        {
            var isDialler = end == connection.Dialler;
            if (end.Peer.Original is { } agent) agent.OnConnected(end, isDialler);
            else Tell(end.Peer, (node, at) =>
            {
                if (isOriginal) node.OnOriginalConnected(at, end.Session, from.Id, isDialler);
                else node.OnConnected(at, end.Session, from.Id, isDialler, connection.Binding);
            });
        }
    }

    private void Send(MirrorPeer peer, SyncEffect.Send send)
    {
        if (peer.Ends.FirstOrDefault(e => e.Session == send.Session) is not { } end) return;

        var bytes = Spoil?.Invoke(peer, send) ?? send.Bytes;
        if (bytes.IsEmpty) return;

        Bytes += bytes.Length;
        if (send.Lane == 0 && end.Connection.Other(end).Peer.Original is null)
        {
            ControlBytes += bytes.Length;
            Frames[bytes.Span[0]] = Frames.GetValueOrDefault(bytes.Span[0]) + 1;
        }

        Note(4, bytes.Length);
        // Cut somewhere, now and then.
        var cut = bytes.Length > 1 && Prng.Chance(0.2) ? Prng.NextInt32(1, bytes.Length) : bytes.Length;
        Deliver(end, send.Lane, bytes[..cut], isEnd: false);
        if (cut < bytes.Length) Deliver(end, send.Lane, bytes[cut..], isEnd: false);
    }

    private void EndLane(MirrorPeer peer, SyncEffect.EndLane ended)
    {
        if (peer.Ends.FirstOrDefault(e => e.Session == ended.Session) is { } end)
            Deliver(end, ended.Lane, default, isEnd: true);
    }

    private void Deliver(MirrorEnd from, int lane, ReadOnlyMemory<byte> bytes, bool isEnd)
    {
        var to = from.Connection.Other(from);
        var at = Now + from.Connection.Delay + TimeSpan.FromMilliseconds(Prng.NextInt32(0, 3));
        if (to.ArrivesAt.TryGetValue(lane, out var last) && last > at) at = last;
        to.ArrivesAt[lane] = at;
        After(at - Now, () =>
        {
            if (!to.IsOpen) return;

            if (to.Peer.Original is { } agent)
            {
                if (isEnd) return;

                Acknowledge(to, lane, bytes.Length);
                agent.Receive(to, lane, bytes.Span);
                return;
            }

            if (!to.Arrived.TryGetValue(lane, out var arrived)) to.Arrived[lane] = arrived = new();
            if (arrived.Count == 0) to.Peer.Ready.Add((to, lane));
            arrived.Enqueue((bytes, isEnd));
            Carry(to.Peer);
        });
    }

    private void CloseEnd(MirrorEnd end)
    {
        if (!end.IsOpen) return;

        end.IsOpen = false;
        end.Peer.Ends.Remove(end);
        var other = end.Connection.Other(end);
        After(end.Connection.Delay, () => CloseEnd(other));
        end.Peer.Original?.OnClosed(end);
        Tell(end.Peer, (node, at) => node.OnClosed(at, end.Session));
    }
}
