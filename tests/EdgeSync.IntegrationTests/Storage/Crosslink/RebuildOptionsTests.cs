using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Crosslink;

/// <summary>
/// What a rebuild does besides deriving rows, and settings that change the rows; stock judges where it is there.
/// </summary>
public sealed class RebuildOptionsTests : IDisposable
{
    private const string ProjectTickets =
        """
        CREATE TABLE ticket(
          tkt_id INTEGER PRIMARY KEY, tkt_uuid TEXT UNIQUE, tkt_mtime DATE, tkt_ctime DATE,
          type TEXT, status TEXT, title TEXT, comment TEXT, mimetype TEXT, "baseline for title" INTEGER, extra TEXT DEFAULT 'none'
        );
        CREATE TABLE ticketchng(
          tkt_id INTEGER, tkt_rid INTEGER, tkt_mtime DATE, tkt_user TEXT, login TEXT, status TEXT, icomment TEXT, mimetype TEXT
        );
        CREATE INDEX ticketchng_mine ON ticketchng(tkt_id);
        """;

    private readonly TemporaryFolder _folder = new("rebuild-options");

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Clusters_are_those_that_stock_makes()
    {
        var (stock, ours) = TwoCopies();
        new StockFossil(_folder).Run("rebuild", "--cluster", stock);

        var report = Rebuild(ours, new RebuildOptions { MakesClusters = true });

        Assert.Equal(1, report.ClusterCount);
        DerivedRows.MustBeEqual(stock, ours);
    }

    [Test]
    public void Compressing_keeps_every_text()
    {
        var (stock, ours) = TwoCopies();
        using (var repository = Repository.Open(ours))
        {
            using var transaction = repository.Begin();
            foreach (var record in Records(repository, "SELECT rid FROM delta"))
                repository.Content.Deltas.Undelta(record);
            transaction.Commit();
        }

        var report = Rebuild(ours, new RebuildOptions { Compresses = true, Vacuums = true });

        Assert.True(report.DeltaCount > 10);
        Assert.True(report.DeltaBytesSaved > 1000);
        new StockFossil(_folder).MustBeIntact(ours);
        RepositoryComparer.MustHoldSameArtifacts(stock, ours);
    }

    [Test]
    public void Shunned_content_is_removed_as_in_stock()
    {
        var (stock, ours) = TwoCopies();
        foreach (var path in new[] { stock, ours })
        {
            using var repository = Repository.Open(path);
            using var transaction = repository.Begin();
            foreach (var record in Records(repository, "SELECT DISTINCT srcid FROM delta ORDER BY 1 LIMIT 6"))
                repository.Shuns.Add(repository.Content.NameOf(record));
            transaction.Commit();
        }

        new StockFossil(_folder).Run("rebuild", stock);

        var report = Rebuild(ours, new RebuildOptions());

        Assert.Equal(6, report.ShunnedCount);
        DerivedRows.MustBeEqual(stock, ours);
        new StockFossil(_folder).MustBeIntact(ours);
    }

    [Test]
    public void Private_content_is_kept_as_in_stock()
    {
        var (stock, ours) = TwoCopies();
        new StockFossil(_folder).Run("rebuild", stock);

        Rebuild(ours, new RebuildOptions());

        Assert.NotEmpty(Query(ours, "SELECT uuid FROM private JOIN blob USING(rid) ORDER BY 1"));
        Assert.Equal(
            Query(stock, "SELECT uuid FROM private JOIN blob USING(rid) ORDER BY 1"),
            Query(ours, "SELECT uuid FROM private JOIN blob USING(rid) ORDER BY 1"));
    }

    [Test]
    public void Tickets_have_the_columns_that_the_project_chose()
    {
        var (stock, ours) = TwoCopies();
        foreach (var path in new[] { stock, ours })
        {
            using var repository = Repository.Open(path);
            repository.Settings.Set("ticket-table", ProjectTickets);
        }

        new StockFossil(_folder).Run("rebuild", stock);

        Rebuild(ours, new RebuildOptions());

        foreach (var sql in new[]
                 {
                     "SELECT objid,comment,brief FROM event WHERE type='t' ORDER BY 1",
                     "SELECT target,srcid FROM backlink WHERE srctype=1 ORDER BY 1,2",
                     "SELECT tkt_uuid,tkt_mtime,tkt_ctime,type,status,title,comment,mimetype,\"baseline for "
                         + "title\",extra FROM ticket ORDER BY 1",
                     "SELECT tkt_rid,tkt_mtime,tkt_user,login,status,icomment,mimetype FROM ticketchng ORDER BY 1",
                 })
        {
            Assert.NotEmpty(Query(ours, sql));
            Assert.Equal(Query(stock, sql), Query(ours, sql));
        }
    }

    [Test]
    [Arguments("UPDATE config SET value='x'")]
    [Arguments("CREATE TABLE ticket(a); DROP TABLE blob")]
    [Arguments("CREATE TABLE ticket(a); COMMIT")]
    [Arguments("CREATE TABLE innocent(a)")]
    [Arguments("CREATE TRIGGER ticket_t AFTER INSERT ON event BEGIN DELETE FROM user; END")]
    [Arguments("ATTACH 'other.db' AS ticket_other")]
    [Arguments("PRAGMA writable_schema=ON")]
    public void A_hostile_ticket_table_is_refused_and_nothing_changes(string script)
    {
        var path = CopyOfKinds("hostile.fossil");
        using var repository = Repository.Open(path);
        repository.Settings.Set("ticket-table", script);
        var before = repository.Database.QueryInt64("SELECT count(*) FROM event");

        var error = Assert.Throws<EdgeSyncException>(
            () => Rebuilder.Run(repository, new RebuildOptions(), TestContext.Current!.Execution.CancellationToken));

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Equal(before, repository.Database.QueryInt64("SELECT count(*) FROM event"));
        Assert.Equal(script, repository.Settings["ticket-table"]);
    }

