namespace EdgeSync.Storage;

/// <summary>
/// Collects short-lived garbage after every few megabytes of it. The runtime lets it grow to most of the processor's last
/// cache (27 MB where that has 32), which is a third of all the memory that a large clone may take.
/// </summary>
internal sealed class YoungGarbage
{
    private const long BytesMax = 6 * 1024 * 1024;

    private long _allocatedBytes = GC.GetTotalAllocatedBytes();

    /// <summary>Call now and then from a loop that allocates.</summary>
    public void Check()
    {
        var allocatedBytes = GC.GetTotalAllocatedBytes();
        if (allocatedBytes - _allocatedBytes < BytesMax) return;

        GC.Collect(0);
        _allocatedBytes = allocatedBytes;
    }
}
