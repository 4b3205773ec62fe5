using EdgeSync.Primitives;

namespace EdgeSync.Storage.Verification;

/// <summary>
/// The findings of a verification: first faults, from <see cref="Phantom"/> on notes.
/// </summary>
public enum VerifyIssueKind
{
    /// <summary>SQLite's own check of the file reports damage.</summary>
    DatabaseDamaged,

    /// <summary>A row of the blob table cannot be read.</summary>
    RowUnreadable,

    /// <summary>An artifact that is not a phantom has no content.</summary>
    ContentMissing,

    /// <summary>Stored bytes that do not inflate.</summary>
    NotInflatable,

    /// <summary>A delta that is malformed or does not fit its source.</summary>
    BadDelta,

    /// <summary>A delta whose source is not a row of the repository.</summary>
    SourceMissing,

    /// <summary>A delta that cannot be applied because its source is damaged.</summary>
    SourceDamaged,

    /// <summary>Deltas that are each other's source.</summary>
    DeltaLoop,

    /// <summary>Content larger than the limit.</summary>
    OverLimit,

    /// <summary>Content that does not hash to its name.</summary>
    WrongHash,

    /// <summary>A name that is neither SHA1 nor SHA3-256.</summary>
    BadName,

    /// <summary>The recorded size differs from the content's.</summary>
    WrongSize,

    /// <summary>A public artifact with a private source: a user without access to the source cannot read it.</summary>
    PublicRestsOnPrivate,

    /// <summary>The list of phantoms and the artifacts disagree.</summary>
    PhantomListWrong,

    /// <summary>The derived tables treat a text as an artifact that is not one.</summary>
    NotAnArtifact,

    /// <summary>Rows about records that do not exist.</summary>
    OrphanRows,

    /// <summary>A derived table differs from the artifacts.</summary>
    DerivedRowsDiffer,

    /// <summary>The comparison of the derived tables could not be made.</summary>
    NotCompared,

    /// <summary>For information: an artifact that is known by name only.</summary>
    Phantom,

    /// <summary>For information: a delta that waits for a phantom.</summary>
    WaitsForPhantom,

    /// <summary>
    /// For information: an artifact names a text as another one, a check-in a file as its parent, and the rows agree.
    /// </summary>
    NamedAsArtifact,

    /// <summary>For information: it is shunned, and still stored until the next purge.</summary>
    Shunned,
}

/// <summary>One fault or note.</summary>
/// <param name="Kind">What sort.</param>
/// <param name="Rid">The record; none when it concerns a table.</param>
/// <param name="Id">The artifact; empty when there is none, or its name cannot be read.</param>
/// <param name="Text">A sentence without the artifact's name.</param>
/// <param name="Hint">What to do about it.</param>
public sealed record VerifyIssue(VerifyIssueKind Kind, RecordId Rid, ArtifactId Id, string Text, string Hint)
{
    /// <summary>Not a fault.</summary>
    public bool IsNote => Kind >= VerifyIssueKind.Phantom;
}

/// <summary>The findings of a verification; by kind in the order of gravity, records ascending.</summary>
public sealed class VerifyReport
{
    internal VerifyReport(List<VerifyIssue> issues) => Issues = issues;

    public IReadOnlyList<VerifyIssue> Issues { get; }

    /// <summary>Rows of the blob table.</summary>
    public int ArtifactCount { get; internal init; }

    /// <summary>Artifacts whose content was read and hashed.</summary>
    public int CheckedCount { get; internal init; }

    /// <summary>Those whose content matches their name.</summary>
    public int SoundCount { get; internal init; }

    public int PhantomCount { get; internal init; }

    /// <summary>Check-ins, tags, pages and the like.</summary>
    public int StructuralCount { get; internal init; }

    /// <summary>Expanded bytes that were hashed.</summary>
    public long CheckedBytes { get; internal init; }

    /// <summary>True if the derived tables were compared with the artifacts.</summary>
    public bool DerivedCompared { get; internal init; }

    public bool IsSound => ErrorCount == 0;

    public int ErrorCount => Issues.Count(issue => !issue.IsNote);
}

/// <summary>How far a verification is.</summary>
public readonly record struct VerifyProgress(VerifyStage Stage, int DoneCount, int TotalCount);

/// <summary>Parts of a verification, in order.</summary>
public enum VerifyStage
{
    /// <summary>Reading and hashing content.</summary>
    Content,

    /// <summary>Rows that contradict each other, and SQLite's own check.</summary>
    Rows,

    /// <summary>Deriving the tables once more, to compare them.</summary>
    Derived,
}

/// <summary>Settings of a verification.</summary>
public sealed record VerifyOptions
{
    /// <summary>Compare the derived tables with the artifacts.</summary>
    public bool ComparesDerived { get; init; } = true;

    /// <summary>Run SQLite's check of the whole file.</summary>
    public bool ChecksDatabase { get; init; } = true;

    /// <summary>Threads for content; 0 does all on the caller's.</summary>
    public int WorkersMax { get; init; } = Environment.ProcessorCount;

    /// <summary>Memory for content on the way.</summary>
    public long BudgetBytes { get; init; } = 40 << 20;

    /// <summary>Called now and then, on the caller's thread.</summary>
    public Action<VerifyProgress>? Progress { get; init; }
}