    [Test]
    public void A_history_without_trunk_gets_one()
    {
        var path = _folder["trunkless.fossil"];
        using var repository = Repository.CreateForClone(path, new RepositoryCreateOptions());
        using (var transaction = repository.Begin())
        {
            // The same MD5 that an empty check-in has: of no files at all.
            var root = Signed("C first\nD 2024-01-01T00:00:00.000\nR d41d8cd98f00b204e9800998ecf8427e\nU tester\n");
            var id = repository.Content.NameOf(repository.Content.Put(root));
            repository.Content.Put(
                Signed($"C second\nD 2024-01-02T00:00:00.000\nP {id}\nR d41d8cd98f00b204e9800998ecf8427e\nU tester\n"));
            transaction.Commit();
        }

        Rebuilder.Run(
            repository, new RebuildOptions { WorkersMax = 0 }, TestContext.Current!.Execution.CancellationToken);

        Assert.Equal(2, repository.Database.QueryInt64(
            "SELECT count(*) FROM tagxref JOIN tag USING(tagid) WHERE tagname='branch' AND value='trunk' "
            + "AND tagtype=2"));
        Assert.Equal(1, repository.Database.QueryInt64("SELECT count(*) FROM leaf"));
    }

    [Test]
    public void The_full_text_index_of_stock_stays()
    {
        var (path, _) = TwoCopies();
        var fossil = new StockFossil(_folder);
        fossil.Run("fts-config", "-R", path, "index", "on");
        fossil.Run("fts-config", "-R", path, "enable", "cdtwe");
        var before = Query(path, "SELECT type,rid,name FROM ftsdocs ORDER BY 1,2,3");

        Rebuild(path, new RebuildOptions());

        Assert.NotEmpty(before);
        Assert.Equal(before, Query(path, "SELECT type,rid,name FROM ftsdocs ORDER BY 1,2,3"));
        Assert.Contains("full-text index:  FTS", fossil.Run("fts-config", "-R", path).Text, StringComparison.Ordinal);
    }

    [Test]
    public void Progress_goes_from_reading_to_the_end()
    {
        var path = CopyOfKinds("progress.fossil");
        var steps = new List<RebuildProgress>();

        Rebuild(path, new RebuildOptions { Progress = steps.Add });

        Assert.Equal(RebuildPhase.Finishing, steps[^1].Phase);
        Assert.All(steps, step => Assert.InRange(step.Done, 0, Math.Max(step.Total, step.Done)));
        Assert.Equal(steps.OrderBy(step => step.Phase).Select(step => step.Phase), steps.Select(step => step.Phase));
    }

    [Test]
    public void Damage_is_reported_and_the_rest_is_derived()
    {
        var path = CopyOfKinds("damaged.fossil");
        using var repository = Repository.Open(path);
        var victim = repository.Database.QueryInt64(
            "SELECT max(rid) FROM blob WHERE size>0 AND rid NOT IN (SELECT srcid FROM delta)");
        using (var update = repository.Database.Prepare("UPDATE blob SET content=x'00000010ffff' WHERE rid=?1"))
        {
            update.Bind(1, victim).Run();
        }

        var report = Rebuilder.Run(repository, new RebuildOptions(), TestContext.Current!.Execution.CancellationToken);

        Assert.Single(report.Damages);
        Assert.Contains($"record {victim}", report.Damages[0], StringComparison.Ordinal);
        Assert.True(report.LinkedCount > 150);
    }

    private static byte[] Signed(string cards)
    {
        var text = System.Text.Encoding.UTF8.GetBytes(cards);
        return [
            .. text, .. "Z "u8, .. System.Text.Encoding.ASCII.GetBytes(Md5Hasher.Compute(text).ToString()), (byte)'\n'];
    }

    private (string Stock, string Ours) TwoCopies()
    {
        StockFossil.SkipWhenMissing();
        return (CopyOfKinds("stock.fossil"), CopyOfKinds("ours.fossil"));
    }

    private string CopyOfKinds(string name)
    {
        var path = _folder[name];
        File.Copy(Path.Combine(Vectors.RepositoryRoot, "tests", "Vectors", "repositories", "kinds.fossil"), path);
        return path;
    }

    private static List<RecordId> Records(Repository repository, string sql)
    {
        var records = new List<RecordId>();
        using var query = repository.Database.Prepare(sql);
        while (query.Step()) records.Add(query.Record(0));
        return records;
    }

    private static List<string> Query(string path, string sql)
    {
        using var file = new SqliteFile(path);
        return [.. file.Query(sql).Select(row => string.Join('|', row))];
    }

    private static RebuildReport Rebuild(string path, RebuildOptions options)
    {
        using var repository = Repository.Open(path);
        return Rebuilder.Run(repository, options, TestContext.Current!.Execution.CancellationToken);
    }
}
