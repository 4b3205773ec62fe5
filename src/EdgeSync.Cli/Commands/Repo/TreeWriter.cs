using System.CommandLine;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class TreeOptions
{
    public static Option<string> Folder { get; } = new("--dir", "-d")
    {
        Description = "Folder to write into.",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => ".",
    };
}

/// <summary>Writes files of a check-in to disk, each whole or not at all, and never outside its folder.</summary>
internal sealed class TreeWriter(Repository repository, string folder)
{
    private const UnixFileMode Plain = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead
        | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly string _folder = Path.GetFullPath(folder);
    private readonly HashSet<string> _checkedFolders = new(StringComparer.Ordinal);

    // Spec: symlink_create in file.c. Without the setting a link becomes a plain file that holds its target.
    private readonly bool _allowsLinks = repository.Settings.Boolean("allow-symlinks") && !OperatingSystem.IsWindows();

    /// <summary>Also true for a link that leads nowhere.</summary>
    public static bool IsThere(string path) => Path.Exists(path) || new FileInfo(path).LinkTarget is not null;

    public void Write(TreeFile file, bool replace)
    {
        if (!PathName.IsSimple(Encoding.UTF8.GetBytes(file.Name)))
            throw new EdgeSyncException(ErrorKind.Corrupt, $"the check-in names a file '{file.Name}', which is no path inside a folder");

        var target = Path.Combine(_folder, file.Name);
        Prepare(Path.GetDirectoryName(target)!);
        if (!replace && IsThere(target)) throw new EdgeSyncException(ErrorKind.Conflict, $"{target} is in the way", "--force");

        using var content = repository.Content.Get(file.Id);
        var temporary = $"{target}.edgesync-{Environment.ProcessId}";
        try
        {
            if (file.Permission == FilePermission.Symlink && _allowsLinks)
                File.CreateSymbolicLink(temporary, Encoding.UTF8.GetString(content.Span));
            else
                WriteBytes(temporary, content.Span, file.Permission == FilePermission.Executable);
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static void WriteBytes(string path, ReadOnlySpan<byte> bytes, bool isExecutable)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, PreallocationSize = bytes.Length };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = isExecutable ? Plain | Execute : Plain;
        using var stream = new FileStream(path, options);
        stream.Write(bytes);
    }

    // A link that a check-in brought (or that lies there) must not carry later files out of the folder.
    private void Prepare(string path)
    {
        if (!_checkedFolders.Add(path)) return;

        for (var at = path; at.Length > _folder.Length; at = Path.GetDirectoryName(at)!)
        {
            if (new DirectoryInfo(at).LinkTarget is { } link)
                throw new EdgeSyncException(ErrorKind.Conflict, $"{at} is a link to {link}; nothing is written through it");
        }

        Directory.CreateDirectory(path);
    }
}
