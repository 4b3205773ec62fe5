namespace EdgeSync.Quic.Streams;

/// <summary>
/// Bytes that were written and are not yet acknowledged, and which of them are to be sent, for the first time or again.
/// </summary>
internal sealed class SendBuffer(int bytesMax) : IDisposable
{
    private readonly ByteWindow _bytes = new();
    private readonly RangeSet _acked = new();
    private readonly RangeSet _lost = new();
    private ulong _base;
    private bool _finSent;
    private bool _finAcked;

    /// <summary>The offset behind the last byte that was written.</summary>
    public ulong End { get; private set; }

    /// <summary>The offset of the first byte that was never sent.</summary>
    public ulong Next { get; private set; }

    /// <summary>No more will be written.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Bytes of memory that are held.</summary>
    public int Capacity => _bytes.Capacity;

    /// <summary>Bytes that are kept at most; what is there already stays when it is lowered.</summary>
    public int BytesMax { get; set; } = bytesMax;

    /// <summary>Room for this many bytes more.</summary>
    public int Room => Math.Max(0, BytesMax - (int)(End - _base));

    /// <summary>Enough room for a writer that waits: each wake-up costs the same, however little it writes.</summary>
    public bool HasRoomAgain => Room >= BytesMax / 4;

    /// <summary>All was acknowledged, the end included.</summary>
    public bool IsDone => _finAcked && _base == End;

    public bool HasLost => _lost.Count > 0 || (IsFinished && !_finSent);

    public bool HasPending => HasLost || Next < End;

    /// <summary>Takes as much as there is room for.</summary>
    public int Write(ReadOnlySpan<byte> bytes, bool finish)
    {
        var taken = Math.Min(bytes.Length, Room);
        _bytes.Reserve(_base, End, End + (ulong)taken);
        _bytes.Write(End, bytes[..taken]);
        End += (ulong)taken;
        if (finish && taken == bytes.Length) IsFinished = true;
        return taken;
    }

    /// <summary>
    /// Chooses what is sent next: what was lost before what is new. The caller sends it, whole or not at all.
    /// </summary>
    /// <param name="limit">The offset that new bytes must stay below: flow control.</param>
    /// <returns>False when there is nothing, not even an end.</returns>
    public bool TryPeek(ulong limit, out ulong offset, out ulong available, out bool isNew)
    {
        isNew = false;
        if (_lost.Count > 0)
        {
            (offset, available) = (_lost.First.Start, _lost.First.End - _lost.First.Start + 1);
            return true;
        }

        offset = Next;
        isNew = true;
        available = Math.Min(End, Math.Max(limit, Next)) - Next;
        return available > 0 || (IsFinished && !_finSent && Next == End);
    }

    /// <summary>Whether a frame up to an offset carries the end.</summary>
    public bool IsEnd(ulong end) => IsFinished && end == End;

    /// <summary>Copies bytes that are about to be sent.</summary>
    public void Read(ulong offset, Span<byte> target) => _bytes.Read(offset, target);

    /// <summary>Bytes were sent.</summary>
    public void OnSent(ulong offset, int length)
    {
        var end = offset + (ulong)length;
        if (length > 0) _lost.Remove(offset, end - 1);
        Next = Math.Max(Next, end);
        if (IsEnd(end)) _finSent = true;
    }

    public void OnAcked(ulong offset, int length, bool fin)
    {
        if (fin) _finAcked = true;
        var end = offset + (ulong)length;
        if (end > _base)
        {
            // Bytes that were sent twice are acknowledged twice.
            var start = Math.Max(offset, _base);
            _acked.Add(start, end - 1);
            _lost.Remove(start, end - 1);
            if (_acked.First.Start == _base)
            {
                _base = _acked.First.End + 1;
                _acked.RemoveFirst();
            }
        }

        if (IsDone) _bytes.Dispose();
    }

    public void OnLost(ulong offset, int length, bool fin)
    {
        if (fin && !_finAcked) _finSent = false;
        if (length == 0) return;

        var (start, end) = (Math.Max(offset, _base), offset + (ulong)length - 1);
        if (start > end) return;
        _lost.Add(start, end);
        foreach (var range in _acked.Items)
        {
            if (range.Start > end) break;
            if (range.End >= start) _lost.Remove(range.Start, range.End);
        }
    }

    public void Dispose() => _bytes.Dispose();
}
