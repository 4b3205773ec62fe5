using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Store;

/// <summary>What a round may do.</summary>
public enum StoreAccess
{
    Read,
    Write,
}

/// <summary>The state of an artifact in a store.</summary>
[Flags]
public enum ArtifactFlags
{
    None = 0,

    /// <summary>Has a row: held or phantom.</summary>
    Known = 1,

    /// <summary>Its content is here (perhaps as a delta that waits for its source).</summary>
    Held = 2,

    Private = 4,

    /// <summary>Never to be stored, sent or requested.</summary>
    Shunned = 8,
}

/// <summary>One result of <see cref="IArtifactStore.Lookup"/>.</summary>
public readonly record struct ArtifactEntry(RecordId Rid, ArtifactFlags Flags)
{
    public bool IsKnown => (Flags & ArtifactFlags.Known) != 0;

    public bool IsHeld => (Flags & ArtifactFlags.Held) != 0;

    public bool IsPhantom => IsKnown && !IsHeld;

    public bool IsPrivate => (Flags & ArtifactFlags.Private) != 0;

    public bool IsShunned => (Flags & ArtifactFlags.Shunned) != 0;
}

/// <summary>Sets of artifacts that can be listed in rid order. None of them contains shunned artifacts.</summary>
public enum ArtifactList
{
    /// <summary>Held, public, and in no cluster yet.</summary>
    Unclustered,

    /// <summary>Held and public, made here and not yet pushed.</summary>
    Unsent,

    /// <summary>Held and public: everything a catalogue names.</summary>
    Public,

    /// <summary>Held and private.</summary>
    Private,

    /// <summary>Held, public cluster artifacts.</summary>
    Clusters,

    /// <summary>Public phantoms.</summary>
    Phantoms,

    /// <summary>Private phantoms.</summary>
    PrivatePhantoms,
}

/// <summary>One row of a list.</summary>
public readonly record struct ArtifactListing(RecordId Rid, ArtifactId Id);

/// <summary>The sender of artifacts: the <c>rcvfrom</c> row.</summary>
/// <param name="UserId">The user's uid, 0 for <c>nobody</c>.</param>
/// <param name="Nonce">The login nonce, which no other request may have used; null without a login.</param>
/// <param name="Address">The peer's address as text; may be empty.</param>
public readonly record struct Sender(long UserId, string? Nonce, string Address);

/// <summary>A text or an inflated delta, borrowed from the store until its next call.</summary>
public readonly ref struct ArtifactText
{
    public ArtifactId Id { get; init; }

    /// <summary>What <see cref="Bytes"/> is a delta of; empty for a full text.</summary>
    public ArtifactId Source { get; init; }

    public RecordId SourceRid { get; init; }

    public bool IsPrivate { get; init; }

    public ReadOnlySpan<byte> Bytes { get; init; }
}

/// <summary>The stored form of an artifact, borrowed from the store while it is visited.</summary>
public readonly ref struct StoredArtifact
{
    public ArtifactId Id { get; init; }

    /// <summary>What the content is a delta of; empty for a full text.</summary>
    public ArtifactId Source { get; init; }

    public bool IsPrivate { get; init; }

    /// <summary>Size of the full text (not of the delta).</summary>
    public long ExpandedSize { get; init; }

    /// <summary>4-byte length and zlib stream.</summary>
    public ReadOnlySpan<byte> Bytes { get; init; }
}

/// <summary>Takes one stored form; false ends the visit.</summary>
public delegate bool StoredVisitor(RecordId rid, in StoredArtifact stored);

/// <summary>How storing one artifact went.</summary>
public enum PutOutcome
{
    /// <summary>New, checked or to be checked by the commit.</summary>
    Stored,

    /// <summary>Was here already; nothing changed.</summary>
    AlreadyHeld,

    /// <summary>Kept as a delta whose source is not here yet.</summary>
    Pending,

    /// <summary>A delta of itself, or of one that waits for it: useless, and not kept.</summary>
    Circular,

    /// <summary>Dropped: the name is shunned.</summary>
    Shunned,

    /// <summary>The bytes do not have that name.</summary>
    WrongHash,

    /// <summary>The delta is malformed or does not fit its source.</summary>
    BadDelta,

    /// <summary>The zlib stream is damaged, or a claimed size is false.</summary>
    BadCompression,

    /// <summary>Larger than this store accepts.</summary>
    TooLarge,
}

/// <summary>Why a round was not committed.</summary>
/// <param name="Outcome">What was wrong with <paramref name="Id"/>.</param>
public readonly record struct StoreFault(ArtifactId Id, PutOutcome Outcome);
