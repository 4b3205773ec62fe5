using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Tests.Support;
using static EdgeSync.IntegrationTests.Storage.Authoring.TestProject;

namespace EdgeSync.IntegrationTests.Storage.Authoring;

/// <summary>Several writers on one file: nothing is lost, and no fork is silent.</summary>
public sealed class CommitRaceTests : IDisposable
{
    private const int Writers = 4;
    private const int CommitsEach = 15;

    private readonly TemporaryFolder _folder = new("race");

    public void Dispose() => _folder.Dispose();

    [Test]
    public async Task Writers_that_try_again_after_a_fork_make_one_line_of_history()
    {
        var path = _folder["shared.fossil"];
        Repository.Create(path, new RepositoryCreateOptions { AdminUser = Tester, Entropy = new SeededEntropy(1) })
            .Dispose();

        await Task.WhenAll(
            Enumerable.Range(0, Writers).Select(
                writer => Task.Run(() => Write(path, writer), TestContext.Current!.Execution.CancellationToken)));

        using var project = TestProject.Open(path);
        var repository = project.Repository;
        Assert.Equal(1, repository.Database.QueryInt64("SELECT count(*) FROM leaf"));
        Assert.Equal(
            (Writers * CommitsEach) + 1, repository.Database.QueryInt64("SELECT count(*) FROM event WHERE type='ci'"));
        Assert.Equal(
            Enumerable.Range(0, Writers).SelectMany(w => Enumerable.Range(0, CommitsEach).Select(i => $"w{w}/f{i}"))
            .Order(StringComparer.Ordinal),
            project.FilesOf(repository.Names.Resolve("trunk")));
    }

    private static void Write(string path, int writer)
    {
        using var repository = Repository.Open(path);
        for (var done = 0; done < CommitsEach;)
        {
            try
            {
                repository.Commit(new CommitOptions
                {
                    Parent = repository.Names.Resolve("trunk"),
                    User = Tester,
                    Changes = [Put($"w{writer}/f{done}", $"{writer} {done}")],
                });
                done++;
            }
            catch (EdgeSyncException e) when (e.Kind == ErrorKind.Conflict)
            {
                // Another writer was faster: read again.
            }
        }
    }
}
