using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>
/// The same commit made by stock and by us, each in its own copy of one checkout and repository: the same manifest,
/// byte for byte, and the same rows.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class CommitTests
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    [Test]
    [Property("Fossil", "2.21")]
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
        using var pair = new CheckoutPair();
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

    /// <summary>
    /// Stock tells the name that an added file had before its first commit, although no check-in has it.
    /// </summary>
    [Test]
    public void An_added_file_that_is_moved_is_committed_as_by_stock()
    {
        using var pair = new CheckoutPair();
        pair.Each(c =>
        {
            c.Write("new.txt", "new\n").Write("other.txt", "other\n");
            c.Run("add", "new.txt", "other.txt");
        });
        foreach (var line in (string[][])[
            ["mv", "--hard", "new.txt", "moved.txt"], ["mv", "--hard", "other.txt", "new.txt"],
            ["rm", "--soft", "dir/b.txt"], ["mv", "--hard", "new.txt", "dir/b.txt"]])
        {
            if (line[^1] == "dir/b.txt" && line[0] == "mv") pair.Each(c => File.Delete(c["dir/b.txt"]));
            Assert.Equal(pair.Theirs.Try(line).ExitCode == 0, pair.Try(line).ExitCode == 0);
            CheckoutBench.MustBeEqual(pair.Theirs, pair.Ours, isOneRepository: false, hasFolders: false);
        }

        pair.Commit("moved before the first commit", []);

        pair.MustBeEqual();
    }

    [Test]
    public void A_merge_commits_with_the_same_parents()
    {
        using var pair = new CheckoutPair();
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
        using var pair = new CheckoutPair();
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

    /// <summary>
    /// Line ends, encodings, binary data and size: the questions, what "convert" writes, what is committed.
    /// </summary>
    [Test]
    public void Doubtful_contents_are_asked_about_and_converted_as_by_stock()
    {
        using var pair = new CheckoutPair();
        pair.Stock("settings", "large-file-size", "2000");
        (string Name, byte[] Content)[] convertible =
        [
            ("cr.txt", "one\rtwo\r"u8.ToArray()), ("crlf.txt", "one\r\ntwo\r\n"u8.ToArray()),
            ("latin.txt", [(byte)'c', 0xe4, 0x80, 0x9f, (byte)'\n']), ("latin-cr.txt", [0xe4, (byte)'\r', (byte)'\n']),
            ("mixed.txt", "one\r\ntwo\nthree\r"u8.ToArray()),
            ("utf16.txt", [0xff, 0xfe, .. System.Text.Encoding.Unicode.GetBytes("ü one\ntwo\n")]),
            ("utf16be.txt", [0xfe, 0xff, .. System.Text.Encoding.BigEndianUnicode.GetBytes("ü one\r\ntwo\r\n")]),
        ];
        (string Name, byte[] Content)[] others =
        [
            ("binary.dat", [1, 0, 2]),
            ("large.txt", [.. Enumerable.Repeat("line\n"u8.ToArray(), 500).SelectMany(l => l)]),
            ("long.txt", [.. Enumerable.Repeat((byte)'x', 1500), (byte)'\r', (byte)'\n']),
        ];
        Write(convertible);
        pair.Stock("add", ".");

        Answer("n");
        Answer("c");
        pair.Each(c => Assert.True(File.Exists(c["latin-cr.txt-original"])));
        Write(convertible);
        Write(others);
        pair.Stock("add", ".");
        Answer("y", "y", "c");
        Answer("y");
        Write([.. convertible.Select(c => (c.Name, (byte[])[.. c.Content, .. c.Content]))]);
        Answer("a");
        pair.MustBeEqual();

        void Write((string Name, byte[] Content)[] files) => pair.Each(c =>
        {
            foreach (var (name, content) in files) c.Write(name, content);
        });

        // The last answer is given as often as it is asked for.
        void Answer(params string[] answers)
        {
            string[] line = ["commit", "-m", "doubtful", "--date-override", "2024-05-05", "--allow-older"];
            var input = System.Text.Encoding.ASCII.GetBytes(
                string.Concat(Enumerable.Range(0, 20).Select(i => answers[Math.Min(i, answers.Length - 1)] + "\n")));
            var theirs = (pair.Bench.Stock.Start(line) with { Folder = pair.Theirs.Folder, Input = input }).Run();
            var ours = (pair.Bench.Ours.Start(line) with { Folder = pair.Ours.Folder, Input = input }).Run();

            Assert.Equal(theirs.ExitCode == 0, ours.ExitCode == 0);
            Assert.Equal(Questions(theirs), Questions(ours));
            pair.MustMatch();
        }

        static IEnumerable<string> Questions(ProgramResult result) =>
            result.Text.Replace("?", "?\n", Ordinal).Replace("./", "", Ordinal).Replace("edgesync: ", "", Ordinal)
                .Split('\n').Select(l => l.Trim())
                .Where(l => l.Contains(" contains ", Ordinal) || l.Contains("bytes in size", Ordinal)
                    || l.StartsWith("Commit anyhow", Ordinal) || l.Contains("Abandoning", Ordinal));
    }

    [Test]
    public void A_comment_may_come_from_a_file_or_an_editor()
    {
        using var pair = new CheckoutPair();
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
}
