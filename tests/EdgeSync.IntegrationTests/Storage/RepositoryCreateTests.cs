using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

/// <summary>A new repository of ours beside one that stock makes.</summary>
public sealed class RepositoryCreateTests : IDisposable
{
    private const string Date = "2026-11-22T01:02:03.456";
    private readonly TemporaryFolder _folder = new("create");

    public void Dispose() => _folder.Dispose();

    private string Ours(RepositoryCreateOptions? options = null)
    {
        var path = _folder["ours.fossil"];
        Repository.Create(path, options ?? new RepositoryCreateOptions
        {
            AdminUser = StockFossil.User,
            InitialDate = Instant.FromDateTime(
                DateTimeOffset.Parse(Date + "Z", System.Globalization.CultureInfo.InvariantCulture)),
        }).Dispose();
        return path;
    }

    private string Theirs(StockFossil stock)
    {
        var path = _folder["theirs.fossil"];
        stock.Run("init", "--date-override", Date, path);
        return path;
    }

    /// <summary>R18: no SQL of ours reaches the user, but the command that repairs; and it does.</summary>
    [Test]
    [Arguments("orphan")]
    [Arguments("backlink")]
    [Arguments("unsent")]
    [Arguments("filename")]
    [Arguments("tagxref")]
    [Arguments("private")]
    [Arguments("shun")]
    [Arguments("reportfmt")]
    [Arguments("concealed")]
    public void A_missing_table_is_named_and_a_rebuild_makes_it(string table)
    {
        var path = Ours();
        using (var database = Database.Open(path, new DatabaseOptions())) database.Execute($"DROP TABLE {table}");

        foreach (var options in new[] { RepositoryOptions.Default, RepositoryOptions.ReadOnly })
        {
            var error = Assert.Throws<EdgeSyncException>(() => Repository.Open(path, options));
            Assert.Equal(ErrorKind.Corrupt, error.Kind);
            Assert.Contains($"the table {table} is missing", error.Message, StringComparison.Ordinal);
            Assert.Equal($"edgesync repo rebuild -R {path}", error.Hint);
        }

        using (var repository = Repository.Open(path, RepositoryOptions.Default with { AcceptsAnySchema = true }))
            Rebuilder.Run(repository, new RebuildOptions(), TestContext.Current!.Execution.CancellationToken);
        using (Repository.Open(path))
            Assert.NotEmpty(Rows(path, $"SELECT name FROM sqlite_schema WHERE name='{table}'"));
    }

    [Test]
    public void Tables_columns_and_indices_are_those_of_stock()
    {
        StockFossil.SkipWhenMissing();
        var stock = new StockFossil(_folder);

        Assert.Equal(Structure(Theirs(stock)), Structure(Ours()));
    }

    [Test]
    public void Rows_are_those_of_stock()
    {
        StockFossil.SkipWhenMissing();
        var stock = new StockFossil(_folder);
        var (theirs, ours) = (Theirs(stock), Ours());

        foreach (var sql in new[]
        {
            "SELECT rid, rcvid, size, uuid FROM blob",
            "SELECT login, cap, info, mtime, cookie, ipaddr, cexpire, photo, jx FROM user ORDER BY uid",
            "SELECT name, iif(name GLOB '*-code' OR name='rebuilt', length(value)>5, value) FROM config ORDER BY rowid",
            "SELECT rn, owner, title, mtime, cols, sqlcode, jx FROM reportfmt",
            "SELECT * FROM leaf",
            "SELECT * FROM tag",
            "SELECT tagid, tagtype, srcid, origid, value, mtime, rid FROM tagxref",
            "SELECT type, round(mtime,8), objid, tagid, uid, bgcolor, euser, user, ecomment, comment, brief FROM event",
            "SELECT * FROM unclustered",
            "SELECT count(*), uid, nonce, ipaddr FROM rcvfrom",
            "SELECT count(*) FROM unsent",
            "SELECT count(*) FROM mlink",
            "PRAGMA application_id",
            "PRAGMA page_size",
            "PRAGMA user_version",
            "PRAGMA journal_mode",
            "PRAGMA encoding",
        })
        {
            Assert.Equal(Rows(theirs, sql), Rows(ours, sql));
        }
    }

