using EdgeSync.Quic;

namespace EdgeSync.Net.Quic;

/// <summary>What one look at a socket has found: a few system calls' worth of datagrams, in one buffer.</summary>
internal sealed class ReceivedBatch
{
    /// <summary>Bytes that one system call may deliver: the largest datagram, or coalesced ones.</summary>
    public const int CallBytes = 65536;

    private const int BufferBytes = 4 * CallBytes;
    private const int ItemsMax = 64;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
    private readonly Call[] _items = new Call[ItemsMax];
    private int _bytes;

    /// <summary>Calls that have delivered something.</summary>
    public int Count { get; private set; }

    /// <summary>Room for another call.</summary>
    public bool HasRoom => Count < ItemsMax && BufferBytes - _bytes >= CallBytes;

    /// <summary>Where the next call writes; pinned.</summary>
    public Span<byte> Free => _buffer.AsSpan(_bytes, CallBytes);

    public ref readonly Call this[int index] => ref _items[index];

    public void Clear() => (_bytes, Count) = (0, 0);

    /// <param name="bytes">Written to <see cref="Free"/>.</param>
    /// <param name="segmentBytes">Of each of the datagrams that were coalesced; 0 or all of it when it is one.</param>
    public void Add(int bytes, int segmentBytes, UdpAddress remote, EcnMark ecn)
    {
        // An address that means a relay: only a forged packet has it.
        if (remote.IsRelayed) return;

        _items[Count++] = new Call(_bytes, bytes, segmentBytes > 0 ? segmentBytes : Math.Max(1, bytes), remote, ecn);
        _bytes += bytes;
    }

    public Span<byte> BytesOf(in Call call) => _buffer.AsSpan(call.Start, call.Bytes);

    /// <param name="SegmentBytes">Bytes of each datagram, but for the last, which may be smaller.</param>
    internal readonly record struct Call(int Start, int Bytes, int SegmentBytes, UdpAddress Remote, EcnMark Ecn);
}
