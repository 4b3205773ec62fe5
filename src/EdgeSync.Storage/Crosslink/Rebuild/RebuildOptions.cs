using EdgeSync.Storage.Pipeline;

namespace EdgeSync.Storage.Crosslink.Rebuild;

/// <summary>What a rebuild does besides deriving the tables.</summary>
public sealed record RebuildOptions
{
    /// <summary>Make clusters of what no cluster names.</summary>
    public bool MakesClusters { get; init; }

    /// <summary>Look for more texts that can be stored as deltas.</summary>
    public bool Compresses { get; init; }

    /// <summary>Rewrite the file without free pages. Done after the commit, as SQLite demands.</summary>
    public bool Vacuums { get; init; }

    /// <summary>New page size when vacuuming; 0 keeps the one there is.</summary>
    public int PageSize { get; init; }

    /// <summary>
    /// Hash every artifact on the way, as after a clone. What is damaged loses its content and stays as a phantom, so
    /// that the next pull asks for it.
    /// </summary>
    public bool VerifiesHashes { get; init; }

    /// <summary>Threads that expand and check; 0 does all on the caller's thread.</summary>
    public int WorkersMax { get; init; } = Environment.ProcessorCount;

    /// <summary>
    /// For a rebuild of a copy, to compare rows: sees every blob, hashed; no artifact is added.
    /// </summary>
    internal Action<WalkedBlob>? Trial { get; init; }

    /// <summary>Only derive: what was not pushed stays noted, nothing is added or removed besides.</summary>
    internal bool IsWithinRound { get; init; }

    /// <summary>Told now and then how far it is, by the caller's thread.</summary>
    public Action<RebuildProgress>? Progress { get; init; }
}

/// <summary>A step of a rebuild.</summary>
public enum RebuildPhase
{
    /// <summary>Every text is expanded; artifacts are picked out.</summary>
    Reading,

    /// <summary>Rows are derived.</summary>
    Linking,

    /// <summary>Indexes, clusters, deltas.</summary>
    Finishing,
}

/// <summary>How far a rebuild is.</summary>
public readonly record struct RebuildProgress(RebuildPhase Phase, long Done, long Total);

/// <summary>What a rebuild did.</summary>
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

    /// <summary>Texts that could not be read, in words; the tables are derived from the others.</summary>
    public required IReadOnlyList<string> Damages { get; init; }
}
