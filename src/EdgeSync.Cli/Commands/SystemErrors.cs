using System.Text.RegularExpressions;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// Messages for file system errors that were not handled before, in the user's terms.
/// </summary>
internal static partial class SystemErrors
{
    public static EdgeSyncException Of(Exception e)
    {
        var path = Quoted().Match(e.Message) is { Success: true } match ? match.Groups[1].Value : null;
        var name = path is null ? "a file" : Path.GetRelativePath(Environment.CurrentDirectory, path) is var near
            && near.StartsWith("..", StringComparison.Ordinal) ? path : near;
        return e switch
        {
            UnauthorizedAccessException when path is not null && Directory.Exists(path) =>
                new EdgeSyncException(ErrorKind.System, $"{name} is a folder, and a file is needed", "name a file", e),
            UnauthorizedAccessException =>
                new EdgeSyncException(ErrorKind.System, $"{name} cannot be written: permission denied",
                "check the permissions of the file and its folder", e),
            DirectoryNotFoundException =>
                new EdgeSyncException(ErrorKind.System, $"{name}: its folder does not exist",
                "make the folder first, or name another file", e),
            FileNotFoundException =>
                new EdgeSyncException(ErrorKind.System, $"{name} does not exist", "check the path", e),
            _ => new EdgeSyncException(ErrorKind.System, IsReadOnly(e)
                ? $"{name} cannot be written: the file system is read-only"
                : e.Message, "check the path, its permissions and the free space", e),
        };
    }

    // EROFS.
    private static bool IsReadOnly(Exception e) =>
        (e.HResult & 0xffff) == 30 || e.Message.StartsWith("Read-only file system", StringComparison.Ordinal);

    [GeneratedRegex("'([^']+)'")]
    private static partial Regex Quoted();
}
