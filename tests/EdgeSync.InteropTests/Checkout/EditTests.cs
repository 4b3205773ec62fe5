namespace EdgeSync.InteropTests.Checkout;

/// <summary>What is tracked, and under which names; beside the same command of stock on a copy.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class EditTests
{
    [Test]
    public void Add_remove_and_rename_leave_the_rows_that_stock_leaves()
    {
        using var bench = new CheckoutBench();
        var theirs = bench.Bench.Open(bench.Repository, "theirs");
        var ours = bench.OpenByUs("ours");
        foreach (var checkout in (InteropTests.Support.StockCheckout[])[theirs, ours])
        {
            checkout.Write("new.txt", "new\n").Write("src/x.c", "x\n").Write("src/.hidden", "h\n")
                .Write("src/x.o", "o\n").Write("tool", "#!/bin/sh\n");
            File.SetUnixFileMode(checkout["tool"], File.GetUnixFileMode(checkout["tool"]) | UnixFileMode.UserExecute);
            File.CreateSymbolicLink(checkout["link"], "a.txt");
        }

        bench.Bench.Stock.Run("settings", "ignore-glob", "*.o", "-R", bench.Repository);
        foreach (var line in (string[][])[
            ["add", "new.txt", "src", "tool", "link"], ["add", "src", "--dotfiles"], ["rm", "dir/b.txt"],
            ["mv", "a.txt", "renamed.txt", "--hard"], ["mv", "dir/deep", "moved", "--hard"], ["forget", "tool"],
            ["rm", "renamed.txt", "--dry-run"], ["mv", "new.txt", "src/x.c", "moved", "--dry-run"]])
        {
            var expected = theirs.Try(line);
            var actual = bench.TryOurs(ours, line);

            Assert.Equal(expected.ExitCode == 0, actual.ExitCode == 0);
            if (expected.ExitCode == 0) Assert.Equal(WithoutRoots(expected.Output, theirs), actual.Output);
            Assert.Equal(CheckoutBench.FileRows(theirs), CheckoutBench.FileRows(ours));
            Assert.Equal(CheckoutBench.FilesOf(theirs.Folder), CheckoutBench.FilesOf(ours.Folder));
            Assert.Equal(theirs.Run("changes").Output, bench.Ours(ours, "changes"));
        }

        ours.Run("commit", "-m", "by stock, of our rows", "--no-warnings", "--allow-older", "--nosign");
        Assert.Equal("", bench.Ours(ours, "changes"));
        bench.Bench.MustBeSound(bench.Repository);
    }

    [Test]
    public void Addremove_and_its_reset_are_stocks()
    {
        using var bench = new CheckoutBench();
        var theirs = bench.Bench.Open(bench.Repository, "theirs");
        var ours = bench.OpenByUs("ours");
        foreach (var checkout in (InteropTests.Support.StockCheckout[])[theirs, ours])
        {
            checkout.Write("new.txt", "new\n");
            File.Delete(checkout["a.txt"]);
        }

        foreach (var line in (string[][])[
            ["addremove", "--dry-run"], ["addremove"], ["addremove", "--reset", "-v"], ["addremove"],
            ["rm", "--reset"], ["add", "--reset"]])
        {
            Assert.Equal(theirs.Run(line).Output, bench.Ours(ours, line));
            Assert.Equal(CheckoutBench.FileRows(theirs), CheckoutBench.FileRows(ours));
            Assert.Equal(CheckoutBench.FilesOf(theirs.Folder), CheckoutBench.FilesOf(ours.Folder));
        }
    }

    [Test]
    public void A_removal_ends_what_was_added_and_went_as_stocks_does()
    {
        using var bench = new CheckoutBench();
        var theirs = bench.Bench.Open(bench.Repository, "theirs");
        var ours = bench.OpenByUs("ours");
        foreach (var checkout in (InteropTests.Support.StockCheckout[])[theirs, ours])
        {
            checkout.Write("new.txt", "new\n");
            checkout.Run("add", "new.txt");
            File.Delete(checkout["new.txt"]);
        }

        foreach (var line in (string[][])[["addremove"], ["rm", "--soft", "a.txt"]])
        {
            Assert.Equal(theirs.Run(line).Output, bench.Ours(ours, line));
            Assert.Equal(CheckoutBench.FileRows(theirs), CheckoutBench.FileRows(ours));
        }
    }

    [Test]
    public void Revert_is_stocks_and_either_program_takes_it_back()
    {
        using var bench = new CheckoutBench();
        var theirs = bench.Bench.Open(bench.Repository, "theirs");
        var ours = bench.OpenByUs("ours");
        foreach (var checkout in (InteropTests.Support.StockCheckout[])[theirs, ours])
        {
            checkout.Write("a.txt", "edited\n").Write("new.txt", "new\n");
            checkout.Run("add", "new.txt");
            checkout.Run("mv", "dir/b.txt", "dir/bb.txt", "--hard");
            checkout.Run("rm", "dir/deep/c.sh");
            File.Delete(checkout["dir/deep/c.sh"]);
        }

        bench.Ours(ours, "changes");
        var before = CheckoutBench.FilesOf(ours.Folder);
        var rows = CheckoutBench.FileRows(ours);
        Assert.Equal(Lines(theirs.Run("revert", "a.txt").Output), Lines(bench.Ours(ours, "revert", "a.txt")));
        Assert.Equal(CheckoutBench.FilesOf(theirs.Folder), CheckoutBench.FilesOf(ours.Folder));
        ours.Run("undo");
        theirs.Run("undo");
        Assert.Equal(before, CheckoutBench.FilesOf(ours.Folder));

        Assert.Equal(Lines(theirs.Run("revert").Output), Lines(bench.Ours(ours, "revert")));
        Assert.Equal(CheckoutBench.FilesOf(theirs.Folder), CheckoutBench.FilesOf(ours.Folder));
        Assert.Equal(CheckoutBench.FileRows(theirs), CheckoutBench.FileRows(ours));

        ours.Run("undo");
        Assert.Equal(before, CheckoutBench.FilesOf(ours.Folder));
        Assert.Equal(rows, CheckoutBench.FileRows(ours));
        ours.Run("redo");
        bench.Ours(ours, "undo");
        Assert.Equal(before, CheckoutBench.FilesOf(ours.Folder));
        Assert.Equal(rows, CheckoutBench.FileRows(ours));
    }

    [Test]
    public void Remove_from_the_disk_keeps_what_no_check_in_has()
    {
        using var bench = new CheckoutBench();
        bench.First.Write("a.txt", "edited\n");

        Assert.NotEqual(0, bench.TryOurs(bench.First, "rm", "--hard", "a.txt").ExitCode);

        Assert.Equal("edited\n", File.ReadAllText(bench.First["a.txt"]));
        Assert.Equal("EDITED     a.txt\n", bench.First.Run("changes").Output);
    }

    [Test]
    public void A_revert_of_one_file_leaves_the_rows_of_others()
    {
        using var pair = new CheckoutPair();
        pair.Stock("rm", "--soft", "dir/b.txt");
        pair.Each(c => File.Delete(c["dir/b.txt"]));
        pair.Each(c => c.Write("a.txt", "edited\n"));

        pair.Theirs.Run("revert", "a.txt");
        pair.OursOutput("revert", "a.txt");

        pair.MustMatch();
    }

    [Test]
    public void Nothing_is_written_through_a_link()
    {
        using var bench = new CheckoutBench();
        var outside = bench.Bench.Folder.Folder("outside");
        File.WriteAllText(Path.Combine(outside, "b.txt"), "theirs");
        bench.First.Write("dir/deep/c.sh", "edited\n");
        Directory.Move(bench.First["dir"], bench.Bench.Folder["dir-moved"]);
        Directory.CreateSymbolicLink(bench.First["dir"], outside);

        var reverted = bench.TryOurs(bench.First, "revert");

        Assert.NotEqual(0, reverted.ExitCode);
        Assert.Equal("theirs", File.ReadAllText(Path.Combine(outside, "b.txt")));
        Assert.False(Directory.Exists(Path.Combine(outside, "deep")));
    }

    // Stock says that it can be undone in its own words.
    private static string[] Lines(string text) =>
        [.. text.Split('\n').Where(l => !l.Contains("undo", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    // Stock names moved files by their full path.
    private static string WithoutRoots(string text, InteropTests.Support.StockCheckout checkout) =>
        text.Replace(checkout.Folder + "/", "", StringComparison.Ordinal);
}
