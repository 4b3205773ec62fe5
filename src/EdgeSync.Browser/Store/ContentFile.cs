using System.Buffers;

namespace EdgeSync.Browser.Store;

/// <summary>
/// The contents, one after the other, as they were received: each is a size and a zlib stream. Additions are gathered,
/// because a call for each small artifact costs more than its bytes.
/// </summary>
internal sealed class ContentFile(IStoreFile file)
{
    private const int GatheredBytesMax = 1 << 20;

    private readonly ArrayBufferWriter<byte> _tail = new();
    private long _written;

    /// <summary>Where the next addition goes.</summary>
    public long End => _written + _tail.WrittenCount;

    /// <summary>Drops everything behind a position.</summary>
    public void CutTo(long end)
    {
        _tail.ResetWrittenCount();
        _written = end;
        if (file.Length > end) file.Truncate(end);
    }

    /// <summary>Returns the position.</summary>
    public long Append(ReadOnlySpan<byte> bytes)
    {
        var at = End;
        _tail.Write(bytes);
        if (_tail.WrittenCount >= GatheredBytesMax) WriteOut();
        return at;
    }

    public void Read(long at, Span<byte> target)
    {
        if (at >= _written) _tail.WrittenSpan.Slice((int)(at - _written), target.Length).CopyTo(target);
        else file.Read(at, target);
    }

    /// <summary>Returns when everything is on the disk.</summary>
    public void Flush()
    {
        WriteOut();
        file.Flush();
    }

    private void WriteOut()
    {
        if (_tail.WrittenCount == 0) return;

        file.Write(_written, _tail.WrittenSpan);
        _written += _tail.WrittenCount;
        _tail.ResetWrittenCount();
    }
}
