using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>Carries the plan of an update out.</summary>
internal sealed class UpdateRun(WorkingCheckout checkout, CheckoutUpdateOptions options)
{
    private readonly CheckoutWriter _writer = new(checkout);
    private readonly FileMerge _merge = new(checkout, new FileMergeOptions
    {
        KeepsSides = options.KeepsMergeFiles,
        Strategies = FileMerge.StrategiesOf(checkout, null),
        ToolCommand = options.ToolCommand,
        Tool = options.Tool,
    });
    private readonly List<UpdatedFile> _files = [];

    // Times of what was written, for the rows.
    private readonly Dictionary<string, long> _seconds = new(StringComparer.Ordinal);
    private int _conflicts;
    private int _overwritten;

    /// <exception cref="EdgeSyncException">A file blocks the update, and nothing was written.</exception>
    public void RequireRoom(IReadOnlyList<UpdateStep> steps)
    {
        if (options.KeepsFiles) return;

        var leaving = steps.Where(s => s.Action == UpdateAction.Remove).Select(s => s.Name)
            .ToHashSet(StringComparer.Ordinal);
        _writer.RequireRoom(
            steps.Where(s => s.Touches && s.Action != UpdateAction.Remove).Select(s => s.NewName), leaving);
    }

    public void SaveUndo(IReadOnlyList<UpdateStep> steps)
    {
        foreach (var step in steps.Where(s => s.Touches))
        {
            checkout.Undo.Save(step.Name);
            if (step.NewName != step.Name) checkout.Undo.Save(step.NewName);
        }
    }

    public UpdateOutcome Preview(IReadOnlyList<UpdateStep> steps)
    {
        foreach (var step in steps) Do(step, isDryRun: true);
        return Outcome();
    }

    public UpdateOutcome Apply(IReadOnlyList<UpdateStep> steps)
    {
        var tables = checkout.Tables;
        using var transaction = tables.Database.Begin();
        if (!options.KeepsFiles)
        {
            // What leaves may have lain where a folder is needed.
            foreach (var step in steps.Where(s => s.Action == UpdateAction.Remove)) Do(step, isDryRun: false);
            _writer.RemoveLeftFolders();
            foreach (var step in steps.Where(s => s.Action != UpdateAction.Remove)) Do(step, isDryRun: false);
            _files.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        }

        if (options.Paths.Count == 0) MoveRows(steps);
        checkout.Settings.Forget();
        _writer.CreateEmptyFolders();
        checkout.Undo.Finish();
        if (!options.HasUndo)
        {
            checkout.Undo.Reset();
            tables.Database.Execute("DELETE FROM vmerge");
        }

        transaction.Commit();
        checkout.Repository.Names.Checkout = checkout.Version;
        return Outcome();
    }

    private UpdateOutcome Outcome() => new(
        _files, _conflicts, _overwritten, [.. checkout.Tables.Merges().Where(m => m.Kind <= 0)]);

    private void MoveRows(IReadOnlyList<UpdateStep> steps)
    {
        var (tables, target) = (checkout.Tables, options.Target);
        if (options.IsForced) tables.Database.Execute("DELETE FROM vfile");
        if (target != checkout.Version || options.IsForced)
        {
            tables.Load(checkout.Repository, target);
            var rows = tables.Files(target).ToDictionary(f => f.Name, StringComparer.Ordinal);
            foreach (var step in steps) MoveRow(step, rows);
            tables.KeepOnly(target);
        }
        else
        {
            // A file that was missing stays marked as changed until the next look, as in stock.
            foreach (var step in steps.Where(s => s.Current is not null && _seconds.ContainsKey(s.NewName)))
                tables.SetState(step.Current!.Id, step.Current.Change, _seconds[step.NewName]);
        }

        _writer.WriteManifestFiles(target);
        tables.SetVersion(checkout.Repository, target);
    }

    private void MoveRow(UpdateStep step, Dictionary<string, TrackedFile> rows)
    {
        var tables = checkout.Tables;
        if (step.Action == UpdateAction.KeepAdded) tables.SetOwner(step.Current!.Id, options.Target);
        if (!rows.TryGetValue(step.KeepsName ? step.Target!.Name : step.NewName, out var row)) return;
        if (step.KeepsName) tables.SetName(row.Id, step.NewName, originalName: row.Name);

        if (step.Current is { IsDeleted: true }) tables.SetDeleted(row.Id, isDeleted: true);
        if (_seconds.TryGetValue(step.NewName, out var seconds)) tables.SetState(row.Id, row.Change, seconds);
        else if (step is { Action: UpdateAction.None, Current: { Change: ChangeState.Unchanged } same })
            tables.SetState(row.Id, row.Change, checkout.StateOf(same.Name).ModifiedSeconds);
    }

