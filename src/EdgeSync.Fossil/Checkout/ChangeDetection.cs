using EdgeSync.Fossil.Artifacts;

namespace EdgeSync.Fossil.Checkout;

/// <summary>
/// Decides from what the disk shows whether a tracked file has changed. Its content is read only when size and
/// time cannot decide. Spec: vfile_check_signature in vfile.c.
/// </summary>
public static class ChangeDetection
{
    /// <param name="file">As the checkout records it.</param>
    /// <param name="disk">What is there now.</param>
    /// <param name="mergedSize">Of the content that it was last written with; 0 when it was added.</param>
    /// <param name="trustsTime">With an equal time, an equal size counts as equal content.</param>
    /// <param name="hasMergedContent">Reads the file and compares.</param>
    public static ChangeState Next(
        TrackedFile file, DiskState disk, long mergedSize, bool trustsTime, Func<bool> hasMergedContent)
    {
        var change = file.Change;
        if (change == ChangeState.Unchanged && (file.IsDeleted || file.Merged.IsNone)) change = ChangeState.Edited;
        else if (disk is { Exists: true, IsFile: false }) change = ChangeState.Edited;

        if (mergedSize != disk.Size)
        {
            change = ChangeState.Edited;
        }
        else if (change == ChangeState.Edited && !file.Merged.IsNone && !file.IsDeleted)
        {
            if (hasMergedContent()) change = ChangeState.Unchanged;
        }
        else if (IsContentOfRecord(change) && !(trustsTime && disk.ModifiedSeconds == file.ModifiedSeconds)
            && !hasMergedContent())
        {
            change = ChangeState.Edited;
        }

        return WithPermission(change, file.Permission, disk.Permission);
    }

    private static bool IsContentOfRecord(ChangeState change) =>
        change is ChangeState.Unchanged or ChangeState.UpdatedByMerge or ChangeState.UpdatedByIntegrate;

    private static ChangeState WithPermission(ChangeState change, FilePermission before, FilePermission now)
    {
        if (before != FilePermission.Symlink && now == FilePermission.Symlink) return ChangeState.BecameLink;
        if (change is not ChangeState.Unchanged and < ChangeState.BecameExecutable) return change;

        return before == now ? ChangeState.Unchanged
            : now == FilePermission.Executable ? ChangeState.BecameExecutable
            : before == FilePermission.Executable ? ChangeState.LostExecutable
            : before == FilePermission.Symlink ? ChangeState.LostLink
            : change;
    }
}
