using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Streams;

namespace EdgeSync.Quic.Paths;

/// <summary>
/// Ids that lead packets to the peer, and the tokens by which it resets. Spec: RFC 9000 §5.1.2, §19.15.
/// </summary>
/// <param name="first">The id of the handshake; null for paths other than 0.</param>
internal sealed class RemoteIds(ConnectionId? first)
{
    /// <summary>Ids that are stored: our active_connection_id_limit.</summary>
    public const int Limit = 5;

    private const int RetiringMax = 64;

    private readonly List<Entry> _active = first is { } id ? [new Entry(0, id, null)] : [];
    private readonly Queue<ulong> _retiring = new();

    /// <summary>Numbers of ids that were here, active or not, from <c>_retiredBelow</c> on.</summary>
    private readonly RangeSet _seen = first is null ? new RangeSet() : RangeSet.Of(0);
    private ulong _retiredBelow;

    public bool HasAny => _active.Count > 0;

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
        if (HasAny && Current.Length == 0)
            return QuicError.Violation(frame.Type, "an id for an endpoint that uses none");
        var entry = new Entry(frame.Sequence, new ConnectionId(frame.Data), frame.ResetToken.ToArray());
        foreach (var known in _active)
        {
            if ((known.Sequence == entry.Sequence) != (known.Id == entry.Id))
                return QuicError.Violation(frame.Type, "two ids with one number, or one id with two");
            if (known.Sequence == entry.Sequence) return null;
        }

        if (frame.RetirePriorTo > _retiredBelow)
        {
            _retiredBelow = frame.RetirePriorTo;
            _seen.Remove(0, _retiredBelow - 1);
        }

        if (entry.Sequence < _retiredBelow) _retiring.Enqueue(entry.Sequence);
        // A frame that was sent twice must not bring an id back that was retired in between.
        else if (_seen.Contains(entry.Sequence)) return null;
        else Keep(entry);
        for (var i = _active.Count - 1; i >= 0; i--)
        {
            if (_active[i].Sequence >= _retiredBelow) continue;
            _retiring.Enqueue(_active[i].Sequence);
            _active.RemoveAt(i);
        }

        return _active.Count > Limit || _retiring.Count > RetiringMax
            ? new QuicError(TransportErrorCode.ConnectionIdLimitError, frame.Type, "too many ids")
            : null;
    }

    /// <summary>The state that a peer can create here is bounded, gaps in its numbers included.</summary>
    private void Keep(Entry entry)
    {
        _active.Add(entry);
        _seen.Add(entry.Sequence, entry.Sequence);
        if (_seen.Count > RetiringMax) _seen.RemoveFirst();
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
