using EdgeSync.Primitives;
using EdgeSync.Storage.Content;

namespace EdgeSync.Storage;

/// <summary>
/// Returns memory to the system once the work that needed it is over. By itself the runtime keeps what a clone or a
/// push took: 140 MB of a leaf that is then idle for days.
/// </summary>
public static class MemoryTrimmer
{
    // Little garbage is not worth a pause of some milliseconds.
    private const long AllocatedBytesMin = 32 * 1024 * 1024;
    private const long KeptBytesMin = 4 * 1024 * 1024;

    private const long IdleBytesMax = 16 * 1024 * 1024;

    private static long _allocatedBytes;
    private static long _lookedAtBytes;

    /// <summary>
    /// Called after the start and then every few minutes: returns the memory that only the start needed, the pages of
    /// the program's file included, and later what little an idle program has left behind. A program that has
    /// allocated much since the last call is not idle, and is left alone.
    /// </summary>
    public static void TrimWhileIdle()
    {
        var allocated = GC.GetTotalAllocatedBytes();
        var before = Interlocked.Exchange(ref _lookedAtBytes, allocated);
        if (before > 0 && allocated - before > IdleBytesMax) return;

        Collect();
        ProgramPages.Release();
    }

    /// <summary>The repository is idle.</summary>
    /// <param name="always">Much memory was released, however little was allocated lately.</param>
    internal static void Trim(bool always)
    {
        var allocated = GC.GetTotalAllocatedBytes() - Interlocked.Read(ref _allocatedBytes);
        if (!always && allocated < AllocatedBytesMin && LargeBuffers.KeptBytes < KeptBytesMin) return;

        Collect();
        ProgramPages.Release();
    }

    /// <summary>Between two heavy pieces of work, so that the garbage of both does not add up.</summary>
    internal static void Collect()
    {
        Interlocked.Exchange(ref _allocatedBytes, GC.GetTotalAllocatedBytes());
        ContentBuffers.Clear();
        LargeBuffers.Clear();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
    }
}
