using System.Text;
using EdgeSync.Node.Settings;

namespace EdgeSync.Node.Joining;

/// <summary>Small files that only their owner can read, written completely or not at all.</summary>
internal static class PrivateFile
{
    public static void Write(string path, string text)
    {
        NodePaths.CreatePrivate(Path.GetDirectoryName(path)!);
        var making = path + ".new";
        File.Delete(making);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(making, options))
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }

        File.Move(making, path, overwrite: true);
    }
}
