using System.Buffers;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// A rented array and how much of it is to be sent. The sender returns it with <see cref="BrokerCore.Recycle"/>; one
/// that is not returned becomes garbage.
/// </summary>
public readonly record struct OutputSegment(byte[] Buffer, int Length);

/// <summary>
/// The output of one connection. Messages are copied into rented segments that start small, so that an idle connection
/// costs nothing and a busy one is sent in few large pieces; a shell takes all segments at once.
/// </summary>
internal sealed class OutputQueue(SegmentPool pool) : IBufferWriter<byte>
{
    /// <summary>
    /// Up to this size a message is kept in one piece; a longer one continues in the next segment.
    /// </summary>
    internal const int ContiguousBytesMax = 8 * 1024;

    private readonly List<OutputSegment> _full = [];
    private byte[]? _tail;
    private int _tailLength;
    private int _nextSegmentBytes = SegmentPool.SmallestBytes;

    /// <summary>Written, and not taken yet.</summary>
    public int WaitingBytes { get; private set; }

    public bool IsEmpty => WaitingBytes == 0;

    /// <summary>Space for so many bytes in one piece; follow with <see cref="Advance"/>.</summary>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        if (_tail is null || _tail.Length - _tailLength < Math.Max(sizeHint, 1)) StartSegment(sizeHint);
        return _tail.AsSpan(_tailLength);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        GetSpan(sizeHint);
        return _tail.AsMemory(_tailLength);
    }

    public void Advance(int count)
    {
        _tailLength += count;
        WaitingBytes += count;
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_tail is null || _tailLength == _tail.Length) StartSegment(1);
            var part = Math.Min(bytes.Length, _tail!.Length - _tailLength);
            bytes[..part].CopyTo(_tail.AsSpan(_tailLength));
            Advance(part);
            bytes = bytes[part..];
        }
    }

    /// <summary>Moves everything to <paramref name="target"/>, in order. Returns the number of bytes.</summary>
    public int TakeInto(List<OutputSegment> target)
    {
        var taken = WaitingBytes;
        target.AddRange(_full);
        if (_tailLength > 0) target.Add(new OutputSegment(_tail!, _tailLength));

        // A burst fills large segments; after a small one the next starts small again.
        if (_full.Count == 0)
            _nextSegmentBytes = Math.Max(SegmentPool.SmallestBytes, _nextSegmentBytes / SegmentPool.Step);
        _full.Clear();
        if (_tailLength > 0) (_tail, _tailLength) = (null, 0);
        WaitingBytes = 0;
        return taken;
    }

    public void Clear()
    {
        foreach (var segment in _full) pool.Return(segment.Buffer);
        _full.Clear();
        if (_tail is not null) pool.Return(_tail);
        (_tail, _tailLength, WaitingBytes) = (null, 0, 0);
    }

    private void StartSegment(int size)
    {
        if (_tail is not null)
        {
            if (_tailLength > 0) _full.Add(new OutputSegment(_tail, _tailLength));
            else pool.Return(_tail);
        }

        _tail = pool.Rent(Math.Max(size, _nextSegmentBytes));
        _tailLength = 0;
        _nextSegmentBytes = Math.Min(_nextSegmentBytes * SegmentPool.Step, SegmentPool.LargestBytes);
    }
}
