using EdgeSync.InteropTests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>Uncommitted changes as a file, from one program to the other.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class PatchTests
{
    private const string Ours = "ours";

    [Test]
    public void Each_program_applies_the_patch_of_the_other()
    {
        using var bench = new CheckoutBench();
        var first = bench.First;
        var (theirs, ours) = (bench.Bench.Open(bench.Repository, "theirs"), bench.OpenByUs(Ours));
        Change(first);
        var (own, stocks) = (bench.Bench["own.patch"], bench.Bench["stocks.patch"]);

        bench.Ours(first, "patch", "create", own);
        first.Run("patch", "create", stocks);
        Assert.Equal(first.Run("patch", "view", stocks).Output, bench.Bench.Ours.RunAsFossil(
            first.Folder, "patch", "view", stocks).Output);
        theirs.Run("patch", "apply", own);
        bench.Ours(ours, "patch", "apply", own);

        var expected = CheckoutBench.FilesOf(first.Folder);
        Assert.Equal(expected, CheckoutBench.FilesOf(theirs.Folder));
        Assert.Equal(expected, CheckoutBench.FilesOf(ours.Folder));
        Assert.Equal(first.Run("changes").Output, bench.Ours(ours, "changes"));
        Assert.Equal("", bench.Ours(ours, "stash", "ls", "--json").Contains("patch of", Ordinal) ? "left" : "");

        // Stock's lacks what only changed its name or permission: both are where they were, with their text.
        bench.Ours(ours, "undo");
        Assert.Equal("", bench.Ours(ours, "changes"));
        bench.Ours(ours, "patch", "apply", stocks);
        Assert.Equal("one\nTWO\nthree\n", File.ReadAllText(ours["a.txt"]));
        Assert.Equal("#!/bin/sh\n", File.ReadAllText(ours["dir/renamed.sh"]));
        Assert.Equal("new\n", File.ReadAllText(ours["new.txt"]));
        Assert.False(File.Exists(ours["dir/b.txt"]));
        Assert.Contains("@@ -1,3 +1,3 @@", bench.Ours(ours, "patch", "diff", stocks), Ordinal);
    }

    [Test]
    public void Changes_here_are_in_the_way_unless_forced()
    {
        using var bench = new CheckoutBench();
        var patch = bench.Bench["own.patch"];
        Change(bench.First);
        bench.Ours(bench.First, "patch", "create", patch);
        var ours = bench.OpenByUs(Ours);
        ours.Write("a.txt", "mine\n");

        Assert.Equal(5, bench.TryOurs(bench.First, "patch", "create", patch).ExitCode);
        Assert.Equal(5, bench.TryOurs(ours, "patch", "apply", patch).ExitCode);
        Assert.Equal("mine\n", File.ReadAllText(ours["a.txt"]));
        bench.Ours(ours, "patch", "apply", patch, "--force");
        Assert.Equal("one\nTWO\nthree\n", File.ReadAllText(ours["a.txt"]));

        ours.Commit("patched");
        bench.Bench.MustBeSound(bench.Repository);
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    // An edit, a new file, a removed one, another name.
    private static void Change(StockCheckout checkout)
    {
        checkout.Write("a.txt", "one\nTWO\nthree\n").Write("new.txt", "new\n");
        checkout.Run("add", "new.txt");
        checkout.Run("rm", "--hard", "dir/b.txt");
        checkout.Run("mv", "--hard", "dir/deep/c.sh", "dir/renamed.sh");
    }
}
