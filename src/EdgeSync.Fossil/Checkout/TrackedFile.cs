using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Checkout;

/// <summary>How a file differs from its check-in; the numbers are those of the column <c>vfile.chnged</c>.</summary>
public enum ChangeState
{
    Unchanged = 0,
    Edited = 1,
    UpdatedByMerge = 2,
    AddedByMerge = 3,
    UpdatedByIntegrate = 4,
    AddedByIntegrate = 5,
    BecameExecutable = 6,
    BecameLink = 7,
    LostExecutable = 8,
    LostLink = 9,
}

/// <summary>A row of <c>vfile</c>: one file that a checkout keeps track of.</summary>
public sealed record TrackedFile
{
    public long Id { get; init; }

    /// <summary>The check-in that the row belongs to.</summary>
    public RecordId Version { get; init; }

    public ChangeState Change { get; init; }

    /// <summary>Leaves with the next commit.</summary>
    public bool IsDeleted { get; init; }

    /// <summary>As the check-in has it, or as it was added.</summary>
    public FilePermission Permission { get; init; }

    /// <summary>The content in the check-in; none for a file that was added.</summary>
    public RecordId Content { get; init; }

    /// <summary>The content that the file was last written with: that of the check-in, or of a merge.</summary>
    public RecordId Merged { get; init; }

    /// <summary>Seconds since 1970 at which the file last was in the state <see cref="Change"/>.</summary>
    public long? ModifiedSeconds { get; init; }

    /// <summary>From the top of the checkout, with slashes, as <see cref="PathText"/>.</summary>
    public required string Name { get; init; }

    /// <summary>What the check-in calls it, when that was noted.</summary>
    public string? OriginalName { get; init; }

    public bool IsAdded => Content.IsNone;

    public bool IsRenamed => OriginalName is not null && OriginalName != Name;

    /// <summary>Whether a commit would hold something of it.</summary>
    public bool HasChange => Change != ChangeState.Unchanged || IsDeleted || IsAdded || IsRenamed;
}

/// <summary>What the disk shows under the name of a tracked file.</summary>
/// <param name="Exists">Something lies there, whatever it is.</param>
/// <param name="IsFile">A regular file, or a link where links are versioned.</param>
/// <param name="Size">In bytes; -1 for nothing.</param>
/// <param name="ModifiedSeconds">Since 1970.</param>
/// <param name="Permission">Regular where there is nothing.</param>
public readonly record struct DiskState(
    bool Exists, bool IsFile, long Size, long ModifiedSeconds, FilePermission Permission)
{
    public static DiskState Nothing => new(false, false, -1, 0, FilePermission.Regular);
}
