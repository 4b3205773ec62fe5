using EdgeSync.Fossil.Artifacts;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// One row of the mlink table, before names become record ids. Content 0 is "none"; so is old name 0.
/// </summary>
internal readonly record struct FileChange(int Name, int OldName, int From, int To, FilePermission Permission);

/// <summary>
/// How the files of a check-in differ from those of one parent. Pure, and faithful to stock even where that compares
/// only part of the files (delta manifests whose baselines differ), because the rows must be equal.
/// </summary>
internal static class FileComparison
{
    // Spec: manifest.c, add_mlink; specs §5.1.
    public static void Compare(WholeFiles parent, WholeFiles child, NameTable names, List<FileChange> changes)
    {
        foreach (var rename in child.CheckIn.Renames)
        {
            child.CheckIn.Own.TryFind(rename.Name, names, out var file);
            changes.Add(parent.TryFind(rename.OldName, names, out var old)
                ? new FileChange(rename.Name, rename.OldName, old.Content, file.Content, file.Permission)
                : new FileChange(rename.Name, 0, 0, file.Content, file.Permission));
        }

        if (!parent.IsDelta && !child.IsDelta) CompareFull(parent, child, names, changes);
        else CompareDeltas(parent, child, names, changes);
    }

    private static void CompareFull(WholeFiles parent, WholeFiles child, NameTable names, List<FileChange> changes)
    {
        foreach (var (before, after) in FileSet.Differences(parent.CheckIn.Own, child.CheckIn.Own, names))
        {
            if (after is { } file)
            {
                if (child.CheckIn.IsRenamed(file.Name)) continue;
                changes.Add(new FileChange(file.Name, 0, before?.Content ?? 0, file.Content, file.Permission));
            }
            else
            {
                changes.Add(new FileChange(before!.Value.Name, 0, before.Value.Content, 0, FilePermission.Regular));
            }
        }
    }

    private static void CompareDeltas(WholeFiles parent, WholeFiles child, NameTable names, List<FileChange> changes)
    {
        for (var cursor = child.CheckIn.Own.Start(); !cursor.IsAtEnd; cursor.MoveNext())
        {
            var file = cursor.Current;
            if (child.CheckIn.IsRenamed(file.Name)) continue;
            if (!parent.TryFind(file.Name, names, out var before))
            {
                if (!file.IsDeleted) changes.Add(new FileChange(file.Name, 0, 0, file.Content, file.Permission));
            }
            else if (!file.IsSameAs(before))
            {
                changes.Add(new FileChange(file.Name, 0, before.Content, file.Content, file.Permission));
            }
        }

        if (parent.IsDelta && child.IsDelta) FindReverted(parent, child, names, changes);
        else if (!child.IsDelta) FindDeleted(parent, child, names, changes);
    }

    /// <summary>
    /// Files that a delta parent changed or deleted, and that a delta child has as its baseline has them.
    /// </summary>
    private static void FindReverted(WholeFiles parent, WholeFiles child, NameTable names, List<FileChange> changes)
    {
        for (var cursor = parent.CheckIn.Own.Start(); !cursor.IsAtEnd; cursor.MoveNext())
        {
            var before = cursor.Current;
            if (!before.IsDeleted)
            {
                if (child.CheckIn.Own.TryFind(before.Name, names, out _)) continue;
                if (child.TryFind(before.Name, names, out var reverted))
                    changes.Add(new FileChange(before.Name, 0, before.Content, reverted.Content, reverted.Permission));
            }
            else if (child.TryFind(before.Name, names, out var resurrected))
            {
                changes.Add(new FileChange(before.Name, 0, 0, resurrected.Content, resurrected.Permission));
            }
        }
    }

    /// <summary>Files of a delta parent (with its baseline) that a full child lacks.</summary>
    private static void FindDeleted(WholeFiles parent, WholeFiles child, NameTable names, List<FileChange> changes)
    {
        var own = parent.CheckIn.Own.Start();
        var baseline = (parent.Baseline ?? FileSet.Empty).Start();
        while (!own.IsAtEnd || !baseline.IsAtEnd)
        {
            var order = own.IsAtEnd
                ? 1
                : baseline.IsAtEnd ? -1
                : names.Compare(own.Current.Name, baseline.Current.Name);
            var file = order <= 0 ? own.Current : baseline.Current;
            if (order <= 0) own.MoveNext();
            if (order >= 0) baseline.MoveNext();
            if (!file.IsDeleted && !child.TryFind(file.Name, names, out _))
                changes.Add(new FileChange(file.Name, 0, file.Content, 0, FilePermission.Regular));
        }
    }
}
