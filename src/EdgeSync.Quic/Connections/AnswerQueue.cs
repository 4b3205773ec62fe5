namespace EdgeSync.Quic.Connections;

/// <summary>
/// Small packets that answer without a connection, in one buffer made once; when it is full, more are dropped.
/// </summary>
internal sealed class AnswerQueue
{
    private const int AnswersMax = 64;

    /// <summary>Bytes of the largest: version negotiation with two ids of 255 bytes.</summary>
    private const int AnswerBytesMax = 544;

    private readonly (FourTuple Tuple, int Length)[] _items = new (FourTuple, int)[AnswersMax];
    private byte[] _bytes = [];
    private int _first;
    private int _count;

    public bool IsFull => _count == AnswersMax;

    public void Add(FourTuple tuple, ReadOnlySpan<byte> packet)
    {
        if (IsFull || packet.Length > AnswerBytesMax) return;
        if (_bytes.Length == 0) _bytes = new byte[AnswersMax * AnswerBytesMax];
        var at = (_first + _count++) % AnswersMax;
        _items[at] = (tuple, packet.Length);
        packet.CopyTo(_bytes.AsSpan(at * AnswerBytesMax));
    }

    /// <summary>Takes the oldest one.</summary>
    public bool TryTake(Span<byte> target, out int length, out FourTuple tuple)
    {
        (length, tuple) = (0, default);
        if (_count == 0) return false;
        (tuple, length) = _items[_first];
        _bytes.AsSpan(_first * AnswerBytesMax, length).CopyTo(target);
        _first = (_first + 1) % AnswersMax;
        _count--;
        return true;
    }
}
