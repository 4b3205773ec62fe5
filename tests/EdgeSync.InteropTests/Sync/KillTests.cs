using EdgeSync.InteropTests.Support;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Sync;

/// <summary>
/// <c>kill -9</c> at a moment picked by chance: what is left is whole, holds everything that was acknowledged, and the
/// same command run again finishes the work.
/// </summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class KillTests(GeneratedHistory history)
{
    private const int Kills = 3;

    [Test]
    public void Our_server_dies_in_mid_push()
    {
        using var bench = new Workbench("kill");
        var full = history.CopyOf("history", bench.Folder, "full.fossil");
        var target = bench["target.fossil"];
        File.Copy(EmptyLike(bench, full), target);
        var prng = new Prng(41);

        for (var kill = 0; kill < Kills; kill++)
        {
            using var server = bench.Ours.Serve(target);
            var client = bench.Stock
                .Start(
                    "push", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), "--once", "-R",
                    full).Begin();
            using (client)
            {
                WaitUntil(
                    () => SizeOf(target) > 400_000 * (kill + 1)
                    || client.HasEnded, TimeSpan.FromMilliseconds(500 + prng.NextInt32(1500)));
                server.Kill();
                client.Kill();
            }

            using (var file = new SqliteFile(target)) Assert.Equal("ok", file.Scalar("PRAGMA integrity_check"));
            bench.Stock.MustBeIntact(target);
        }

        using (var server = bench.Ours.Serve(target))
            bench.Stock.Run(
                "push", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), "--once", "-R", full);

        RepositoryComparer.MustHoldSameArtifactsButClusters(full, target);
        bench.MustBeSound(target, ExchangeTests.DependOnOrder);
    }

    [Test]
    public void Our_client_dies_in_mid_clone_and_resumes()
    {
        using var bench = new Workbench("kill");
        var origin = history.CopyOf("history", bench.Folder, "origin.fossil");
        using var server = bench.Stock.Serve(origin);
        bench.Stock.Run("clone", server.Url, bench["expected.fossil"]);
        var prng = new Prng(42);

        var isDone = false;
        for (var kill = 0; kill < Kills && !isDone; kill++)
        {
            using var client = bench.Ours.Start("repo", "clone", server.Url, bench["ours.fossil"]).Begin();
            WaitUntil(() => client.HasEnded, TimeSpan.FromMilliseconds(50 + prng.NextInt32(400)));
            isDone = client.HasEnded;   // it was quicker
            client.Kill();
            if (!File.Exists(bench["ours.fossil"])) continue;

            // Only a whole clone has the final name; its program may have been ended between that and its own end.
            RepositoryComparer.MustHoldSameArtifactsButClusters(bench["expected.fossil"], bench["ours.fossil"]);
            isDone = true;
        }

        // The earliest moment: the file is there, and its first transaction is still open.
        File.WriteAllBytes(bench["stub.fossil.part"], []);
        bench.Ours.Run("repo", "clone", server.Url, bench["stub.fossil"]);
        bench.Ours.MustBeIntact(bench["stub.fossil"]);

        if (!isDone) bench.Ours.Run("repo", "clone", server.Url, bench["ours.fossil"]);

        // Whoever pulls makes the server form clusters: both have them now.
        bench.Stock.Run("pull", server.Url, "--once", "-R", bench["expected.fossil"]);
        bench.Ours.Run("repo", "pull", server.Url, "--once", "-R", bench["ours.fossil"]);

        RepositoryComparer.MustBeEqual(bench["expected.fossil"], bench["ours.fossil"], "unclustered");
        bench.MustBeSound(bench["ours.fossil"]);
        Assert.Equal(["ours.fossil"], Directory.GetFiles(bench.Folder.Path, "ours.fossil*").Select(Path.GetFileName));
    }

    [Test]
    public void Our_client_dies_in_mid_push()
    {
        using var bench = new Workbench("kill");
        var full = history.CopyOf("history", bench.Folder, "full.fossil");
        var target = EmptyLike(bench, full);
        var prng = new Prng(43);
        using (var server = bench.Ours.Serve(target))
        {
            var url = server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);
            for (var kill = 0; kill < Kills; kill++)
            {
                using var client = bench.Ours.Start("repo", "push", url, "-R", full).Begin();
                WaitUntil(() => client.HasEnded, TimeSpan.FromMilliseconds(50 + prng.NextInt32(300)));
                client.Kill();
            }

            bench.Stock.MustBeIntact(full);
            bench.Ours.Run("repo", "push", url, "-R", full);
        }

        RepositoryComparer.MustHoldSameArtifactsButClusters(full, target);
        bench.MustBeSound(target, ExchangeTests.DependOnOrder);
    }

    [Test]
    public void Rebuild_dies_and_is_run_again()
    {
        using var bench = new Workbench("kill");
        var ours = history.CopyOf("history", bench.Folder, "ours.fossil");
        var prng = new Prng(44);
        for (var kill = 0; kill < Kills; kill++)
        {
            using var rebuild = bench.Ours.Start("repo", "rebuild", "-R", ours).Begin();
            WaitUntil(() => rebuild.HasEnded, TimeSpan.FromMilliseconds(60 + prng.NextInt32(300)));
            rebuild.Kill();

            // One transaction: the tables are the old ones or the new ones, never none.
            RepositoryComparer.MustBeEqual(history.History, ours, "unclustered");
        }

        bench.Ours.Run("repo", "rebuild", "-R", ours);
        RepositoryComparer.MustBeEqual(history.History, ours);
    }

    private static string EmptyLike(Workbench bench, string full)
    {
        using var file = new SqliteFile(full);
        var code = (string)file.Scalar("SELECT value FROM config WHERE name='project-code'")!;
        var empty = bench["empty.fossil"];
        bench.Stock.Run("init", "--admin-user", GeneratedHistory.Login, "--date-override", "2020-01-01", empty);
        using (var target = new SqliteFile(empty, writable: true))
            target.Execute($"UPDATE config SET value='{code}' WHERE name='project-code'");
        bench.Stock.Run("user", "password", GeneratedHistory.Login, GeneratedHistory.Password, "-R", empty);
        return empty;
    }

    private static long SizeOf(string repository) =>
        new[] { repository, repository + "-wal" }.Where(File.Exists).Sum(path => new FileInfo(path).Length);

    /// <summary>The moment of the kill need not be exact; a condition ends the wait early.</summary>
    private static void WaitUntil(Func<bool> condition, TimeSpan atMost)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        using var pause = new ManualResetEventSlim();
        while (watch.Elapsed < atMost && !condition()) pause.Wait(2);
    }
}
