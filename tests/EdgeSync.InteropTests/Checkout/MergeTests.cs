using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>
/// The same merge made by stock and by us, each in its own copy of one checkout and repository: the same report, files,
/// rows, and in the end the same manifest.
/// </summary>
[ClassDataSource<DivergedHistory>(Shared = SharedType.PerClass)]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MergeTests(DivergedHistory history)
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    [Test]
    [Property("Fossil", "2.21")]
    [Arguments("merge", "side")]
    [Arguments("integrate", "side|--integrate")]
    [Arguments("cherry-pick", "side|--cherrypick")]
    [Arguments("backout", "side|--backout|--force")]
    [Arguments("kept files", "side|-K")]
    public void A_merge_is_stocks(string comment, string words)
    {
        using var pair = Diverged();
        string[] line = ["merge", .. words.Split('|')];

        var (theirs, ours) = (pair.Theirs.Run(line), pair.OursResult(line));

        Assert.Equal(AsOurs(theirs.Output), ours.Output);
        Assert.Equal(Sorted(theirs.Errors), Sorted(ours.Errors));
        pair.MustMatch();
        Assert.Equal(pair.Theirs.Run("changes").Output, pair.OursOutput("changes"));

        // Stock goes on with ours.
        var before = CheckoutBench.FilesOf(pair.Ours.Folder);
        Assert.Equal(pair.Theirs.Run("undo").Output, pair.Ours.Run("undo").Output);
        pair.MustMatch();
        pair.Stock("redo");
        Assert.Equal(before, CheckoutBench.FilesOf(pair.Ours.Folder));

        pair.Each(c => c.Write("a.txt", "decided\n").Write("both.txt", "decided\n").Write("conflict.txt", "decided\n"));
        pair.Commit(comment, ["--allow-conflict", "--allow-empty"]);
        pair.MustMatch();
        Assert.Equal(Graph(pair, "theirs"), Graph(pair, "ours"));
    }

    [Test]
    [Property("Fossil", "2.21")]
    [Arguments("side")]
    [Arguments("side|--baseline|start")]
    [Arguments("side|--binary|*.txt")]
    public void A_dry_run_changes_nothing_and_says_the_same(string words)
    {
        using var pair = Diverged();
        string[] line = ["merge", "-n", .. words.Split('|')];
        var before = CheckoutBench.FilesOf(pair.Ours.Folder);
        var rows = CheckoutBench.FileRows(pair.Ours);

        var (theirs, ours) = (pair.Theirs.Run(line), pair.OursResult(line));

        Assert.Equal(AsOurs(theirs.Output), ours.Output);
        Assert.Equal(Sorted(theirs.Errors), Sorted(ours.Errors));
        Assert.Equal(before, CheckoutBench.FilesOf(pair.Ours.Folder));
        Assert.Equal(rows, CheckoutBench.FileRows(pair.Ours));
    }

    /// <summary>Edits that no check-in has: merged, kept beside the file, or refused, but never gone.</summary>
    [Test]
    [Property("Fossil", "2.21")]
    public void Local_edits_are_merged_or_kept()
    {
        using var pair = Diverged();
        pair.Each(c => c.Write("gone.txt", "edited here\n").Write("fresh.txt", "untracked here\n")
            .Write("clean.txt", "a\nB\nc\nd\ne\n"));

        var (theirs, ours) = (pair.Theirs.Run("merge", "side").Output, pair.OursOutput("merge", "side"));

        Assert.Equal(AsOurs(theirs), ours);
        Assert.Equal(CheckoutBench.FileRows(pair.Theirs), CheckoutBench.FileRows(pair.Ours));
        Assert.Equal("edited here\n", File.ReadAllText(pair.Ours["gone.txt-original"]));
        Assert.Equal("untracked here\n", File.ReadAllText(pair.Ours["fresh.txt-original"]));
        Assert.Equal("a\nB\nc\nd\nE\n", File.ReadAllText(pair.Ours["clean.txt"]));
        pair.OursOutput("undo");
        Assert.Equal("edited here\n", File.ReadAllText(pair.Ours["gone.txt"]));
        Assert.Equal("untracked here\n", File.ReadAllText(pair.Ours["fresh.txt"]));
    }

    [Test]
    public void A_fork_of_the_branch_is_merged_without_a_name()
    {
        using var pair = new CheckoutPair();
        pair.Each(c => c.Write("a.txt", "one\n2\nthree\n"));
        pair.Stock("commit", "-m", "first end", "--date-override", "2024-03-01", "--no-warnings");
        pair.Stock("update", "prev");
        pair.Each(c => c.Write("n.txt", "n\n"), addRemove: true);
        pair.Stock(
            "commit", "-m", "the other end of the branch", "--date-override", "2024-03-02", "--no-warnings",
            "--allow-fork");

        Assert.Equal(AsOurs(pair.Theirs.Run("merge", "-v").Output), pair.OursOutput("merge", "-v"));
        pair.MustMatch();
        pair.Commit("joined", []);
        pair.MustMatch();
        Assert.NotEqual(0, pair.Try("merge").ExitCode);
        Assert.Contains("no unmerged forks", pair.Try("merge").Errors, Ordinal);
    }

    /// <summary>
    /// Stock's undo forgets the bits, and its merge of a file that both changed loses that of this side.
    /// </summary>
    [Test]
    public void Executable_bits_are_merged()
    {
        const UnixFileMode plain = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var pair = new CheckoutPair();
        pair.Each(c => c.Write("on.sh", "1\n2\n3\n4\n").Write("mine.sh", "1\n2\n3\n4\n"), addRemove: true);
        pair.Stock("commit", "-m", "start", "--date-override", "2024-03-01", "--no-warnings");
        pair.Each(c =>
        {
            File.SetUnixFileMode(c["on.sh"], plain | UnixFileMode.UserExecute);
            File.SetUnixFileMode(c["dir/deep/c.sh"], plain);
            c.Write("mine.sh", "1\n2\n3\nfour\n");
        });
        pair.Stock("commit", "-m", "there", "--branch", "side", "--date-override", "2024-03-02", "--no-warnings");
        pair.Stock("update", "trunk");
        pair.Each(c =>
        {
            c.Write("mine.sh", "one\n2\n3\n4\n");
            File.SetUnixFileMode(c["mine.sh"], plain | UnixFileMode.UserExecute);
        });
        pair.Stock("commit", "-m", "here", "--date-override", "2024-03-03", "--no-warnings");
        var before = CheckoutBench.FilesOf(pair.Ours.Folder);

        Assert.Equal(AsOurs(pair.Theirs.Run("merge", "side").Output), pair.OursOutput("merge", "side"));

        Assert.Equal(CheckoutBench.FileRows(pair.Theirs), CheckoutBench.FileRows(pair.Ours));
        var files = CheckoutBench.FilesOf(pair.Ours.Folder);
        Assert.Contains(files, f => f.StartsWith("on.sh x", Ordinal));
        Assert.Contains(files, f => f.StartsWith("dir/deep/c.sh -", Ordinal));
        Assert.Contains(files, f => f.StartsWith("mine.sh x", Ordinal));
        pair.OursOutput("undo");
        Assert.Equal(before, CheckoutBench.FilesOf(pair.Ours.Folder));
    }

    /// <summary>A merge of two merges, of a branch that was merged before, and of what is there already.</summary>
    [Test]
    [Property("Fossil", "2.21")]
    public void Merges_of_merges_find_the_same_ancestor()
    {
        using var pair = Diverged();
        foreach (var line in (string[][])[
            ["merge", "side"], ["commit", "-m", "m1", "--allow-conflict", "--date-override", "2024-06-01"],
            ["update", "side"], ["merge", "trunk"],
            ["commit", "-m", "m2", "--allow-conflict", "--allow-empty", "--date-override", "2024-06-02"],
            ["merge", "trunk"], ["merge", "start", "--force"], ["revert"], ["update", "trunk"], ["merge", "side"],
            ["merge", "start", "--cherrypick"], ["commit", "-m", "m3", "--allow-conflict", "--allow-empty",
                "--date-override", "2024-06-03"]])
        {
            string[] words = line[0] == "commit" ? [.. line, "--no-warnings"] : line;
            var theirs = pair.Theirs.Run(words).Output;
            var ours = pair.OursOutput(words);
            if (line[0] == "merge") Assert.Equal(AsOurs(theirs), ours);
            pair.MustMatch();
        }

        pair.MustBeEqual();
        Assert.Equal(Graph(pair, "theirs"), Graph(pair, "ours"));
    }

    [Test]
    [Property("Fossil", "2.21")]
    public void The_merge_program_resolves_conflicts_as_stock_calls_it()
    {
        using var pair = Diverged();
        pair.Stock("settings", "gmerge-command", "cat %baseline %original %merge > %output");

        var theirs = pair.Theirs.Run("merge", "side").Output;
        var ours = pair.OursOutput("merge", "side");

        Assert.Equal(AsOurs(theirs), ours);
        pair.MustMatch();
        pair.Stock("undo");
        pair.OursOutput("merge", "side", "--tool", "cp %merge %output");
        Assert.Equal("theirs\n", File.ReadAllText(pair.Ours["conflict.txt"]));
    }

    /// <summary>Strategies by path, and what is left to be decided.</summary>
    [Test]
    public void Conflicts_are_listed_shown_and_decided()
    {
        using var pair = Diverged();
        pair.Ours.Write(".edgesync-merge", "# rules\n*.bin conflict-fork\nboth.txt last-writer-wins\n");
        pair.OursOutput("merge", "side");

        var list = pair.OursOutput("conflicts");
        Assert.Contains("CONFLICT  conflict.txt", list, Ordinal);
        Assert.Contains("FORK      data.bin (base=", list, Ordinal);
        Assert.DoesNotContain("both.txt", list, Ordinal);
        Assert.Equal("b\nc\nother\n", File.ReadAllText(pair.Ours["both.txt"]));
        Assert.Contains("CONFLICT   conflict.txt", pair.OursOutput("changes"), Ordinal);
        Assert.NotEqual(0, pair.Try("commit", "-m", "x", "--no-warnings").ExitCode);

        var shown = pair.OursOutput("conflicts", "show", "conflict.txt");
        Assert.Contains("=== local: conflict.txt\nours\n=== remote: conflict.txt\ntheirs\n", shown, Ordinal);
        pair.OursOutput("conflicts", "extract", "data.bin");
        Assert.Equal("theirs\0", File.ReadAllText(pair.Ours["data.bin.REMOTE"]));
        Assert.Contains("conflicts remain", pair.OursOutput("conflicts", "merge", "conflict.txt"), Ordinal);
        pair.OursOutput("conflicts", "pick", "conflict.txt", "--remote");
        Assert.Equal("theirs\n", File.ReadAllText(pair.Ours["conflict.txt"]));
        pair.OursOutput("undo");
        Assert.Contains("BEGIN MERGE CONFLICT", File.ReadAllText(pair.Ours["conflict.txt"]), Ordinal);
        pair.OursOutput("conflicts", "pick", "conflict.txt", "--local");
        Assert.Equal("ours\n", File.ReadAllText(pair.Ours["conflict.txt"]));

        // A decision is undone as a whole, by either program; what it was decided from is known again.
        pair.OursOutput("conflicts", "pick", "data.bin", "--remote");
        Assert.Equal("no conflicts\n", pair.OursOutput("conflicts"));
        pair.Ours.Run("undo");
        Assert.Contains("FORK      data.bin (base=", pair.OursOutput("conflicts"), Ordinal);
        pair.OursOutput("redo");
        Assert.Equal("no conflicts\n", pair.OursOutput("conflicts"));
        pair.OursOutput("undo", "data.bin");
        Assert.Equal("ours\0", File.ReadAllText(pair.Ours["data.bin"]));
        pair.Ours.Write("own.txt", "edited\n");
        pair.OursOutput("revert", "own.txt");
        Assert.Contains("FORK      data.bin (base=", pair.OursOutput("conflicts"), Ordinal);

        Assert.NotEqual(0, pair.Try("commit", "-m", "x", "--no-warnings").ExitCode);
        Assert.Contains("\"resolved\"", pair.OursOutput("mark-resolved", "data.bin", "--json"), Ordinal);
        Assert.Contains("already_resolved", pair.OursOutput("mark-resolved", "data.bin", "--json"), Ordinal);
        Assert.Equal("no conflicts\n", pair.OursOutput("conflicts"));
        pair.OursOutput("commit", "-m", "decided", "--no-warnings");
    }

    /// <summary>A conflict that stock left is listed and decided by its markers.</summary>
    [Test]
    [Property("Fossil", "2.21")]
    public void Conflicts_of_stock_are_decided_too()
    {
        using var pair = Diverged();
        pair.Ours.Run("merge", "side");

        Assert.Contains("CONFLICT  conflict.txt", pair.OursOutput("conflicts"), Ordinal);
        pair.OursOutput("conflicts", "pick", "conflict.txt", "--remote");
        Assert.Equal("theirs\n", File.ReadAllText(pair.Ours["conflict.txt"]));
        Assert.Equal("no conflicts\n", pair.OursOutput("conflicts"));
        pair.Ours.Run("commit", "-m", "by stock", "--no-warnings");
    }

    /// <summary>Cut off between two files: the next command says so, and undo restores them.</summary>
    [Test]
    public void A_merge_that_is_cut_off_is_undone()
    {
        using var pair = Diverged();
        var before = CheckoutBench.FilesOf(pair.Ours.Folder);
        var rows = CheckoutBench.FileRows(pair.Ours);
        using (var checkout = WorkingCheckout.Open(
            CheckoutFinder.Find(pair.Ours.Folder)!, path => Repository.Open(path, RepositoryOptions.ReadOnly)))
            Assert.Throws<InvalidOperationException>(() => CheckoutMerge.Run(checkout, new CheckoutMergeOptions
            {
                CommandLine = "merge side",
                Version = checkout.Repository.Names.ResolveCheckin("side"),
                ToolCommand = "none",
                Tool = _ => throw new InvalidOperationException(),
            }));

        Assert.NotEqual(before, WithoutSides());
        Assert.Contains("interrupted", pair.Try("merge", "side").Errors, Ordinal);
        pair.Ours.Run("undo");
        Assert.Equal(before, WithoutSides());
        Assert.Equal(rows, CheckoutBench.FileRows(pair.Ours));

        // What stock can undo since is not the interrupted merge.
        pair.Ours.Run("redo");
        pair.Ours.Run("revert");
        pair.OursOutput("merge", "side");

        List<string> WithoutSides() =>
            CheckoutBench.FilesOf(pair.Ours.Folder).FindAll(f => !f.StartsWith("conflict.txt-", Ordinal));
    }

    [Test]
    public void What_stock_refuses_is_refused()
    {
        using var pair = Diverged();
        foreach (var line in (string[][])[
            ["merge", "nosuch"], ["merge", "side", "--cherrypick", "--baseline", "start"], ["merge"],
            ["merge", "side", "--cherrypick", "--integrate"]])
        {
            Assert.NotEqual(0, pair.Theirs.Try(line).ExitCode);
            Assert.NotEqual(0, pair.Try(line).ExitCode);
        }

        pair.MustMatch();
        pair.Stock("tag", "add", "closed", "current", "--raw");
        Assert.NotEqual(0, pair.Theirs.Try("merge", "side").ExitCode);
        Assert.Contains("closed leaf", pair.Try("merge", "side").Errors, Ordinal);
    }

    private CheckoutPair Diverged() => new(history.Folder);

    private static string AsOurs(string text) => text.Replace("\"fossil undo\"", "\"edgesync undo\"", Ordinal);

    private static string[] Sorted(string text) =>
        [.. text.Split('\n').Where(l => l.Length > 0).Order(StringComparer.Ordinal)];

    private static string[] Graph(CheckoutPair pair, string copy) =>
        CheckoutBench.RowsOf(
            pair.Bench[$"{copy}/r.fossil"],
            """
            SELECT c.uuid,p.uuid,isprim FROM plink JOIN blob c ON c.rid=cid JOIN blob p ON p.rid=pid
            UNION ALL SELECT c.uuid,p.uuid,isExclude FROM cherrypick JOIN blob c ON c.rid=childid
              JOIN blob p ON p.rid=parentid
            UNION ALL SELECT uuid,'leaf',0 FROM leaf JOIN blob USING(rid) ORDER BY 1,2,3
            """);
}
