using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>
/// Histories from git and to git: the artifacts are those that stock makes of the same stream, and git makes the same
/// commits of our export as of stock's.
/// </summary>
public sealed class GitTests
{
    [Test]
    [Property("Fossil", "2.21")]
    public void An_import_makes_the_artifacts_that_stock_makes()
    {
        using var bench = new Workbench("git");
        File.WriteAllBytes(bench["stream"], Git.WithHistory(bench).Export("--all"));
        bench.Stock.Run("import", "--git", bench["theirs.fossil"], bench["stream"]);

        var said = bench.Ours.Run("repo", "import", "--git", bench["ours.fossil"], bench["stream"]).Output;

        Assert.Contains("password (shown once)", said, StringComparison.Ordinal);
        Assert.Equal(Artifacts(bench, "theirs.fossil"), Artifacts(bench, "ours.fossil"));
        bench.MustBeSound(bench["ours.fossil"]);
    }

    /// <summary>A submodule is a commit of another repository: a check-in has no file there, as in stock.</summary>
    [Test]
    [Property("Fossil", "2.21")]
    public void A_submodule_is_left_out()
    {
        using var bench = new Workbench("git");
        var stream = new System.Text.StringBuilder();
        foreach (var (number, changes) in (ReadOnlySpan<(int, string)>)[
            (1, "M 644 inline a\ndata 2\n1\n\nM 644 inline lib\ndata 2\nl\n\n"),
            (2, "M 160000 0123456789012345678901234567890123456789 lib\n"), (3, "D lib\n"),
            (4, "M 160000 0123456789012345678901234567890123456789 lib\nM 644 inline a\ndata 2\n4\n\n")])
            stream.Append("commit refs/heads/master\n").Append($"mark :{number}\n")
                .Append($"committer A <a@example.org> {1_600_000_000 + number} +0000\ndata 1\n{number}\n")
                .Append(number == 1 ? "" : $"from :{number - 1}\n").Append(changes).Append('\n');
        File.WriteAllText(bench["stream"], stream.ToString());

        bench.Stock.Run("import", "--git", bench["theirs.fossil"], bench["stream"]);
        bench.Ours.Run("repo", "import", "--git", bench["ours.fossil"], bench["stream"]);

        Assert.Equal(Artifacts(bench, "theirs.fossil"), Artifacts(bench, "ours.fossil"));
    }

    /// <summary>
    /// A branch that is reset to nothing begins anew: the next commit has no parent. Stock takes only a deleteall for
    /// that.
    /// </summary>
    [Test]
    [Property("Fossil", "2.21")]
    public void A_reset_begins_a_branch_anew()
    {
        using var bench = new Workbench("git");
        var stream = new System.Text.StringBuilder();
        foreach (var (number, before) in (ReadOnlySpan<(int, string)>)[
            (1, ""), (2, ""), (3, "reset refs/heads/master\n\n"), (4, "")])
            stream.Append(before).Append("commit refs/heads/master\n").Append($"mark :{number}\n")
                .Append($"committer A <a@example.org> {1_600_000_000 + number} +0000\ndata 1\n{number}\n")
                .Append(number is 1 or 3 ? "" : $"from :{number - 1}\n")
                .Append(number == 3 ? "deleteall\n" : "").Append($"M 644 inline f{number}\ndata 2\n{number}\n\n");
        File.WriteAllText(bench["stream"], stream.ToString());

        bench.Stock.Run("import", "--git", bench["theirs.fossil"], bench["stream"]);
        bench.Ours.Run("repo", "import", "--git", bench["ours.fossil"], bench["stream"]);

        Assert.Equal(Artifacts(bench, "theirs.fossil"), Artifacts(bench, "ours.fossil"));
        Assert.Equal("f3\nf4\n", bench.Stock.Run("ls", "-R", bench["ours.fossil"], "-r", "tip").Output);
    }

