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
internal sealed class FolderCommit(WatchSettings settings, string folder, string repositoryPath, bool allowsFork)
{
    // A file that was written this recently may be written again within the same tick of its clock.
    private static readonly TimeSpan TooYoung = TimeSpan.FromSeconds(2);

    /// <summary>The check-in that a commit would follow; null when nothing was edited. Changes nothing.</summary>
    public ArtifactId? FindEdits(Repository repository)
    {
        var look = Look(repository);
        return look.Changes.IsEmpty && (look.Changes.Conflicts.Count == 0 || !allowsFork) ? null
            : look.Parent.IsNone ? default(ArtifactId) : repository.Content.NameOf(look.Parent);
    }

    /// <exception cref="EdgeSyncException">The folder is gone or empty; the check-in is refused.</exception>
    public FolderOutcome Run(Repository repository)
    {
        var look = Look(repository);
        if (look.Changes.Conflicts.Count > 0 && allowsFork) look = Fork(repository, look);
        if (look.Changes.Refusal is { } refusal)
            throw new EdgeSyncException(ErrorKind.Conflict, $"{folder}: {refusal}", "to remove them for good, commit that by hand: edgesync repo ci --rm");

        var changes = look.Changes;
        var made = changes.IsEmpty ? default(AuthoredArtifact?) : repository.Commit(new CommitOptions
        {
            Parent = look.Parent,
            User = settings.User ?? CommandContext.SystemUser,
            Comment = FolderPlan.Comment(changes),
            Branch = look.NewBranch,
            AllowsFork = look.IsFork,
            Changes =
            [
                .. changes.Removed.Select(FileChange.Remove),
                .. changes.Changed.Concat(changes.Added).Select(name => FileChange.Put(name, look.Disk[name].Read, look.Disk[name].Permission)),
            ],
        });
        Remember(repository, look, made);
        return new FolderOutcome(made?.Id.ToString(), made is null ? null : FolderPlan.Comment(changes), changes.Conflicts);
    }

    private FolderLook Look(Repository repository)
    {
        if (!Directory.Exists(folder))
            throw new EdgeSyncException(ErrorKind.NotFound, $"{folder} does not exist", "is it mounted?");

        var tip = TipOf(repository, out var parent, out var newBranch);
        var past = FolderMemory.Read(repository, folder);
        var disk = FolderScan.List(folder, repositoryPath, IgnoredIn(repository), past?.Files ?? []);
        var known = past?.Files.ToDictionary(f => f.Key, f => f.Value.Entry, StringComparer.Ordinal) ?? FirstKnown(tip, disk);
        return new FolderLook(past, known, disk, FolderPlan.Plan(known, Contents(disk), tip), parent, newBranch);
    }

    // What others did stays on their side; everything that was edited here goes beside it.
    private static FolderLook Fork(Repository repository, FolderLook look)
    {
        if (look.Past is not { Base.IsEmpty: false } past || repository.Content.Find(past.Base) is not { IsNone: false } parent) return look;

        var changes = FolderPlan.Plan(look.Known, Contents(look.Disk), TreeOf(repository, parent));
        return look with { Changes = changes, Parent = parent, NewBranch = null, IsFork = true };
    }

    private static Dictionary<string, FolderFile> Contents(Dictionary<string, ScannedFile> disk) =>
        disk.ToDictionary(f => f.Key, f => new FolderFile(f.Value.Permission, f.Value.HasContent), StringComparer.Ordinal);

    private Dictionary<string, FolderEntry> TipOf(Repository repository, out RecordId parent, out string? newBranch)
    {
        var branch = settings.Branch ?? repository.Settings["main-branch"] ?? "trunk";
        newBranch = null;
        parent = Branches.EndOf(repository, branch);
        if (parent.IsNone)
        {
            if (settings.Branch is not null) newBranch = branch;
            if (repository.Names.TryResolve("tip", EventType.Checkin, out parent) != NameFault.None) parent = RecordId.None;
        }

        return parent.IsNone ? new(StringComparer.Ordinal) : TreeOf(repository, parent);
    }

    private static Dictionary<string, FolderEntry> TreeOf(Repository repository, RecordId rid) =>
        TreeFile.AllOf(CheckInTree.Load(repository, rid)).ToDictionary(f => f.Name, f => new FolderEntry(f.Id, f.Permission), StringComparer.Ordinal);

    // At the first look nothing can have been removed: what is not there may never have been.
    private static Dictionary<string, FolderEntry> FirstKnown(Dictionary<string, FolderEntry> tip, Dictionary<string, ScannedFile> disk) =>
        tip.Where(f => disk.ContainsKey(f.Key)).ToDictionary(StringComparer.Ordinal);

    private NameGlob IgnoredIn(Repository repository)
    {
        var versioned = Path.Combine(folder, ".fossil-settings", "ignore-glob");
        return new NameGlob([.. settings.Ignore, repository.Settings["ignore-glob"] ?? "", File.Exists(versioned) ? File.ReadAllText(versioned) : ""]);
    }

    private void Remember(Repository repository, FolderLook look, AuthoredArtifact? made)
    {
        var (changes, disk) = (look.Changes, look.Disk);
        var committed = made is { } artifact ? TreeOf(repository, artifact.Rid) : [];
        var now = repository.Now.ToDateTime().Ticks;
        List<KeyValuePair<string, RememberedFile?>> files =
        [
            .. changes.Adopted.Select(f => new KeyValuePair<string, RememberedFile?>(f.Key, With(f.Key, f.Value))),
            .. changes.Changed.Concat(changes.Added).Select(name => new KeyValuePair<string, RememberedFile?>(name, With(name, committed[name]))),
            .. changes.Removed.Select(name => new KeyValuePair<string, RememberedFile?>(name, null)),
        ];
        if (look.Past is null)
        {
            var told = files.Select(f => f.Key).Concat(changes.Conflicts).ToHashSet(StringComparer.Ordinal);
            files.AddRange(look.Known.Where(f => !told.Contains(f.Key)).Select(f => new KeyValuePair<string, RememberedFile?>(f.Key, With(f.Key, f.Value))));
        }

        if (look.Past is not null && files.Count == 0) return;

        var checkin = made?.Id ?? look.Past?.Base ?? (look.Parent.IsNone ? default : repository.Content.NameOf(look.Parent));
        FolderMemory.Write(repository, folder, checkin, files);

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

/// <summary>What was found at one look, and what follows from it.</summary>
internal sealed record FolderLook(
    FolderPast? Past, Dictionary<string, FolderEntry> Known, Dictionary<string, ScannedFile> Disk, FolderChanges Changes, RecordId Parent, string? NewBranch)
{
    public bool IsFork { get; init; }
}
