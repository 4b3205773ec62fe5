using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;

namespace EdgeSync.Quic.Connections;

/// <summary>Ids that lead the peer's packets here. Spec: RFC 9000 §5.1.1, §5.1.2.</summary>
internal sealed class LocalIds(Entropy entropy, StatelessResetKey resetKey, int idBytes, ConnectionId first)
{
    /// <summary>Ids that are issued at most, whatever the peer would store.</summary>
    private const int IssuedMax = 5;

    private readonly List<(ulong Sequence, ConnectionId Id)> _active = [(0, first)];
    private readonly Queue<(ulong Sequence, ConnectionId Id)> _pending = new();
    private ulong _next = 1;
    private int _limit = 1;

    /// <summary>Ids that came and went, for whoever leads packets to connections.</summary>
    public Queue<(bool Added, ConnectionId Id)> Changes { get; } = new();

    public IReadOnlyList<(ulong Sequence, ConnectionId Id)> Active => _active;

    public bool HasPending => _pending.Count > 0;

    /// <summary>Issues as many ids as the peer stores.</summary>
    public void Start(ulong peerLimit)
    {
        if (idBytes == 0) return;
        _limit = (int)Math.Min(peerLimit, IssuedMax);
        Fill();
    }

    /// <summary>The next id to announce; its frame is not lost from sight: <see cref="OnLost"/>.</summary>
    public (ulong Sequence, ConnectionId Id) TakePending() => _pending.Dequeue();

    public bool TryPeekPending(out (ulong Sequence, ConnectionId Id) id) => _pending.TryPeek(out id);

    public void WriteToken(in ConnectionId id, Span<byte> token) => resetKey.WriteToken(id, token);

    public void OnLost(ulong sequence)
    {
        foreach (var item in _active)
            if (item.Sequence == sequence) _pending.Enqueue(item);
    }

    /// <summary>The peer retires an id, which another replaces.</summary>
    /// <param name="used">The id of the packet that says so.</param>
    public QuicError? OnRetired(ulong sequence, ReadOnlySpan<byte> used)
    {
        if (sequence >= _next || idBytes == 0)
            return QuicError.Violation(FrameType.RetireConnectionId, "retires an id that was not issued");
        for (var i = 0; i < _active.Count; i++)
        {
            var (number, id) = _active[i];
            if (number != sequence) continue;
            if (new ConnectionId(used) == id)
                return QuicError.Violation(FrameType.RetireConnectionId, "retires the id of its own packet");
            _active.RemoveAt(i);
            Changes.Enqueue((false, id));
            Fill();
            break;
        }

        return null;
    }

    private void Fill()
    {
        while (_active.Count < _limit)
        {
            var item = (_next++, ConnectionId.NewRandom(entropy, idBytes));
            _active.Add(item);
            _pending.Enqueue(item);
            Changes.Enqueue((true, item.Item2));
        }
    }
}

/// <summary>
/// Ids that lead packets to the peer, and the tokens by which it resets. Spec: RFC 9000 §5.1.2, §19.15.
/// </summary>
internal sealed class RemoteIds(ConnectionId first)
{
    /// <summary>Ids that are stored: our active_connection_id_limit.</summary>
    public const int Limit = 5;

    private const int RetiringMax = 64;

    private readonly List<Entry> _active = [new Entry(0, first, null)];
    private readonly Queue<ulong> _retiring = new();
    private ulong _retiredBelow;

    /// <summary>The id that packets are sent to.</summary>
    public ConnectionId Current => _active[0].Id;

    public bool HasRetiring => _retiring.Count > 0;

    /// <summary>Ids that are left besides the one in use.</summary>
    public int Spare => _active.Count - 1;

    /// <summary>In the handshake the first id changes: to what the server, or Retry, chose.</summary>
    public void ReplaceFirst(ConnectionId id) => _active[0] = _active[0] with { Id = id };

    public void SetFirstToken(byte[]? token) => _active[0] = _active[0] with { ResetToken = token };

    public QuicError? Add(in Frame frame)
    {
        if (Current.Length == 0)
            return QuicError.Violation(FrameType.NewConnectionId, "an id for an endpoint that uses none");
        var entry = new Entry(frame.Sequence, new ConnectionId(frame.Data), frame.ResetToken.ToArray());
        foreach (var known in _active)
        {
            if ((known.Sequence == entry.Sequence) != (known.Id == entry.Id))
                return QuicError.Violation(FrameType.NewConnectionId, "two ids with one number, or one id with two");
            if (known.Sequence == entry.Sequence) return null;
        }

        _retiredBelow = Math.Max(_retiredBelow, frame.RetirePriorTo);
        if (entry.Sequence < _retiredBelow) _retiring.Enqueue(entry.Sequence);
        else _active.Add(entry);
        for (var i = _active.Count - 1; i >= 0; i--)
        {
            if (_active[i].Sequence >= _retiredBelow) continue;
            _retiring.Enqueue(_active[i].Sequence);
            _active.RemoveAt(i);
        }

        return _active.Count > Limit || _retiring.Count > RetiringMax
            ? new QuicError(TransportErrorCode.ConnectionIdLimitError, FrameType.NewConnectionId, "too many ids")
            : null;
    }

    /// <summary>Goes on to an id that was not used, so that two routes cannot be linked (RFC 9000 §9.5).</summary>
    /// <returns>False when there is none.</returns>
    public bool TryAdvance()
    {
        if (_active.Count < 2) return false;
        _retiring.Enqueue(_active[0].Sequence);
        _active.RemoveAt(0);
        return true;
    }

    public ulong TakeRetiring() => _retiring.Dequeue();

    public void OnRetireLost(ulong sequence) => _retiring.Enqueue(sequence);

    /// <summary>Whether bytes are a token of the peer's, compared in constant time.</summary>
    public bool IsResetToken(ReadOnlySpan<byte> token)
    {
        var found = false;
        foreach (var entry in _active)
        {
            found |= entry.ResetToken is not null
                && System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(entry.ResetToken, token);
        }

        return found;
    }

    private readonly record struct Entry(ulong Sequence, ConnectionId Id, byte[]? ResetToken);
}
