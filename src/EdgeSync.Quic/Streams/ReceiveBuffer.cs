namespace EdgeSync.Quic.Streams;

/// <summary>Bytes that arrived in any order, until they are read in their own.</summary>
internal sealed class ReceiveBuffer : IDisposable
{
    /// <summary>
    /// Pieces with gaps between them; a peer that makes more is not kept. Of a large window every second packet may be
    /// missing.
    /// </summary>
    private const int PiecesMin = 2048;
    private const int PieceBytes = 1024;

    private readonly ByteWindow _bytes = new();
    private readonly RangeSet _pieces = new();

    /// <summary>Bytes that may arrive before they are read.</summary>
    public int WindowBytes { get; set; }

    /// <summary>The offset of the next byte to be read.</summary>
    public ulong ReadOffset { get; private set; }

    /// <summary>The offset behind the highest byte that arrived.</summary>
    public ulong Highest { get; private set; }

    /// <summary>Where the stream ends, when known.</summary>
    public ulong? FinalSize { get; private set; }

    /// <summary>Bytes of memory that are held.</summary>
    public int Capacity => _bytes.Capacity;

    /// <summary>Bytes that can be read now.</summary>
    public int Readable =>
        _pieces.Count > 0 && _pieces.First.Start <= ReadOffset ? (int)(_pieces.First.End + 1 - ReadOffset) : 0;

    /// <summary>All was read.</summary>
    public bool IsAtEnd => ReadOffset == FinalSize;

    /// <summary>Stores bytes that flow control allows; false when they lie in too many pieces.</summary>
    public bool TryWrite(ulong offset, ReadOnlySpan<byte> bytes)
    {
        var end = offset + (ulong)bytes.Length;
        Highest = Math.Max(Highest, end);
        if (end <= ReadOffset || bytes.IsEmpty) return true;
        if (offset < ReadOffset)
        {
            bytes = bytes[(int)(ReadOffset - offset)..];
            offset = ReadOffset;
        }

        _bytes.Reserve(ReadOffset, _pieces.Count == 0 ? ReadOffset : _pieces.Last.End + 1, end);
        _bytes.Write(offset, bytes);
        _pieces.Add(offset, end - 1);
        return _pieces.Count <= Math.Max(PiecesMin, WindowBytes / PieceBytes);
    }

    /// <summary>Whether a final size agrees with what is known (RFC 9000 §4.5); it is kept when it does.</summary>
    public bool TrySetFinalSize(ulong size)
    {
        if ((FinalSize is { } known && known != size) || size < Highest) return false;
        FinalSize = size;
        return true;
    }

    public int Read(Span<byte> target)
    {
        var count = Math.Min(target.Length, Readable);
        if (count == 0) return 0;

        _bytes.Read(ReadOffset, target[..count]);
        ReadOffset += (ulong)count;
        _pieces.Remove(0, ReadOffset - 1);
        if (_pieces.Count == 0) _bytes.Dispose();
        return count;
    }

    /// <summary>What arrives is dropped from now on: the stream was reset, or is not wanted.</summary>
    public void Discard()
    {
        _bytes.Dispose();
        _pieces.Clear();
        ReadOffset = Math.Max(ReadOffset, Highest);
    }

    public void Dispose() => _bytes.Dispose();
}
