using EdgeSync.InteropTests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>A folder of artifacts that either program writes and the other reads.</summary>
public sealed class ArtifactFolderTests
{
    private const string Artifacts = "SELECT uuid, size, rid IN (SELECT rid FROM private) FROM blob ORDER BY 1";

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public void A_repository_comes_back_from_its_artifacts(bool isOurs)
    {
        using var bench = new Workbench("folder");
        var repository = bench.NewRepository("a.fossil");
        bench.Open(repository, "here").Write("a.txt", "1\n").Write("b.txt", "same\n").Commit("one")
            .Write("a.txt", "2\n").Commit("two").Write("a.txt", "secret\n")
            .Commit("three", "--branch", "hidden", "--private");
        var (folder, made) = (bench.Folder.Folder("out"), bench["made.fossil"]);

        Run(isOurs, "deconstruct", "--keep-rid1", "--keep-private", folder, "-R", repository);
        Run(!isOurs, "reconstruct", "--keep-rid1", "--keep-private", made, folder);

        Assert.Equal(
            bench.Stock.Run("sql", "-R", repository, Artifacts).Output,
            bench.Stock.Run("sql", "-R", made, Artifacts).Output);
        bench.MustBeSound(made);

        void Run(bool byUs, params string[] words)
        {
            if (byUs) bench.Ours.Run(["repo", .. words]);
            else bench.Stock.Run(words);
        }
    }
}
