using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Content;

/// <summary>
/// The rows of <c>blob</c>, <c>delta</c>, <c>phantom</c> and <c>private</c>: one statement a method, no rules.
/// </summary>
internal sealed class BlobRows(Database database)
{
    // Beyond this, content is written through a handle instead of being bound, which would copy it once more.
    private const int BindBytesMax = 16 * 1024 * 1024;

    /// <summary>Record and size (-1: phantom); <see cref="RecordId.None"/> if the name is unknown.</summary>
    public (RecordId Rid, long Size) Find(ArtifactId id)
    {
        using var select = database.Prepare("SELECT rid, size FROM blob WHERE uuid=?1");
        return select.Bind(1, id).Step() ? (select.Record(0), select.Int64(1)) : (RecordId.None, 0);
    }

    public ArtifactId NameOf(RecordId rid)
    {
        using var select = database.Prepare("SELECT uuid FROM blob WHERE rid=?1");
        return select.Bind(1, rid).Step() ? select.Artifact(0) : default;
    }

    /// <summary>Size of the expanded text; -1 for a phantom or an unknown record.</summary>
    public long SizeOf(RecordId rid)
    {
        using var select = database.Prepare("SELECT size FROM blob WHERE rid=?1");
        return select.Bind(1, rid).Step() ? select.Int64(0) : -1;
    }

    public RecordId Insert(ArtifactId id, long receiveId, long size, ReadOnlySpan<byte> stored)
    {
        using var insert = database.Prepare("INSERT INTO blob(rcvid,size,uuid,content) VALUES(?1,?2,?3,?4)");
        insert.Bind(1, receiveId).Bind(2, size).Bind(3, id);
        if (stored.Length <= BindBytesMax)
        {
            insert.BindBlob(4, stored).Run();
            return new RecordId(database.LastInsertRowId);
        }

        insert.BindZeroes(4, stored.Length).Run();
        var rid = new RecordId(database.LastInsertRowId);
        WriteInPieces(rid, stored);
        return rid;
    }

    public void Fill(RecordId rid, long receiveId, long size, ReadOnlySpan<byte> stored)
    {
        using var update = database.Prepare("UPDATE blob SET rcvid=?1, size=?2, content=?3 WHERE rid=?4");
        update.Bind(1, receiveId).Bind(2, size).Bind(4, rid);
        if (stored.Length <= BindBytesMax)
        {
            update.BindBlob(3, stored).Run();
        }
        else
        {
            update.BindZeroes(3, stored.Length).Run();
            WriteInPieces(rid, stored);
        }

        using var delete = database.Prepare("DELETE FROM phantom WHERE rid=?1");
        delete.Bind(1, rid).Run();
    }

    /// <summary>Replaces the stored form; the text stays what it is.</summary>
    public void Restore(RecordId rid, ReadOnlySpan<byte> stored)
    {
        using var update = database.Prepare("UPDATE blob SET content=?1 WHERE rid=?2");
        update.Bind(2, rid);
        if (stored.Length <= BindBytesMax)
        {
            update.BindBlob(1, stored).Run();
            return;
        }

        update.BindZeroes(1, stored.Length).Run();
        WriteInPieces(rid, stored);
    }

    public RecordId InsertPhantom(ArtifactId id)
    {
        using var insert = database.Prepare("INSERT INTO blob(rcvid,size,uuid,content) VALUES(0,-1,?1,NULL)");
        insert.Bind(1, id).Run();
        var rid = new RecordId(database.LastInsertRowId);
        AddTo("INSERT INTO phantom(rid) VALUES(?1)", rid);
        return rid;
    }

    public void RenewPhantom(RecordId rid) => AddTo("INSERT OR IGNORE INTO phantom(rid) VALUES(?1)", rid);

    /// <summary>Removes the content of a record; its name stays as a phantom.</summary>
    public void Empty(RecordId rid)
    {
        AddTo("UPDATE blob SET rcvid=0, size=-1, content=NULL WHERE rid=?1", rid);
        AddTo("DELETE FROM delta WHERE rid=?1", rid);
        AddTo("INSERT OR IGNORE INTO phantom(rid) VALUES(?1)", rid);
    }

    /// <summary>Some record became a delta in this transaction.</summary>
    public bool HasNewSources { get; set; }

    public void SetSource(RecordId rid, RecordId source)
    {
        HasNewSources = true;
        using var replace = database.Prepare("REPLACE INTO delta(rid,srcid) VALUES(?1,?2)");
        replace.Bind(1, rid).Bind(2, source).Run();
    }

    public void ClearSource(RecordId rid) => AddTo("DELETE FROM delta WHERE rid=?1", rid);

    public bool IsPrivate(RecordId rid)
    {
        using var select = database.Prepare("SELECT 1 FROM private WHERE rid=?1");
        return select.Bind(1, rid).Step();
    }

    public void MakePrivate(RecordId rid)
    {
        AddTo("INSERT OR IGNORE INTO private(rid) VALUES(?1)", rid);
        AddTo("DELETE FROM unclustered WHERE rid=?1", rid);
        AddTo("DELETE FROM unsent WHERE rid=?1", rid);
    }

    public bool MakePublic(RecordId rid)
    {
        using var delete = database.Prepare("DELETE FROM private WHERE rid=?1");
        return delete.Bind(1, rid).Run() > 0;
    }

    public void AddUnclustered(RecordId rid) => AddTo("INSERT OR IGNORE INTO unclustered(rid) VALUES(?1)", rid);

    public void AddUnsent(RecordId rid) => AddTo("INSERT OR IGNORE INTO unsent(rid) VALUES(?1)", rid);

    /// <summary>Appends the records stored as deltas of <paramref name="source"/>.</summary>
    public void ListDependants(RecordId source, List<RecordId> target)
    {
        using var select = database.Prepare("SELECT rid FROM delta WHERE srcid=?1");
        select.Bind(1, source);
        while (select.Step()) target.Add(select.Record(0));
    }

    /// <summary>Appends the deltas whose chain ends in a phantom.</summary>
    public void ListWaiting(List<RecordId> target)
    {
        using var select = database.Prepare(
            """
            WITH RECURSIVE waiting(rid) AS (
              SELECT delta.rid FROM delta JOIN blob ON blob.rid=delta.srcid WHERE blob.size<0
              UNION SELECT delta.rid FROM waiting JOIN delta ON delta.srcid=waiting.rid)
            SELECT rid FROM waiting
            """);
        while (select.Step()) target.Add(select.Record(0));
    }

    private void AddTo(string sql, RecordId rid)
    {
        using var statement = database.Prepare(sql);
        statement.Bind(1, rid).Run();
    }

    private void WriteInPieces(RecordId rid, ReadOnlySpan<byte> stored)
    {
        using var blob = database.OpenBlob("blob", "content", rid.Value, canWrite: true);
        for (var offset = 0; offset < stored.Length; offset += BindBytesMax)
        {
            blob.Write(offset, stored.Slice(offset, Math.Min(BindBytesMax, stored.Length - offset)));
        }
    }
}
