using EdgeSync.InteropTests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>Check-ins in a file: each program takes in what the other has written.</summary>
public sealed class BundleTests
{
    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public void A_branch_goes_from_one_clone_to_another(bool isOurs)
    {
        using var bench = new Workbench("bundle");
        var from = bench.NewRepository("from.fossil");
        File.Copy(from, bench["to.fossil"]);
        bench.Open(from, "here").Write("a.txt", new string('a', 2000) + "1\n").Commit("one", "--branch", "fix")
            .Write("a.txt", new string('a', 2000) + "2\n").Commit("two", "--tag", "tagged")
            .Write("b.txt", "three\n").Commit("three");

        if (isOurs) bench.Ours.Run("repo", "bundle", "export", bench["x"], "--branch", "fix", "-R", from);
        else bench.Stock.Run("bundle", "export", bench["x"], "--branch", "fix", "-R", from);
        string[] import = ["bundle", "import", bench["x"], "-R", bench["to.fossil"]];
        if (isOurs) bench.Stock.Run(import);
        else bench.Ours.RunAsFossil(bench.Folder.Path, import);

        Assert.Equal("three\n", bench.Stock.Run("cat", "b.txt", "-r", "fix", "-R", bench["to.fossil"]).Output);
        Assert.NotEqual("0\n", bench.Stock.Run(
            "sql", "-R", bench["to.fossil"], "SELECT count(*) FROM private").Output);
        bench.Ours.Run("repo", "bundle", "import", bench["x"], "--publish", "-R", bench["to.fossil"]);
        Assert.Equal("0\n", bench.Stock.Run(
            "sql", "-R", bench["to.fossil"], "SELECT count(*) FROM private").Output);
        bench.Stock.MustBeIntact(bench["to.fossil"]);
        bench.Ours.MustBeIntact(bench["to.fossil"]);
        Assert.Contains("check-in to fix", bench.Ours.Run("repo", "bundle", "ls", bench["x"]).Output,
            StringComparison.Ordinal);
    }

    [Test]
    public void A_bundle_of_another_project_is_refused()
    {
        using var bench = new Workbench("bundle");
        var from = bench.NewRepository("from.fossil");
        bench.Ours.Run("repo", "bundle", "export", bench["x"], "--checkin", "tip", "-R", from);
        File.WriteAllText(bench["text"], "no bundle\n");

        var other = bench.NewRepository("other.fossil");
        Assert.Equal(5, bench.Ours.Try("repo", "bundle", "import", bench["x"], "-R", other).ExitCode);
        Assert.NotEqual(0, bench.Ours.Try("repo", "bundle", "import", bench["text"], "-R", other).ExitCode);
    }

    [Test]
    public void Files_are_added_to_a_bundle_and_check_ins_of_one_are_removed()
    {
        using var bench = new Workbench("bundle");
        var repository = bench.NewRepository("a.fossil");
        var text = new string('a', 2000);
        bench.Open(repository, "here").Write("a.txt", text + "1\n").Commit("one")
            .Write("a.txt", text + "2\n").Commit("two", "--branch", "fix").Write("b.txt", "b\n").Commit("three");
        var before = bench.Stock.Run("sql", "-R", repository, "SELECT count(*) FROM blob").Output;
        File.WriteAllText(bench["notes.txt"], "notes\n");
        bench.Stock.Run("bundle", "export", bench["x"], "--branch", "fix", "-R", repository);
        bench.Ours.Run("repo", "bundle", "append", bench["x"], bench["notes.txt"]);

        var hashes = bench.Stock.Run("bundle", "ls", bench["x"], "-R", repository).Output.Split('\n')
            .Where(l => l.Contains("notes.txt", StringComparison.Ordinal)
                || l.Contains("file a.txt", StringComparison.Ordinal)).Select(l => l[..16]).ToArray();
        Assert.Equal(2, hashes.Length);
        Assert.Equal(
            bench.Stock.Run(["bundle", "cat", bench["x"], .. hashes, "-R", repository]).Output,
            bench.Ours.Run(["repo", "bundle", "cat", bench["x"], .. hashes, "-R", repository]).Output);

        bench.Ours.Run("repo", "bundle", "purge", bench["x"], "-R", repository);
        bench.MustBeSound(repository);
        bench.Stock.Run("bundle", "import", bench["x"], "--publish", "-R", repository);
        Assert.Equal("b\n", bench.Stock.Run("cat", "b.txt", "-r", "fix", "-R", repository).Output);
        Assert.NotEqual(before, bench.Stock.Run("sql", "-R", repository, "SELECT count(*) FROM blob").Output);
    }
}
