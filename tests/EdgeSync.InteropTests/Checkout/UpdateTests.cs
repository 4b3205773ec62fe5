using System.Text;
using EdgeSync.InteropTests.Support;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>Going from one check-in to another, beside stock on an equal checkout.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class UpdateTests
{
    [Test]
    public void A_name_that_a_file_got_here_survives_an_update_to_the_same_check_in()
    {
        using var pair = new CheckoutPair();
        pair.Stock("mv", "--hard", "a.txt", "moved.txt");

        pair.Theirs.Run("update", "trunk");
        pair.OursOutput("update", "trunk");

        pair.MustMatch();
        Assert.False(File.Exists(pair.Ours["a.txt"]));
    }

    /// <summary>Stock gives the file its old name back.</summary>
    [Test]
    [Property("Fossil", "2.21")]
    public void A_name_that_a_file_got_here_survives_an_update_to_another_check_in()
    {
        using var bench = new CheckoutBench();
        var ours = bench.OpenByUs("ours");
        bench.First.Write("a.txt", "one\ntwo\nTHREE\n").Write("dir/b.txt", "changed\n").Commit("second");
        ours.Write("a.txt", "ONE\ntwo\nthree\n");
        ours.Run("mv", "--hard", "a.txt", "moved.txt");
        ours.Run("mv", "--hard", "dir/b.txt", "b.txt");

        bench.Ours(ours, "update");

        Assert.Equal("ONE\ntwo\nTHREE\n", File.ReadAllText(ours["moved.txt"]));
        Assert.Equal("changed\n", File.ReadAllText(ours["b.txt"]));
        Assert.False(File.Exists(ours["a.txt"]) || File.Exists(ours["dir/b.txt"]));
        Assert.Equal(ours.Run("changes").Output, bench.Ours(ours, "changes"));
        bench.Ours(ours, "update", "prev");
        Assert.Equal("b\n", File.ReadAllText(ours["b.txt"]));
        ours.Commit("renamed", "--allow-fork");
        bench.Bench.MustBeSound(bench.Repository);
    }

    [Test]
    public void Unedited_files_become_those_of_the_target()
    {
        using var bench = new CheckoutBench();
        var (theirs, ours) = Two(bench);
        Second(bench);

        foreach (var line in (string[][])[
            ["update"], ["update", "root:trunk"], ["update", "trunk"], ["undo"], ["redo"], ["undo"],
            ["update", "--latest"],
            ["checkout", "prev"], ["co", "--latest"], ["update", "prev", "a.txt"], ["revert"], ["update", "--dry-run"]])
        {
            theirs.Run(line);
            bench.Ours(ours, line);

            CheckoutBench.MustBeEqual(theirs, ours);
            Assert.Equal(theirs.Run("changes").Output, bench.Ours(ours, "changes"));
        }
    }

    [Test]
    [Property("Fossil", "2.21")]
    public void Edits_are_merged_as_stock_merges_them()
    {
        using var bench = new CheckoutBench();
        bench.First.Write("long.txt", Numbered(40)).Write("binary", "a\0b").Write("gone.txt", "g\n").Commit("more");
        var (theirs, ours) = Two(bench);
        bench.First.Write("long.txt", Numbered(40, (3, "three of the branch"), (20, "twenty"), (38, "38")))
            .Write("a.txt", "one\ntwo\nthree and four\n").Write("binary", "other\0").Write("fresh.txt", "theirs\n");
        File.Delete(bench.First["gone.txt"]);
        bench.First.Run("mv", "dir/b.txt", "dir/renamed.txt", "--hard");
        bench.First.Commit("target");
        foreach (var checkout in (StockCheckout[])[theirs, ours])
        {
            checkout.Write("long.txt", Numbered(40, (3, "three of mine"), (10, "ten")))
                .Write("a.txt", "zero\none\ntwo\nthree\n").Write("binary", "mine\0").Write("gone.txt", "edited\n")
                .Write("dir/b.txt", "b edited\n").Write("fresh.txt", "mine\n").Write("added.txt", "added\n");
            checkout.Run("add", "added.txt");
        }

        var before = CheckoutBench.FilesOf(ours.Folder);
        var expected = theirs.Run("update").Output;
        var actual = bench.Ours(ours, "update");

        Assert.Equal(Reported(expected), Reported(actual));
        CheckoutBench.MustBeEqual(theirs, ours);
        Assert.Equal(theirs.Run("changes").Output, bench.Ours(ours, "changes"));
        Assert.NotEqual(0, bench.TryOurs(ours, "commit", "-m", "with conflicts").ExitCode);

        ours.Run("undo");
        Assert.Equal(before, CheckoutBench.FilesOf(ours.Folder).FindAll(f => !f.Contains("-original", Ordinal)));
        ours.Run("redo");
        bench.Ours(ours, "undo");
        Assert.Equal(before, CheckoutBench.FilesOf(ours.Folder).FindAll(f => !f.Contains("-original", Ordinal)));
    }

    /// <summary>Random texts and edits of both sides: the merged file is stock's, byte for byte.</summary>
    [Test]
    [Property("Fossil", "2.21")]
    public void Merged_texts_are_stocks()
    {
        using var bench = new Workbench("merge");
        Property.Check(
            prng =>
            {
                var ancestor = RandomText(prng, prng.NextInt32(0, 40));
                var (local, other) = (Edited(prng, ancestor), Edited(prng, ancestor));
                var (a, l, o) = (Text(prng, ancestor), Text(prng, local), Text(prng, other));
                foreach (var (name, text) in (ReadOnlySpan<(string, byte[])>)[("a", a), ("l", l), ("o", o)])
                    File.WriteAllBytes(bench[name], text);
                bench.Stock.Try("3-way-merge", bench["a"], bench["l"], bench["o"], bench["m"]);

                var merged = EdgeSync.Fossil.Merge.ThreeWayMerge.Merge(a, l, o);

                Assert.NotNull(merged);
                Assert.Equal(File.ReadAllBytes(bench["m"]), merged.Content.ToArray());
            });
    }

    [Test]
    public void An_edit_within_the_second_of_the_checkout_is_kept()
    {
        using var bench = new CheckoutBench();
        var ours = bench.OpenByUs("ours");
        var seconds = File.GetLastWriteTimeUtc(ours["a.txt"]);
        File.WriteAllText(ours["a.txt"], "ONE\ntwo\nthree\n");
        File.SetLastWriteTimeUtc(ours["a.txt"], seconds);
        bench.First.Write("a.txt", "one\ntwo\nTHREE\n").Commit("second");

        bench.Ours(ours, "update");

        Assert.Contains("ONE", File.ReadAllText(ours["a.txt"]), StringComparison.Ordinal);
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    private static (StockCheckout Theirs, StockCheckout Ours) Two(CheckoutBench bench) =>
        (bench.Bench.Open(bench.Repository, "theirs"), bench.OpenByUs("ours"));

    private static void Second(CheckoutBench bench)
    {
        var first = bench.First;
        first.Write("a.txt", "second\n").Write("new/deep/n.txt", "n\n");
        File.SetUnixFileMode(first["dir/deep/c.sh"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.CreateSymbolicLink(first["link"], "a.txt");
        first.Run("mv", "dir/b.txt", "moved.txt", "--hard");
        first.Commit("second");
    }

    private static string Numbered(int lines, params (int Line, string Text)[] changed)
    {
        var text = new StringBuilder();
        for (var i = 1; i <= lines; i++)
            text.Append(changed.FirstOrDefault(c => c.Line == i).Text ?? $"line {i}").Append('\n');
        return text.ToString();
    }

    // The lines about files: what is said below them has other words.
    private static string[] Reported(string output) =>
        [.. output.Split('\n').TakeWhile(l => !l.StartsWith("-----", Ordinal))];

    private static List<string> RandomText(Prng prng, int lines) =>
        [.. Enumerable.Range(0, lines).Select(_ => $"line {prng.NextInt32(0, 12)}")];

    private static List<string> Edited(Prng prng, List<string> lines)
    {
        var edited = lines.ToList();
        for (var i = prng.NextInt32(0, 4); i > 0; i--)
        {
            var at = prng.NextInt32(0, edited.Count + 1);
            if (prng.NextInt32(0, 2) == 0 && at < edited.Count) edited.RemoveAt(at);
            else edited.Insert(at, $"edit {prng.NextInt32(0, 5)}");
        }

        return edited;
    }

    private static byte[] Text(Prng prng, List<string> lines)
    {
        var text = string.Join(prng.NextInt32(0, 8) == 0 ? "\r\n" : "\n", lines);
        return Encoding.UTF8.GetBytes(prng.NextInt32(0, 4) == 0 || text.Length == 0 ? text : text + "\n");
    }
}
