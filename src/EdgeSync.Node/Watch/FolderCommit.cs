using EdgeSync.Agent.Watch;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Node.Watch;

/// <summary>The result of a scan of a folder.</summary>
/// <param name="Warnings">Files that are omitted or doubtful, a sentence each.</param>
internal sealed record FolderOutcome(
    string? Hash, string? Comment, IReadOnlyList<string> Conflicts, IReadOnlyList<string> Warnings);

/// <summary>
/// Commits the edits of a folder, in three steps, so that a slow folder does not block the repository:
/// <code>
/// ReadBasis   on the repository's thread   the tip and the stored state
/// Look        anywhere                     reads the folder, plans, and keeps new contents
/// Apply       on the repository's thread   one transaction, if the tip is still that of the basis
/// </code>
/// </summary>
internal sealed class FolderCommit(WatchSettings settings, string folder, bool allowsFork)
{
    // A file written this recently may be written again within the same tick of its clock.
    private static readonly TimeSpan TooRecent = TimeSpan.FromSeconds(2);

    public FolderBasis ReadBasis(Repository repository)
    {
        var (parent, newBranch) = Branches.Target(repository, settings.Branch, isOpenOnly: false);
        var past = FolderMemory.Read(repository, folder);
        var before = !allowsFork || past is not { Base.IsEmpty: false }
            ? RecordId.None
            : repository.Content.Find(past.Base);
        return new FolderBasis(
            FolderSettings.Of(repository), repository.Content.ArtifactBytesMax, parent, newBranch,
            TreeOf(repository, parent), past)
        {
            ParentId = parent.IsNone ? default : repository.Content.NameOf(parent),
            Fork = before.IsNone ? null : new ForkBasis(before, TreeOf(repository, before)),
        };
    }

    /// <exception cref="EdgeSyncException">The folder is missing or empty.</exception>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public FolderLook Look(FolderBasis basis, ContentSpool spool)
    {
        if (!Directory.Exists(folder))
            throw new EdgeSyncException(ErrorKind.NotFound, $"{folder} does not exist", "is it mounted?");

        using var disk = DiskFolder.Open(folder);
        var rules = new FolderRules(disk, basis.Settings, settings.Ignore, basis.Tip.Keys);
        var listing = new FolderScan(disk, rules, basis.ArtifactBytesMax).List(
            "", basis.Tip.ContainsKey, entry => Remembered(basis.Past, entry));
        while (true)
        {
            var look = Plan(basis, listing, name => rules.IsReserved(name) || listing.IsUnknown(name));
            if (look.Changes.Refusal is { } refusal)
                throw new EdgeSyncException(
                    ErrorKind.Conflict, $"{folder}: {refusal}",
                    "to remove them for good: edgesync repo ci -m TEXT --rm NAME");

            foreach (var name in look.Changes.Changed.Concat(look.Changes.Added))
                if (listing.Files[name].Keep(spool) is { } content) look.Contents[name] = content;

            // Unreadable files count as not found; the rest is planned once more, from the known hashes.
            var unreadable = listing.Files.Values.Where(file => file.Fault is not null).ToList();
            if (unreadable.Count == 0) return look with { Rules = rules };

            foreach (var file in unreadable) listing.Skip(file.Name, file.Fault!);
        }
    }

    /// <summary>Null when the tip has moved since the basis was read.</summary>
    /// <exception cref="EdgeSyncException">The check-in is rejected.</exception>
    public FolderOutcome? Apply(Repository repository, FolderLook look)
    {
        if (look.Changes.IsEmpty && !HasNews(look)) return Outcome(look, null, null);

        using var transaction = repository.Begin();
        var target = Branches.Target(repository, settings.Branch, isOpenOnly: false);
        if (target.Parent != look.Basis.Parent) return null;

        var made = look.Changes.IsEmpty ? default(AuthoredArtifact?) : Commit(repository, look);
        Remember(repository, look, made);
        transaction.Commit();
        return Outcome(
            look, made, made is null || repository.DateOf(look.Parent) is not { } date || date <= repository.Now ? null
            : $"the check-in before is dated {date}, later than now: "
                + $"this one is dated just after it; check the clocks");
    }

    private AuthoredArtifact Commit(Repository repository, FolderLook look) => repository.Commit(new CommitOptions
    {
        Parent = look.Parent,
        User = settings.User ?? SystemUser.Name,
        Comment = FolderPlan.Comment(look.Changes),
        Branch = look.IsFork ? null : look.Basis.NewBranch,
        AllowsFork = look.IsFork,
        IsDatedAfterParents = true,
        Changes =
        [
            .. look.Changes.Removed.Select(FileChange.Remove),
            .. look.Contents.Select(f => FileChange.Put(f.Key, f.Value, look.Disk[f.Key].Permission)),
        ],
    });

    private static FolderOutcome Outcome(FolderLook look, AuthoredArtifact? made, string? warning) => new(
        made?.Id.ToString(), made is null ? null : FolderPlan.Comment(look.Changes), look.Changes.Conflicts,
        [
            .. look.Skipped.Select(s => $"{s.Name} {s.Reason}"),
            .. warning is null ? (IEnumerable<string>)[] : [warning]]);