    [Test]
    public void A_history_goes_through_git_and_back()
    {
        using var bench = new Workbench("git");
        var git = Git.WithHistory(bench);
        git.Commit("a name of two lines", ("two\nlines", "x\n"));
        git.Run("tag", "light");
        File.WriteAllBytes(bench["stream"], git.Export("--all"));
        bench.Ours.Run("repo", "import", "--git", bench["a.fossil"], bench["stream"]);

        var again = Git.Of(bench, "again", bench.Ours.Run("repo", "export", "--git", bench["a.fossil"]).OutputBytes);

        foreach (var reference in (string[])["master", "topic"])
        {
            foreach (var words in (string[][])[
                ["rev-parse", reference + "^{tree}"],
                ["log", "--topo-order", "--format=%T|%cd|%ce", "--date=unix", reference]])
                Assert.Equal(git.Run(words), again.Run(words));
        }

        Assert.Equal("light\nv1\n", again.Run("tag", "-l"));
    }

    [Test]
    public void An_export_makes_the_commits_that_stocks_export_makes()
    {
        using var bench = new Workbench("git");
        var repository = bench.NewRepository("a.fossil");
        var checkout = bench.Open(repository, "here").Write("a.txt", "1\n").Write("lib/b.txt", "b\n").Commit("one")
            .Write("a.txt", "2\n").Commit("a: two?", "--branch", "odd name..x", "--tag", "v 1");
        checkout.Run("mv", "--hard", "lib/b.txt", "c.txt");
        checkout.Write("run.sh", "#!/bin/sh\n").Commit("moved").Run("update", "trunk");
        MakeExecutable(checkout.Write("trunk.sh", "x\n")["trunk.sh"]);
        checkout.Commit("on trunk").Run("merge", "v 1");
        checkout.Commit("merged").Run("tag", "add", "v2", "tip", "a value");
        bench.Stock.Run("user", "contact", GeneratedHistory.Login, "Bob \"B\" <bob@example.org> x", "-R", repository);

        var theirs = Git.Of(bench, "theirs", bench.Stock.Run("export", "--git", "-R", repository).OutputBytes);
        bench.Ours.Run("repo", "export", "--git", "-R", repository, "-o", bench["stream"]);
        var ours = Git.Of(bench, "ours", File.ReadAllBytes(bench["stream"]));

        const string Format = "--format=%(refname) %(objecttype) %(objectname) %(*objectname)";
        Assert.Equal(theirs.Run("for-each-ref", Format), ours.Run("for-each-ref", Format));
        Assert.NotEmpty(ours.Run("for-each-ref", Format));
    }

    [Test]
    public void Marks_carry_a_history_further_in_both_directions()
    {
        using var bench = new Workbench("git");
        var git = Git.WithHistory(bench);
        File.WriteAllBytes(bench["one"], git.Export("--export-marks=" + bench["git.marks"], "topic"));
        bench.Ours.Run(
            "repo", "import", "--git", bench["a.fossil"], bench["one"], "--export-marks", bench["fossil.marks"]);
        git.Commit("later", ("late", "late\n"));
        File.WriteAllBytes(bench["two"], git.Export("--import-marks=" + bench["git.marks"], "topic"));
        bench.Ours.Run(
            "repo", "import", "--git", "--incremental", bench["a.fossil"], bench["two"], "--import-marks",
            bench["fossil.marks"]);

        Assert.Equal("late\n", bench.Stock.Run("cat", "late", "-r", "tip", "-R", bench["a.fossil"]).Output);
        bench.MustBeSound(bench["a.fossil"]);

        // Out again, in two runs; a marks file of stock serves ours.
        bench.Stock.Run("export", "--git", "--export-marks", bench["out.marks"], "-R", bench["a.fossil"]);
        bench.Open(bench["a.fossil"], "here").Write("more", "more\n").Commit("more");
        var rest = bench.Ours.Run(
            "repo", "export", "--git", "--import-marks", bench["out.marks"], "--export-marks", bench["more.marks"],
            bench["a.fossil"]).Output;
        Assert.Equal(1, rest.Split('\n').Count(l => l.StartsWith("commit ", StringComparison.Ordinal)));
        Assert.Equal(
            File.ReadAllLines(bench["out.marks"]).Length + 2, File.ReadAllLines(bench["more.marks"]).Length);
    }

