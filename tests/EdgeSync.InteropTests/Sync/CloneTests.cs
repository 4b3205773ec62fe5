using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Sync;

/// <summary>
/// Clones in both directions hold the same artifacts and the same rows as a clone that stock makes from stock.
/// </summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class CloneTests(GeneratedHistory history)
{
    [Test]
    [Arguments("kinds")]
    [Arguments("kinds-sha1")]
    [Arguments("kinds-shuffled")]
    [Arguments("history")]
    public void Our_clone_of_stock_is_stocks_clone(string name)
    {
        using var bench = new Workbench("clone");
        var origin = history.CopyOf(name, bench.Folder, "origin.fossil");

        using (var server = bench.Stock.Serve(origin))
        {
            bench.Stock.Run("clone", server.Url, bench["stock.fossil"]);
            bench.Ours.Run("repo", "clone", server.Url, bench["ours.fossil"]);

            // A pull makes the server form clusters: both have pulled now.
            bench.Stock.Run("pull", server.Url, "--once", "-R", bench["stock.fossil"]);
            bench.Ours.Run("repo", "pull", server.Url, "--once", "-R", bench["ours.fossil"]);
        }

        RepositoryComparer.MustBeEqual(bench["stock.fossil"], bench["ours.fossil"], "unclustered");
        bench.Stock.MustBeIntact(bench["ours.fossil"]);
        bench.Ours.MustBeIntact(bench["ours.fossil"]);
        MustHaveCodesOf(origin, bench["ours.fossil"]);
    }

    [Test]
    [Arguments("kinds")]
    [Arguments("kinds-sha1")]
    [Arguments("kinds-shuffled")]
    [Arguments("history")]
    public void Stocks_clone_of_us_is_stocks_clone(string name)
    {
        using var bench = new Workbench("clone");
        var origin = history.CopyOf(name, bench.Folder, "origin.fossil");

        using (var server = bench.Stock.Serve(origin)) bench.Stock.Run("clone", server.Url, bench["expected.fossil"]);
        using (var server = bench.Ours.Serve(origin)) bench.Stock.Run("clone", server.Url, bench["stock.fossil"]);

        RepositoryComparer.MustBeEqual(bench["expected.fossil"], bench["stock.fossil"], "unclustered");
        bench.Stock.MustBeIntact(bench["stock.fossil"]);
        MustHaveCodesOf(origin, bench["stock.fossil"]);
    }

    [Test]
    public void Ours_clones_ours()
    {
        using var bench = new Workbench("clone");
        var origin = history.CopyOf("kinds", bench.Folder, "origin.fossil");
        using (var server = bench.Ours.Serve(origin)) bench.Ours.Run("repo", "clone", server.Url, bench["ours.fossil"]);

        RepositoryComparer.MustHoldSameArtifacts(origin, bench["ours.fossil"]);
        bench.MustBeSound(bench["ours.fossil"]);
    }

    /// <summary>Cloning changes nothing in the repository that is cloned.</summary>
    [Test]
    public void A_served_repository_stays_as_it_was()
    {
        using var bench = new Workbench("clone");
        var origin = history.CopyOf("kinds", bench.Folder, "origin.fossil");
        using (var server = bench.Ours.Serve(origin))
        {
            bench.Stock.Run("clone", server.Url, bench["stock.fossil"]);
            // Stock reads the very file that we serve.
            bench.Stock.Run("timeline", "-R", origin);
            bench.Stock.MustBeIntact(origin);
        }

        Assert.False(File.Exists(origin + "-wal"), "the log is folded back at the end");
        RepositoryComparer.MustBeEqual(history.Kinds, origin, "unclustered", "tag", "tagxref", "blob");
        // The times of links in comments that were edited later: stock's own rebuild changes them in this file.
        bench.MustBeSound(origin, "backlink");
    }

    /// <summary>A login with all capabilities receives private artifacts when both sides request them.</summary>
    [Test]
    public void Private_artifacts_are_sent_on_request_only()
    {
        using var bench = new Workbench("clone");
        var origin = history.CopyOf("kinds", bench.Folder, "origin.fossil");
        string[] urls;
        using (var stock = bench.Stock.Serve(origin))
        {
            urls = [stock.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password)];
            bench.Ours.Run("repo", "clone", urls[0], bench["public.fossil"]);
            bench.Ours.Run("repo", "clone", "--private", urls[0], bench["private.fossil"]);
        }

        using (var ours = bench.Ours.Serve(origin))
        {
            var url = ours.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);
            // Stock requests a clone without a login, so that private artifacts come with the next pull.
            bench.Stock.Run("clone", "--private", url, bench["stock-private.fossil"]);
            bench.Stock.Run("pull", "--private", "--once", url, "-R", bench["stock-private.fossil"]);
            bench.Stock.Run("clone", url, bench["stock-public.fossil"]);
            bench.Stock.Run("clone", url, bench["stock-sync.fossil"]);
            bench.Stock.Run("sync", "--private", "--once", url, "-R", bench["stock-sync.fossil"]);
        }

        Assert.Equal(0, CountPrivate(bench["public.fossil"]));
        Assert.Equal(0, CountPrivate(bench["stock-public.fossil"]));
        Assert.Equal(CountPrivate(origin), CountPrivate(bench["private.fossil"]));
        Assert.Equal(CountPrivate(origin), CountPrivate(bench["stock-private.fossil"]));
        Assert.Equal(CountPrivate(origin), CountPrivate(bench["stock-sync.fossil"]));
        RepositoryComparer.MustHoldSameArtifacts(origin, bench["stock-sync.fossil"]);
        // When an edited comment was linked decides the time of its links, with stock too.
        RepositoryComparer.MustBeEqual(origin, bench["private.fossil"], "unclustered", "backlink");
        bench.Stock.MustBeIntact(bench["private.fossil"]);
        bench.Stock.MustBeIntact(bench["stock-private.fossil"]);
    }

    [Test]
    public void A_refused_clone_leaves_no_file()
    {
        using var bench = new Workbench("clone");
        var origin = history.CopyOf("kinds", bench.Folder, "origin.fossil");
        using (var file = new SqliteFile(origin, writable: true))
            file.Execute("UPDATE user SET cap='' WHERE login IN ('nobody','anonymous')");

        using (var server = bench.Stock.Serve(origin))
            bench.Ours.Try("repo", "clone", server.Url, bench["ours.fossil"]).MustFail();
        using (var server = bench.Ours.Serve(origin))
        {
            bench.Stock.Try("clone", server.Url, bench["stock.fossil"]).MustFail();
            bench.Ours.Try("repo", "clone", server.UrlFor(GeneratedHistory.Login, "wrong"), bench["wrong.fossil"])
                .MustFail();
            bench.Stock.Run(
                "clone", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), bench["right.fossil"]);
        }

        Assert.False(File.Exists(bench["ours.fossil"]));
        Assert.False(File.Exists(bench["stock.fossil"]));
        Assert.False(File.Exists(bench["wrong.fossil"]));
        RepositoryComparer.MustHoldSameArtifacts(origin, bench["right.fossil"]);
    }

    /// <summary>
    /// A real history, given from outside: <c>EDGESYNC_REAL_REPO=FILE scripts/dev.sh interop --long</c>.
    /// </summary>
    [Test, Explicit, Property("Long", "yes")]
    public void A_real_history_clones_both_ways_and_rebuilds()
    {
        var real = Environment.GetEnvironmentVariable("EDGESYNC_REAL_REPO");
        Skip.When(string.IsNullOrEmpty(real), "EDGESYNC_REAL_REPO names no repository");
        using var bench = new Workbench("real");
        var origin = bench["origin.fossil"];
        File.Copy(real!, origin);

        using (var server = bench.Stock.Serve(origin))
        {
            bench.Stock.Run("clone", server.Url, bench["expected.fossil"]);
            bench.Ours.Run("repo", "clone", server.Url, bench["ours.fossil"]);
        }

        using (var server = bench.Ours.Serve(origin)) bench.Stock.Run("clone", server.Url, bench["stock.fossil"]);
        RepositoryComparer.MustBeEqual(bench["expected.fossil"], bench["ours.fossil"], "unclustered");
        RepositoryComparer.MustBeEqual(bench["expected.fossil"], bench["stock.fossil"], "unclustered");
        bench.Ours.Run("repo", "rebuild", "-R", bench["ours.fossil"]);
        RepositoryComparer.MustBeEqual(bench["expected.fossil"], bench["ours.fossil"], "unclustered");
        bench.Stock.MustBeIntact(bench["ours.fossil"]);
        bench.Ours.MustBeIntact(bench["ours.fossil"]);
    }

    private static long CountPrivate(string repository)
    {
        using var file = new SqliteFile(repository);
        return file.Count("SELECT count(*) FROM private");
    }

    private static void MustHaveCodesOf(string origin, string clone)
    {
        using var originFile = new SqliteFile(origin);
        using var cloneFile = new SqliteFile(clone);
        const string Code = "SELECT value FROM config WHERE name='{0}'";
        Assert.Equal(
            originFile.Scalar(Code.Replace("{0}", "project-code")),
            cloneFile.Scalar(Code.Replace("{0}", "project-code")));
        Assert.NotEqual(
            originFile.Scalar(Code.Replace("{0}", "server-code")),
            cloneFile.Scalar(Code.Replace("{0}", "server-code")));
    }
}
