using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

/// <summary>
/// Fossil 2.28 leaves statistics of empty tables in each new repository; no query may scan a grown table for them.
/// </summary>
public sealed class PlannerStatisticsTests : IDisposable
{
    private const string ByRecord =
        "SELECT blob.rid, size, srcid, content FROM blob LEFT JOIN delta ON delta.rid=blob.rid WHERE blob.rid=5";
    private const string ByName =
        "SELECT blob.rid, size, srcid, content FROM blob LEFT JOIN delta ON delta.rid=blob.rid WHERE uuid='a'";

    private readonly TemporaryFolder _folder = new("statistics");

    public void Dispose() => _folder.Dispose();

    [Test]
    public void A_write_deletes_the_statistics_of_small_tables_on_all_connections()
    {
        var path = _folder["r.fossil"];
        using (var made = Repository.Create(path, new RepositoryCreateOptions())) made.Database.Execute("ANALYZE");
        using var reader = Repository.Open(path, RepositoryOptions.ReadOnly);
        using var writer = Repository.Open(path, new RepositoryOptions());
        Assert.Contains("SCAN blob", Plan(reader, ByRecord), StringComparison.Ordinal);
        Assert.Contains("SCAN blob", Plan(writer, ByName), StringComparison.Ordinal);

        using (var transaction = writer.Database.Begin()) transaction.Commit();

        // EXPLAIN does not look at the file; the next real statement does, and reads the changed schema.
        Assert.Equal(1, reader.Database.QueryInt64("SELECT count(*) FROM blob"));
        foreach (var repository in new[] { writer, reader })
        {
            Assert.DoesNotContain("SCAN", Plan(repository, ByRecord), StringComparison.Ordinal);
            Assert.DoesNotContain("SCAN", Plan(repository, ByName), StringComparison.Ordinal);
        }
    }

    [Test]
    public void Statistics_of_large_and_of_foreign_tables_stay()
    {
        using var repository = Repository.Create(":memory:", new RepositoryCreateOptions());
        var database = repository.Database;
        database.Execute(
            "CREATE TABLE other(x); CREATE INDEX other_x ON other(x); INSERT INTO other VALUES(1); ANALYZE");
        database.Execute(
            "DELETE FROM sqlite_stat1 WHERE tbl='blob'; INSERT INTO sqlite_stat1 VALUES('blob',NULL,'100')");

        using (var transaction = database.Begin()) transaction.Commit();

        Assert.Equal(2, database.QueryInt64("SELECT count(*) FROM sqlite_stat1 WHERE tbl IN ('blob','other')"));
        Assert.Equal(0, database.QueryInt64("SELECT count(*) FROM sqlite_stat1 WHERE tbl='tagxref'"));
        Assert.False(database.HasTable("edgesync_schema_change"));
    }

    private static string Plan(Repository repository, string sql)
    {
        using var statement = repository.Database.PrepareOnce("EXPLAIN QUERY PLAN " + sql);
        var lines = new List<string>();
        while (statement.Step()) lines.Add(statement.Text(3)!);
        return string.Join('\n', lines);
    }
}