    private static FolderLook Plan(FolderBasis basis, FolderListing listing, Func<string, bool> isUnknown)
    {
        var known = basis.Past?.Files.ToDictionary(f => f.Key, f => f.Value.Entry, StringComparer.Ordinal)
            ?? FirstKnown(basis.Tip, listing.Files);
        var files = listing.Files.ToDictionary(
            f => f.Key, f => new FolderFile(f.Value.Permission, f.Value.HasContent), StringComparer.Ordinal);
        var look = new FolderLook(
            basis, known, listing, FolderPlan.Plan(known, files, basis.Tip, isUnknown), basis.Parent);
        if (look.Changes.Conflicts.Count == 0 || basis.Fork is not { } fork) return look;

        // Other users' changes stay on their side; everything edited here becomes a fork beside it.
        return look with
        {
            Changes = FolderPlan.Plan(known, files, fork.Tree, isUnknown),
            Parent = fork.Parent,
            IsFork = true
        };
    }

    private static ArtifactId? Remembered(FolderPast? past, DiskEntry entry) =>
        past is not null && past.Files.TryGetValue(entry.Name, out var before) && before.Size == entry.Size
        && before.ModifiedTicks == entry.ModifiedTicks
            ? before.Entry.Id
            : null;

    private static Dictionary<string, FolderEntry> TreeOf(Repository repository, RecordId rid) =>
        rid.IsNone ? new(StringComparer.Ordinal)
        : TreeFile.AllOf(CheckInTree.Load(repository, rid))
            .ToDictionary(f => f.Name, f => new FolderEntry(f.Id, f.Permission), StringComparer.Ordinal);

    // At the first scan nothing can have been removed: a missing file may never have been there.
    private static Dictionary<string,
        FolderEntry> FirstKnown(Dictionary<string, FolderEntry> tip, SortedDictionary<string, ScannedFile> disk) =>
        tip.Where(f => disk.ContainsKey(f.Key)).ToDictionary(StringComparer.Ordinal);

    private static bool HasNews(FolderLook look) => look.Basis.Past is null || look.Changes.Adopted.Count > 0;

    private void Remember(Repository repository, FolderLook look, AuthoredArtifact? made)
    {
        var (changes, past) = (look.Changes, look.Basis.Past);
        var committed = made is { } artifact ? TreeOf(repository, artifact.Rid) : [];
        var now = repository.Now.ToDateTime().Ticks;
        List<KeyValuePair<string, RememberedFile?>> files =
        [
            .. changes.Adopted.Select(f => new KeyValuePair<string, RememberedFile?>(f.Key, With(f.Key, f.Value))),
            .. changes.Changed.Concat(changes.Added)
            .Select(name => new KeyValuePair<string, RememberedFile?>(name, With(name, committed[name]))),
            .. changes.Removed.Select(name => new KeyValuePair<string, RememberedFile?>(name, null)),
        ];
        if (past is null)
        {
            var told = files.Select(f => f.Key).Concat(changes.Conflicts).ToHashSet(StringComparer.Ordinal);
            files.AddRange(
                look.Known.Where(f => !told.Contains(f.Key)).Select(
                    f => new KeyValuePair<string, RememberedFile?>(f.Key, With(f.Key, f.Value))));
        }

        FolderMemory.Write(repository, folder, made?.Id ?? past?.Base ?? look.Basis.ParentId, files);

        RememberedFile? With(string name, FolderEntry? entry)
        {
            if (entry is not { } present) return null;

            // Read while it was still being written: its time proves nothing yet, so it is read again at the next scan.
            var file = look.Disk.GetValueOrDefault(name);
            var isOld = file is not null && now - file.ModifiedTicks > TooRecent.Ticks;
            return new RememberedFile(present, isOld ? file!.Size : -1, isOld ? file!.ModifiedTicks : 0);
        }
    }
}

/// <summary>The state that a scan of a folder is compared with.</summary>
internal sealed record FolderBasis(
    FolderSettings Settings, int ArtifactBytesMax, RecordId Parent, string? NewBranch, Dictionary<string,
    FolderEntry> Tip, FolderPast? Past)
{
    /// <summary>Empty without a parent.</summary>
    public ArtifactId ParentId { get; init; }

    /// <summary>The check-in of the folder's last commit, when a fork beside others' check-ins is allowed.</summary>
    public ForkBasis? Fork { get; init; }
}

internal sealed record ForkBasis(RecordId Parent, Dictionary<string, FolderEntry> Tree);

/// <summary>The result of one scan, and the plan made of it.</summary>
internal sealed record FolderLook(
    FolderBasis Basis, Dictionary<string, FolderEntry> Known, FolderListing Listing, FolderChanges Changes,
    RecordId Parent)
{
    public bool IsFork { get; init; }

    /// <summary>Which files matter; for the watch until the next scan.</summary>
    public FolderRules? Rules { get; init; }

    /// <summary>The contents of changed and added files.</summary>
    public SortedDictionary<string, Func<ReadOnlyMemory<byte>>> Contents { get; } = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, ScannedFile> Disk => Listing.Files;

    public IReadOnlyList<SkippedFile> Skipped => Listing.Skipped;

    public bool HasEdits => !Changes.IsEmpty;
}
