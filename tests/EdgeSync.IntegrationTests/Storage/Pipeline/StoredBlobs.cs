using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Delta;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Pipeline;

/// <summary>A repository file filled row by row, so that a test can put in what no program would write.</summary>
internal sealed class StoredBlobs : IDisposable
{
    private readonly TemporaryFolder _folder = new("pipeline");
    private readonly List<byte[]> _texts = [];

    public StoredBlobs()
    {
        using (Repository.Create(Path, new RepositoryCreateOptions { Entropy = new SeededEntropy(1) }))
        {
        }

        Database = Database.Open(Path, new DatabaseOptions { Durability = Durability.None });
        Database.Execute("BEGIN");
        CreatedCount = (int)Database.QueryInt64("SELECT max(rid) FROM blob");
    }

    public string Path => _folder["a.fossil"];

    public Database Database { get; }

    /// <summary>Records that the repository had from the start.</summary>
    public int CreatedCount { get; }

    /// <summary>The text that was stored under the record.</summary>
    public byte[] Text(RecordId rid) => _texts[(int)rid.Value - CreatedCount - 1];

    public RecordId AddFull(byte[] text) => Add(text, BlobCodec.Encode(Deflater.OfThisThread, text), RecordId.None);

    public RecordId AddDelta(byte[] text, RecordId source) =>
        Add(text, BlobCodec.Encode(Deflater.OfThisThread, DeltaEncoder.Encode(Text(source), text)), source);

    public RecordId Add(byte[] text, byte[] stored, RecordId source)
    {
        var rid = new RecordId(CreatedCount + _texts.Count + 1);
        _texts.Add(text);
        using (var insert = Database.Prepare("INSERT INTO blob(rid,rcvid,size,uuid,content) VALUES(?1,1,?2,?3,?4)"))
        {
            var kind = rid.Value % 3 == 0 ? HashKind.Sha1 : HashKind.Sha3;
            insert.Bind(1, rid).Bind(2, text.Length).Bind(3, ArtifactHash.Compute(kind, text)).BindBlob(4, stored)
                .Run();
        }

        if (!source.IsNone) SetSource(rid, source);
        return rid;
    }

    public RecordId AddPhantom(byte[] text)
    {
        var rid = Add(text, [], RecordId.None);
        Run("UPDATE blob SET size=-1, content=NULL, rcvid=0 WHERE rid=?1", rid);
        Run("INSERT INTO phantom VALUES(?1)", rid);
        return rid;
    }

    public void SetSource(RecordId rid, RecordId source)
    {
        using var replace = Database.Prepare("REPLACE INTO delta(rid,srcid) VALUES(?1,?2)");
        replace.Bind(1, rid).Bind(2, source).Run();
    }

    public void Store(RecordId rid, byte[] stored)
    {
        using var update = Database.Prepare("UPDATE blob SET content=?2 WHERE rid=?1");
        update.Bind(1, rid).BindBlob(2, stored).Run();
    }

    public void Run(string sql, RecordId rid)
    {
        using var statement = Database.Prepare(sql);
        statement.Bind(1, rid).Run();
    }

    public void Commit() => Database.Execute("COMMIT");

    public void Dispose()
    {
        Database.Dispose();
        _folder.Dispose();
    }

    /// <summary>A few trees of edited texts; some long, some wide.</summary>
    public void AddRandomForest(Prng prng, int count, int textBytesMax = 600)
    {
        var rids = new List<RecordId>();
        for (var i = 0; i < count; i++)
        {
            if (rids.Count == 0 || prng.Chance(0.15))
            {
                rids.Add(AddFull(UniqueText(prng, textBytesMax)));
                continue;
            }

            var source = prng.Chance(0.6) ? rids[^1] : rids[prng.NextInt32(rids.Count)];
            rids.Add(AddDelta(Edited(prng, Text(source)), source));
        }
    }

    public static byte[] Edited(Prng prng, byte[] text)
    {
        var list = text.ToList();
        list.InsertRange(prng.NextInt32(list.Count + 1), prng.NextBytes(8));
        if (list.Count > 40 && prng.Chance(0.5)) list.RemoveRange(prng.NextInt32(list.Count - 20), 10);
        return [.. list];
    }

    private static byte[] UniqueText(Prng prng, int bytesMax) =>
        [.. prng.NextBytes(8), .. prng.NextBytes(prng.NextInt32(bytesMax))];
}
