using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>Carries the plan of an update out.</summary>
internal sealed class UpdateRun(WorkingCheckout checkout, CheckoutUpdateOptions options)
{
    private readonly CheckoutWriter _writer = new(checkout);
    private readonly List<UpdatedFile> _files = [];

    // Times of what was written, for the rows.
    private readonly Dictionary<string, long> _seconds = new(StringComparer.Ordinal);
    private int _conflicts;
    private int _overwritten;

    /// <exception cref="EdgeSyncException">Something is in the way, and nothing was written.</exception>
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
            foreach (var step in steps.Where(s => s.Current is not null && _seconds.ContainsKey(s.NewName)))
                tables.SetState(step.Current!.Id, ChangeState.Unchanged, _seconds[step.NewName]);
        }

        _writer.WriteManifestFiles(target);
        tables.SetVersion(checkout.Repository, target);
    }

    private void MoveRow(UpdateStep step, Dictionary<string, TrackedFile> rows)
    {
        var tables = checkout.Tables;
        if (step.Action == UpdateAction.KeepAdded) tables.SetOwner(step.Current!.Id, options.Target);
        if (!rows.TryGetValue(step.NewName, out var row)) return;

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
        var isSame = entry is not null && checkout.HasContent(entry, step.Target!.Content);
        string? note = null;
        if (entry is not null && !isSame && !options.IsForced)
        {
            note = isDryRun ? "overwrites an unmanaged file"
                : "overwrites an unmanaged file, original copy backed up locally";
            _overwritten++;
            if (!isDryRun) Keep(step.Name, "original");
        }

        Note("ADD", step, note);
        if (!isDryRun) Write(step);
    }

    // A file that was only forgotten may hold edits: then it is the person's own.
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
        var entry = checkout.Disk.Find(step.Name);
        if (entry is not { Kind: DiskKind.Regular } || step.Current!.Permission == FilePermission.Symlink
            || step.Target!.Permission == FilePermission.Symlink)
        {
            _conflicts++;
            Note("MERGE", step, $"Cannot merge symlink {step.NewName}");
            return;
        }

        var local = Read(step.Name);
        using var ancestor = checkout.Repository.Content.Get(step.Current.Content);
        using var other = checkout.Repository.Content.Get(step.Target.Content);
        var merged = other.Span.SequenceEqual(local) ? new MergedText(local, 0)
            : ThreeWayMerge.Merge(ancestor.Span.ToArray(), local, other.Span.ToArray());
        if (merged is not { Conflicts: 0 })
        {
            _conflicts++;
            if (!isDryRun && (options.KeepsMergeFiles || merged is null))
                KeepSides(step.Name, local, ancestor.Span, other.Span);
        }

        Note("MERGE", step, merged switch
        {
            null => $"Cannot merge binary file {step.NewName}"
                + (isDryRun ? "" : ", original copy backed up locally"),
            { Conflicts: > 0 } => $"{merged.Conflicts} merge conflicts in {step.NewName}",
            _ => null,
        });
        if (isDryRun) return;

        _writer.Write(
            step.NewName, merged is null ? other.Span : merged.Content.Span,
            UpdatePlan.PermissionOf(step.Current, step.Target));
        if (step.NewName != step.Name) _writer.Remove(step.Name);
    }

    private void KeepSides(string name, byte[] local, ReadOnlySpan<byte> ancestor, ReadOnlySpan<byte> other)
    {
        checkout.Disk.Write(FreeName(name, "original"), local, FilePermission.Regular, replace: false);
        if (!options.KeepsMergeFiles) return;

        checkout.Disk.Write(FreeName(name, "baseline"), ancestor, FilePermission.Regular, replace: false);
        checkout.Disk.Write(FreeName(name, "merge"), other, FilePermission.Regular, replace: false);
    }

    private void Keep(string name, string suffix)
    {
        if (checkout.Disk.Find(name) is not { Kind: DiskKind.Regular } entry) return;

        checkout.Disk.Write(
            FreeName(name, suffix), Read(name),
            entry.IsExecutable ? FilePermission.Executable : FilePermission.Regular, replace: false);
    }

    // Spec: file_newname in file.c.
    private string FreeName(string name, string suffix)
    {
        var free = $"{name}-{suffix}";
        for (var i = 1; checkout.Disk.Find(free) is not null; i++) free = $"{name}-{suffix}-{i}";
        return free;
    }

    private byte[] Read(string name)
    {
        using var stream = checkout.Disk.OpenRead(name);
        var content = new byte[stream.Length];
        var length = stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        return content[..length];
    }

    private void Write(UpdateStep step) => _seconds[step.NewName] =
        _writer.Write(step.NewName, step.Target!.Content, UpdatePlan.PermissionOf(step.Current, step.Target));

    private void Note(string action, UpdateStep step, string? note) => _files.Add(
        new UpdatedFile(action, step.Name, step.NewName == step.Name ? null : step.NewName, note));
}
