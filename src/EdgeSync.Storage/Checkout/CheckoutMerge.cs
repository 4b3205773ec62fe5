using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Glob;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>What is merged of a check-in.</summary>
public enum MergeKind
{
    /// <summary>All changes since the common ancestor.</summary>
    Merge,

    /// <summary>The same, and the next commit closes the leaf.</summary>
    Integrate,

    /// <summary>The changes of that check-in alone.</summary>
    Cherrypick,

    /// <summary>The changes of that check-in alone, in reverse.</summary>
    Backout,
}

/// <summary>What is to be merged into a checkout, and how.</summary>
public sealed record CheckoutMergeOptions
{
    /// <summary>The whole line, for <c>undo</c>.</summary>
    public required string CommandLine { get; init; }

    /// <summary>None finds the newest fork of the branch.</summary>
    public RecordId Version { get; init; }

    public MergeKind Kind { get; init; }

    /// <summary>The check-in to compare both sides with, in place of the nearest common ancestor.</summary>
    public RecordId Baseline { get; init; }

    /// <summary>Merges nothing new too, and into a closed leaf.</summary>
    public bool IsForced { get; init; }

    /// <summary>Goes on without the files whose content never arrived.</summary>
    public bool LacksContent { get; init; }

    /// <summary>Keeps the three texts of a conflict beside the file.</summary>
    public bool KeepsMergeFiles { get; init; }

    public bool IsDryRun { get; init; }

    /// <summary>Globs of binary files, in place of the setting <c>binary-glob</c>.</summary>
    public NameGlob? Binary { get; init; }

    /// <summary>For every file, regardless of <c>.edgesync-merge</c>.</summary>
    public MergeStrategy? Strategy { get; init; }

    /// <summary>A command line for conflicts, in place of the setting <c>gmerge-command</c>.</summary>
    public string? ToolCommand { get; init; }

    /// <summary>Runs it; null where no program may run.</summary>
    public MergeTool? Tool { get; init; }
}

/// <summary>What a merge did to a file.</summary>
/// <param name="Action">Stock's word: EXECUTABLE, UNEXEC, UPDATE, MERGE, DELETE, RENAME or ADDED.</param>
/// <param name="Note">What is worth knowing about it.</param>
/// <param name="BackupName">Where a copy of what was here lies.</param>
public sealed record MergeFileOutcome(
    string Action, string Name, string? NewName = null, string? Note = null, string? BackupName = null)
{
    /// <summary>The contents that were merged: ancestor, merged in, here.</summary>
    public (RecordId Ancestor, RecordId Other, RecordId Current) Contents { get; init; }

    /// <summary>The merge program that was run.</summary>
    public string? ToolCommandLine { get; init; }
}

/// <summary>What a merge came to.</summary>
/// <param name="Sides">What was merged with what.</param>
/// <param name="IsNoOp">There was nothing to merge.</param>
/// <param name="Unrelated">Files of both sides without a common ancestor: those here stay.</param>
public sealed record CheckoutMergeOutcome(
    MergeSides Sides, bool IsNoOp, IReadOnlyList<MergeFileOutcome> Files, IReadOnlyList<string> Unrelated,
    int Conflicts, int Overwritten)
{
    /// <summary>A file was put into the undo log.</summary>
    public bool IsUndoable { get; init; }
}

/// <summary>
/// Merges a check-in into the files of a checkout. Everything that will be touched is in the undo log, committed,
/// before the first file is; the rows follow the last. Spec: merge_cmd in merge.c.
/// </summary>
public static class CheckoutMerge
{
    public static CheckoutMergeOutcome Run(WorkingCheckout checkout, CheckoutMergeOptions options)
    {
        if (!options.IsDryRun) checkout.RequireNothingInterrupted();
        var sides = MergeSides.Find(checkout, options);
        if (sides.Version == sides.Ancestor && !options.IsForced)
            return new CheckoutMergeOutcome(sides, true, [], [], 0, 0);

        var current = checkout.Refresh();
        RequireFiles(checkout, current);
        var other = FilesOf(sides.Version);
        var ancestor = FilesOf(sides.Ancestor);
        var plan = Plan(current);

        // A file that was edited within the second in which it was written looks unedited by size and time.
        var edited = plan.Steps.Where(
            s => s is { Action: MergeAction.Update or MergeAction.Delete, Current: { IsDeleted: false } file }
                && file.Change == ChangeState.Unchanged && checkout.Disk.Find(s.Name) is { } entry
                && !checkout.HasContent(entry, file.Merged)).Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        if (edited.Count > 0)
            plan = Plan([.. current.Select(
                f => edited.Contains(f.Name) ? f with { Change = ChangeState.Edited } : f)]);

        var run = new MergeRun(checkout, options, sides, RowsBefore());
        run.RequireRoom(plan);
        if (options.IsDryRun) return run.Do(plan);

        using (var transaction = checkout.Tables.Database.Begin())
        {
            checkout.Undo.Begin(options.CommandLine);
            checkout.Conflicts.Prune();
            run.SaveUndo(plan);
            transaction.Commit();
        }

        return run.Apply(plan);

        IReadOnlyList<TrackedFile> FilesOf(RecordId version) => version == checkout.Version ? current
            : CheckinRows.Of(checkout.Repository, version, options.LacksContent);

        MergePlan Plan(IReadOnlyList<TrackedFile> files) => MergePlan.Make(new MergeInput
        {
            Current = files,
            Ancestor = sides.Ancestor == checkout.Version ? files : ancestor,
            Other = sides.Version == checkout.Version ? files : other,
            AncestorIsCurrent = sides.Ancestor == checkout.Version,
            HasNamePivot = sides.NamePivot != sides.Ancestor,
            TakesPivotNames = !sides.AncestorIsAbove,
            CurrentRenames = Renames(checkout.Version, isForwardOnly: true),
            AncestorRenames = Renames(sides.Ancestor, isForwardOnly: true),
            OtherRenames = Renames(sides.Version, isForwardOnly: options.Kind != MergeKind.Backout),
            Names = checkout.Names,
        });

        List<(string From, string To)> Renames(RecordId to, bool isForwardOnly) =>
            NameChanges.List(checkout.Repository, sides.NamePivot, to, isForwardOnly);

        // Stock numbers new rows behind those of the two check-ins, which it keeps in the table meanwhile.
        int RowsBefore() => (sides.Version == checkout.Version ? 0 : other.Count)
            + (sides.Ancestor == checkout.Version || sides.Ancestor == sides.Version ? 0 : ancestor.Count);
    }

    private static void RequireFiles(WorkingCheckout checkout, List<TrackedFile> files)
    {
        var others = files.Where(f => !f.IsDeleted && checkout.StateOf(f.Name) is { Exists: true, IsFile: false })
            .Select(f => f.Name).ToList();
        if (others.Count > 0)
            throw new EdgeSyncException(
                ErrorKind.Conflict, "tracked names are no files on the disk; nothing was merged", "edgesync changes")
            { Candidates = [.. others.Take(11)] };
    }
}
