using EdgeSync.Storage.Pipeline;

namespace EdgeSync.Storage.Crosslink.Rebuild;

/// <summary>What a rebuild does besides deriving the tables.</summary>
public sealed record RebuildOptions
{
    /// <summary>Make clusters of artifacts in no cluster.</summary>
    public bool MakesClusters { get; init; }

    /// <summary>Search for more texts that can be stored as deltas.</summary>
    public bool Compresses { get; init; }

    /// <summary>Rewrite the file without free pages. Done after the commit, as SQLite requires.</summary>
    public bool Vacuums { get; init; }

    /// <summary>New page size when vacuuming; 0 keeps the present one.</summary>
    public int PageSize { get; init; }

    /// <summary>
    /// Hash every artifact on the way, as after a clone. A damaged one loses its content and stays as a phantom, so
    /// that the next pull requests it.
    /// </summary>
    public bool VerifiesHashes { get; init; }

    /// <summary>Threads that expand and check; 0 does all on the caller's thread.</summary>
    public int WorkersMax { get; init; } = Environment.ProcessorCount;

    /// <summary>
    /// For a rebuild of a copy, to compare rows: called with every blob, hashed; no artifact is added.
    /// </summary>
    internal Action<WalkedBlob>? Trial { get; init; }

    /// <summary>Only derive: the list of unsent artifacts stays, nothing is added or removed besides.</summary>
    internal bool IsWithinRound { get; init; }

    /// <summary>Called now and then with the progress, on the caller's thread.</summary>
    public Action<RebuildProgress>? Progress { get; init; }
}

/// <summary>A step of a rebuild.</summary>
public enum RebuildPhase
{
    /// <summary>Every text is expanded; artifacts are selected.</summary>
    Reading,

    /// <summary>Rows are derived.</summary>
    Linking,

    /// <summary>Indexes, clusters, deltas.</summary>
    Finishing,
}

/// <summary>How far a rebuild is.</summary>
public readonly record struct RebuildProgress(RebuildPhase Phase, long Done, long Total);

/// <summary>The result of a rebuild.</summary>
public sealed record RebuildReport
{
    /// <summary>Artifacts whose text was read.</summary>
    public required int ReadCount { get; init; }

    /// <summary>Of these, check-ins and other structural artifacts that were linked.</summary>
    public required int LinkedCount { get; init; }

    public required int PhantomCount { get; init; }

    /// <summary>Shunned artifacts whose content was removed.</summary>
    public required int ShunnedCount { get; init; }

    public required int ClusterCount { get; init; }

    /// <summary>New deltas made by compressing, and the bytes they save.</summary>
    public required int DeltaCount { get; init; }

    public required long DeltaBytesSaved { get; init; }

    /// <summary>Texts that could not be read, as sentences; the tables are derived from the others.</summary>
    public required IReadOnlyList<string> Damages { get; init; }
}
