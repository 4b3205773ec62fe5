using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Storage.Checkout;

/// <summary>A check-in of the changes in a checkout.</summary>
public sealed record CheckoutCommitOptions
{
    /// <summary>User, comment, date, branch, tags and refusals; parents and changes come from the checkout.</summary>
    public required CommitOptions Checkin { get; init; }

    /// <summary>Files and folders, by their names in the checkout; none means every change.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary>Closes what was merged: <c>--integrate</c>.</summary>
    public bool Integrates { get; init; }

    public bool AllowsConflict { get; init; }

    public bool UsesHash { get; init; }

    /// <summary>Confirms a file with a suspicious content, by its name and the warning.</summary>
    public Func<string, FileWarning, WarningAnswer> MayCommit { get; init; } = (_, _) => WarningAnswer.Abandon;

    /// <summary>Files of any size are committed without a question.</summary>
    public bool IgnoresSize { get; init; }
}

/// <summary>What is to be done about a file with a doubtful content.</summary>
public enum WarningAnswer
{
    /// <summary>Nothing is committed.</summary>
    Abandon,

    /// <summary>It is committed as it is.</summary>
    Commit,

    /// <summary>It becomes plain text on the disk, its original beside it; nothing is committed.</summary>
    Convert,
}

/// <summary>A check-in that a checkout is ready for: everything read, nothing written.</summary>
public sealed class PreparedCommit : IDisposable
{
    private readonly ContentSpool _spool;

    internal PreparedCommit(ContentSpool spool, IReadOnlyList<TrackedFile> files, IReadOnlyList<TrackedFile> chosen) =>
        (_spool, Files, Chosen) = (spool, files, chosen);

    /// <summary>The files that it holds changes of.</summary>
    public IReadOnlyList<TrackedFile> Chosen { get; }

    internal IReadOnlyList<TrackedFile> Files { get; }

    internal CommitOptions Options { get; init; } = new() { User = "" };

    internal bool IsPartial { get; init; }

    public void Dispose() => _spool.Dispose();
}

/// <summary>Commits a checkout. Spec: commit_cmd in checkin.c.</summary>
public static class CheckoutCommit
{
    private const string Aside = ".edgesync-renamed";

    /// <summary>Files above this size in bytes need a confirmation; 0: none does.</summary>
    public static long FileSizeMaxOf(WorkingCheckout checkout) => FileGuard.SizeMaxOf(checkout);

    /// <summary>What stands against each tracked file, whether it changed or not, by name.</summary>
    /// <param name="checkout">Open.</param>
    /// <param name="usesSettings">Files that a setting allows are left out.</param>
    public static IEnumerable<(string Name, FileWarning? Warning)> Warnings(
        WorkingCheckout checkout, bool usesSettings)
    {
        var guard = new FileGuard(checkout, new CheckoutCommitOptions { Checkin = new CommitOptions { User = "" } });
        foreach (var file in checkout.Tables.Files(checkout.Version).Where(f => !f.IsDeleted))
        {
            if (checkout.Disk.Find(file.Name) is not { Kind: DiskKind.Regular }) continue;

            using var content = checkout.Disk.OpenRead(file.Name);
            var bytes = new byte[content.Length];
            content.ReadExactly(bytes);
            yield return (
                file.Name, usesSettings ? guard.WarningOf(file.Name, bytes)
                    : CommitWarning.Of(bytes, false, false, false));
        }
    }

    /// <summary>Before anything else, syncs too.</summary>
    /// <exception cref="EdgeSyncException">A command was interrupted halfway, or commits are prohibited.</exception>
    public static void RequireAllowed(WorkingCheckout checkout)
    {
        checkout.RequireNothingInterrupted();
        if (checkout.Settings.Boolean("dont-commit"))
            throw new EdgeSyncException(
                ErrorKind.Denied, "committing is prohibited: the setting 'dont-commit' is on",
                "edgesync repo config set dont-commit off");
    }

