namespace EdgeSync.Fossil.Checkout;

/// <summary>Which files a list of changes shows. Spec: the filter options of changes in checkin.c.</summary>
[Flags]
public enum ChangeFilter
{
    None = 0,
    Edited = 1 << 0,
    Updated = 1 << 1,
    Changed = 1 << 2,
    Missing = 1 << 3,
    Added = 1 << 4,
    Deleted = 1 << 5,
    Renamed = 1 << 6,
    Conflict = 1 << 7,
    Meta = 1 << 8,
    Unchanged = 1 << 9,
    Extra = 1 << 10,
    Merge = 1 << 11,

    /// <summary>All tracked files.</summary>
    All = Edited | Updated | Changed | Missing | Added | Deleted | Renamed | Conflict | Meta | Unchanged,

    /// <summary>What a commit would hold, and the merges it is made of.</summary>
    Default = (All & ~Unchanged) | Merge,

    /// <summary>All differences to the check-in, untracked files too.</summary>
    Differ = (All & ~Unchanged) | Extra,
}

/// <summary>One line of a list of changes.</summary>
/// <param name="Class">Stock's word, such as <c>EDITED</c>.</param>
/// <param name="Name">As <see cref="Artifacts.PathText"/>; of a merge the hash of the check-in.</param>
/// <param name="OriginalName">Of a renamed file what the check-in calls it.</param>
public sealed record ChangeLine(string Class, string Name, string? OriginalName = null);

/// <summary>The word for what happened to a file. Spec: status_report in checkin.c.</summary>
public static class ChangeClass
{
    /// <summary>Null when the filter leaves the file out.</summary>
    /// <param name="file">After <see cref="ChangeDetection"/>.</param>
    /// <param name="disk">What is there now.</param>
    /// <param name="filter">What is requested.</param>
    /// <param name="hasConflictMarker">Reads the file; called for changed regular files only.</param>
    public static ChangeLine? Of(TrackedFile file, DiskState disk, ChangeFilter filter, Func<bool> hasConflictMarker)
    {
        var word = Word(file, disk, filter, hasConflictMarker);
        return word is null ? null
            : new ChangeLine(word, file.Name, word == "RENAMED" ? file.OriginalName : null);
    }

    private static string? Word(TrackedFile file, DiskState disk, ChangeFilter filter, Func<bool> hasConflictMarker)
    {
        if (file.IsDeleted) return Has(ChangeFilter.Deleted) ? "DELETED" : null;
        if (!disk.IsFile) return !Has(ChangeFilter.Missing) ? null : disk.Exists ? "NOT_A_FILE" : "MISSING";
        if (file.IsAdded) return Has(ChangeFilter.Added) ? "ADDED" : null;
        if (OfMergeOrPermission(file.Change, filter) is { } word) return word;

        var isChanged = file.Change != ChangeState.Unchanged;
        if (Has(ChangeFilter.Conflict) && isChanged && hasConflictMarker()) return "CONFLICT";
        if (Has(ChangeFilter.Edited | ChangeFilter.Changed) && file.Change == ChangeState.Edited) return "EDITED";
        if (Has(ChangeFilter.Renamed) && file.IsRenamed) return "RENAMED";
        return Has(ChangeFilter.Unchanged) && !isChanged && !file.IsRenamed ? "UNCHANGED" : null;

        bool Has(ChangeFilter some) => (filter & some) != 0;
    }

    private static string? OfMergeOrPermission(ChangeState change, ChangeFilter filter)
    {
        var (needed, word) = change switch
        {
            ChangeState.UpdatedByMerge => (ChangeFilter.Updated | ChangeFilter.Changed, "UPDATED_BY_MERGE"),
            ChangeState.AddedByMerge => (ChangeFilter.Added, "ADDED_BY_MERGE"),
            ChangeState.UpdatedByIntegrate => (ChangeFilter.Updated | ChangeFilter.Changed, "UPDATED_BY_INTEGRATE"),
            ChangeState.AddedByIntegrate => (ChangeFilter.Added, "ADDED_BY_INTEGRATE"),
            ChangeState.BecameExecutable => (ChangeFilter.Meta, "EXECUTABLE"),
            ChangeState.BecameLink => (ChangeFilter.Meta, "SYMLINK"),
            ChangeState.LostExecutable => (ChangeFilter.Meta, "UNEXEC"),
            ChangeState.LostLink => (ChangeFilter.Meta, "UNLINK"),
            _ => (ChangeFilter.None, ""),
        };
        return (filter & needed) != 0 ? word : null;
    }

    /// <summary>The word for a row of <c>vmerge</c>.</summary>
    public static string OfMerge(long kind) => kind switch
    {
        -1 => "CHERRYPICK",
        -2 => "BACKOUT",
        -4 => "INTEGRATE",
        _ => "MERGED_WITH",
    };
}