    private void Do(UpdateStep step, bool isDryRun)
    {
        switch (step.Action)
        {
            case UpdateAction.Add:
                Add(step, isDryRun);
                break;
            case UpdateAction.Update:
                Note("UPDATE", step, step.Current!.IsDeleted ? "change to unmanaged file" : null);
                if (!isDryRun && MayReplace(step)) Write(step);
                break;
            case UpdateAction.AddedTwice:
                _conflicts++;
                Note("CONFLICT", step, null);
                break;
            case UpdateAction.RemovedButEdited:
                _conflicts++;
                Note("CONFLICT", step, "edited locally but deleted by update");
                break;
            case UpdateAction.Remove:
                Note("REMOVE", step, null);
                if (!isDryRun) _writer.Remove(step.Name);
                break;
            case UpdateAction.Merge:
                Merge(step, isDryRun);
                break;
            case UpdateAction.None:
                if (!isDryRun) SetPermission(step);
                Note(step.Current!.Change == ChangeState.Unchanged ? "UNCHANGED" : "EDITED", step, null);
                break;
        }
    }

    private void Add(UpdateStep step, bool isDryRun)
    {
        var entry = checkout.Disk.Find(step.Name);
        // Differs from Fossil, which copies a file aside also when it has the content that is to be written.
        var isSame = entry is not null && checkout.HasContent(entry, step.Target!.Content);
        string? note = null;
        if (entry is not null && !isSame && !options.IsForced)
        {
            note = isDryRun ? "overwrites an unmanaged file"
                : "overwrites an unmanaged file, original copy backed up locally";
            _overwritten++;
            if (!isDryRun) _merge.Keep(step.Name, "original");
        }

        Note("ADD", step, note);
        if (!isDryRun) Write(step);
    }

    // A file that was only removed from the tracked ones may hold edits: then it stays on the disk.
    private bool MayReplace(UpdateStep step) => !step.Current!.IsDeleted
        || checkout.Disk.Find(step.Name) is not { } entry || checkout.HasContent(entry, step.Current.Merged);

    private void SetPermission(UpdateStep step)
    {
        if (step.Target!.Permission == FilePermission.Symlink) return;

        checkout.Disk.SetExecutable(
            step.Name, UpdatePlan.PermissionOf(step.Current, step.Target) == FilePermission.Executable);
    }

    private void Merge(UpdateStep step, bool isDryRun)
    {
        var result = _merge.Run(
            new MergedFile(step.Name, step.Current!, step.Current!.Content, step.Target!), isDryRun);
        if (result.IsConflict) _conflicts++;
        Note("MERGE", step, result.Kind switch
        {
            MergeResultKind.Marked => $"{result.Conflicts} merge conflicts in {step.NewName}",
            MergeResultKind.Binary when !isDryRun =>
                result.NoteFor(step.NewName) + ", original copy backed up locally",
            _ => result.NoteFor(step.NewName),
        });
        if (isDryRun) return;

        // Stock takes from the target what it cannot merge, and keeps the file here beside it.
        var content = result.Content;
        if (result.Kind == MergeResultKind.Binary)
        {
            if (!result.HasSides) _merge.Keep(step.Name, "original");
            using var other = checkout.Repository.Content.Get(step.Target!.Content);
            content = other.Span.ToArray();
        }

        if (result.IsConflict) checkout.Conflicts.Add(
                step.NewName, result, options.Paths.Count == 0 ? options.Target : checkout.Version);
        if (content is { } merged)
        {
            _writer.Write(step.NewName, merged.Span, UpdatePlan.PermissionOf(step.Current, step.Target!));
            if (step.NewName != step.Name) _writer.Remove(step.Name);
        }
        else if (step.NewName != step.Name && result.Kind == MergeResultKind.Fork)
        {
            checkout.Disk.Move(step.Name, step.NewName);
        }
    }

    private void Write(UpdateStep step) => _seconds[step.NewName] =
        _writer.Write(step.NewName, step.Target!.Content, UpdatePlan.PermissionOf(step.Current, step.Target));

    private void Note(string action, UpdateStep step, string? note) => _files.Add(
        new UpdatedFile(action, step.Name, step.NewName == step.Name ? null : step.NewName, note));
}
