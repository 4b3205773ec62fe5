using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Pipeline;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Verification;

/// <summary>Turns the results of a walk into issues, and counts them.</summary>
internal sealed class ContentVerifier
{
    private readonly List<VerifyIssue> _issues;
    private readonly HashSet<RecordId> _private = [];
    private readonly HashSet<RecordId> _structural = [];

    public ContentVerifier(Database database, List<VerifyIssue> issues)
    {
        _issues = issues;
        Load(database, "SELECT rid FROM private", _private);

        // The artifacts that some row was derived from. A tag may be from one that was shunned since: srcid 0.
        Load(
            database,
            """
            SELECT objid FROM event UNION SELECT cid FROM plink UNION SELECT rid FROM leaf
            UNION SELECT srcid FROM tagxref WHERE srcid>0 UNION SELECT attachid FROM attachment
            """,
            _structural);
    }

    public int CheckedCount { get; private set; }

    public int SoundCount { get; private set; }

    public int StructuralCount { get; private set; }

    public long CheckedBytes { get; private set; }

    public void Look(WalkedBlob blob)
    {
        CheckedCount++;
        CheckedBytes += blob.Length;
        var isArtifact = IsArtifact(blob);
        if (isArtifact) StructuralCount++;
        if (blob.IsSound) SoundCount++;
        else AddDamage(blob);

        var wasExpanded = blob.Damage is BlobDamage.None or BlobDamage.WrongHash or BlobDamage.BadName;
        if (wasExpanded && blob.RecordedSize != blob.Length)
        {
            Add(blob, VerifyIssueKind.WrongSize,
                $"its recorded size is {blob.RecordedSize}, but it has {blob.Length} bytes",
                "edgesync repo verify --repair");
        }

        if (!blob.SourceRid.IsNone && !_private.Contains(blob.Rid) && _private.Contains(blob.SourceRid))
        {
            Add(blob, VerifyIssueKind.PublicRestsOnPrivate,
                $"it is public, but stored as a delta of the private record {blob.SourceRid}",
                "edgesync repo verify --repair");
        }

        if (blob.IsSound && !isArtifact && _structural.Contains(blob.Rid))
        {
            var fault = blob.ArtifactFault.Kind == ArtifactFaultKind.None
                ? "its text is not one"
                : blob.ArtifactFault.ToString();
            Add(blob, VerifyIssueKind.NotAnArtifact,
                $"the derived tables list it as an artifact, but {fault}", "edgesync repo rebuild");
        }
    }

    // Depends on the options of the walk; only of a clear-signed text it may not be known.
    private static bool IsArtifact(WalkedBlob blob) =>
        blob.Artifact is not null || blob.HasRightZCard
        || (blob.IsSound && !blob.Text.IsEmpty && ArtifactParser.TryParse(blob.Text, out _));

    private void AddDamage(WalkedBlob blob)
    {
        var kind = KindOf(blob.Damage);
        var hint = kind switch
        {
            VerifyIssueKind.RowUnreadable => "restore a copy, or clone again",
            VerifyIssueKind.OverLimit or VerifyIssueKind.BadName => "edgesync repo shun HASH; or clone again",
            VerifyIssueKind.WaitsForPhantom => "edgesync repo pull, if the peer has it",
            _ => "edgesync repo verify --repair; edgesync repo pull",
        };
        Add(blob, kind, blob.DamageText!, hint);
    }

    private void Add(WalkedBlob blob, VerifyIssueKind kind, string text, string hint) =>
        _issues.Add(new VerifyIssue(kind, blob.Rid, blob.Id, text, hint));

    private static VerifyIssueKind KindOf(BlobDamage damage) => damage switch
    {
        BlobDamage.RowUnreadable => VerifyIssueKind.RowUnreadable,
        BlobDamage.ContentMissing => VerifyIssueKind.ContentMissing,
        BlobDamage.NotInflatable => VerifyIssueKind.NotInflatable,
        BlobDamage.BadDelta => VerifyIssueKind.BadDelta,
        BlobDamage.SourceMissing => VerifyIssueKind.SourceMissing,
        BlobDamage.SourcePhantom => VerifyIssueKind.WaitsForPhantom,
        BlobDamage.SourceDamaged => VerifyIssueKind.SourceDamaged,
        BlobDamage.Loop => VerifyIssueKind.DeltaLoop,
        BlobDamage.OverLimit => VerifyIssueKind.OverLimit,
        BlobDamage.WrongHash => VerifyIssueKind.WrongHash,
        BlobDamage.BadName => VerifyIssueKind.BadName,
        _ => throw new InvariantException($"Invariant broken: {damage} is no damage"),
    };

    private static void Load(Database database, string sql, HashSet<RecordId> target)
    {
        using var select = database.Prepare(sql);
        while (select.Step()) target.Add(select.Record(0));
    }
}
