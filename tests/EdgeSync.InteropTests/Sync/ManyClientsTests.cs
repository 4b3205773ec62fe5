using System.Globalization;
using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Sync;

/// <summary>Eight clients at once, stock and ours mixed, all writing: in the end all have everything.</summary>
public sealed class ManyClientsTests
{
    private const int Clients = 8;
    private const int Commits = 4;

    [Test]
    public async Task Eight_clients_push_at_once()
    {
        using var bench = new Workbench("many");
        var origin = bench.NewRepository("origin.fossil");
        using var server = bench.Ours.Serve(origin);
        var url = server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);

        await Task.WhenAll(
            Enumerable.Range(0, Clients).Select(
                number => Task.Run(() => Work(bench, url, number), TestContext.Current!.Execution.CancellationToken)));

        using (var file = new SqliteFile(origin))
        {
            Assert.Equal(1 + (Clients * Commits), file.Count("SELECT count(*) FROM event WHERE type='ci'"));
            Assert.Equal(0, file.Count("SELECT count(*) FROM phantom"));
        }

        for (var number = 0; number < Clients; number++)
        {
            var clone = bench[$"{number}.fossil"];
            if (number % 2 == 0) bench.Stock.Run("pull", url, "--once", "-R", clone);
            else bench.Ours.Run("repo", "pull", url, "-R", clone);
            RepositoryComparer.MustHoldSameArtifacts(origin, clone);
        }

        server.Dispose();
        bench.MustBeSound(origin);
        bench.MustBeSound(bench["1.fossil"]);
    }

    /// <summary>Readers see a consistent repository while a writer pushes.</summary>
    [Test]
    public async Task Clones_go_on_while_others_push()
    {
        using var bench = new Workbench("many");
        var origin = bench.NewRepository("origin.fossil");
        using var server = bench.Ours.Serve(origin);
        var url = server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);
        var writer = Task.Run(() => Work(bench, url, 0, commits: 12), TestContext.Current!.Execution.CancellationToken);

        for (var number = 0; !writer.IsCompleted && number < 40; number++)
        {
            var clone = bench[$"clone-{number}.fossil"];
            if (number % 2 == 0) bench.Stock.Run("clone", url, clone);
            else bench.Ours.Run("repo", "clone", url, clone);
            bench.Stock.MustBeIntact(clone);
        }

        await writer;
        server.Dispose();
        bench.MustBeSound(origin);
    }

    private static void Work(Workbench bench, string url, int number, int commits = Commits)
    {
        // Each has a home of its own: stock locks its configuration file.
        using var home = new TemporaryFolder("client");
        var stock = new StockFossil(home);
        var repository = bench[$"{number}.fossil"];
        if (number % 2 == 0) stock.Run("clone", url, repository);
        else bench.Ours.Run("repo", "clone", url, repository);
        stock.Try("user", "new", GeneratedHistory.Login, "", GeneratedHistory.Password, "-R", repository);
        var where = home.Folder("work");
        stock.RunIn(where, "open", repository, "--nosync");
        stock.RunIn(where, "settings", "autosync", "off");
        var checkout = new StockCheckout(stock, where);
        for (var i = 0; i < commits; i++)
        {
            var text = string.Concat(
                Enumerable.Range(0, 50).Select(
                    line => string.Create(CultureInfo.InvariantCulture, $"{number} {i} {line}\n")));
            checkout.Write($"dir{number}/file{i}.txt", text).Write($"dir{number}/same.txt", text)
                .Commit(
                    string.Create(CultureInfo.InvariantCulture, $"client {number} commit {i}"), "--branch",
                    $"client-{number}-{i}");
            if (number % 2 == 0) stock.Run("sync", url, "--once", "-R", repository);
            else bench.Ours.Run("repo", "sync", url, "-R", repository);
        }
    }
}
