using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Storage.Crosslink.Rebuild;

/// <summary>The work of a rebuild beside the derived rows.</summary>
/// <remarks>Spec: rebuild.c and shun.c; specs §1.5.</remarks>
internal static class Housekeeping
{
    /// <summary>Removes the content of shunned artifacts, after making full texts of their deltas.</summary>
    public static int RemoveShunned(Repository repository)
    {
        var database = repository.Database;
        var shunned = List(repository, "SELECT rid FROM blob WHERE uuid IN (SELECT uuid FROM shun)");
        foreach (var record in shunned) repository.Content.Deltas.UndeltaDependants(record);
        foreach (var record in shunned)
        {
            Run(repository, "DELETE FROM delta WHERE rid=?1", record);
            Run(repository, "DELETE FROM blob WHERE rid=?1", record);
        }

        if (shunned.Count > 0)
        {
            database.Execute("DELETE FROM private WHERE NOT EXISTS(SELECT 1 FROM blob WHERE rid=private.rid)");
            repository.Content.ForgetCached();
            new PeerMarks(database).Clear();
        }

        return shunned.Count;
    }

    /// <summary>Fills the tables that are not derived from artifacts.</summary>
    public static void Prepare(Repository repository)
    {
        repository.Database.Execute(
            """
            INSERT INTO unclustered SELECT rid FROM blob EXCEPT SELECT rid FROM private;
            INSERT OR IGNORE INTO phantom SELECT rid FROM blob WHERE size<0;
            DELETE FROM config WHERE name IN ('remote-code','remote-maxid');
            """);
        using var update = repository.Database.Prepare("UPDATE user SET mtime=?1 WHERE mtime IS NULL");
        update.Bind(1, repository.Now.UnixSeconds).Run();
    }

    /// <summary>A history without any trunk gets one at its first root: without it no checkout can be opened.</summary>
    public static void AddTrunk(Repository repository, Crosslinker crosslinker)
    {
        var database = repository.Database;
        if (database.QueryInt64("SELECT 1 FROM tag WHERE tagname='sym-trunk'") != 0) return;

        var root = database.QueryInt64(
            "SELECT pid FROM plink AS x WHERE NOT EXISTS(SELECT 1 FROM plink WHERE cid=x.pid)");
        var id = repository.Content.NameOf(new RecordId(root));
        if (root == 0 || id.IsEmpty) return;

        TagDraft[] tags = [
            new(TagAction.Propagating, "sym-trunk", id), new(TagAction.Propagating, "branch", id, "trunk")];
        foreach (var tag in tags)
        {
            var control = ArtifactDraft.Control(repository.Now, UserName(repository), [tag]).ToBytes();
            repository.Content.Put(control, repository.Content.IsPrivate(new RecordId(root)));
        }

        crosslinker.LinkPending();
    }

    /// <summary>Private are check-ins with that tag, and files that no public check-in has.</summary>
    public static void DerivePrivate(Repository repository)
    {
        repository.Database.Execute(
            """
            CREATE TEMP TABLE edgesync_private(rid INTEGER PRIMARY KEY);
            INSERT INTO temp.edgesync_private SELECT rid FROM tagxref WHERE tagid=6 AND tagtype>0;
            INSERT OR IGNORE INTO private
              SELECT fid FROM mlink EXCEPT SELECT fid FROM mlink WHERE mid NOT IN temp.edgesync_private;
            INSERT OR IGNORE INTO private SELECT rid FROM temp.edgesync_private;
            DROP TABLE temp.edgesync_private;
            """);

        // Without the right to the source, the delta cannot be read.
        foreach (var record in List(repository, "SELECT rid FROM delta WHERE srcid IN private AND rid NOT IN private"))
            repository.Content.Deltas.Undelta(record);
    }

    public static void NoteVersions(Repository repository)
    {
        repository.Settings.Set("content-schema", RepositorySchema.ContentVersion);
        repository.Settings.Set("aux-schema", RepositorySchema.DerivedVersion);
        repository.Settings.Set("rebuilt", "edgesync");
    }

    private static string UserName(Repository repository) =>
        repository.Database.QueryText("SELECT login FROM user WHERE cap LIKE '%s%' ORDER BY uid LIMIT 1")
        ?? "anonymous";

    private static List<RecordId> List(Repository repository, string sql)
    {
        var records = new List<RecordId>();
        using var query = repository.Database.Prepare(sql);
        while (query.Step()) records.Add(query.Record(0));
        return records;
    }

    private static void Run(Repository repository, string sql, RecordId record)
    {
        using var statement = repository.Database.Prepare(sql);
        statement.Bind(1, record).Run();
    }
}
