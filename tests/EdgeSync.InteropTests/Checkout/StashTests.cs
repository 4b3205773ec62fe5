using EdgeSync.InteropTests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>Changes put aside by either program and brought back by the other.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class StashTests
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    [Test]
    [Property("Fossil", "2.21")]
    [Arguments(true)]
    [Arguments(false)]
    public void A_stash_of_one_program_is_popped_by_the_other(bool isStocks)
    {
        using var bench = new CheckoutBench();
        var checkout = bench.OpenByUs("ours");
        Edit(checkout);
        var (edited, clean) = (CheckoutBench.FilesOf(checkout.Folder), CheckoutBench.FilesOf(bench.First.Folder));
        var changes = checkout.Run("changes").Output;

        Save(bench, checkout, isStocks, "save", "-m", "put aside");

        Assert.Equal("", checkout.Run("changes").Output);
        File.Delete(checkout["new.txt"]);   // no longer tracked, and left where it is
        Assert.Equal(clean, CheckoutBench.FilesOf(checkout.Folder));
        Assert.Equal(
            checkout.Run("stash", "ls", "-v").Output, bench.Bench.Ours.RunAsFossil(
                checkout.Folder, "stash", "ls", "-v").Output);
        Assert.Equal(
            checkout.Run("stash", "show").Output,
            bench.Bench.Ours.RunAsFossil(checkout.Folder, "stash", "show").Output);

        var popped = isStocks ? bench.Ours(checkout, "stash", "pop") : checkout.Run("stash", "pop").Output;

        Assert.Contains("put aside", popped, Ordinal);
        Assert.Equal(edited, CheckoutBench.FilesOf(checkout.Folder));
        Assert.Equal(
            changes.Replace("DELETED", "MISSING", Ordinal), checkout.Run("changes").Output);
        Assert.Equal(["0"], CheckoutBench.Rows(checkout, "SELECT count(*) FROM stash"));
        Assert.Equal(["0"], CheckoutBench.Rows(checkout, "SELECT count(*) FROM stashfile"));
    }

    [Test]
    public void The_rows_are_stocks()
    {
        using var bench = new CheckoutBench();
        var theirs = bench.Bench.Open(bench.Repository, "theirs");
        var ours = bench.OpenByUs("ours");
        const string rows =
            """
            SELECT stash.stashid, vid, stash.hash, comment, isAdded, isRemoved, isExec, isLink, rid, stashfile.hash,
                   origname, newname, hex(delta) FROM stash JOIN stashfile USING(stashid) ORDER BY stashfile.rowid
            """;
        const string schema = "SELECT sql FROM sqlite_schema WHERE name LIKE 'stash%' ORDER BY name";
        foreach (var checkout in (StockCheckoutOf[])[new(theirs, true), new(ours, false)])
        {
            Edit(checkout.Checkout);
            Save(bench, checkout.Checkout, checkout.IsStocks, "snapshot", "-m", "one");
            Save(bench, checkout.Checkout, checkout.IsStocks, "save", "-m", "two", "a.txt");
        }

        Assert.Equal(CheckoutBench.Rows(theirs, rows), CheckoutBench.Rows(ours, rows));
        Assert.Equal(CheckoutBench.Rows(theirs, schema), CheckoutBench.Rows(ours, schema));
        Assert.Equal(["3"], CheckoutBench.Rows(ours, "SELECT value FROM vvar WHERE name='stash-next'"));
        Assert.Equal(CheckoutBench.FilesOf(theirs.Folder), CheckoutBench.FilesOf(ours.Folder));
        Assert.Equal(theirs.Run("changes").Output, bench.Ours(ours, "changes"));
    }

    [Test]
    [Property("Fossil", "2.21")]
    public void Edits_meanwhile_are_merged_and_conflicts_are_marked()
    {
        using var bench = new CheckoutBench();
        var theirs = bench.Bench.Open(bench.Repository, "theirs");
        var ours = bench.OpenByUs("ours");
        foreach (var checkout in (StockCheckoutOf[])[new(theirs, true), new(ours, false)])
        {
            checkout.Checkout.Write("a.txt", "one\ntwo\nthree\nfour\n").Write("dir/b.txt", "mine\n");
            Save(bench, checkout.Checkout, checkout.IsStocks, "save", "-m", "m");
            checkout.Checkout.Write("a.txt", "zero\none\ntwo\nthree\n").Write("dir/b.txt", "other\n");
        }

        var expected = theirs.Run("stash", "apply").Output;
        var actual = bench.Bench.Ours.RunAsFossil(ours.Folder, "stash", "apply").Output;

        Assert.Equal(Lines(expected), Lines(actual));
        Assert.Equal(CheckoutBench.FilesOf(theirs.Folder), CheckoutBench.FilesOf(ours.Folder));
        Assert.Equal("zero\none\ntwo\nthree\nfour\n", File.ReadAllText(ours["a.txt"]));

        ours.Run("undo");
        Assert.Equal("zero\none\ntwo\nthree\n", File.ReadAllText(ours["a.txt"]));
        Assert.Equal("other\n", File.ReadAllText(ours["dir/b.txt"]));
    }

    [Test]
    public void A_dropped_stash_comes_back_and_a_goto_goes_to_its_check_in()
    {
        using var bench = new CheckoutBench();
        var ours = bench.OpenByUs("ours");
        ours.Write("a.txt", "stashed\n");
        bench.Ours(ours, "stash", "save", "-m", "first");
        bench.First.Write("dir/b.txt", "second\n").Commit("second");
        bench.Ours(ours, "update");

        bench.Ours(ours, "stash", "drop", "1");
        Assert.Equal("empty stash\n", bench.Ours(ours, "stash", "ls"));
        ours.Run("undo");
        bench.Ours(ours, "stash", "goto", "1");

        Assert.Equal("stashed\n", File.ReadAllText(ours["a.txt"]));
        Assert.Equal("b\n", File.ReadAllText(ours["dir/b.txt"]));
        bench.Ours(ours, "undo");
        Assert.Equal("one\ntwo\nthree\n", File.ReadAllText(ours["a.txt"]));
        Assert.Equal("second\n", File.ReadAllText(ours["dir/b.txt"]));

        Assert.NotEqual(0, bench.TryOurs(ours, "stash", "clear").ExitCode);
        bench.Ours(ours, "stash", "clear", "--force");
        Assert.NotEqual(0, bench.TryOurs(ours, "stash", "pop").ExitCode);
        Assert.NotEqual(0, bench.TryOurs(ours, "stash", "save").ExitCode);
    }

    private static void Edit(StockCheckout checkout)
    {
        checkout.Write("a.txt", "one\n2\nthree\n").Write("new.txt", "new\n");
        checkout.Run("add", "new.txt");
        checkout.Run("mv", "dir/b.txt", "dir/bb.txt", "--hard");
        checkout.Run("rm", "dir/deep/c.sh", "--hard");
    }

    private static void Save(
        CheckoutBench bench, StockCheckout checkout, bool isStocks, params ReadOnlySpan<string> words)
    {
        if (isStocks) checkout.Run(["stash", .. words]);
        else bench.Ours(checkout, ["stash", .. words]);
    }

    // The time of the stash differs.
    private static string[] Lines(string output) =>
        [.. output.Split('\n').Where(l => !l.Contains("] from ", Ordinal))];

    private sealed record StockCheckoutOf(StockCheckout Checkout, bool IsStocks);
}