    /// <summary>Checks the commit and reads the files, before the repository is locked and before any prompt.</summary>
    /// <exception cref="EdgeSyncException">Nothing has changed, files are missing, or conflicts are left.</exception>
    public static PreparedCommit Prepare(WorkingCheckout checkout, CheckoutCommitOptions options)
    {
        RequireAllowed(checkout);
        var files = checkout.Refresh(options.UsesHash);
        var chosen = Choose(files, options.Paths);
        var merges = checkout.Tables.Merges();
        var isMerge = merges.Any(m => m.Kind is 0 or < -2);
        var isPartial = options.Paths.Count > 0;
        if (isPartial) RequirePartial(files, chosen, isMerge);
        var changed = chosen.Where(f => f.HasChange).ToList();
        if (changed.Count == 0 && !isMerge && !options.Checkin.AllowsEmpty)
            throw new EdgeSyncException(
                ErrorKind.Conflict,
                isPartial ? "none of the selected files have changed" : "nothing has changed",
                "--allow-empty commits anyway");

        RequireFiles(checkout, chosen);
        if (!options.AllowsConflict) RequireNoConflicts(checkout, changed);

        var spool = new ContentSpool(checkout.Repository.Path);
        try
        {
            return new PreparedCommit(spool, files, changed)
            {
                IsPartial = isPartial,
                Options = WithParents(checkout, options, merges) with
                {
                    Changes = ChangesOf(checkout, changed, spool, new FileGuard(checkout, options)),
                },
            };
        }
        catch
        {
            spool.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes the check-in and moves the checkout to it, in one transaction over both files: killed at any moment,
    /// both are as before, or both as after.
    /// </summary>
    public static AuthoredArtifact Run(WorkingCheckout checkout, PreparedCommit prepared, string comment)
    {
        var (repository, database) = (checkout.Repository, checkout.Repository.Database);
        using (var attach = database.PrepareOnce("ATTACH ?1 AS localdb"))
            attach.BindText(1, checkout.Place.DatabasePath).Run();
        AuthoredArtifact made;
        try
        {
            using var transaction = repository.Begin();
            var tables = new CheckoutTables(database);
            if (tables.Version != prepared.Options.Parent)
                throw new EdgeSyncException(
                    ErrorKind.Conflict, "another command has moved the checkout meanwhile", "edgesync changes");

            made = repository.Commit(prepared.Options with { Comment = comment });
            Move(checkout, tables, prepared, made.Rid);
            transaction.Commit();
        }
        finally
        {
            database.Execute("DETACH localdb");
        }

        repository.Names.Checkout = made.Rid;
        checkout.Settings.Forget();
        new CheckoutWriter(checkout).WriteManifestFiles(made.Rid);
        return made;
    }

    private static List<TrackedFile> Choose(List<TrackedFile> files, IReadOnlyList<string> paths)
    {
        foreach (var path in paths)
            if (!files.Any(f => CheckoutChanges.IsBelow(f.Name, [path])))
                throw new EdgeSyncException(
                    ErrorKind.NotFound, $"{path} is not tracked", "edgesync add --help");
        return files.FindAll(f => CheckoutChanges.IsBelow(f.Name, paths));
    }

    private static void RequirePartial(List<TrackedFile> files, List<TrackedFile> chosen, bool isMerge)
    {
        if (isMerge)
            throw new EdgeSyncException(
                ErrorKind.Usage, "a merge can only be committed as a whole", "edgesync commit --help");

        var ids = chosen.Select(f => f.Id).ToHashSet();
        var left = files.Where(f => f.IsRenamed && !ids.Contains(f.Id)).ToLookup(f => f.OriginalName);
        foreach (var file in chosen)
            if (left[file.Name].FirstOrDefault() is { } other)
                throw new EdgeSyncException(
                    ErrorKind.Usage,
                    $"{file.Name} cannot be committed without {other.Name}, which was renamed from it",
                    "name both");
    }

    private static void RequireFiles(WorkingCheckout checkout, List<TrackedFile> chosen)
    {
        var missing = chosen.Where(f => !f.IsDeleted && !checkout.StateOf(f.Name).IsFile).Select(f => f.Name).ToList();
        if (missing.Count > 0)
            throw new EdgeSyncException(
                ErrorKind.Conflict, "files are missing, or no files any more",
                "edgesync addremove; edgesync revert")
            {
                Candidates = [.. missing.Take(11)],
            };
    }

    private static void RequireNoConflicts(WorkingCheckout checkout, List<TrackedFile> changed)
    {
        var forks = checkout.Conflicts.List().Where(c => c.Kind == "fork").Select(c => c.Name).ToHashSet();
        var marked = changed.Where(f => forks.Contains(f.Name) || (!f.IsDeleted
            && f.Change is not (ChangeState.Unchanged or ChangeState.BecameLink)
            && checkout.HasConflictMarker(f.Name))).Select(f => f.Name).ToList();
        marked.AddRange(forks.Where(f => !marked.Contains(f) && checkout.Tables.Merges().Any(m => m.Kind <= 0)));
        if (marked.Count > 0)
            throw new EdgeSyncException(
                ErrorKind.Conflict, "there may be unresolved merge conflicts", "--allow-conflict commits them")
            {
                Candidates = [.. marked.Take(11)],
            };
    }

    private static CommitOptions WithParents(
        WorkingCheckout checkout, CheckoutCommitOptions options, List<MergeRow> merges)
    {
        var checkin = options.Checkin;
        return checkin with
        {
            Parent = checkout.Version,
            MergedParents = [.. merges.Where(m => m.Kind == 0 && !options.Integrates).Select(m => m.Merged)],
            IntegratedParents =
            [
                .. merges.Where(m => m.Kind == -4 || (m.Kind == 0 && options.Integrates)).Select(m => m.Merged),
            ],
            Cherrypicks =
            [
                .. merges.Where(m => m.Kind is -1 or -2 && m.Merged != checkout.Version).Select(
                    m => new CherrypickCard(checkout.Repository.Content.NameOf(m.Merged), m.Kind == -2)),
            ],
            AllowsEmpty = true,
        };
    }

    // Names first, so that contents find theirs: what goes, what moves, what is new.
    private static List<FileChange> ChangesOf(
        WorkingCheckout checkout, List<TrackedFile> changed, ContentSpool spool, FileGuard guard)
    {
        var changes = new List<FileChange>();
        var parent = ParentNames(checkout);
        foreach (var file in changed.Where(f => f.IsDeleted && parent.Contains(f.OriginalName ?? f.Name)))
            changes.Add(FileChange.Remove(file.OriginalName ?? file.Name));
        var moved = changed.Where(f => f is { IsRenamed: true, IsDeleted: false, IsAdded: false }
            && parent.Contains(f.OriginalName!)).ToHashSet();
        foreach (var (from, to) in RenameOrder.Of(moved.Select(f => (f.OriginalName!, f.Name)), Aside))
            changes.Add(FileChange.Rename(from, to));
        foreach (var file in changed.Where(f => !f.IsDeleted && (f.IsAdded || f.Change != ChangeState.Unchanged
            || !parent.Contains(f.OriginalName ?? f.Name))).OrderBy(f => f.Id))
        {
            var content = ContentOf(checkout, file, spool, guard);
            // Stock's manifests tell the old name of a file that its parent does not have, too.
            changes.Add(file.IsRenamed && !moved.Contains(file)
                ? content with { OldName = file.OriginalName }
                : content);
        }

        guard.RequireNoneConverted();
        return changes;
    }

    private static HashSet<string> ParentNames(WorkingCheckout checkout) => checkout.Version.IsNone
        ? []
        : TreeFile.AllOf(CheckInTree.Load(checkout.Repository, checkout.Version)).Select(f => f.Name)
            .ToHashSet(StringComparer.Ordinal);

    private static FileChange ContentOf(
        WorkingCheckout checkout, TrackedFile file, ContentSpool spool, FileGuard guard)
    {
        FilePermission? permission = OperatingSystem.IsWindows() ? file.Permission
            : checkout.StateOf(file.Name).Permission;
        if (file.Change is ChangeState.BecameExecutable or ChangeState.LostExecutable)
            return FileChange.Use(file.Name, checkout.Repository.Content.NameOf(file.Merged), permission);

        var entry = checkout.Disk.Find(file.Name)!.Value;
        var scanned = new ScannedFile(checkout.Disk, entry);
        var content = scanned.Keep(spool)
            ?? throw new EdgeSyncException(ErrorKind.System, $"{checkout.Disk.Describe(file.Name)} {scanned.Fault}");
        if (entry.Kind == DiskKind.Regular) guard.Check(entry, content());
        return FileChange.Put(file.Name, content, permission);
    }

    private static void Move(
        WorkingCheckout checkout, CheckoutTables tables, PreparedCommit prepared, RecordId version)
    {
        var parent = prepared.Options.Parent;
        var chosen = prepared.IsPartial ? prepared.Chosen : prepared.Files;
        var database = tables.Database;
        using (var delete = database.Prepare("DELETE FROM vfile WHERE vid!=?1"))
            delete.Bind(1, parent).Run();
        foreach (var file in chosen.Where(f => f.IsDeleted)) tables.Remove(file.Id);
        database.Execute("DELETE FROM vmerge");
        using (var own = database.Prepare("UPDATE vfile SET vid=?1")) own.Bind(1, version).Run();

        var tree = CheckInTree.Load(checkout.Repository, version).Files;
        using (var update = database.Prepare(
            """
            UPDATE vfile SET rid=?1, mrid=?1, mhash=NULL, chnged=0, deleted=0, origname=NULL, isexe=?2, islink=?3
             WHERE id=?4
            """))
        {
            foreach (var file in prepared.Chosen.Where(f => !f.IsDeleted))
            {
                if (!tree.TryFind(PathText.ToBytes(file.Name), out var now)) continue;

                update.Bind(1, checkout.Repository.Content.Find(now.Id))
                    .Bind(2, now.Permission == FilePermission.Executable ? 1 : 0)
                    .Bind(3, now.Permission == FilePermission.Symlink ? 1 : 0).Bind(4, file.Id).Run();
            }
        }

        // Stock clears the old names of all files that were named.
        if (!prepared.IsPartial)
            database.Execute("UPDATE vfile SET rid=mrid, mhash=NULL, chnged=0, deleted=0, origname=NULL");
        tables.SetVersion(checkout.Repository, version);
        new UndoLog(tables, checkout.Disk).Reset();
        tables["ci-comment"] = null;
        ConflictLog.Clear(tables);
    }
}
