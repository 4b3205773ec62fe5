using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// Writes files of a check-in into a folder: each completely or not at all, none outside of it, and the first only when
/// all can be written: their contents are stored, no two have one path, and no other file conflicts.
/// </summary>
public sealed class TreeWriter(Repository repository, DiskFolder disk)
{
    private const int NamesMax = 11;

    // Spec: symlink_create in file.c. Without the setting a link becomes a plain file that holds its target.
    private readonly bool _allowsLinks = repository.Settings.Boolean("allow-symlinks") && !OperatingSystem.IsWindows();

    /// <exception cref="EdgeSyncException">A conflict, and nothing was written; or a system call failed.</exception>
    public void Write(IReadOnlyList<TreeFile> files, bool replace)
    {
        RequireNames(files);
        RequireContents(files);
        RequireTargets(files);
        RequireOwnNames(files);
        RequireRoom(files, replace);
        foreach (var file in files)
        {
            using var content = repository.Content.Get(file.Id);
            var permission = file.Permission == FilePermission.Symlink && !_allowsLinks
                ? FilePermission.Regular
                : file.Permission;
            disk.Write(file.Name, content.Span, permission, replace);
        }
    }

    private void RequireNames(IReadOnlyList<TreeFile> files)
    {
        foreach (var file in files)
        {
            var name = PathText.ToBytes(file.Name);
            if (!PathName.IsSimple(name) || name.AsSpan().Contains((byte)0))
                throw new EdgeSyncException(
                    ErrorKind.Corrupt, $"the check-in names a file '{file.Name}', which is not a relative path");
        }

        if (disk.TakesAnyBytes) return;

        Refuse(
            files.Where(f => !System.Text.Unicode.Utf8.IsValid(PathText.ToBytes(f.Name))).Select(f => f.Name),
            ErrorKind.System,
            "names are not UTF-8, which this system requires; nothing was written", null);
    }

    private void RequireContents(IReadOnlyList<TreeFile> files) => Refuse(
        files.Where(
            f => repository.Content.Find(f.Id) is var rid
            && (rid.IsNone || !repository.Content.IsAvailable(rid))).Select(f => f.Name),
        ErrorKind.NotFound, "the contents of files have not arrived (yet); nothing was written", "edgesync repo pull");

    // No system can make a link to nothing, or past a NUL.
    private void RequireTargets(IReadOnlyList<TreeFile> files)
    {
        if (!_allowsLinks) return;

        Refuse(
            files.Where(f => f.Permission == FilePermission.Symlink && !CanBeTarget(f)).Select(f => f.Name),
            ErrorKind.Corrupt,
            "symbolic links of the check-in have invalid targets; nothing was written",
            "edgesync repo config set allow-symlinks off");

        bool CanBeTarget(TreeFile file)
        {
            using var content = repository.Content.Get(file.Id);
            return !content.Span.IsEmpty && !content.Span.Contains((byte)0);
        }
    }

    // A file where another file needs a folder, and on some file systems names that differ in case.
    private void RequireOwnNames(IReadOnlyList<TreeFile> files)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in files)
            if (!names.Add(file.Name)) throw Collision([file.Name, file.Name]);

        foreach (var file in files)
        {
            for (var slash = file.Name.IndexOf(
                '/', StringComparison.Ordinal); slash >= 0; slash = file.Name.IndexOf('/', slash + 1))
                if (names.Contains(file.Name[..slash])) throw Collision([file.Name[..slash], file.Name]);
        }

        var folded = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var file in files)
        {
            if (!folded.TryAdd(file.Name, file.Name) && disk.FoldsCase())
                throw Collision([folded[file.Name], file.Name]);
        }
    }

    private void RequireRoom(IReadOnlyList<TreeFile> files, bool replace)
    {
        if (!replace)
        {
            Refuse(
                files.Where(f => disk.Find(f.Name) is not null).Select(f => f.Name), ErrorKind.Conflict,
                $"files exist already in {disk.FullPath}; nothing was written", "another folder (-d), or --force");
        }

        Refuse(
            files.Where(f => disk.Find(f.Name) is { Kind: DiskKind.Folder }).Select(f => f.Name)
            .Concat(Obstacles(files)), ErrorKind.Conflict,
            $"folders, files or links conflict in {disk.FullPath}; nothing was overwritten",
            "another folder (-d), or move them away");
    }

    /// <summary>Entries that are not folders where the files need one.</summary>
    private IEnumerable<string> Obstacles(IReadOnlyList<TreeFile> files)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            for (var slash = file.Name.IndexOf(
                '/', StringComparison.Ordinal); slash >= 0; slash = file.Name.IndexOf('/', slash + 1))
            {
                var folder = file.Name[..slash];
                if (seen.Add(folder) && disk.Find(folder) is { Kind: not DiskKind.Folder }) yield return folder;
            }
        }
    }

    private static EdgeSyncException Collision(IReadOnlyList<string> names) =>
        new(
            ErrorKind.Conflict, "files of the check-in have one name here; nothing was written",
            "another file system, or edgesync repo cat FILE -r VERSION")
        {
            Candidates = names,
        };

    private static void Refuse(IEnumerable<string> names, ErrorKind kind, string message, string? hint)
    {
        var some = names.Take(NamesMax).ToList();
        if (some.Count > 0) throw new EdgeSyncException(kind, message, hint) { Candidates = some };
    }
}
