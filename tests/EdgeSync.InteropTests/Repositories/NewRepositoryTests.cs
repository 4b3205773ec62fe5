using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>A repository that we created must equal one of stock's.</summary>
public sealed class NewRepositoryTests
{

    [Test]
    public void Has_the_same_tables_settings_and_users()
    {
        using var bench = new Workbench("new");
        bench.Stock.Run("init", "--admin-user", "tester", bench["stock.fossil"]);
        bench.Ours.Run("repo", "new", bench["ours.fossil"], "--user", "tester");

        using var stock = new SqliteFile(bench["stock.fossil"]);
        using var ours = new SqliteFile(bench["ours.fossil"]);
        AssertSame(
            stock, ours,
            "SELECT type, name, tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'fx_%' "
                + "ORDER BY 2");
        AssertSame(
            stock, ours,
            "SELECT m.name, p.name, p.type, p.\"notnull\", p.dflt_value, p.pk FROM sqlite_schema m, "
                + "pragma_table_info(m.name) p WHERE m.type='table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE "
                    + "'fx_%' ORDER BY 1, p.cid", Newer("concealed | hash |", "shun | uuid |"));
        AssertSame(
            stock, ours,
            "SELECT name, iif(name IN ('project-code','server-code','rebuilt'), length(value)>5, value) FROM config "
                + "WHERE name NOT IN ('autosync','rebuilt') ORDER BY 1",
                Newer("access-log |", "admin-log |", "localauth |", "timeline-plaintext |"));
        AssertSame(stock, ours, "SELECT login, cap, info, jx FROM user ORDER BY login", Newer("anonymous |"));
        AssertSame(stock, ours, "SELECT title, owner, cols, sqlcode FROM reportfmt");
        AssertSame(stock, ours, "SELECT tagid, tagname FROM tag ORDER BY 1");
        AssertSame(stock, ours, "PRAGMA application_id");
        AssertSame(stock, ours, "PRAGMA encoding");
        AssertSame(stock, ours, "PRAGMA page_size");
    }

    [Test]
    public void Stock_opens_it_commits_and_serves_it()
    {
        using var bench = new Workbench("new");
        bench.Ours.Run("repo", "new", bench["ours.fossil"], "--user", "tester");

        bench.Open(bench["ours.fossil"], "work").Write("a.txt", "one\n").Commit("first").Write("a.txt", "two\n")
            .Commit("second");
        using (var server = bench.Stock.Serve(bench["ours.fossil"]))
            bench.Stock.Run("clone", server.Url, bench["clone.fossil"]);

        bench.MustBeSound(bench["ours.fossil"]);
        RepositoryComparer.MustBeEqual(bench["ours.fossil"], bench["clone.fossil"], "unclustered");
    }

    // Ours are as 2.21 makes them; each release reads what the others made.
    private static string[] Newer(params string[] differing) =>
        StockFossil.Release >= new Version(2, 26) ? differing : [];

    /// <summary>Equal, but for rows that begin so: all of these must differ, and no others.</summary>
    private static void AssertSame(SqliteFile first, SqliteFile second, string sql, params string[] differing)
    {
        string[] one = Rows(first), other = Rows(second);

        var differences = one.Except(other).Concat(other.Except(one)).ToArray();

        Assert.All(
            differences, row => Assert.Contains(differing, begin => row.StartsWith(begin, StringComparison.Ordinal)));
        Assert.All(
            differing, begin => Assert.Contains(differences, row => row.StartsWith(begin, StringComparison.Ordinal)));
        if (differing.Length == 0) Assert.Equal(one, other);

        string[] Rows(SqliteFile file) => [.. file.Query(sql).Select(row => string.Join(" | ", row))];
    }
}
