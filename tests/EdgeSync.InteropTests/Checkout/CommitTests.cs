using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>
/// The same commit made by stock and by us, each in its own copy of one checkout and repository: the same manifest,
/// byte for byte, and the same rows.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class CommitTests
{
    private const string Date = "2024-05-02T03:04:05.678";

    [Test]
    [Arguments("everything", "")]
    [Arguments("branch", "--branch|feature|--branchcolor|#c0ffee|--tag|b-tag|--tag|a-tag")]
    [Arguments("colour and close", "--bgcolor|#abcdef|--close")]
    [Arguments("delta", "--delta")]
    [Arguments("baseline", "--baseline")]
    [Arguments("private", "--private")]
    [Arguments("partial", "a.txt|dir/bb.txt|gone.txt")]
    [Arguments("folder", "dir")]
    public void A_commit_is_stocks(string comment, string options)
    {
        using var pair = new Pair();
        pair.Each(c => c.Write("gone.txt", "to go\n").Write("both.txt", "1\n"), addRemove: true);
        pair.Stock("commit", "-m", "more", "--date-override", "2024-03-01", "--no-warnings");
        pair.Each(c =>
        {
            c.Write("a.txt", "one\n2\nthree\n").Write("new/n.txt", "new\n").Write("both.txt", "2\n");
            c.Run("add", "new");
            c.Run("mv", "dir/b.txt", "dir/bb.txt", "--hard");
            c.Run("rm", "gone.txt", "--hard");
            // Stock's delta manifests forget a change of the permission alone.
            if (options != "--delta")
                File.SetUnixFileMode(c["dir/deep/c.sh"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.CreateSymbolicLink(c["link"], "a.txt");
            c.Run("add", "link");
        });

        pair.Commit(comment, options.Split('|', StringSplitOptions.RemoveEmptyEntries));

        pair.MustBeEqual();
        Assert.Equal(pair.Theirs.Run("changes").Output, pair.OursOutput("changes"));
    }

    [Test]
    public void A_merge_commits_with_the_same_parents()
    {
        using var pair = new Pair();
        pair.Each(c => c.Write("branch.txt", "b\n"), addRemove: true);
        pair.Stock("commit", "-m", "branch", "--branch", "side", "--date-override", "2024-03-01", "--no-warnings");
        pair.Stock("update", "trunk");
        pair.Each(c => c.Write("trunk.txt", "t\n"), addRemove: true);
        pair.Stock("commit", "-m", "trunk", "--date-override", "2024-03-02", "--no-warnings");
        pair.Stock("merge", "side", "--integrate");

        Assert.NotEqual(0, pair.Try("commit", "-m", "partly", "trunk.txt").ExitCode);
        pair.Commit("merged", []);

        pair.MustBeEqual();
    }

    [Test]
    public void What_stock_refuses_is_refused()
    {
        using var pair = new Pair();
        Assert.NotEqual(0, pair.Try("commit", "-m", "nothing").ExitCode);

        pair.Ours.Write("a.txt", "crlf\r\nline\r\n");
        Assert.Contains("CR/LF line endings", pair.Try("commit", "-m", "x").Errors, StringComparison.Ordinal);
        pair.Ours.Write("a.txt", "b\0nary");
        Assert.Contains("binary data", pair.Try("commit", "-m", "x").Errors, StringComparison.Ordinal);
        pair.Ours.Write("a.txt", [0xc3, 0x28, 0x0a]);
        Assert.Contains("invalid UTF-8", pair.Try("commit", "-m", "x").Errors, StringComparison.Ordinal);
        pair.Ours.Write("a.txt", "======= MERGED IN content follows ===============================\n");
        Assert.Contains("a.txt", pair.Try("commit", "-m", "x").Errors, StringComparison.Ordinal);
        File.Delete(pair.Ours["a.txt"]);
        Assert.Contains("a.txt", pair.Try("commit", "-m", "x").Errors, StringComparison.Ordinal);
        pair.Ours.Write("a.txt", "fine\n");
        Assert.NotEqual(0, pair.Try("commit", "-m", "x", "--branch", "trunk").ExitCode);
        Assert.NotEqual(0, pair.Try("commit", "-m", "").ExitCode);
        pair.OursOutput("commit", "-m", "x");

        var old = pair.Bench.Folder.Folder("old");
        pair.Bench.Ours.RunIn(old, "open", pair.Ours.Folder + "/../r.fossil", "root:trunk");
        File.WriteAllText(Path.Combine(old, "f"), "fork\n");
        pair.Bench.Ours.RunIn(old, "add", "f");
        var fork = (pair.Bench.Ours.Start("commit", "-m", "fork") with { Folder = old }).Run();
        Assert.Contains("fork", fork.Errors, StringComparison.Ordinal);
        pair.Bench.Ours.RunIn(old, "commit", "-m", "fork", "--allow-fork");
    }

    [Test]
    public void A_comment_may_come_from_a_file_or_an_editor()
    {
        using var pair = new Pair();
        pair.Ours.Write("a.txt", "1\n").Write("../comment", "from a file\n");
        pair.OursOutput("commit", "-M", "../comment");
        pair.Ours.Write("a.txt", "22\n").Write("../edit.sh", "echo 'from the editor' >> \"$1\"\n");
        var start = pair.Bench.Ours.Start("commit") with { Folder = pair.Ours.Folder };
        start = start with
        {
            Environment = new Dictionary<string, string?>(start.Environment)
            {
                ["EDITOR"] = $"/bin/sh {pair.Ours["../edit.sh"]}",
                ["VISUAL"] = null,
            },
        };
        start.Run().MustSucceed();

        var timeline = pair.Ours.Run("timeline", "-n", "2").Output;
        Assert.Contains("from a file", timeline, StringComparison.Ordinal);
        Assert.Contains("from the editor", timeline, StringComparison.Ordinal);
        Assert.DoesNotContain("Enter a commit", timeline, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(pair.Ours.Folder, "ci-comment*"));
    }

    [Test]
    public void An_empty_checkout_commits_a_root_and_a_dry_run_nothing()
    {
        using var bench = new CheckoutBench();
        var empty = bench.OpenByUs("empty", "--empty");
        empty.Write("root.txt", "root\n");
        bench.Ours(empty, "add", "root.txt");

        bench.Ours(empty, "commit", "--dry-run");
        Assert.Equal(["0"], CheckoutBench.Rows(empty, "SELECT value FROM vvar WHERE name='checkout'"));
        bench.Ours(empty, "commit", "-m", "another root", "--force");

        Assert.Equal("", empty.Run("changes").Output);
        bench.Bench.MustBeSound(bench.Repository);
    }

    /// <summary>Two equal copies of a repository with its checkout.</summary>
    private sealed class Pair : IDisposable
    {
        public Pair()
        {
            Bench = new Workbench("commit");
            var first = Bench.Folder.Folder("theirs");
            Bench.NewRepository("theirs/r.fossil");
            Bench.Stock.Run("settings", "autosync", "off", "-R", Bench["theirs/r.fossil"]);
            Bench.Stock.Run("settings", "allow-symlinks", "on", "-R", Bench["theirs/r.fossil"]);
            Bench.Stock.RunIn(Bench.Folder.Folder("theirs", "w"), "open", "../r.fossil");
            Theirs = new StockCheckout(Bench.Stock, Path.Combine(first, "w"));
            Theirs.Write("a.txt", "one\ntwo\nthree\n").Write("dir/b.txt", "b\n").Write("dir/deep/c.sh", "#!/bin/sh\n");
            File.SetUnixFileMode(
                Theirs["dir/deep/c.sh"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Theirs.Run("addremove");
            Theirs.Run("commit", "-m", "first", "--date-override", "2024-02-01", "--no-warnings");
            new ProgramStart("/bin/cp") { Arguments = ["-a", first, Bench["ours"]] }.Run().MustSucceed();
            Ours = new StockCheckout(Bench.Stock, Bench["ours/w"]);
        }

        public Workbench Bench { get; }

        public StockCheckout Theirs { get; }

        public StockCheckout Ours { get; }

        public void Each(Action<StockCheckout> change, bool addRemove = false)
        {
            foreach (var checkout in (StockCheckout[])[Theirs, Ours])
            {
                change(checkout);
                if (addRemove) checkout.Run("addremove");
            }
        }

        public void Stock(params string[] arguments) => Each(c => c.Run(arguments));

        public string OursOutput(params ReadOnlySpan<string> arguments) =>
            Bench.Ours.RunIn(Ours.Folder, arguments).Output;

        public ProgramResult Try(params ReadOnlySpan<string> arguments) =>
            (Bench.Ours.Start(arguments) with { Folder = Ours.Folder }).Run();

        public void Commit(string comment, string[] options)
        {
            string[] line = ["commit", "-m", comment, "--date-override", Date, "--no-warnings", .. options];
            var theirs = Theirs.Run(line).Output;
            Assert.Equal(
                theirs.Split('\n').Where(l => l.StartsWith("New_Version", StringComparison.Ordinal)),
                OursOutput(line).Split('\n').Where(l => l.StartsWith("New_Version", StringComparison.Ordinal)));
        }

        public void MustBeEqual()
        {
            CheckoutBench.MustBeEqual(Theirs, Ours, isOneRepository: false);
            Bench.Ours.MustBeIntact(Bench["ours/r.fossil"]);
            Bench.Stock.MustBeIntact(Bench["ours/r.fossil"]);
        }

        public void Dispose() => Bench.Dispose();
    }
}
