using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>What a command did to a tracked file.</summary>
/// <param name="Action">Stock's word, such as ADDED.</param>
/// <param name="NewName">Of a renamed file.</param>
public sealed record EditedFile(string Action, string Name, string? NewName = null);

/// <summary>
/// Which files are tracked, and under which names: what the next commit will add, remove and rename. Spec: add.c.
/// </summary>
public static class CheckoutEditing
{
    private const string Added = "ADDED";
    private const string Deleted = "DELETED";

    /// <summary>Files that are to be tracked. A file that was named is meant; a folder stands for its files.</summary>
    /// <param name="checkout">Open.</param>
    /// <param name="paths">By their names in the checkout.</param>
    /// <param name="filter">What is left out of folders.</param>
    /// <param name="mayAddIgnored">Confirms a file that was named and matches the ignore globs.</param>
    /// <param name="isDryRun">Nothing is noted.</param>
    /// <exception cref="EdgeSyncException">A path is not there, or cannot be tracked.</exception>
    public static List<EditedFile> Add(
        WorkingCheckout checkout, IReadOnlyList<string> paths, UntrackedFilter filter,
        Func<string, bool> mayAddIgnored, out IReadOnlyList<SkippedFile> skipped, bool isDryRun = false)
    {
        var rows = ByName(checkout);
        var live = rows.Values.Where(f => !f.IsDeleted).Select(f => f.Name).ToHashSet(checkout.Names);
        // A folder does not bring back what was removed from it; only its own name does. Spec: vfile_scan in vfile.c.
        var known = rows.Values.Select(f => f.Name).ToHashSet(checkout.Names);
        var rules = checkout.Rules(filter, live);
        var refused = new List<SkippedFile>();
        var names = new SortedSet<string>(StringComparer.Ordinal);
        var entries = new Dictionary<string, ScannedFile>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            var found = Find(checkout, path, filter, live, known, rules, mayAddIgnored);
            foreach (var file in found.Files.Values)
                if (names.Add(file.Name)) entries[file.Name] = file;
            refused.AddRange(found.Skipped);
        }

