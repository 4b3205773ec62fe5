using System.Text;
using EdgeSync.Agent;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Hosting.Watch;

/// <summary>One file found on the disk.</summary>
internal sealed class ScannedFile(string path, FilePermission permission, string? linkTarget, long size, long modifiedTicks)
{
    private readonly Dictionary<HashKind, ArtifactId> _ids = [];

    public string Path => path;

    public FilePermission Permission => permission;

    public long Size => size;

    public long ModifiedTicks => modifiedTicks;

    /// <summary>Known without reading, because size and time are those of before.</summary>
    public ArtifactId? Remembered { get; init; }

    /// <summary>Reads the file once for each kind of hash that is asked for.</summary>
    public bool HasContent(ArtifactId id)
    {
        if (Remembered is { } known && known.Kind == id.Kind) return known == id;
        if (!_ids.TryGetValue(id.Kind, out var own)) _ids[id.Kind] = own = Hash(id.Kind);
        return own == id;
    }

    public ReadOnlyMemory<byte> Read() => linkTarget is not null ? Encoding.UTF8.GetBytes(linkTarget) : File.ReadAllBytes(path);

    private ArtifactId Hash(HashKind kind)
    {
        var hasher = new ArtifactHasher(kind);
        if (linkTarget is not null)
        {
            hasher.Append(Encoding.UTF8.GetBytes(linkTarget));
            return hasher.Finish();
        }

        using var stream = File.OpenRead(path);
        var buffer = new byte[64 * 1024];
        for (int read; (read = stream.Read(buffer)) > 0;) hasher.Append(buffer.AsSpan(0, read));
        return hasher.Finish();
    }
}

/// <summary>
/// Lists the files of a folder as a check-in would name them. Left out: what belongs to check-outs and repositories, folders of
/// other version control, and what the globs name. Links are files, never followed.
/// </summary>
internal static class FolderScan
{
    private static readonly NameGlob Never = new(".fslckout,.fslckout-*,*/.fslckout,*/.fslckout-*,_FOSSIL_,_FOSSIL_-*,.git,.hg,.svn,*/.git,*/.hg,*/.svn");

    public static Dictionary<string, ScannedFile> List(
        string folder, string repository, NameGlob ignored, IReadOnlyDictionary<string, RememberedFile> remembered)
    {
        var files = new Dictionary<string, ScannedFile>(StringComparer.Ordinal);
        var options = new EnumerationOptions { RecurseSubdirectories = false, AttributesToSkip = 0, IgnoreInaccessible = false };
        var waiting = new Stack<DirectoryInfo>([new DirectoryInfo(folder)]);
        while (waiting.TryPop(out var at))
        {
            foreach (var entry in at.EnumerateFileSystemInfos("*", options))
            {
                var name = Path.GetRelativePath(folder, entry.FullName).Replace('\\', '/');
                if (IsLeftOut(name, entry.FullName, repository, ignored)) continue;

                if (entry is DirectoryInfo { LinkTarget: null } inner) waiting.Push(inner);
                else if (PathName.IsSimple(Encoding.UTF8.GetBytes(name)) && Describe(entry, name, remembered) is { } file) files[name] = file;
            }
        }

        return files;
    }

    /// <summary>Whether a change of this path is worth a look at the folder.</summary>
    public static bool IsLeftOut(string name, string fullPath, string repository, NameGlob ignored) =>
        Never.Matches(name) || ignored.Matches(name) || (fullPath.StartsWith(repository, StringComparison.Ordinal) && IsOfRepository(fullPath[repository.Length..]));

    private static bool IsOfRepository(string suffix) => suffix is "" or "-wal" or "-shm" or "-journal" or ".part";

    private static ScannedFile? Describe(FileSystemInfo entry, string name, IReadOnlyDictionary<string, RememberedFile> remembered)
    {
        if (entry.LinkTarget is { } target)
            return new ScannedFile(entry.FullName, FilePermission.Symlink, target, target.Length, entry.LastWriteTimeUtc.Ticks);
        if (entry is not FileInfo { Exists: true } file || !IsRegular(file)) return null;

        var isExecutable = !OperatingSystem.IsWindows() && (file.UnixFileMode & UnixFileMode.UserExecute) != 0;
        var permission = isExecutable ? FilePermission.Executable : FilePermission.Regular;
        var isSame = remembered.TryGetValue(name, out var before) && before.Size == file.Length && before.ModifiedTicks == file.LastWriteTimeUtc.Ticks;
        return new ScannedFile(file.FullName, permission, null, file.Length, file.LastWriteTimeUtc.Ticks) { Remembered = isSame ? before.Entry.Id : null };
    }

    // Pipes, sockets and devices would block whoever reads them.
    private static bool IsRegular(FileInfo file) =>
        OperatingSystem.IsWindows() || (file.Attributes & (FileAttributes.Device | FileAttributes.System)) == 0;
}
