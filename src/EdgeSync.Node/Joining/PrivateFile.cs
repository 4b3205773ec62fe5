using System.Text;
using EdgeSync.Node.Settings;

namespace EdgeSync.Node.Joining;

/// <summary>Small files that only their owner can read, written completely or not at all.</summary>
internal static class PrivateFile
{
    /// <summary>Replaces the file.</summary>
    public static void Write(string path, string text) =>
        File.Move(WriteNew(path, Encoding.UTF8.GetBytes(text)), path, overwrite: true);

    /// <summary>
    /// Creates the file; one that exists stays, also when another process has created it at this moment.
    /// </summary>
    public static void Create(string path, ReadOnlySpan<byte> bytes)
    {
        var making = WriteNew(path, bytes);
        try
        {
            File.Move(making, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(making);
        }
    }

    private static string WriteNew(string path, ReadOnlySpan<byte> bytes)
    {
        NodePaths.CreatePrivate(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var making = $"{path}.{Environment.ProcessId}.new";
        File.Delete(making);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var stream = new FileStream(making, options);
        stream.Write(bytes);
        stream.Flush(flushToDisk: true);
        return making;
    }
}
