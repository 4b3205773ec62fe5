using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;

namespace EdgeSync.Quic.Paths;

/// <summary>What all local ids of a connection are made with.</summary>
/// <param name="Changes">Ids that came and went, for the endpoint, which leads packets to connections.</param>
internal sealed record LocalIdSource(
    Entropy Entropy, StatelessResetKey ResetKey, int IdBytes, Queue<(bool Added, ConnectionId Id)> Changes);

/// <summary>
/// Ids that lead the peer's packets to one path. Spec: RFC 9000 §5.1.1, §5.1.2; draft-ietf-quic-multipath §3.2.
/// </summary>
/// <param name="first">The id of the handshake; null for paths other than 0.</param>
internal sealed class LocalIds(LocalIdSource source, ConnectionId? first)
{
    private readonly List<(ulong Sequence, ConnectionId Id)> _active = first is { } id ? [(0, id)] : [];
    private readonly Queue<(ulong Sequence, ConnectionId Id)> _pending = new();
    private ulong _next = first is null ? 0UL : 1UL;
    private int _limit = 1;

    public IReadOnlyList<(ulong Sequence, ConnectionId Id)> Active => _active;

    public bool HasPending => _pending.Count > 0;

    /// <summary>The number that the next id will have.</summary>
    public ulong Next => _next;

    /// <summary>Issues as many ids as the peer stores, and this endpoint wants to.</summary>
    public void Start(ulong peerLimit, int wanted)
    {
        if (source.IdBytes == 0) return;
        _limit = (int)Math.Min(peerLimit, (ulong)wanted);
        Fill();
    }

    public bool Owns(in ConnectionId id)
    {
        foreach (var item in _active)
            if (item.Id == id) return true;
        return false;
    }

    /// <summary>The path is gone, and its ids with it.</summary>
    public void Clear()
    {
        foreach (var (_, id) in _active) source.Changes.Enqueue((false, id));
        _active.Clear();
        _pending.Clear();
        _limit = 0;
    }

    /// <summary>The next id to announce; its frame is not lost from sight: <see cref="OnLost"/>.</summary>
    public (ulong Sequence, ConnectionId Id) TakePending() => _pending.Dequeue();

    public bool TryPeekPending(out (ulong Sequence, ConnectionId Id) id) => _pending.TryPeek(out id);

    public void WriteToken(in ConnectionId id, Span<byte> token) => source.ResetKey.WriteToken(id, token);

    public void OnLost(ulong sequence)
    {
        foreach (var item in _active)
            if (item.Sequence == sequence) _pending.Enqueue(item);
    }

    /// <summary>The peer retires an id, which another replaces.</summary>
    /// <param name="used">The destination id of the packet with the frame.</param>
    public QuicError? OnRetired(ulong sequence, ReadOnlySpan<byte> used)
    {
        if (sequence >= _next || source.IdBytes == 0)
            return QuicError.Violation(FrameType.RetireConnectionId, "retires an id that was not issued");
        for (var i = 0; i < _active.Count; i++)
        {
            var (number, id) = _active[i];
            if (number != sequence) continue;
            if (new ConnectionId(used) == id)
                return QuicError.Violation(FrameType.RetireConnectionId, "retires the id of its own packet");
            _active.RemoveAt(i);
            source.Changes.Enqueue((false, id));
            Fill();
            break;
        }

        return null;
    }

    private void Fill()
    {
        while (_active.Count < _limit)
        {
            var item = (_next++, ConnectionId.NewRandom(source.Entropy, source.IdBytes));
            _active.Add(item);
            _pending.Enqueue(item);
            source.Changes.Enqueue((true, item.Item2));
        }
    }
}
