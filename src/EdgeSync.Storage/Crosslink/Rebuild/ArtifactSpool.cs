using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Crosslink.Rebuild;

/// <summary>
/// Artifacts found by the walk, kept in a temporary table (memory at first, a file when it grows) until all are found,
/// and returned in link order.
/// </summary>
internal sealed class ArtifactSpool : IDisposable
{
    private readonly Database _database;

    public ArtifactSpool(Database database)
    {
        _database = database;
        database.Execute(
            """
            DROP TABLE IF EXISTS temp.edgesync_spool;
            CREATE TEMP TABLE edgesync_spool(rank INTEGER PRIMARY KEY, rid INTEGER, text BLOB);
            """);
    }

    public int Count { get; private set; }

    public void Add(long rank, RecordId record, ReadOnlySpan<byte> text)
    {
        using var insert = _database.Prepare("INSERT INTO temp.edgesync_spool(rank,rid,text) VALUES(?1,?2,?3)");
        insert.Bind(1, rank).Bind(2, record).BindBlob(3, text).Run();
        Count++;
    }

    public IEnumerable<(RecordId Record, byte[] Text)> Read()
    {
        using var query = _database.Prepare("SELECT rid, text FROM temp.edgesync_spool ORDER BY rank");
        while (query.Step()) yield return (query.Record(0), query.Bytes(1).ToArray());
    }

    public void Dispose() => _database.Execute("DROP TABLE IF EXISTS temp.edgesync_spool");
}
