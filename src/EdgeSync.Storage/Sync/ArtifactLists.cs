using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage.Content;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Sync;

/// <summary>The row of an artifact that may be sent.</summary>
internal readonly record struct ArtifactRow(ArtifactId Id, long Size, RecordId Source, bool IsPrivate);

/// <summary>The lists that sync walks, each one indexed query in rid order; shunned names are in none of
/// them.</summary>
internal sealed class ArtifactLists(Repository repository)
{
    private const string Allowed =
        " AND NOT EXISTS(SELECT 1 FROM shun WHERE shun.uuid=blob.uuid) AND (?3=0 OR length(blob.uuid)<>40)";

    private const string IsPublic = " AND NOT EXISTS(SELECT 1 FROM private WHERE private.rid=blob.rid)";

    // Deltas whose source never arrived are unreadable, and stock rejects a clone that contains one.
    private const string IsReadable =
        """
         AND blob.rid NOT IN (
           WITH RECURSIVE waiting(rid) AS (
             SELECT delta.rid FROM phantom JOIN delta ON delta.srcid=phantom.rid
             UNION SELECT delta.rid FROM waiting JOIN delta ON delta.srcid=waiting.rid)
           SELECT rid FROM waiting)
        """;

    private const string Tail = " ORDER BY blob.rid LIMIT ?2";

    // One query for a whole reply: an artifact of a clone costs a row, not a few statements.
    private const string StoredForms =
        """
        SELECT blob.rid, blob.uuid, blob.size, blob.content,
               EXISTS(SELECT 1 FROM private WHERE private.rid=blob.rid),
               source.uuid, delta.srcid, EXISTS(SELECT 1 FROM private WHERE private.rid=delta.srcid)
          FROM blob LEFT JOIN delta ON delta.rid=blob.rid LEFT JOIN blob AS source ON source.rid=delta.srcid
         WHERE blob.rid>?1 AND blob.size>=0
        """;

    private const string IsVisible = " AND (?2 OR NOT EXISTS(SELECT 1 FROM private WHERE private.rid=blob.rid))";

    private Database Database => repository.Database;

    /// <summary>False: no name is shunned.</summary>
    public bool MayShun => ShunsSha1 || Database.QueryInt64("SELECT EXISTS(SELECT 1 FROM shun)") != 0;

    private bool ShunsSha1 => repository.Content.HashPolicy == HashPolicy.ShunSha1;

    public void Lookup(ReadOnlySpan<ArtifactId> ids, Span<ArtifactEntry> entries)
    {
        Invariant.Require(entries.Length == ids.Length);
        var mayShun = MayShun;
        using var select = Database.Prepare(
            "SELECT rid, size, EXISTS(SELECT 1 FROM private WHERE private.rid=blob.rid) FROM blob WHERE uuid=?1");
        for (var i = 0; i < ids.Length; i++)
        {
            var flags = ArtifactFlags.None;
            var rid = RecordId.None;
            if (select.Bind(1, ids[i]).Step())
            {
                rid = select.Record(0);
                flags = ArtifactFlags.Known;
                if (select.Int64(1) >= 0) flags |= ArtifactFlags.Held;
                if (select.Boolean(2)) flags |= ArtifactFlags.Private;
            }

            select.Reset();
            if (mayShun && repository.Shuns.Contains(ids[i])) flags |= ArtifactFlags.Shunned;
            entries[i] = new ArtifactEntry(rid, flags);
        }
    }

    public int List(ArtifactList list, RecordId after, Span<ArtifactListing> target)
    {
        if (target.IsEmpty) return 0;

        using var select = Database.Prepare(SqlOf(list, WaitingDeltas.IsPresent(Database)));
        select.Bind(1, after).Bind(2, target.Length).Bind(3, ShunsSha1 ? 1 : 0);
        var count = 0;
        while (count < target.Length && select.Step())
        {
            target[count++] = new ArtifactListing(select.Record(0), select.Artifact(1));
        }

        return count;
    }

    /// <summary>
    /// The rows of <see cref="RepositoryArtifactStore.VisitStored"/>: rid, name, size, content, private?, then of the
    /// delta's source its name, rid (NULL for a full text) and private?.
    /// </summary>
    public Statement SelectStored(RecordId after, bool withPrivate) =>
        Database.Prepare(StoredForms + IsVisible + IsReadable + Allowed + " ORDER BY blob.rid")
            .Bind(1, after).Bind(2, withPrivate ? 1 : 0).Bind(3, ShunsSha1 ? 1 : 0);

    /// <summary>False for an unknown, phantom (unless requested) or shunned record.</summary>
    public bool TryDescribe(RecordId rid, out ArtifactRow row, bool phantomsToo = false)
    {
        row = default;
        using var select = Database.Prepare(
            """
            SELECT uuid, size, coalesce((SELECT srcid FROM delta WHERE delta.rid=blob.rid),0),
                   EXISTS(SELECT 1 FROM private WHERE private.rid=blob.rid)
              FROM blob WHERE rid=?1
            """);
        if (!select.Bind(1, rid).Step()) return false;

        row = new ArtifactRow(select.Artifact(0), select.Int64(1), select.Record(2), select.Boolean(3));
        return (phantomsToo || row.Size >= 0) && !repository.Shuns.Contains(row.Id);
    }

    private static string SqlOf(ArtifactList list, bool hasWaiting) => list switch
    {
        ArtifactList.Unclustered =>
            "SELECT blob.rid, uuid FROM unclustered CROSS JOIN blob USING(rid) WHERE unclustered.rid>?1 AND size>=0"
            + IsPublic + IsReadable + Allowed + Tail,
        ArtifactList.Unsent =>
            "SELECT blob.rid, uuid FROM unsent CROSS JOIN blob USING(rid) WHERE unsent.rid>?1 AND size>=0"
            + IsPublic + IsReadable + Allowed + Tail,
        ArtifactList.Public =>
            "SELECT blob.rid, uuid FROM blob WHERE blob.rid>?1 AND size>=0" + IsPublic + IsReadable + Allowed + Tail,
        ArtifactList.Private =>
            "SELECT blob.rid, uuid FROM private CROSS JOIN blob USING(rid) WHERE private.rid>?1 AND size>=0"
            + IsReadable + Allowed + Tail,
        ArtifactList.Clusters =>
            "SELECT blob.rid, uuid FROM tagxref CROSS JOIN blob USING(rid) WHERE tagid=7 AND tagtype>0 AND blob.rid>?1 "
                + "AND size>=0"
            + IsPublic + Allowed + Tail,
        ArtifactList.Phantoms =>
            "SELECT blob.rid, uuid FROM phantom CROSS JOIN blob USING(rid) WHERE phantom.rid>?1 AND blob.size<0"
            + (hasWaiting ? WaitingDeltas.IsWanted : "") + IsPublic + Allowed + Tail,
        _ =>
            "SELECT blob.rid, uuid FROM private CROSS JOIN phantom USING(rid) CROSS JOIN blob USING(rid) WHERE "
                + "private.rid>?1 AND blob.size<0"
            + (hasWaiting ? WaitingDeltas.IsWanted : "") + Allowed + Tail,
    };
}