    [Test]
    public void What_is_no_stream_leaves_nothing_behind()
    {
        using var bench = new Workbench("git");
        File.WriteAllText(bench["stream"], "commit refs/heads/master\nnonsense\n");

        Assert.Equal(2, bench.Ours.Try("repo", "import", bench["a.fossil"], bench["stream"]).ExitCode);
        Assert.False(File.Exists(bench["a.fossil"]));
    }

    private static void MakeExecutable(string path)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static string Artifacts(Workbench bench, string repository) => bench.Stock.Run(
        "sql", "-R", bench[repository], "SELECT uuid FROM blob ORDER BY uuid").Output;

    /// <summary>A repository of git in a folder of the bench.</summary>
    private sealed class Git(Workbench bench, string name)
    {
        // Without the settings of this machine, and always at the same times.
        private static readonly Dictionary<string, string?> Environment = new()
        {
            ["GIT_CONFIG_GLOBAL"] = "/dev/null",
            ["GIT_CONFIG_SYSTEM"] = "/dev/null",
            ["GIT_AUTHOR_NAME"] = "Alice",
            ["GIT_AUTHOR_EMAIL"] = "alice@example.org",
            ["GIT_COMMITTER_NAME"] = "Bob",
            ["GIT_COMMITTER_EMAIL"] = "bob@example.org",
            ["TZ"] = "UTC",
        };

        private int _clock = 1_700_000_000;

        public string Folder => bench[name];

        public string Run(params string[] words) => Start(words).Run().MustSucceed().Output;

        public byte[] Export(params string[] words) => Start(["fast-export", .. words]).Run().MustSucceed().OutputBytes;

        /// <summary>Renames, removals, executables, links, a merge, an odd name, and a tag with a message.</summary>
        public static Git WithHistory(Workbench bench)
        {
            var git = new Git(bench, "git");
            Directory.CreateDirectory(git.Folder);
            git.Run("init", "-q", "-b", "master");
            git.Commit(
                "first\n\nwith a second paragraph", ("a.txt", "one\n"), ("src/b.c", "int b;\n"), ("naïve", "ü\n"));
            git.Commit("second", ("a.txt", "two\n"), ("manifest", "C x\nD 2024-01-01T00:00:00\nU x\n"));
            git.Run("checkout", "-q", "-b", "topic");
            git.Run("mv", "src", "lib");
            File.CreateSymbolicLink(Path.Combine(git.Folder, "link"), "a.txt");
            File.WriteAllText(Path.Combine(git.Folder, "run.sh"), "#!/bin/sh\n");
            MakeExecutable(Path.Combine(git.Folder, "run.sh"));
            git.Commit("moved", ("q\"uote", "odd\n"));
            git.Run("checkout", "-q", "master");
            git.Run("rm", "-q", "naïve");
            git.Commit("removed");
            git.Run("tag", "-a", "v1", "-m", "release one");
            git.Run("checkout", "-q", "topic");
            git.Run("merge", "-q", "--no-edit", "master");
            git.Commit("after the merge", ("lib", null), ("lib2/x", "x\n"));
            return git;
        }

        /// <summary>What git makes of a stream.</summary>
        public static Git Of(Workbench bench, string name, byte[] stream)
        {
            var git = new Git(bench, name);
            Directory.CreateDirectory(git.Folder);
            git.Run("init", "-q", "-b", "master");
            (git.Start("fast-import", "--quiet") with { Input = stream }).Run().MustSucceed();
            return git;
        }

        public void Commit(string message, params (string Name, string? Text)[] files)
        {
            foreach (var (file, text) in files)
            {
                var path = Path.Combine(Folder, file);
                if (text is null)
                {
                    Directory.Delete(path, recursive: true);
                    continue;
                }

                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllText(path, text);
            }

            Run("add", "-A");
            Run("commit", "-q", "--allow-empty", "-m", message);
        }

        private ProgramStart Start(params string[] words) => new("git")
        {
            Arguments = words,
            Folder = Folder,
            Environment = new Dictionary<string, string?>(Environment)
            {
                ["GIT_AUTHOR_DATE"] = $"{++_clock} +0000",
                ["GIT_COMMITTER_DATE"] = $"{_clock} +0000",
            },
        };
    }
}