    [Test]
    public void Stock_opens_it_and_a_rebuild_changes_nothing()
    {
        StockFossil.SkipWhenMissing();
        var stock = new StockFossil(_folder);
        var path = Ours();
        var before = RepositoryTables.Read(sql => Query(path, sql), RepositoryTables.DerivedQueries);

        stock.MustBeIntact(path);
        stock.Run("rebuild", path);
        stock.MustBeIntact(path);

        var after = RepositoryTables.Read(sql => Query(path, sql), RepositoryTables.DerivedQueries);
        Assert.Equal("", before.DifferencesFrom(after, new HashSet<string> { "event" }));
        Assert.Single(Directory.GetFiles(_folder.Path, "ours.fossil*"));
    }

    [Test]
    public void Options_are_applied()
    {
        var code = new string('a', 40);
        var path = Ours(new RepositoryCreateOptions
        {
            AdminUser = "odd name",
            ProjectCode = code,
            ProjectName = "P",
            HashPolicy = HashPolicy.Sha1,
            NobodyCapabilities = "gio",
        });

        using var repository = Repository.Open(path, RepositoryOptions.ReadOnly);
        Assert.Equal(code, repository.ProjectCode);
        Assert.Equal("P", repository.Settings["project-name"]);
        Assert.Equal(HashKind.Sha1, repository.Content.NameOf(new RecordId(1)).Kind);
        Assert.Equal(["gio"], Rows(path, "SELECT cap FROM user WHERE login='nobody'"));
        using var first = repository.Content.Get(new RecordId(1));
        Assert.Contains("U odd\\sname\n", System.Text.Encoding.UTF8.GetString(first.Span), StringComparison.Ordinal);
    }

    [Test]
    public void An_existing_file_is_left_alone()
    {
        var path = _folder.Write("ours.fossil", "precious");

        var error = Assert.Throws<EdgeSyncException>(() => Ours());

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Equal("precious", File.ReadAllText(path));
    }

    [Test]
    public void A_database_that_is_not_a_repository_is_rejected()
    {
        var path = _folder["other.db"];
        using (var other = Database.Open(path, new DatabaseOptions { Access = DatabaseAccess.Create }))
            other.Execute("CREATE TABLE t(x)");

        var error = Assert.Throws<EdgeSyncException>(() => Repository.Open(path));

        Assert.Equal(ErrorKind.Usage, error.Kind);
    }

    [Test]
    public void Tables_of_an_unknown_version_need_a_rebuild()
    {
        var path = Ours();
        using (var repository = Repository.Open(path)) repository.Settings.Set("aux-schema", "2099-01-01");

        var error = Assert.Throws<EdgeSyncException>(() => Repository.Open(path));

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Contains("rebuild", error.Hint, StringComparison.Ordinal);
        Repository.Open(path, new RepositoryOptions { AcceptsAnySchema = true }).Dispose();
    }

    private static List<string> Structure(string path)
    {
        var lines = new List<string>();
        foreach (var table in Rows(
            path, "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT GLOB 'sqlite_stat*' ORDER BY 1"))
        {
            lines.AddRange(
                Rows(
                    path, $"SELECT '{table}', cid, name, type, \"notnull\", dflt_value, pk FROM "
                        + $"pragma_table_info('{table}')"));
            lines.AddRange(Rows(path,
                $"SELECT '{table}', il.name, il.\"unique\", il.origin, il.partial, group_concat(ii.name) "
                + $"FROM pragma_index_list('{table}') il, pragma_index_info(il.name) ii "
                + "GROUP BY il.name ORDER BY 1,2"));
            lines.AddRange(Rows(path, $"SELECT '{table}', wr, strict, ncol FROM pragma_table_list('{table}')"));
        }

        return lines;
    }

    private static List<string> Rows(string path, string sql) =>
        [.. Query(path, sql).Select(row => string.Join('|', row.Select(value => value?.ToString() ?? "NULL")))];

    private static List<object?[]> Query(string path, string sql)
    {
        using var database = Database.Open(path, new DatabaseOptions { Access = DatabaseAccess.Read });
        return [.. QueryRows.Read(database, sql)];
    }
}
