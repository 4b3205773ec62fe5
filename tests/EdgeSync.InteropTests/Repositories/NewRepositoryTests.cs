using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Shared;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>Stock must not be able to tell a repository that we created from one of its own.</summary>
public sealed class NewRepositoryTests
{

    [Fact]
    public void Has_the_same_tables_settings_and_users()
    {
        using var bench = new Workbench("new");
        bench.Stock.Run("init", "--admin-user", "tester", bench["stock.fossil"]);
        bench.Ours.Run("repo", "new", bench["ours.fossil"], "--user", "tester");

        using var stock = new SqliteFile(bench["stock.fossil"]);
        using var ours = new SqliteFile(bench["ours.fossil"]);
        AssertSame(stock, ours, "SELECT type, name, tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'fx_%' ORDER BY 2");

        // From 2.26 on the keys of some tables are declared NOT NULL; ours are as 2.21 declares them, and each reads both.
        AssertSame(stock, ours, "SELECT m.name, p.name, p.type, p.\"notnull\" AND NOT p.pk, p.dflt_value, p.pk FROM sqlite_schema m, pragma_table_info(m.name) p WHERE m.type='table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'fx_%' ORDER BY 1, p.cid");
        AssertSame(stock, ours, "SELECT name, iif(name IN ('project-code','server-code','rebuilt'), length(value)>5, value) FROM config WHERE name NOT IN ('autosync','rebuilt') ORDER BY 1");
        AssertSame(stock, ours, "SELECT login, cap, info, jx FROM user ORDER BY login");
        AssertSame(stock, ours, "SELECT title, owner, cols, sqlcode FROM reportfmt");
        AssertSame(stock, ours, "SELECT tagid, tagname FROM tag ORDER BY 1");
        AssertSame(stock, ours, "PRAGMA application_id");
        AssertSame(stock, ours, "PRAGMA encoding");
        AssertSame(stock, ours, "PRAGMA page_size");
    }

    [Fact]
    public void Stock_opens_it_commits_and_serves_it()
    {
        using var bench = new Workbench("new");
        bench.Ours.Run("repo", "new", bench["ours.fossil"], "--user", "tester");

        bench.Open(bench["ours.fossil"], "work").Write("a.txt", "one\n").Commit("first").Write("a.txt", "two\n").Commit("second");
        using (var server = bench.Stock.Serve(bench["ours.fossil"])) bench.Stock.Run("clone", server.Url, bench["clone.fossil"]);

        bench.MustBeSound(bench["ours.fossil"]);
        RepositoryComparer.MustBeEqual(bench["ours.fossil"], bench["clone.fossil"], "unclustered");
    }

    private static void AssertSame(SqliteFile first, SqliteFile second, string sql) => Assert.Equal(
        first.Query(sql).Select(row => string.Join(" | ", row)),
        second.Query(sql).Select(row => string.Join(" | ", row)));
}