        var done = new List<EditedFile>();
        using var transaction = checkout.Tables.Database.Begin();
        foreach (var name in names) AddOne(checkout, rows, live, entries[name], done, refused, isDryRun);
        transaction.Commit();
        skipped = refused;
        return done;
    }

    /// <summary>Adds new files and removes missing ones from the tracked files.</summary>
    public static List<EditedFile> AddRemove(
        WorkingCheckout checkout, UntrackedFilter filter, out IReadOnlyList<SkippedFile> skipped, bool isDryRun)
    {
        using var transaction = checkout.Tables.Database.Begin();
        var done = Add(checkout, [""], filter, _ => false, out skipped, isDryRun);
        foreach (var file in checkout.Tables.Files(checkout.Version).Where(f => !f.IsDeleted))
        {
            if (checkout.StateOf(file.Name).IsFile) continue;

            if (!isDryRun) Forget(checkout, file, keepsAdded: true);
            done.Add(new EditedFile(Deleted, file.Name));
        }

        transaction.Commit();
        return done;
    }

    /// <summary>Files that the next commit will remove; with <paramref name="removesFiles"/> they go at once.</summary>
    /// <param name="checkout">Open.</param>
    /// <param name="paths">By their names in the checkout.</param>
    /// <param name="removesFiles">From the disk, too.</param>
    /// <param name="isDryRun">Nothing is done.</param>
    /// <param name="ignoresOthers">Paths without a tracked file are passed over, as stock does.</param>
    public static List<EditedFile> Remove(
        WorkingCheckout checkout, IReadOnlyList<string> paths, bool removesFiles, bool isDryRun,
        bool ignoresOthers = false)
    {
        var chosen = checkout.Tables.Files(checkout.Version)
            .Where(f => !f.IsDeleted && CheckoutChanges.IsBelow(f.Name, paths)).ToList();
        foreach (var path in paths)
            if (!ignoresOthers && !chosen.Any(f => CheckoutChanges.IsBelow(f.Name, [path])))
                throw new EdgeSyncException(
                    ErrorKind.NotFound, $"{path} is not tracked", "edgesync changes --all lists what is");

        if (removesFiles) RequireUnchanged(checkout, chosen);
        using (var transaction = checkout.Tables.Database.Begin())
        {
            if (!isDryRun)
            {
                foreach (var file in chosen) Forget(checkout, file, keepsAdded: false);
                // Stock's removal ends those, too, that were added and that addremove has missed since.
                foreach (var file in checkout.Tables.Files(checkout.Version).Where(f => f.IsDeleted && f.IsAdded))
                    checkout.Tables.Remove(file.Id);
            }

            transaction.Commit();
        }

        var done = chosen.ConvertAll(f => new EditedFile(Deleted, f.Name));
        if (!removesFiles) return done;

        // Folders stay, as stock leaves them.
        foreach (var file in chosen)
        {
            if (!isDryRun) checkout.Disk.Remove(file.Name);
            done.Add(new EditedFile("DELETED_FILE", file.Name));
        }

        return done;
    }

    /// <summary>Gives files other names; with <paramref name="movesFiles"/> on the disk too.</summary>
    public static List<EditedFile> Rename(
        WorkingCheckout checkout, IReadOnlyList<string> sources, string target, bool movesFiles, bool isDryRun)
    {
        if (checkout.Version.IsNone)
            throw new EdgeSyncException(ErrorKind.Usage, "no check-in is checked out, so there is nothing to rename");

        var steps = RenamePlan.Make(
            checkout.Tables.Files(checkout.Version), sources, target, IsFolder,
            name => checkout.Disk.Find(name) is { Kind: not DiskKind.Folder }, checkout.Names);
        foreach (var step in steps) RequireName(checkout, step.NewName);
        if (movesFiles)
            foreach (var (file, newName) in steps)
                if (checkout.Disk.Find(file.Name) is not null && checkout.Disk.Find(newName) is not null
                    && !checkout.Names.Equals(file.Name, newName))
                    throw new EdgeSyncException(
                        ErrorKind.Conflict, $"cannot move {file.Name}: {newName} exists already",
                        "--soft leaves the files where they are");

        var done = steps.ConvertAll(s => new EditedFile("RENAME", s.File.Name, s.NewName));
        if (!isDryRun)
        {
            using var transaction = checkout.Tables.Database.Begin();
            checkout.Tables.Database.Execute("UPDATE vfile SET origname=pathname WHERE origname IS NULL");
            foreach (var (file, newName) in steps) checkout.Tables.SetName(file.Id, newName);
            checkout.Undo.Reset();
            transaction.Commit();
        }

        if (!movesFiles) return done;

        // The rows come first: a move that is cut off shows as a missing file and an untracked one.
        foreach (var (file, newName) in steps)
        {
            if (!isDryRun && checkout.Disk.Find(file.Name) is not null) checkout.Disk.Move(file.Name, newName);
            done.Add(new EditedFile("MOVED_FILE", file.Name));
        }

        return done;

        bool IsFolder(string name) => checkout.Disk.Find(name) is { Kind: DiskKind.Folder };
    }

    /// <summary>Takes back what was added, or removed, and is not committed. Files that are gone come back.</summary>
    public static List<EditedFile> Reset(WorkingCheckout checkout, bool isOfAdded, bool isDryRun)
    {
        var done = new List<EditedFile>();
        var writer = new CheckoutWriter(checkout);
        using var transaction = checkout.Tables.Database.Begin();
        foreach (var file in checkout.Tables.Files(checkout.Version))
        {
            if (isOfAdded ? !file.IsAdded : !file.IsDeleted) continue;

            if (isOfAdded)
            {
                if (!isDryRun) checkout.Tables.Remove(file.Id);
                done.Add(new EditedFile("UNADDED", file.Name));
                continue;
            }

            if (!checkout.StateOf(file.Name).Exists && !file.Merged.IsNone)
            {
                if (!isDryRun)
                    checkout.Tables.SetState(
                        file.Id, file.Change, writer.Write(file.Name, file.Merged, file.Permission));
                done.Add(new EditedFile("RESTORED", file.Name));
            }

            if (!isDryRun) checkout.Tables.SetDeleted(file.Id, isDeleted: false);
            done.Add(new EditedFile("UNREMOVED", file.Name));
        }

        transaction.Commit();
        return done;
    }

    private static Dictionary<string, TrackedFile> ByName(WorkingCheckout checkout)
    {
        var rows = new Dictionary<string, TrackedFile>(checkout.Names);
        foreach (var file in checkout.Tables.Files(checkout.Version)) rows.TryAdd(file.Name, file);
        return rows;
    }

    private static FolderListing Find(
        WorkingCheckout checkout, string path, UntrackedFilter filter, HashSet<string> tracked, HashSet<string> known,
        FolderRules rules, Func<string, bool> mayAddIgnored)
    {
        var entry = path.Length == 0 ? null : checkout.Disk.Find(path);
        if (path.Length == 0 || entry is { Kind: DiskKind.Folder }) return checkout.Untracked(path, filter, known);

        var named = new NamedFiles(
            checkout.Disk, rules, checkout.Repository.Content.ArtifactBytesMax, tracked.Contains);
        if (entry is not null && rules.IsIgnored(path, Path.GetDirectoryName(path) ?? "") && !mayAddIgnored(path))
            return new FolderListing();
        return named.Find([path]);
    }

    private static void AddOne(
        WorkingCheckout checkout, Dictionary<string, TrackedFile> rows, HashSet<string> live, ScannedFile file,
        List<EditedFile> done, List<SkippedFile> refused, bool isDryRun)
    {
        if (file.Permission == FilePermission.Symlink && !checkout.AllowsLinks)
        {
            refused.Add(new SkippedFile(file.Name, "is a symbolic link, and 'allow-symlinks' is off"));
            return;
        }

        if (rows.TryGetValue(file.Name, out var row))
        {
            if (!row.IsDeleted)
            {
                done.Add(new EditedFile("SKIP", file.Name));
                return;
            }

            if (!isDryRun) checkout.Tables.SetDeleted(row.Id, isDeleted: false);
        }
        else
        {
            if (!isDryRun) checkout.Tables.Add(checkout.Version, file.Name, file.Permission);
        }

        live.Add(file.Name);
        done.Add(new EditedFile(Added, file.Name));
    }

    // What was only added leaves no row. Spec: delete_cmd and addremove_cmd in add.c differ in this.
    private static void Forget(WorkingCheckout checkout, TrackedFile file, bool keepsAdded)
    {
        if (file.IsAdded && !keepsAdded) checkout.Tables.Remove(file.Id);
        else checkout.Tables.SetDeleted(file.Id, isDeleted: true);
    }

    private static void RequireUnchanged(WorkingCheckout checkout, List<TrackedFile> chosen)
    {
        var names = chosen.Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        var edited = checkout.Refresh().Where(f => names.Contains(f.Name) && checkout.StateOf(f.Name).IsFile
            && (f.IsAdded || f.Change is ChangeState.Edited)).Select(f => f.Name).ToList();
        if (edited.Count > 0)
            throw new EdgeSyncException(
                ErrorKind.Conflict, "these files have changes that no check-in has; nothing was removed",
                "--soft leaves the files on the disk")
            { Candidates = [.. edited.Take(11)] };
    }

    private static void RequireName(WorkingCheckout checkout, string name)
    {
        var bytes = PathText.ToBytes(name);
        if (!PathName.IsSimpleStrict(bytes) || PathName.IsReserved(bytes)
            || checkout.Rules(new UntrackedFilter(), new HashSet<string>()).IsReserved(name))
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{name}' is no name that a check-in may hold", "another name");
    }
}
