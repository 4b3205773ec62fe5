using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EdgeSync.Storage.Assets;

/// <summary>
/// Begins to write to the disk what a file has in memory, so that a flush at its end waits for the last part alone
/// instead of for all of it. A hint: it promises nothing, and without Linux nothing happens.
/// </summary>
internal static partial class WriteBehind
{
    /// <summary><c>SYNC_FILE_RANGE_WRITE</c>: begin, and do not wait.</summary>
    private const uint Begin = 2;

    public static void Start(SafeFileHandle file, long offset, long count)
    {
        // A file system that cannot do it writes at the flush.
        if (OperatingSystem.IsLinux()) _ = SyncFileRange(file, offset, count, Begin);
    }

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long count, uint flags);
}
