namespace EdgeSync.Node.Host;

/// <summary>What of a check-in is merged into a checkout.</summary>
public enum CheckoutMergeKind
{
    /// <summary>All changes since the common ancestor.</summary>
    Merge,

    /// <summary>The same, and the next check-in closes the branch that was merged.</summary>
    Integrate,

    /// <summary>The changes of that check-in alone.</summary>
    Cherrypick,

    /// <summary>The changes of that check-in alone, in reverse.</summary>
    Backout,
}

/// <summary>A merge of a check-in into the files of a checkout.</summary>
public sealed record CheckoutMergeRequest
{
    /// <summary>A name of a check-in; null: the newest fork of the branch that is checked out.</summary>
    public string? Version { get; init; }

    /// <summary>What of it is merged.</summary>
    public CheckoutMergeKind Kind { get; init; }

    /// <summary>
    /// The check-in that both sides are compared with; null: the nearest common ancestor. Not with
    /// <see cref="CheckoutMergeKind.Cherrypick"/>.
    /// </summary>
    public string? Baseline { get; init; }

    /// <summary>Merges although everything of it is here already, and integrates what is no open leaf.</summary>
    public bool IsForced { get; init; }
}

/// <summary>What a merge did. Nothing is checked in: <see cref="Checkout.Checkin"/> does it.</summary>
/// <param name="Merged">The check-in that was merged, or taken back.</param>
/// <param name="Baseline">What both sides were compared with.</param>
/// <param name="HasMerged">False: there was nothing to merge, and nothing was done.</param>
/// <param name="Files">
/// Files that were changed, by stock's words: <c>UPDATE</c>, <c>MERGE</c>, <c>ADDED</c>, <c>DELETE</c>, <c>RENAME</c>,
/// <c>EXECUTABLE</c>, <c>UNEXEC</c>.
/// </param>
/// <param name="Conflicts">
/// How many files were changed on both sides so that a person has to decide; text files have conflict markers now.
/// </param>
public sealed record CheckoutMergeResult(
    CheckinSummary Merged, CheckinSummary Baseline, bool HasMerged, IReadOnlyList<CheckoutFile> Files, int Conflicts);
