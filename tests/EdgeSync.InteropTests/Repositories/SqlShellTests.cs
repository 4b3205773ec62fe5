using System.Text;
using EdgeSync.InteropTests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>The shell behind <c>fossil sql</c>, and the search of comments, beside stock's.</summary>
public sealed class SqlShellTests
{
    private const string Script =
        """
        CREATE TABLE t(a, b TEXT);
        CREATE INDEX t1 ON t(b);
        INSERT INTO t VALUES(1,'it''s'),(NULL,'x,y'),
          (2.5, x'00ff');
        .tables t
        .indexes t
        .schema t
        .dump t
        .headers on
        SELECT a, b FROM t;
        .mode csv
        SELECT a, typeof(b) AS kind FROM t;
        .mode list
        .separator "; "
        .nullvalue none
        SELECT a, typeof(b) AS kind FROM t;
        .mode line
        SELECT a, typeof(b) AS kind FROM t;
        .mode column
        SELECT a, typeof(b) AS kind FROM t;
        .mode tabs
        SELECT a, typeof(b) AS kind FROM t;
        .mode insert u
        SELECT a, b FROM t;
        .mode json
        SELECT a, typeof(b) AS kind FROM t;
        .print two words
        DROP TABLE t;
        .quit
        SELECT 'unreachable';

        """;

    [Test]
    [Property("Fossil", "2.21")]
    public void Dot_commands_and_modes_print_what_the_shell_prints()
    {
        using var bench = new Workbench("sql");
        var repository = bench.NewRepository("a.fossil");
        var input = Encoding.UTF8.GetBytes(Script.ReplaceLineEndings("\n"));
        File.WriteAllBytes(bench["script"], input);

        var theirs = bench.Stock.Run("sql", "-R", repository, $".read {bench["script"]}").Output;
        var ours = bench.Ours.RunAsFossil(
            bench.Folder.Path, "sql", "-R", repository, $".read {bench["script"]}").Output;

        Assert.Equal(theirs, ours);
        var refused = bench.Ours.TryAsFossil(bench.Folder.Path, "sql", "-R", repository, ".backup x");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(".backup is not part of edgesync", refused.Errors, StringComparison.Ordinal);
    }

    [Test]
    [Property("Fossil", "2.21")]
    public void Comments_are_found_in_stocks_order()
    {
        using var bench = new Workbench("search");
        var repository = bench.NewRepository("a.fossil");
        var checkout = bench.Open(repository, "here");
        foreach (var comment in (string[])["a leak in the pump", "pump leak fixed", "the Pump", "leaks of pumps"])
            checkout.Write("a.txt", comment).Commit(comment);

        foreach (var line in (string[])["search pump leak", "search -a pump* leak*", "fts-config enable cw"])
        {
            string[] words = [.. line.Split(' '), "-R", repository];
            Assert.Equal(
                bench.Stock.Run(words).Output, bench.Ours.RunAsFossil(bench.Folder.Path, words).Output);
        }
    }
}
