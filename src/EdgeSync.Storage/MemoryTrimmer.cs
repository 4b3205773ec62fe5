using EdgeSync.Primitives;
using EdgeSync.Storage.Content;

namespace EdgeSync.Storage;

/// <summary>
/// Returns memory to the system once the work that needed it is over. By itself the runtime keeps what a clone or a
/// push took: 140 MB of a leaf that is then idle for days.
/// </summary>
internal static class MemoryTrimmer
{
    // Little garbage is not worth a pause of some milliseconds.
    private const long AllocatedBytesMin = 32 * 1024 * 1024;
    private const long KeptBytesMin = 4 * 1024 * 1024;

    private static long _allocatedBytes;

    /// <summary>The repository is idle.</summary>
    /// <param name="always">Much memory was released, however little was allocated lately.</param>
    public static void Trim(bool always)
    {
        var allocated = GC.GetTotalAllocatedBytes() - Interlocked.Read(ref _allocatedBytes);
        if (!always && allocated < AllocatedBytesMin && LargeBuffers.KeptBytes < KeptBytesMin) return;

        Collect();
    }

    /// <summary>Between two heavy pieces of work, so that the garbage of both does not add up.</summary>
    public static void Collect()
    {
        Interlocked.Exchange(ref _allocatedBytes, GC.GetTotalAllocatedBytes());
        ContentBuffers.Clear();
        LargeBuffers.Clear();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
    }
}
