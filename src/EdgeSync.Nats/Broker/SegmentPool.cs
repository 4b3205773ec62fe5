namespace EdgeSync.Nats.Broker;

/// <summary>
/// Segments of four sizes for output. Returned segments are kept up to a limit; the rest is left to the garbage
/// collector, so that a burst does not fix the size of the process.
/// </summary>
internal sealed class SegmentPool(long freeBytesMax)
{
    public const int SmallestBytes = 1024;
    public const int LargestBytes = 64 * 1024;

    /// <summary>From one size to the next.</summary>
    public const int Step = 4;

    private readonly Stack<byte[]>[] _free = [new(), new(), new(), new()];

    /// <summary>Kept for later.</summary>
    public long FreeBytes { get; private set; }

    /// <summary>At least so many bytes, with any content.</summary>
    public byte[] Rent(int bytes)
    {
        var (size, index) = (SmallestBytes, 0);
        while (size < bytes && size < LargestBytes) (size, index) = (size * Step, index + 1);

        // Only an odd line needs a larger one; it is not kept.
        if (size < bytes) return new byte[bytes];
        if (!_free[index].TryPop(out var buffer)) return GC.AllocateUninitializedArray<byte>(size);

        FreeBytes -= size;
        return buffer;
    }

    public void Return(byte[] buffer)
    {
        if (FreeBytes + buffer.Length > freeBytesMax) return;

        var (size, index) = (SmallestBytes, 0);
        while (size < buffer.Length && size < LargestBytes) (size, index) = (size * Step, index + 1);
        if (size != buffer.Length) return;

        _free[index].Push(buffer);
        FreeBytes += size;
    }

    /// <summary>Drops all free segments.</summary>
    public void Trim()
    {
        foreach (var stack in _free)
        {
            stack.Clear();
            stack.TrimExcess();
        }

        FreeBytes = 0;
    }
}
