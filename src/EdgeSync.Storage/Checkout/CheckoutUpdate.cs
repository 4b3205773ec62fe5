using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>Where a checkout is to go, and how.</summary>
public sealed record CheckoutUpdateOptions
{
    /// <summary>The whole line, for <c>undo</c>.</summary>
    public required string CommandLine { get; init; }

    public required RecordId Target { get; init; }

    /// <summary>Files and folders to take from the target; none means all, and the checkout moves.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    public bool IsDryRun { get; init; }

    /// <summary>Goes on without the files whose content never arrived.</summary>
    public bool LacksContent { get; init; }

    /// <summary>Keeps the three texts of a conflict beside the file.</summary>
    public bool KeepsMergeFiles { get; init; }

    public bool SetsTimes { get; init; }

    /// <summary>Every file becomes the target's, whatever it is: <c>checkout --force</c>.</summary>
    public bool IsForced { get; init; }

    /// <summary>Leaves all files as they are: <c>checkout --keep</c>.</summary>
    public bool KeepsFiles { get; init; }

    /// <summary>What was done can be undone afterwards.</summary>
    public bool HasUndo { get; init; } = true;

    /// <summary>A command line for conflicts, in place of the setting <c>gmerge-command</c>.</summary>
    public string? ToolCommand { get; init; }

    /// <summary>Runs it; null where no program may run.</summary>
    public MergeTool? Tool { get; init; }
}

/// <summary>What an update did to a file.</summary>
/// <param name="Action">Stock's word: ADD, UPDATE, REMOVE, MERGE, CONFLICT, EDITED or UNCHANGED.</param>
/// <param name="Note">What is worth knowing about it.</param>
public sealed record UpdatedFile(string Action, string Name, string? NewName = null, string? Note = null);

/// <summary>What an update came to.</summary>
public sealed record UpdateOutcome(
    IReadOnlyList<UpdatedFile> Files, int Conflicts, int Overwritten, IReadOnlyList<MergeRow> PendingMerges)
{
    /// <summary>Files with a change of any kind.</summary>
    public int Changes => Files.Count(f => f.Action is not ("EDITED" or "UNCHANGED"));
}

/// <summary>
/// Takes a checkout to another check-in and keeps what was edited. Everything that will be touched is in the undo log,
/// committed, before the first file is; the rows follow the last. Spec: update_cmd in update.c.
/// </summary>
public static class CheckoutUpdate
{
    public static UpdateOutcome Run(WorkingCheckout checkout, CheckoutUpdateOptions options)
    {
        if (!options.IsDryRun) checkout.RequireNothingInterrupted();

        // One lock of the repository for all contents, not one each; a program that merges may take its time, though.
        using var reading = HasTool(checkout, options) ? null : checkout.Repository.Database.BeginRead();
        var target = CheckinRows.Of(checkout.Repository, options.Target, options.LacksContent);
        var steps = Plan(checkout, target, options);
        var run = new UpdateRun(checkout, options);
        run.RequireRoom(steps);
        if (options.IsDryRun) return run.Preview(steps);

        using (var transaction = checkout.Tables.Database.Begin())
        {
            checkout.Undo.Begin(options.CommandLine);
            checkout.Conflicts.Prune();
            if (!options.KeepsFiles) run.SaveUndo(steps);
            transaction.Commit();
        }

        var outcome = run.Apply(steps);
        if (options.SetsTimes) CheckoutTimes.Set(checkout);
        return outcome;
    }

    private static bool HasTool(WorkingCheckout checkout, CheckoutUpdateOptions options) =>
        options.Tool is not null && (options.ToolCommand ?? checkout.Settings["gmerge-command"]) is { Length: > 0 };

    /// <summary>The check-in that an update goes to when none is named: the newest open leaf below.</summary>
    /// <param name="checkout">Open.</param>
    /// <param name="isLatest">Of all branches that begin here; else of this branch, when there are several.</param>
    /// <exception cref="EdgeSyncException">There are several.</exception>
    public static RecordId NewestBelow(WorkingCheckout checkout, bool isLatest)
    {
        var leaves = Leaves(checkout, isOpenOnly: true);
        if (leaves.Count == 0) leaves = Leaves(checkout, isOpenOnly: false);
        if (leaves.Count > 1 && !isLatest)
        {
            var branch = CheckinDescription.BranchOf(checkout.Repository, checkout.Version);
            var same = leaves.FindAll(
                rid => CheckinDescription.BranchOf(checkout.Repository, rid) == branch);
            if (same.Count > 1)
                throw new EdgeSyncException(
                    ErrorKind.Ambiguous, "several check-ins follow the one that is checked out",
                    "edgesync update VERSION")
                {
                    Candidates = [.. leaves.Select(rid => checkout.Repository.Content.NameOf(rid).ToString())],
                };
            if (same.Count == 1) leaves = same;
        }

        return leaves.Count == 0 ? checkout.Version : leaves[0];
    }

    // Newest first.
    private static List<RecordId> Leaves(WorkingCheckout checkout, bool isOpenOnly)
    {
        var leaves = new List<RecordId>();
        using var select = checkout.Repository.Database.Prepare(
            """
            WITH RECURSIVE below(rid) AS (
              SELECT ?1 UNION SELECT cid FROM below JOIN plink ON pid=below.rid)
            SELECT leaf.rid FROM leaf JOIN event ON event.objid=leaf.rid
             WHERE leaf.rid IN below
               AND (?2=0 OR NOT EXISTS(SELECT 1 FROM tagxref WHERE rid=leaf.rid AND tagid=9 AND tagtype>0))
             ORDER BY event.mtime DESC
            """);
        select.Bind(1, checkout.Version).Bind(2, isOpenOnly ? 1 : 0);
        while (select.Step()) leaves.Add(select.Record(0));
        return leaves;
    }

    private static List<UpdateStep> Plan(
        WorkingCheckout checkout, List<TrackedFile> target, CheckoutUpdateOptions options)
    {
        var current = options.IsForced ? [] : checkout.Refresh();
        var renames = NameChanges.Between(checkout.Repository, checkout.Version, options.Target);

        var steps = Make(current);

        // A file that was edited within the second in which it was written looks unedited by size and time.
        var edited = steps.Where(
            s => s is { Action: UpdateAction.Update or UpdateAction.Remove, Current.IsDeleted: false }
                && checkout.Disk.Find(s.Name) is { } entry && !IsAsWritten(checkout, entry, s.Current))
            .Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        return edited.Count == 0 ? steps
            : Make([.. current.Select(
                f => edited.Contains(f.Name) ? f with { Change = ChangeState.Edited } : f)]);

        List<UpdateStep> Make(IReadOnlyList<TrackedFile> files) =>
            UpdatePlan.Make(files, target, renames, name => checkout.Disk.Find(name) is null, checkout.Names)
                .FindAll(s => CheckoutChanges.IsBelow(s.Name, options.Paths));
    }

    private static bool IsAsWritten(WorkingCheckout checkout, DiskEntry entry, TrackedFile file) =>
        entry.Kind is DiskKind.Regular or DiskKind.Link && checkout.HasContent(entry, file.Merged);
}
