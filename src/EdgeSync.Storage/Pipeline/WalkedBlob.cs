using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Pipeline;

/// <summary>What is wrong with a stored blob.</summary>
public enum BlobDamage : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>SQLite cannot read the row.</summary>
    RowUnreadable,

    /// <summary>The row has no content, but it is not a phantom.</summary>
    ContentMissing,

    /// <summary>The stored bytes do not inflate, or announce an impossible size.</summary>
    NotInflatable,

    /// <summary>The delta is malformed or does not fit its source.</summary>
    BadDelta,

    /// <summary>The source of the delta is not a row of the repository.</summary>
    SourceMissing,

    /// <summary>The source of the delta is a phantom.</summary>
    SourcePhantom,

    /// <summary>
    /// The source of the delta is itself damaged; <see cref="WalkedBlob.DamagedAt"/> is where the damage starts.
    /// </summary>
    SourceDamaged,

    /// <summary>The delta chain is a cycle.</summary>
    Loop,

    /// <summary>The text is larger than the limit.</summary>
    OverLimit,

    /// <summary>The text's hash differs from the name.</summary>
    WrongHash,

    /// <summary>The name is not a known hash.</summary>
    BadName,
}

/// <summary>
/// One delivered blob. Belongs to the walk, which reuses the object: everything here, the artifact included, is valid
/// until the next <see cref="BlobWalk.TryRead"/>.
/// </summary>
public sealed class WalkedBlob
{
    internal WalkedBlob()
    {
    }

    public RecordId Rid { get; internal set; }

    /// <summary>The name; empty if the row holds none that can be read.</summary>
    public ArtifactId Id { get; internal set; }

    /// <summary>What the delta is made from; none for a full text.</summary>
    public RecordId SourceRid { get; internal set; }

    /// <summary>The size column of the row: the expected length of the text.</summary>
    public long RecordedSize { get; internal set; }

    /// <summary>Length of the text; 0 when it cannot be expanded.</summary>
    public int Length { get; internal set; }

    /// <summary>What is wrong, or <see cref="BlobDamage.None"/>.</summary>
    public BlobDamage Damage { get; internal set; }

    /// <summary>For a damaged source: the record where the damage starts. Otherwise this record.</summary>
    public RecordId DamagedAt { get; internal set; }

    /// <summary>The damage in words; null without.</summary>
    public string? DamageText { get; internal set; }

    public bool IsSound => Damage == BlobDamage.None;

    /// <summary>
    /// The text. With <see cref="BlobChecks.Texts"/> of every blob that could be expanded, else of artifacts only.
    /// </summary>
    public ReadOnlyMemory<byte> Text { get; internal set; }

    /// <summary>The artifact that the text is; null for a file.</summary>
    public Artifact? Artifact { get; internal set; }

    /// <summary>Why a text that begins like an artifact does not parse.</summary>
    public ArtifactFault ArtifactFault { get; internal set; }

    /// <summary>
    /// The text ends with the MD5 of all before it. False for a clear-signed text, where it is further up.
    /// </summary>
    public bool HasRightZCard { get; internal set; }

    // The arena that Text lies in, held until the blob was handed out.
    internal TextSlice Slice { get; set; }

    internal void Reset()
    {
        Rid = SourceRid = DamagedAt = RecordId.None;
        Id = default;
        RecordedSize = 0;
        Length = 0;
        Damage = BlobDamage.None;
        DamageText = null;
        Text = default;
        Artifact = null;
        ArtifactFault = default;
        HasRightZCard = false;
        Slice = default;
    }

    internal void Fail(BlobDamage damage, RecordId at, string text)
    {
        Damage = damage;
        DamagedAt = at;
        DamageText = text;
    }
}
