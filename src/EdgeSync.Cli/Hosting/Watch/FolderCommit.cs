using EdgeSync.Agent;
using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Configuration;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Hosting.Watch;

/// <summary>What a look at a folder came to.</summary>
internal sealed record FolderOutcome(string? Hash, string? Comment, IReadOnlyList<string> Conflicts);

/// <summary>Looks at a folder once and commits what was edited in it. Runs on the repository's writing thread.</summary>
internal sealed class FolderCommit(WatchSettings settings, string folder, string repositoryPath)
{
    // A file that was written this recently may be written again within the same tick of its clock.
    private static readonly TimeSpan TooYoung = TimeSpan.FromSeconds(2);

    /// <exception cref="EdgeSyncException">The folder is gone or empty; the check-in is refused.</exception>
    public FolderOutcome Run(Repository repository)
    {
        if (!Directory.Exists(folder))
            throw new EdgeSyncException(ErrorKind.NotFound, $"{folder} does not exist", "is it mounted?");

        var tip = TipOf(repository, out var parent, out var newBranch);
        var remembered = FolderMemory.Read(repository, folder);
        var disk = FolderScan.List(folder, repositoryPath, IgnoredIn(repository), remembered ?? []);
        var known = remembered?.ToDictionary(f => f.Key, f => f.Value.Entry, StringComparer.Ordinal) ?? FirstKnown(repository, tip, disk);
        var changes = FolderPlan.Plan(known, disk.ToDictionary(f => f.Key, f => new FolderFile(f.Value.Permission, f.Value.HasContent), StringComparer.Ordinal), tip);
        if (changes.Refusal is { } refusal)
            throw new EdgeSyncException(ErrorKind.Conflict, $"{folder}: {refusal}", "to remove them for good, commit that by hand: edgesync repo ci --rm");

        var made = changes.IsEmpty ? default(AuthoredArtifact?) : repository.Commit(new CommitOptions
        {
            Parent = parent,
            User = settings.User ?? CommandContext.SystemUser,
            Comment = FolderPlan.Comment(changes),
            Branch = newBranch,
            Changes =
            [
                .. changes.Removed.Select(FileChange.Remove),
                .. changes.Changed.Concat(changes.Added).Select(name => FileChange.Put(name, disk[name].Read, disk[name].Permission)),
            ],
        });
        Remember(repository, remembered is null, known, changes, disk, made);
        return new FolderOutcome(made?.Id.ToString(), made is null ? null : FolderPlan.Comment(changes), changes.Conflicts);
    }

    private Dictionary<string, FolderEntry> TipOf(Repository repository, out RecordId parent, out string? newBranch)
    {
        var branch = settings.Branch ?? repository.Settings["main-branch"] ?? "trunk";
        newBranch = null;
        if (repository.Names.TryResolve(branch, EventType.Checkin, out parent) != NameFault.None)
        {
            if (settings.Branch is not null) newBranch = branch;
            if (repository.Names.TryResolve("tip", EventType.Checkin, out parent) != NameFault.None) parent = RecordId.None;
        }

        return parent.IsNone ? new(StringComparer.Ordinal) : TreeOf(repository, parent);
    }

    private static Dictionary<string, FolderEntry> TreeOf(Repository repository, RecordId rid) =>
        TreeFile.AllOf(CheckInTree.Load(repository, rid)).ToDictionary(f => f.Name, f => new FolderEntry(f.Id, f.Permission), StringComparer.Ordinal);

    // At the first look nothing can have been removed: what is not there may never have been.
    private static Dictionary<string, FolderEntry> FirstKnown(Repository repository, Dictionary<string, FolderEntry> tip, Dictionary<string, ScannedFile> disk) =>
        tip.Where(f => disk.ContainsKey(f.Key)).ToDictionary(StringComparer.Ordinal);

    private NameGlob IgnoredIn(Repository repository)
    {
        var versioned = Path.Combine(folder, ".fossil-settings", "ignore-glob");
        return new NameGlob([.. settings.Ignore, repository.Settings["ignore-glob"] ?? "", File.Exists(versioned) ? File.ReadAllText(versioned) : ""]);
    }

    private void Remember(
        Repository repository, bool isFirst, Dictionary<string, FolderEntry> known, FolderChanges changes, Dictionary<string, ScannedFile> disk, AuthoredArtifact? made)
    {
        var committed = made is { } artifact ? TreeOf(repository, artifact.Rid) : [];
        var now = repository.Now.ToDateTime().Ticks;
        List<KeyValuePair<string, RememberedFile?>> files =
        [
            .. changes.Adopted.Select(f => new KeyValuePair<string, RememberedFile?>(f.Key, With(f.Key, f.Value))),
            .. changes.Changed.Concat(changes.Added).Select(name => new KeyValuePair<string, RememberedFile?>(name, With(name, committed[name]))),
            .. changes.Removed.Select(name => new KeyValuePair<string, RememberedFile?>(name, null)),
        ];
        if (isFirst)
        {
            var told = files.Select(f => f.Key).Concat(changes.Conflicts).ToHashSet(StringComparer.Ordinal);
            files.AddRange(known.Where(f => !told.Contains(f.Key)).Select(f => new KeyValuePair<string, RememberedFile?>(f.Key, With(f.Key, f.Value))));
        }

        if (isFirst || files.Count > 0) FolderMemory.Write(repository, folder, files);

        RememberedFile? With(string name, FolderEntry? entry)
        {
            if (entry is not { } present) return null;

            // Read while it was still being written: its time proves nothing yet, so it is read again at the next look.
            var file = disk.GetValueOrDefault(name);
            var isOld = file is not null && now - file.ModifiedTicks > TooYoung.Ticks;
            return new RememberedFile(present, isOld ? file!.Size : -1, isOld ? file!.ModifiedTicks : 0);
        }
    }
}
