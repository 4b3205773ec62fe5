using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>What <c>clean</c> is to remove.</summary>
public sealed record CleanOptions
{
    /// <summary>The whole line, for <c>undo</c>.</summary>
    public required string CommandLine { get; init; }

    /// <summary>Files and folders, by their names in the checkout; none means all.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    public UntrackedFilter Filter { get; init; } = new();

    /// <summary>Never removed.</summary>
    public NameGlob Keep { get; init; } = new("");

    /// <summary>Removed without a question and without undo.</summary>
    public NameGlob Clean { get; init; } = new("");

    public bool RemovesFiles { get; init; } = true;

    public bool RemovesFolders { get; init; }

    /// <summary>Looks for empty folders in other checkouts inside of this one, too.</summary>
    public bool EntersCheckouts { get; init; }

    public bool IsDryRun { get; init; }

    public bool HasUndo { get; init; } = true;

    /// <summary>Prompts for each file, in place of an undo.</summary>
    public bool AsksAlways { get; init; }

    /// <summary>Only what a merge leaves beside its files.</summary>
    public bool IsTemporaryOnly { get; init; }

    /// <summary>Confirms what cannot be undone; the second argument is the reason.</summary>
    public Func<string, string, bool> MayRemove { get; init; } = (_, _) => false;
}

/// <summary>What <c>clean</c> did.</summary>
public sealed record CleanOutcome(
    IReadOnlyList<string> Removed, IReadOnlyList<string> RemovedFolders, IReadOnlyList<string> Kept,
    IReadOnlyList<SkippedFile> Failed, bool IsUndoable);

/// <summary>Removes files that are not tracked. Spec: clean_cmd in checkin.c.</summary>
public static class CheckoutCleaning
{
    private const long UndoBytesMax = 10 << 20;

    public static CleanOutcome Run(WorkingCheckout checkout, CleanOptions options)
    {
        if (!options.IsDryRun) checkout.RequireNothingInterrupted();
        var removed = new List<string>();
        var kept = new List<string>();
        var failed = new List<SkippedFile>();
        var savesUndo = options is { IsDryRun: false, HasUndo: true, AsksAlways: false, RemovesFiles: true };
        var isUndoable = false;
        if (options.RemovesFiles)
        {
            var chosen = Choose(checkout, options, savesUndo, kept, out var saved);
            isUndoable = saved > 0;
            foreach (var name in chosen) Remove(checkout, name, options.IsDryRun, removed, failed);
            if (savesUndo)
            {
                using var transaction = checkout.Tables.Database.Begin();
                checkout.Undo.Finish();
                transaction.Commit();
            }
        }

        var folders = options.RemovesFolders ? RemoveFolders(checkout, options, removed) : [];
        return new CleanOutcome(removed, folders, kept, failed, isUndoable);
    }

    // Everything that can be undone is in the log before the first file goes.
    private static List<string> Choose(
        WorkingCheckout checkout, CleanOptions options, bool savesUndo, List<string> kept, out int saved)
    {
        saved = 0;
        var chosen = new List<string>();
        var doubtful = new List<(string Name, string Why)>();
        using (var transaction = checkout.Tables.Database.Begin())
        {
            if (savesUndo) checkout.Undo.Begin(options.CommandLine);
            var files = checkout.Tables.Files(checkout.Version);
            foreach (var name in CheckoutChanges.Extras(checkout, files, options.Paths, options.Filter))
            {
                if (options.IsTemporaryOnly && !TemporaryName.Matches(name)) continue;
                if (options.Keep.Matches(name)) kept.Add(name);
                else if (options.IsDryRun || options.Clean.Matches(name)) chosen.Add(name);
                else if (!savesUndo)
                    doubtful.Add((name, options.AsksAlways ? "" : "undo is disabled for this operation"));
                else if (checkout.Disk.Find(name) is { Size: > UndoBytesMax })
                    doubtful.Add((name, "the file is too big"));
                else if (TrySave(checkout, name))
                {
                    saved++;
                    chosen.Add(name);
                }
                else doubtful.Add((name, "the file cannot be read"));
            }

            transaction.Commit();
        }

        foreach (var (name, why) in doubtful)
            if (options.MayRemove(name, why)) chosen.Add(name);
        return chosen;
    }

    private static bool TrySave(WorkingCheckout checkout, string name)
    {
        try
        {
            checkout.Undo.Save(name);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void Remove(
        WorkingCheckout checkout, string name, bool isDryRun, List<string> removed, List<SkippedFile> failed)
    {
        try
        {
            if (!isDryRun) checkout.Disk.Remove(name);
            removed.Add(name);
        }
        catch (EdgeSyncException e)
        {
            failed.Add(new SkippedFile(name, e.Message));
        }
    }

    // Spec: vfile_dir_scan in vfile.c: folders without any file, the deepest first.
    private static List<string> RemoveFolders(
        WorkingCheckout checkout, CleanOptions options, IReadOnlyCollection<string> removed)
    {
        var gone = new List<string>();
        var empty = checkout.Settings.Glob("empty-dirs");
        var rules = checkout.Rules(options.Filter, System.Collections.Frozen.FrozenSet<string>.Empty);
        var leaving = options.IsDryRun ? removed.ToHashSet(StringComparer.Ordinal) : [];
        HasFiles("");
        return gone;

        bool HasFiles(string folder)
        {
            var entries = checkout.Disk.List(folder);
            if (folder.Length > 0 && !options.EntersCheckouts && entries.Any(FolderScan.IsCheckout)) return true;

            var has = entries.Any(e => e.Kind != DiskKind.Folder && !leaving.Contains(e.Name));
            foreach (var child in entries.Where(e => e.Kind == DiskKind.Folder)
                .OrderBy(e => e.Name, StringComparer.Ordinal))
            {
                var isLeft = rules.IsReserved(child.Name) || rules.IsIgnored(child.Name, "")
                    || empty.Matches(child.Name) || options.Keep.Matches(child.Name);
                if (isLeft || HasFiles(child.Name)) has = true;
                else if (options.IsDryRun || checkout.Disk.RemoveFolder(child.Name)) gone.Add(child.Name);
                else has = true;
            }

            return has;
        }
    }
}

/// <summary>Files that stock leaves beside those it merges. Spec: is_temporary_file in vfile.c.</summary>
internal static class TemporaryName
{
    private static readonly string[] Suffixes = ["-baseline", "-merge", "-original", "-output"];

    public static bool Matches(string name)
    {
        var last = name.AsSpan(name.LastIndexOf('/') + 1);
        if (last.StartsWith("ci-comment-") && last.EndsWith(".txt") && last.Length == 27) return true;

        var bare = last.TrimEnd("0123456789");
        if (bare.Length < last.Length && bare.EndsWith("-")) bare = bare[..^1];
        else bare = last;
        foreach (var suffix in Suffixes)
            if (bare.EndsWith(suffix)) return true;
        return false;
    }
}
