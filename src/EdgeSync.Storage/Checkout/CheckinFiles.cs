using EdgeSync.Fossil.Artifacts;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Storage.Checkout;

/// <summary>The changes that named files of a folder make in a check-in, read completely.</summary>
public sealed record CheckinFiles(IReadOnlyList<FileChange> Changes, IReadOnlyList<SkippedFile> Skipped)
{
    /// <summary>Runs without a lock on the repository.</summary>
    /// <param name="tree">Files that the repository has: what is the same need not be kept.</param>
    public static CheckinFiles Read(
        Repository repository, DiskFolder disk, IEnumerable<string> named, IReadOnlyList<TreeFile> tree,
        ContentSpool spool)
    {
        var known = tree.ToDictionary(file => file.Name, StringComparer.Ordinal);
        var rules = new FolderRules(disk, FolderSettings.Of(repository), [], known.Keys);
        var found = new NamedFiles(disk, rules, repository.Content.ArtifactBytesMax, known.ContainsKey).Find(named);
        var changes = new List<FileChange>();
        foreach (var file in found.Files.Values.ToList())
        {
            if (ChangeOf(repository, file, known.GetValueOrDefault(file.Name), spool) is { } change)
                changes.Add(change);
            else found.Skip(file.Name, file.Fault!);
        }

        return new CheckinFiles(changes, found.Skipped);
    }

    private static FileChange? ChangeOf(Repository repository, ScannedFile file, TreeFile? known, ContentSpool spool)
    {
        FilePermission? permission = OperatingSystem.IsWindows() && file.Permission == FilePermission.Regular
            ? null
            : file.Permission;
        if (known is not null && file.HasContent(known.Id)
            && repository.Content.Find(known.Id) is { IsNone: false } rid && repository.Content.IsAvailable(rid))
            return FileChange.Use(file.Name, known.Id, permission);

        return file.Keep(spool) is { } content ? FileChange.Put(file.Name, content, permission) : null;
    }
}
