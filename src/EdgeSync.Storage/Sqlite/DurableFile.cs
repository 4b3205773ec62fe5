using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;
using Microsoft.Win32.SafeHandles;

namespace EdgeSync.Storage.Sqlite;

/// <summary>
/// File names that survive a power loss: a name is in its folder, which must be flushed itself.
/// </summary>
public static class DurableFile
{
    /// <summary>Gives a complete file its name. When this returns, content and name are on the disk.</summary>
    /// <param name="from">Its name so far.</param>
    /// <param name="to">The name to give.</param>
    /// <param name="replaces">It replaces a file of that name.</param>
    /// <exception cref="IOException">There is a file of that name, or the disk fails.</exception>
    public static void Move(string from, string to, bool replaces = false)
    {
        using (var file = File.OpenHandle(
            from, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete))
            RandomAccess.FlushToDisk(file);
        File.Move(from, to, replaces);
        FlushFolder(Path.GetDirectoryName(Path.GetFullPath(to))!);
    }

    /// <summary>Flushes the names in a folder.</summary>
    public static void FlushFolder(string folder)
    {
        // The base library cannot open a folder; on systems other than Linux, the file system is trusted.
        if (!OperatingSystem.IsLinux()) return;

        using SafeFileHandle? handle = Posix.OpenFolder(folder, out var error);
        if (handle is not null) error = Posix.Flush(handle);

        // Some network file systems cannot; there is no later time to retry it.
        if (error is not (0 or Posix.Invalid))
            throw new EdgeSyncException(
                ErrorKind.System, $"{folder} cannot be flushed to the disk: {Posix.Text(error)}");
    }
}
