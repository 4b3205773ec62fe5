using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Merge;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Checkout;

/// <summary>Carries the plan of a merge out.</summary>
/// <param name="checkout">Open.</param>
/// <param name="options">Of the command.</param>
/// <param name="sides">The check-ins.</param>
/// <param name="rowsBefore">How many numbers of rows are left out before the first new one.</param>
internal sealed class MergeRun(
    WorkingCheckout checkout, CheckoutMergeOptions options, MergeSides sides, int rowsBefore)
{
    private readonly CheckoutWriter _writer = new(checkout);
    private readonly FileMerge _merge = new(checkout, new FileMergeOptions
    {
        KeepsSides = options.KeepsMergeFiles,
        Strategies = FileMerge.StrategiesOf(checkout, options.Strategy),
        Binary = options.Binary ?? checkout.Settings.Glob("binary-glob"),
        ToolCommand = options.ToolCommand,
        Tool = options.Tool,
    });
    private readonly List<MergeFileOutcome> _files = [];
    private int _conflicts;
    private int _overwritten;

    private Database Database => checkout.Tables.Database;

    private bool IsIntegrated => sides.Kind == MergeKind.Integrate;

    /// <exception cref="EdgeSyncException">A file blocks the merge, and nothing was written.</exception>
    public void RequireRoom(MergePlan plan) => _writer.RequireRoom(
        plan.Steps.Where(s => s.Action is MergeAction.Update or MergeAction.Add or MergeAction.Rename)
            .Select(s => s.NewName ?? s.Name),
        plan.Steps.Where(s => s.Action is MergeAction.Delete or MergeAction.Rename).Select(s => s.Name)
            .ToHashSet(StringComparer.Ordinal));

    public void SaveUndo(MergePlan plan)
    {
        foreach (var step in plan.Steps)
        {
            checkout.Undo.Save(step.Name);
            if (step.NewName is { } to) checkout.Undo.Save(to);
        }
    }

    public CheckoutMergeOutcome Apply(MergePlan plan)
    {
        using var transaction = Database.Begin();
        var outcome = Do(plan);
        NoteMerge();
        checkout.Settings.Forget();
        checkout.Undo.Finish();
        transaction.Commit();
        return outcome;
    }

    /// <summary>Applies the steps, or only reports them.</summary>
    public CheckoutMergeOutcome Do(MergePlan plan)
    {
        foreach (var step in plan.Steps.Where(s => s.Action == MergeAction.SetExecutable)) SetExecutable(step);
        foreach (var step in plan.Steps.Where(s => s.Action == MergeAction.Update)) Update(step);
        foreach (var step in plan.Steps.Where(s => s.Action == MergeAction.Merge)) Merge(step);
        foreach (var step in plan.Steps.Where(s => s.Action == MergeAction.Delete)) Delete(step);
        Rename([.. plan.Steps.Where(s => s.Action == MergeAction.Rename)]);
        var here = new HashSet<string>(checkout.Names);
        foreach (var file in checkout.Tables.Files(checkout.Version))
        {
            here.Add(file.Name);
            if (file.OriginalName is { } before) here.Add(before);
        }

        foreach (var step in plan.Steps.Where(s => s.Action == MergeAction.Add)) Add(step, here);
        return new CheckoutMergeOutcome(sides, false, _files, plan.Unrelated, _conflicts, _overwritten)
        {
            IsUndoable = plan.Steps.Count > 0,
        };
    }

    private void SetExecutable(MergeStep step)
    {
        _files.Add(new MergeFileOutcome(step.IsExecutable ? "EXECUTABLE" : "UNEXEC", step.Name));
        if (options.IsDryRun) return;

        checkout.Disk.SetExecutable(step.Name, step.IsExecutable);
        using var update = Database.Prepare("UPDATE vfile SET isexe=?1 WHERE id=?2");
        update.Bind(1, step.IsExecutable ? 1 : 0).Bind(2, step.Current!.Id).Run();
    }

    private void Update(MergeStep step)
    {
        _files.Add(new MergeFileOutcome("UPDATE", step.Name));
        if (options.IsDryRun) return;

        var (current, other) = (step.Current!, step.Other!);
        var permission = other.Permission == FilePermission.Symlink ? FilePermission.Symlink
            : ExecutableAfter(step, current.Permission == FilePermission.Executable);
        var seconds = _writer.Write(step.Name, other.Content, permission);
        using var update = Database.Prepare(
            """
            UPDATE vfile SET mtime=?1, mrid=?2, chnged=?3, islink=?4,
                   mhash=CASE WHEN rid<>?2 THEN ?5 END WHERE id=?6
            """);
        update.Bind(1, seconds).Bind(2, other.Content)
            .Bind(3, (long)(IsIntegrated ? ChangeState.UpdatedByIntegrate : ChangeState.UpdatedByMerge))
            .Bind(4, other.Permission == FilePermission.Symlink ? 1 : 0)
            .BindText(5, checkout.Repository.Content.NameOf(other.Content).ToString()).Bind(6, current.Id).Run();
    }

    private void Merge(MergeStep step)
    {
        var (current, other) = (step.Current!, step.Other!);
        var result = _merge.Run(new MergedFile(step.Name, current, step.Ancestor!.Content, other), options.IsDryRun);
        if (result.IsConflict) _conflicts++;
        _files.Add(new MergeFileOutcome("MERGE", step.Name, Note: result.NoteFor(step.Name))
        {
            Contents = (step.Ancestor.Content, other.Content, current.Content),
            ToolCommandLine = result.ToolCommandLine,
        });
        if (options.IsDryRun) return;

        if (result.Content is { } content)
        {
            var isExecutable = checkout.Disk.Find(step.Name)?.IsExecutable
                ?? current.Permission == FilePermission.Executable;
            _writer.Write(step.Name, content.Span, ExecutableAfter(step, isExecutable));
            using var update = Database.Prepare("UPDATE vfile SET mtime=0 WHERE id=?1");
            update.Bind(1, current.Id).Run();
        }

        InsertMerge(current.Id, other.Content);
        if (result.IsConflict) checkout.Conflicts.Add(step.Name, result);
    }

    // Differs from Fossil: the executable bit is merged too, where Fossil gives that of the other side.
    private static FilePermission ExecutableAfter(MergeStep step, bool isExecutable)
    {
        var there = step.Other!.Permission == FilePermission.Executable;
        var before = step.Ancestor!.Permission == FilePermission.Executable;
        return (there == before ? isExecutable : there) ? FilePermission.Executable : FilePermission.Regular;
    }

    private void Delete(MergeStep step)
    {
        var hasEdits = step.Current!.Change != ChangeState.Unchanged && checkout.Disk.Find(step.Name) is not null;
        string? backup = null;
        if (hasEdits)
        {
            _conflicts++;
            backup = options.IsDryRun ? $"{step.Name}-original" : _merge.Keep(step.Name, "original");
        }

        _files.Add(new MergeFileOutcome("DELETE", step.Name, BackupName: backup));
        if (options.IsDryRun) return;

        checkout.Tables.SetDeleted(step.Current.Id, isDeleted: true);
        _writer.Remove(step.Name);
    }

    private void Rename(List<MergeStep> steps)
    {
        foreach (var step in steps)
        {
            _files.Add(new MergeFileOutcome("RENAME", step.Name, step.NewName));
            if (!options.IsDryRun) RenameRow(step);
        }

        if (options.IsDryRun) return;

        // A file whose name was taken by another one keeps a row that records it.
        Database.Execute(
            "UPDATE vfile SET pathname=origname || ' (overwritten by rename)' WHERE pathname IS NULL");
        MoveFiles([.. steps.Where(s => checkout.Disk.Find(s.Name) is not null).Select(s => (s.Name, s.NewName!))]);
    }

    private void RenameRow(MergeStep step)
    {
        using var free = Database.Prepare(
            "UPDATE vfile SET pathname=NULL, origname=pathname WHERE vid=?1 AND pathname=?2");
        free.Bind(1, checkout.Version).BindText(2, PathText.ToBytes(step.NewName!)).Run();
        using var rename = Database.Prepare(
            "UPDATE vfile SET pathname=?1, origname=coalesce(origname,pathname) WHERE id=?2");
        rename.BindText(1, PathText.ToBytes(step.NewName!)).Bind(2, step.Current!.Id).Run();
    }

    private void MoveFiles(List<(string From, string To)> moves)
    {
        var leaving = moves.Select(m => m.From).ToHashSet(StringComparer.Ordinal);
        foreach (var (_, to) in moves.Where(m => !leaving.Contains(m.To)))
        {
            if (_merge.Keep(to, "original") is null) continue;

            _overwritten++;
            checkout.Disk.Remove(to);
        }

        foreach (var (from, to) in RenameOrder.Of(moves, DiskFolder.NewTemporaryName()))
        {
            _writer.FreeFolder(to);
            checkout.Disk.Move(from, to);
        }
    }

    private void Add(MergeStep step, HashSet<string> here)
    {
        var isUntracked = !here.Contains(step.Name)
            && checkout.Disk.Find(step.Name) is { Kind: DiskKind.Regular or DiskKind.Link };
        string? backup = null;
        if (isUntracked)
        {
            _overwritten++;
            backup = options.IsDryRun ? $"{step.Name}-original" : _merge.Keep(step.Name, "original");
        }

        _files.Add(new MergeFileOutcome("ADDED", step.Name, BackupName: backup));
        if (options.IsDryRun) return;

        var other = step.Other!;
        _writer.FreeFolder(step.Name);
        _writer.Write(step.Name, other.Content, other.Permission);
        using var insert = Database.Prepare(
            """
            REPLACE INTO vfile(id,vid,chnged,deleted,rid,mrid,isexe,islink,pathname,mhash)
            VALUES((SELECT max(id) FROM vfile)+1+?1,?2,?3,0,?4,?4,?5,?6,?7,NULL)
            """);
        insert.Bind(1, rowsBefore).Bind(2, checkout.Version)
            .Bind(3, (long)(IsIntegrated ? ChangeState.AddedByIntegrate : ChangeState.AddedByMerge))
            .Bind(4, other.Content).Bind(5, other.Permission == FilePermission.Executable ? 1 : 0)
            .Bind(6, other.Permission == FilePermission.Symlink ? 1 : 0)
            .BindText(7, PathText.ToBytes(step.Name)).Run();
        rowsBefore = 0;
    }

    private void NoteMerge()
    {
        InsertMerge(
            sides.Kind switch
            {
                MergeKind.Cherrypick => -1,
                MergeKind.Backout => -2,
                MergeKind.Integrate => -4,
                _ => 0,
            },
            sides.Named);
        if (sides.Kind != MergeKind.Cherrypick) return;

        // The comment of the check-in is proposed for the commit.
        using var select = checkout.Repository.Database.Prepare(
            "SELECT coalesce(ecomment,comment) FROM event WHERE type='ci' AND objid=?1");
        if (select.Bind(1, sides.Named).Step()) checkout.Tables["ci-comment"] = select.Text(0);
    }

    private void InsertMerge(long id, RecordId merged)
    {
        using var insert = Database.Prepare("INSERT OR IGNORE INTO vmerge(id,merge,mhash) VALUES(?1,?2,?3)");
        insert.Bind(1, id).Bind(2, merged).BindText(3, checkout.Repository.Content.NameOf(merged).ToString()).Run();
    }
}
