using System.Text.RegularExpressions;
using EdgeSync.InteropTests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>Unversioned files by stock's command lines, in one repository with stock.</summary>
public sealed partial class UnversionedBesideStockTests
{
    [Test]
    public void Files_are_written_listed_and_removed_as_stock_does()
    {
        using var bench = new Workbench("uv");
        var repository = bench.NewRepository("a.fossil");
        File.WriteAllText(bench["one.txt"], "one\n");
        File.WriteAllText(bench["two words.txt"], "two\n");

        Ours("uv", "add", "one.txt", "--mtime", "2016-10-01");
        Ours("uv", "add", "two words.txt", "--as", "dir/two.txt", "--mtime", "2016-10-02 03:04:05");
        bench.Stock.Run("uv", "add", "one.txt", "--as", "three.txt", "--mtime", "2016-10-03", "-R", repository);
        Ours("uv", "rm", "--glob", "three*", "--mtime", "2016-10-04");
        Ours("uv", "touch", "one.txt", "--mtime", "2016-10-05");

        foreach (var line in (string[])["uv list --all", "uv ls --glob *.txt", "uv hash --debug"])
        {
            string[] words = [.. line.Split(' '), "-R", repository];
            Assert.Equal(bench.Stock.Run(words).Output, Ours(line.Split(' ')));
        }

        Assert.Equal("two\n", bench.Stock.Run("uv", "cat", "dir/two.txt", "-R", repository).Output);

        string Ours(params string[] words) =>
            bench.Ours.RunAsFossil(bench.Folder.Path, [.. words, "-R", repository]).Output;
    }

    [Test]
    public void A_sync_prints_what_stock_prints_and_files_come_back_from_the_peer()
    {
        using var bench = new Workbench("uv");
        var here = bench.NewRepository("here.fossil");
        var there = bench["there.fossil"];
        File.Copy(here, there);
        File.WriteAllText(bench["one.txt"], "one\n");
        bench.Stock.Run("uv", "add", "one.txt", "--mtime", "2016-10-01", "-R", here);
        bench.Stock.Run("uv", "add", "one.txt", "--as", "own.txt", "--mtime", "2016-10-01", "-R", there);
        bench.Open(here, "checkout").Write("a.txt", "1\n").Commit("one");
        using var server = bench.Stock.Serve(here);
        var url = server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);
        File.Copy(there, bench["theirs.fossil"]);

        var ours = bench.Ours.RunAsFossil(bench.Folder.Path, "pull", url, "-R", there).Output;
        var theirs = bench.Stock.Run("pull", url, "--once", "-R", bench["theirs.fossil"]).Output;
        Assert.Equal(Shape(theirs), Shape(ours));

        bench.Ours.RunAsFossil(bench.Folder.Path, "uv", "revert", url, "-R", there);
        Assert.Equal("one.txt\n", bench.Stock.Run("uv", "ls", "-R", there).Output);
    }

    // Rounds differ where ours needs fewer.
    private static string Shape(string text) => Rounds().Replace(Numbers().Replace(text, "N"), "").Trim();

    [GeneratedRegex("(?<=(sent|received): +)\\d+|127\\.0\\.0\\.1|::1|localhost")]
    private static partial Regex Numbers();

    [GeneratedRegex("Round-trips: \\d+   Artifacts sent: N  received: N\r")]
    private static partial Regex Rounds();
}
