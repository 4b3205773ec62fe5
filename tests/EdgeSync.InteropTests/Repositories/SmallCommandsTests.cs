using EdgeSync.InteropTests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>Commands that scripts call: the words and the output are Fossil's.</summary>
public sealed class SmallCommandsTests
{
    [Test]
    public void Sums_of_files()
    {
        using var bench = new Workbench("small");
        var file = bench["a.txt"];
        File.WriteAllText(file, "one\n");

        Same(bench, "sha3sum", file);
        Same(bench, "sha1sum", file);
    }

    [Test]
    public void What_carries_a_tag()
    {
        using var bench = new Workbench("small");
        var repository = bench.NewRepository("a.fossil");
        bench.Open(repository, "here").Write("a.txt", "one\n").Commit("first", "--tag", "release")
            .Write("a.txt", "two\n").Commit("second", "--tag", "release");

        Same(bench, "tag", "find", "--raw", "sym-release", "-R", repository);
        Same(bench, "tag", "find", "--raw", "nosuch", "-R", repository);
        string[] lines = [
            .. bench.Ours.Run(
                "repo", "tag", "find", "release", "-R", repository).Output.Split('\n',
                StringSplitOptions.RemoveEmptyEntries)];
        Assert.Equal(2, lines.Length);
        Assert.EndsWith("  second", lines[0], StringComparison.Ordinal);
        var theirs = bench.Stock.Run("tag", "find", "release", "-t", "ci", "-n", "5", "-R", repository).Output;
        Assert.All(lines, line => Assert.Contains($"[{line[..10]}]", theirs, StringComparison.Ordinal));
    }

    [Test]
    public void An_unversioned_file_is_exported()
    {
        using var bench = new Workbench("small");
        var repository = bench.NewRepository("a.fossil");
        File.WriteAllText(bench["manual.txt"], "read me\n");
        bench.Stock.Run("uv", "add", bench["manual.txt"], "--as", "manual.txt", "-R", repository);

        bench.Stock.Run("uv", "export", "manual.txt", bench["theirs"], "-R", repository);
        bench.Ours.Run("repo", "uv", "export", "manual.txt", bench["ours"], "-R", repository);

        Assert.Equal(File.ReadAllBytes(bench["theirs"]), File.ReadAllBytes(bench["ours"]));
        Assert.Equal(3, bench.Ours.Try("repo", "uv", "export", "nosuch", bench["none"], "-R", repository).ExitCode);
        Assert.False(File.Exists(bench["none"]));
    }

    [Test]
    public void Capabilities_of_a_user()
    {
        using var bench = new Workbench("small");
        var repository = bench.NewRepository("a.fossil");

        Same(bench, "user", "capabilities", "nobody", "-R", repository);
        bench.Ours.Run("repo", "user", "capabilities", "nobody", "gio", "-R", repository);
        Assert.Equal("gio", bench.Stock.Run("user", "capabilities", "nobody", "-R", repository).Output.Trim());
        Assert.Equal(3, bench.Ours.Try("repo", "user", "capabilities", "nosuch", "-R", repository).ExitCode);
    }

    [Test]
    public void What_a_name_is()
    {
        using var bench = new Workbench("small");
        var repository = bench.NewRepository("a.fossil");
        bench.Open(repository, "here").Write("a.txt", "one\n").Commit("first");
        bench.Stock.Run("wiki", "create", "Page", Path.Combine(bench["here"], "a.txt"), "-R", repository);
        File.WriteAllText(bench["unknown.txt"], "?");

        foreach (var words in (string[][])[
            ["--type", "w", "Page"], ["--type", "w", "tip"], ["--file", Path.Combine(bench["here"], "a.txt")],
            ["-f", bench["unknown.txt"]]])
            Assert.Equal(
                bench.Stock.Run(["whatis", .. words, "-R", repository]).Output,
                bench.Ours.RunAsFossil(bench.Folder.Path, ["whatis", .. words, "-R", repository]).Output);
    }

    private static void Same(Workbench bench, params string[] words) =>
        Assert.Equal(bench.Stock.Run(words).Output, bench.Ours.Run(["repo", .. words]).Output);
}
