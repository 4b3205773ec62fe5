namespace EdgeSync.InteropTests.Checkout;

/// <summary>The files on the disk against a version, beside stock in the same checkout.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class DiffOfDiskTests
{
    private static readonly string[][] Forms =
        [
            ["diff"], ["diff", "--brief"], ["diff", "-v"], ["diff", "--numstat"], ["diff", "-y"],
            ["diff", "a.txt", "dir"]];

    [Test]
    [Property("Fossil", "2.21")]
    public void Called_as_fossil_it_prints_what_stock_prints()
    {
        using var bench = new CheckoutBench();
        var checkout = bench.Bench.Open(bench.Repository, "here");
        checkout.Write("a.txt", "one\n2\nthree\nfour\n").Write("new.txt", "new\n").Write("data.bin", "a\0b");
        checkout.Run("add", "new.txt", "data.bin");
        checkout.Run("mv", "dir/deep/c.sh", "moved.sh", "--hard");
        foreach (var change in (Action[])[
            () => { }, () => checkout.Run("rm", "dir/b.txt", "--hard"), () => File.Delete(checkout["a.txt"]),
            () => File.AppendAllText(checkout["moved.sh"], "echo\n"),
            () => checkout.Run("commit", "-m", "all but one", "new.txt", "--nosign")])
        {
            change();
            foreach (var form in Forms)
            {
                var expected = checkout.Try([.. form, "-i"]);
                var actual = bench.Bench.Ours.TryAsFossil(checkout.Folder, form);

                Assert.Equal((form, expected.Output), (form, actual.Output));
            }
        }
    }

    [Test]
    public void Shows_what_was_edited_since_a_version()
    {
        using var bench = new CheckoutBench();
        var checkout = bench.OpenByUs("here");

        Assert.Equal("", bench.Ours(checkout, "diff"));
        checkout.Write("a.txt", "one\n2\nthree\n");
        bench.Ours(checkout, "mv", "dir/b.txt", "dir/c.txt", "--hard");
        bench.Ours(checkout, "rm", "dir/deep/c.sh", "--hard");

        Assert.Equal(
            """
            Index: a.txt
            ==================================================================
            --- a.txt
            +++ a.txt
            @@ -1,3 +1,3 @@
             one
            -two
            +2
             three

            RENAMED  dir/b.txt -> dir/c.txt
            DELETED  dir/deep/c.sh

            """,
            bench.Ours(checkout, "diff"));
        bench.Ours(checkout, "commit", "-m", "second", "--no-warnings");
        Assert.Equal("", bench.Ours(checkout, "diff"));
        Assert.Contains("+2", bench.Ours(checkout, "diff", "--from", "prev"), StringComparison.Ordinal);
        Assert.Equal(
            bench.Ours(checkout, "diff", "--from", "prev", "--to", "current", "a.txt"),
            bench.Ours(checkout, "diff", "--from", "prev", "a.txt"));
    }

    [Test]
    public void Versions_stand_before_files_and_a_file_of_that_name_is_a_file()
    {
        using var bench = new CheckoutBench();
        var checkout = bench.OpenByUs("here");
        checkout.Write("a.txt", "one\n2\nthree\n");
        bench.Ours(checkout, "commit", "-m", "second", "--no-warnings", "--tag", "two");
        checkout.Write("a.txt", "1\n2\nthree\n");
        bench.Ours(checkout, "commit", "-m", "third", "--no-warnings");
        checkout.Write("a.txt", "one\n3\nthree\n");

        Assert.Equal(bench.Ours(checkout, "diff", "--from", "prev"), bench.Ours(checkout, "diff", "prev"));
        Assert.Equal(
            bench.Ours(checkout, "diff", "--from", "prev", "--to", "tip", "a.txt"),
            bench.Ours(checkout, "diff", "prev", "tip", "a.txt"));
        Assert.Equal(
            bench.Ours(checkout, "repo", "diff", "--from", "prev", "--to", "tip"),
            bench.Ours(checkout, "repo", "diff", "-R", bench.Repository, "two", "tip"));
        Assert.Contains("+3", bench.Ours(checkout, "diff", "a.txt"), StringComparison.Ordinal);

        checkout.Write("two", "a file\n");
        bench.Ours(checkout, "add", "two");
        Assert.StartsWith("ADDED  ", bench.Ours(checkout, "diff", "two"), StringComparison.Ordinal);
        File.Delete(checkout["two"]);
        Assert.DoesNotContain("a.txt", bench.Ours(checkout, "diff", "two"), StringComparison.Ordinal);
        var missing = bench.TryOurs(checkout, "diff", "nosuch");
        Assert.Equal(3, missing.ExitCode);
    }
}
