using EdgeSync.Storage.Content;

namespace EdgeSync.Storage;

/// <summary>
/// Gives memory back to the system once the work that needed it is over. By itself the runtime keeps what a clone or a
/// push took: 140 MB of a leaf that then does nothing for days.
/// </summary>
internal static class MemoryTrimmer
{
    // Little garbage is not worth the pause of some milliseconds.
    private const long AllocatedBytesMin = 32 * 1024 * 1024;

    private static long _allocatedBytes;

    /// <summary>Nothing is going on here just now.</summary>
    /// <param name="always">Much was let go of, however little was allocated lately.</param>
    public static void Trim(bool always)
    {
        if (!always && GC.GetTotalAllocatedBytes() - Interlocked.Read(ref _allocatedBytes) < AllocatedBytesMin) return;

        Collect();
    }

    /// <summary>One heavy piece of work ends and another begins, which must not pile its own garbage on top.</summary>
    public static void Collect()
    {
        Interlocked.Exchange(ref _allocatedBytes, GC.GetTotalAllocatedBytes());
        ContentBuffers.Clear();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
    }
}
