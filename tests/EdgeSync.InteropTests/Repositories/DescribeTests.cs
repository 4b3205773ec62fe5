using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>Names of check-ins by tags, and other parents for one, beside stock.</summary>
public sealed class DescribeTests
{
    [Test]
    public void A_check_in_is_named_as_stock_names_it()
    {
        using var bench = new Workbench("describe");
        var checkout = bench.Open(bench.NewRepository("a.fossil"), "here");
        checkout.Write("a.txt", "1\n").Commit("one", "--tag", "v1.0", "--branch", "fix").Write("a.txt", "2\n")
            .Commit("two").Write("a.txt", "edited\n");

        foreach (var line in (string[])["describe", "describe -d --digits 8", "describe v1.0 --long --match v*",
            "describe root:fix"])
        {
            var words = line.Split(' ');
            Assert.Equal(
                checkout.Run(words).Output, bench.Ours.RunAsFossil(checkout.Folder, words).Output);
        }
    }

    [Test]
    [Property("Fossil", "2.21")]
    public void A_check_in_gets_other_parents()
    {
        using var bench = new Workbench("reparent");
        var repository = bench.NewRepository("a.fossil");
        var checkout = bench.Open(repository, "here");
        checkout.Write("a.txt", "1\n").Commit("one", "--tag", "first").Write("a.txt", "2\n")
            .Commit("two", "--tag", "second").Write("a.txt", "3\n").Commit("three", "--tag", "third");

        var outcome = bench.Ours.Json("repo", "reparent", "third", "first", "second", "-R", repository);
        var again = bench.Ours.Json("repo", "reparent", "third", "first", "second", "-R", repository);

        Assert.Equal("reparented", outcome.GetProperty("status").GetString());
        Assert.Equal("already_reparented", again.GetProperty("status").GetString());
        Assert.Equal(
            "'first',1\n'second',0\n",
            bench.Stock.Run(
                "sql", "-R", repository,
                "SELECT (SELECT substr(tagname,5) FROM tagxref JOIN tag USING(tagid) WHERE rid=pid AND tagtype=1),"
                    + "isprim FROM plink WHERE cid=(SELECT rid FROM tagxref JOIN tag USING(tagid) "
                    + "WHERE tagname='sym-third') ORDER BY isprim DESC").Output);
        bench.MustBeSound(repository);
    }

    [Test]
    public void Other_parents_until_the_next_rebuild()
    {
        using var bench = new Workbench("reparent");
        var repository = bench.NewRepository("a.fossil");
        bench.Open(repository, "here").Write("a.txt", "1\n").Commit("one", "--tag", "first").Write("a.txt", "2\n")
            .Commit("two").Write("a.txt", "3\n").Commit("three", "--tag", "third");

        bench.Ours.RunAsFossil(bench.Folder.Path, "reparent", "--test", "third", "first", "-R", repository);
        Assert.Equal((1L, 3L), (ChildrenOfFirst(), Artifacts()));
        bench.Stock.Run("rebuild", repository);
        Assert.Equal((0L, 3L), (ChildrenOfFirst(), Artifacts()));

        long Artifacts() => Count("SELECT count(*) FROM event WHERE type='ci' OR type='g'") - 1;
        long ChildrenOfFirst() => Count(
            "SELECT count(*) FROM plink JOIN tagxref a ON a.rid=pid JOIN tagxref b ON b.rid=cid WHERE a.tagid="
                + "(SELECT tagid FROM tag WHERE tagname='sym-first') AND b.tagid="
                + "(SELECT tagid FROM tag WHERE tagname='sym-third')");
        long Count(string sql)
        {
            using var file = new SqliteFile(repository);
            return file.Count(sql);
        }
    }

    [Test]
    public void Tags_of_the_checkout_are_written_again()
    {
        using var bench = new Workbench("tags");
        var checkout = bench.Open(bench.NewRepository("a.fossil"), "here");
        checkout.Run("settings", "manifest", "t");

        bench.Ours.RunAsFossil(checkout.Folder, "tag", "add", "release", "current");

        Assert.Contains("tag release\n", File.ReadAllText(checkout["manifest.tags"]), StringComparison.Ordinal);
    }
}
