using EdgeSync.Primitives;

namespace EdgeSync.Storage.Pipeline;

/// <summary>What a <see cref="BlobWalk"/> does with each text besides expanding it.</summary>
[Flags]
public enum BlobChecks
{
    /// <summary>Expand only.</summary>
    None = 0,

    /// <summary>Hash every text and compare with its name.</summary>
    Hash = 1,

    /// <summary>Parse what can be an artifact, Z card included; for other texts only the first bytes are
    /// read.</summary>
    Artifacts = 2,

    /// <summary>The consumer reads <see cref="WalkedBlob.Text"/> of every blob, not only of artifacts.</summary>
    Texts = 4,

    /// <summary>
    /// Like <see cref="Artifacts"/>, but only the Z card is checked (<see cref="WalkedBlob.HasRightZCard"/>): for a
    /// consumer that parses in its own way.
    /// </summary>
    ZCards = 8,
}

/// <summary>Settings of a <see cref="BlobWalk"/>.</summary>
public sealed record BlobWalkOptions
{
    public BlobChecks Checks { get; init; } = BlobChecks.Hash | BlobChecks.Artifacts;

    /// <summary>
    /// Threads that expand and check. 0 does everything on the consumer's thread with its own connection: for databases
    /// in memory, rows not yet committed, and simulations.
    /// </summary>
    public int WorkersMax { get; init; } = Environment.ProcessorCount;

    /// <summary>
    /// Memory for texts on the way, waiting ones included. A single larger text still goes through, alone.
    /// </summary>
    public long BudgetBytes { get; init; } = 16 << 20;

    /// <summary>The largest text that is expanded; a larger one is reported as damaged.</summary>
    public int TextBytesMax { get; init; } = 1 << 30;

    /// <summary>
    /// If set, only these are hashed, and only these and what they are made from are visited.
    /// </summary>
    public IReadOnlySet<RecordId>? Only { get; init; }
}
