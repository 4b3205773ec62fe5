using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Content;

/// <summary>
/// Deltas that arrived before their source. During their round they are in <c>blob</c> like all others; those still
/// unreadable at the commit move into <c>fx_waiting</c>, and their record is a phantom until the source arrives:
/// <code>
/// blob (delta of a phantom) ─commit▶ fx_waiting + phantom ─source arrives▶ blob (delta), checked and linked
/// </code>
/// Differs from Fossil: stock commits such rows to <c>blob</c>, so that a server that dies between two rounds leaves a
/// file that its own <c>test-integrity</c> calls damaged. (Stock's <c>rebuild</c> leaves tables named <c>fx_…</c>
/// alone.)
/// </summary>
internal sealed class WaitingDeltas(Database database, BlobRows rows)
{
    /// <summary>
    /// Narrows a list of phantoms to those to request: for the others their source is requested, or has arrived in this
    /// round as a delta that itself waits.
    /// </summary>
    public const string IsWanted =
        """
         AND NOT EXISTS(
           SELECT 1 FROM fx_waiting JOIN blob AS source ON source.rid=srcid
            WHERE fx_waiting.rid=phantom.rid
              AND (source.size<0 AND EXISTS(SELECT 1 FROM phantom AS asked WHERE asked.rid=srcid)
                OR srcid IN (
                  WITH RECURSIVE unreadable(rid) AS (
                    SELECT delta.rid FROM phantom AS lacking CROSS JOIN delta ON delta.srcid=lacking.rid
                    UNION SELECT delta.rid FROM unreadable CROSS JOIN delta ON delta.srcid=unreadable.rid)
                  SELECT rid FROM unreadable))
              AND NOT EXISTS(SELECT 1 FROM shun WHERE shun.uuid=source.uuid)
              AND (srcid NOT IN (SELECT rid FROM private) OR phantom.rid IN (SELECT rid FROM private)))
        """;

    private bool? _exists;

    public static bool IsPresent(Database database) => database.HasTable("fx_waiting");

    /// <summary>The source that the phantom's delta waits for; none if no delta is stored.</summary>
    public RecordId SourceOf(RecordId rid)
    {
        if (!Exists) return RecordId.None;

        using var select = database.Prepare("SELECT srcid FROM fx_waiting WHERE rid=?1");
        return select.Bind(1, rid).Step() ? select.Record(0) : RecordId.None;
    }

    /// <summary>
    /// Moves the deltas with a phantom in their chain out of <c>blob</c>, also those that stock left there; phantoms
    /// remain.
    /// </summary>
    public void ParkAll()
    {
        var waiting = new List<RecordId>();
        using (var select = database.Prepare(
            """
            WITH RECURSIVE waiting(rid) AS (
              SELECT delta.rid FROM phantom CROSS JOIN delta ON delta.srcid=phantom.rid
              UNION SELECT delta.rid FROM waiting CROSS JOIN delta ON delta.srcid=waiting.rid)
            SELECT rid FROM waiting JOIN blob USING(rid) WHERE size>=0
            """))
        {
            while (select.Step()) waiting.Add(select.Record(0));
        }

        foreach (var rid in waiting) Park(rid);
    }

    private void Park(RecordId rid)
    {
        if (!Exists)
        {
            database.Execute(
                """
                CREATE TABLE fx_waiting(
                  rid INTEGER PRIMARY KEY, srcid INTEGER NOT NULL, rcvid INTEGER, size INTEGER, content BLOB)
                """);
            database.Execute("CREATE INDEX fx_waiting_i1 ON fx_waiting(srcid)");
            _exists = true;
        }

        Run(
            """
            REPLACE INTO fx_waiting(rid,srcid,rcvid,size,content)
              SELECT blob.rid, srcid, rcvid, size, content FROM blob JOIN delta ON delta.rid=blob.rid WHERE blob.rid=?1
            """,
            rid);
        rows.Empty(rid);
    }

    /// <summary>The source arrived: moves the waiting deltas back, unless their text arrived in another way.</summary>
    public void Unpark(RecordId source)
    {
        if (!Exists) return;

        var waiting = new List<RecordId>();
        using (var select = database.Prepare("SELECT rid FROM fx_waiting WHERE srcid=?1"))
        {
            select.Bind(1, source);
            while (select.Step()) waiting.Add(select.Record(0));
        }

        foreach (var rid in waiting)
        {
            var isPutBack = Run(
                """
                UPDATE blob SET (rcvid,size,content) = (SELECT rcvid, size, content FROM fx_waiting WHERE fx_waiting.rid=?1)
                 WHERE rid=?1 AND size<0
                """,
                rid) > 0;
            Forget(rid);
            if (!isPutBack) continue;

            Run("DELETE FROM phantom WHERE rid=?1", rid);
            rows.SetSource(rid, source);
        }
    }

    public void Forget(RecordId rid)
    {
        if (Exists) Run("DELETE FROM fx_waiting WHERE rid=?1", rid);
    }

    public void Clear()
    {
        if (Exists) database.Execute("DELETE FROM fx_waiting");
    }

    /// <summary>A transaction began or ended: another program, or a rollback, may have changed the tables.</summary>
    public void OnTransaction() => _exists = null;

    private bool Exists => _exists ??= IsPresent(database);

    private int Run(string sql, RecordId rid)
    {
        using var statement = database.Prepare(sql);
        return statement.Bind(1, rid).Run();
    }
}
