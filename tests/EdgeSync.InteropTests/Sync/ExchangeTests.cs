using System.Globalization;
using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Sync;

/// <summary>Pull, push, sync and autosync between stock and us, both ways round.</summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class ExchangeTests(GeneratedHistory history)
{
    // Edits of one moment, colours, thread titles and cherry-picks of what is not there yet: the order of arrival
    // decides, with stock as with us, until the next rebuild.
    internal static readonly string[] DependOnOrder = ["event", "tagxref", "backlink", "cherrypick", "ticket"];

    /// <summary>Which program serves; the other one is the client.</summary>
    public enum Server
    {
        Stock,
        Ours,
    }

    [Test]
    [Arguments(Server.Stock)]
    [Arguments(Server.Ours)]
    public void Commits_of_both_sides_are_synced(Server which)
    {
        using var bench = new Workbench("exchange");
        var here = bench.NewRepository("here.fossil");
        bench.Open(here, "here").Write("a.txt", "one\n").Commit("first");
        File.Copy(here, bench["base.fossil"]);

        using var server = Serve(bench, which, here);
        CloneAs(bench, which, server.Url, bench["there.fossil"]);
        var there = bench.Open(bench["there.fossil"], "there");
        there.Write("b.txt", "from there\n").Commit("there 1").Write("a.txt", "one\nand more\n").Commit("there 2");
        var checkout = new StockCheckout(bench.Stock, bench.Folder["here"]);
        checkout.Write("c.txt", "from here\n").Commit("here 1", "--allow-fork", "--branch", "side");

        SyncAs(bench, which, server.Url, bench["there.fossil"]);

        RepositoryComparer.MustBeEqual(here, bench["there.fossil"], "unclustered");
        bench.MustBeSound(bench["there.fossil"]);
        Assert.Equal(5, Count(bench["there.fossil"], "SELECT count(*) FROM event WHERE type='ci'"));
        MustHaveNothingUnsent(bench["there.fossil"]);
        server.Dispose();
        bench.MustBeSound(here);
    }

    /// <summary>A pull without write permission takes, and gives nothing; stock says so and exits with 0.</summary>
    [Test]
    public void Pull_receives_and_sends_nothing()
    {
        using var bench = new Workbench("exchange");
        var here = bench.NewRepository("here.fossil");
        File.Copy(here, bench["there.fossil"]);
        bench.Open(bench["there.fossil"], "there").Write("there.txt", "x\n").Commit("there");
        bench.Open(here, "here").Write("here.txt", "x\n").Commit("here");

        using (var server = bench.Stock.Serve(here))
            bench.Ours.Run("repo", "pull", server.Url, "-R", bench["there.fossil"]);

        Assert.Equal(3, Count(bench["there.fossil"], "SELECT count(*) FROM event WHERE type='ci'"));
        Assert.Equal(2, Count(here, "SELECT count(*) FROM event WHERE type='ci'"));
        bench.MustBeSound(bench["there.fossil"]);
    }

    /// <summary>A push that the server refuses is a failure with us, whatever stock's exit code says.</summary>
    [Test]
    public void A_refused_push_fails_and_changes_nothing()
    {
        using var bench = new Workbench("exchange");
        var here = bench.NewRepository("here.fossil");
        File.Copy(here, bench["there.fossil"]);
        bench.Open(bench["there.fossil"], "there").Write("there.txt", "x\n").Commit("there");

        using (var server = bench.Stock.Serve(here))
            bench.Ours.Try("repo", "push", server.Url, "-R", bench["there.fossil"]).MustFail();
        using (var server = bench.Ours.Serve(here))
        {
            bench.Ours.Try("repo", "push", server.Url, "-R", bench["there.fossil"]).MustFail();
            Assert.Contains(
                "not authorized to write",
                bench.Stock.Try("push", server.Url, "--once", "-R", bench["there.fossil"]).Text,
                StringComparison.Ordinal);
        }

        Assert.Equal(1, Count(here, "SELECT count(*) FROM event WHERE type='ci'"));
        bench.MustBeSound(here);
    }

    [Test]
    [Arguments(Server.Stock)]
    [Arguments(Server.Ours)]
    public void Every_kind_is_pushed_into_an_empty_repository(Server which) => PushAll(which, "kinds");

    /// <summary>Thousands of artifacts: many rounds, or few large ones.</summary>
    [Test]
    [Arguments(Server.Stock)]
    [Arguments(Server.Ours)]
    public void A_whole_history_is_pushed(Server which) => PushAll(which, "history");

    [Test]
    [Arguments(Server.Stock)]
    [Arguments(Server.Ours)]
    public void Every_kind_is_pulled_into_an_empty_repository(Server which)
    {
        using var bench = new Workbench("exchange");
        var full = history.CopyOf("kinds", bench.Folder, "full.fossil");
        var empty = EmptySibling(bench, full);

        using (var server = Serve(bench, which, full))
        {
            if (which == Server.Stock) bench.Ours.Run("repo", "pull", server.Url, "-R", empty);
            else bench.Stock.Run("pull", server.Url, "--once", "-R", empty);
        }

        RepositoryComparer.MustHoldSameArtifacts(full, empty);
        bench.MustBeSound(empty, DependOnOrder);
    }

    /// <summary>Above 100 unclustered artifacts a pull makes clusters, and the other side follows them.</summary>
    [Test]
    [Arguments(Server.Stock)]
    [Arguments(Server.Ours)]
    public void Clusters_carry_a_thousand_artifacts(Server which)
    {
        using var bench = new Workbench("clusters");
        var here = bench.NewRepository("here.fossil");
        File.Copy(here, bench["there.fossil"]);
        var checkout = bench.Open(here, "work");
        for (var i = 0; i < 1000; i++)
            checkout.Write($"many/{i}.txt", string.Create(CultureInfo.InvariantCulture, $"file {i}\n"));
        checkout.Commit("a thousand files");

        using (var server = Serve(bench, which, here))
        {
            if (which == Server.Stock) bench.Ours.Run("repo", "pull", server.Url, "-R", bench["there.fossil"]);
            else bench.Stock.Run("pull", server.Url, "--once", "-R", bench["there.fossil"]);
        }

        Assert.True(Count(here, "SELECT count(*) FROM tagxref WHERE tagid=7") >= 1, "the server has made a cluster");
        Assert.True(
            Count(bench["there.fossil"], "SELECT count(*) FROM tagxref WHERE tagid=7") >= 1, "the client has it");
        Assert.True(Count(here, "SELECT count(*) FROM unclustered") < 200, "clustered artifacts are announced no more");
        RepositoryComparer.MustHoldSameArtifacts(here, bench["there.fossil"]);
        bench.MustBeSound(bench["there.fossil"]);
        bench.MustBeSound(here);
    }

    /// <summary>Stock's <c>commit</c> with autosync: pull with a check-in lock first, push afterwards.</summary>
    [Test]
    public void Stock_commits_with_autosync_against_us()
    {
        using var bench = new Workbench("autosync");
        var here = bench.NewRepository("here.fossil");
        using var server = bench.Ours.Serve(here);
        bench.Stock.Run(
            "clone", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), bench["there.fossil"]);
        RememberPassword(bench["there.fossil"]);
        var where = bench.Folder.Folder("there");
        bench.Stock.RunIn(where, "open", bench["there.fossil"]);
        bench.Stock.RunIn(where, "settings", "autosync", "on");
        var checkout = new StockCheckout(bench.Stock, where);

        for (var i = 0; i < 3; i++)
            checkout.Write("a.txt", string.Create(CultureInfo.InvariantCulture, $"version {i}\n"))
                .Commit($"autosynced {i}");

        Assert.Equal(4, Count(here, "SELECT count(*) FROM event WHERE type='ci'"));
        RepositoryComparer.MustBeEqual(here, bench["there.fossil"], "unclustered");
        MustHaveNothingUnsent(bench["there.fossil"]);
        server.Dispose();
        bench.MustBeSound(here);
    }

    /// <summary>
    /// A second client that would fork is warned before it commits: the pull brings what the first one pushed.
    /// </summary>
    [Test]
    public void Autosync_prevents_a_fork()
    {
        using var bench = new Workbench("autosync");
        var here = bench.NewRepository("here.fossil");
        using var server = bench.Ours.Serve(here);
        var url = server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);
        var checkouts = new[] { "one", "two" }.Select(name =>
        {
            bench.Stock.Run("clone", url, bench[name + ".fossil"]);
            RememberPassword(bench[name + ".fossil"]);
            var where = bench.Folder.Folder(name);
            bench.Stock.RunIn(where, "open", bench[name + ".fossil"]);
            bench.Stock.RunIn(where, "settings", "autosync", "on");
            return new StockCheckout(bench.Stock, where);
        }).ToArray();

        checkouts[0].Write("a.txt", "from one\n").Commit("one");
        checkouts[1].Write("b.txt", "from two\n").Run("add", "b.txt");
        var refused = checkouts[1].Try("commit", "-m", "two", "--no-warnings");

        Assert.Contains("fork", refused.Text, StringComparison.Ordinal);
        checkouts[1].Run("update");
        checkouts[1].Commit("two, after update");
        Assert.Equal(1, Count(here, "SELECT count(*) FROM leaf"));
        Assert.Equal(3, Count(here, "SELECT count(*) FROM event WHERE type='ci'"));
    }

    /// <summary>Nothing to do costs next to nothing, however long the history.</summary>
    [Test]
    public void A_pull_of_nothing_moves_little()
    {
        using var bench = new Workbench("noop");
        var origin = history.CopyOf("history", bench.Folder, "origin.fossil");
        using var server = bench.Ours.Serve(origin);
        bench.Stock.Run("clone", server.Url, bench["stock.fossil"]);
        bench.Stock.Run("pull", server.Url, "-R", bench["stock.fossil"]);

        var nothing = bench.Stock.Run("pull", server.Url, "-R", bench["stock.fossil"]).Text;

        var received = int.Parse(nothing.Split("received: ")[^1].Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.True(received < 20_000, $"a pull of nothing received {received} bytes\n{nothing}");
    }

    private void PushAll(Server which, string name)
    {
        using var bench = new Workbench("push");
        var full = history.CopyOf(name, bench.Folder, "full.fossil");
        // Phantoms are names without content: nobody can push them, and the other side learns of them by the same
        // references.
        var empty = EmptySibling(bench, full);

        using (var server = Serve(bench, which, empty))
        {
            var url = server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);
            if (which == Server.Stock) bench.Ours.Run("repo", "push", url, "-R", full);
            else bench.Stock.Run("push", url, "--once", "-R", full);
        }

        // Stock sends two versions of a file that went back and forth as deltas of each other; its own server dies of
        // them. Ours ends the session and lacks just those, until it asks for itself and gets them as they are stored.
        if (which == Server.Ours && name == "kinds")
        {
            using var origin = bench.Stock.Serve(full);
            bench.Ours.Run(
                "repo", "pull", origin.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), "-R", empty);
        }

        RepositoryComparer.MustHoldSameArtifacts(full, empty);
        // A stock server that is sent a merge before its parents leaves rows for those out until it is rebuilt.
        bench.MustBeSound(empty, which == Server.Stock ? [.. DependOnOrder, "mlink"] : DependOnOrder);
    }

    /// <summary>A repository of the same project that holds nothing but the root check-in.</summary>
    private static string EmptySibling(Workbench bench, string full)
    {
        using var file = new SqliteFile(full);
        var code = (string)file.Scalar("SELECT value FROM config WHERE name='project-code'")!;
        var isSha1 = file.Count("SELECT min(length(uuid)) FROM blob WHERE rid=1") == 40;
        var empty = bench["empty.fossil"];
        bench.Stock.Run(
            [
                "init", "--admin-user", GeneratedHistory.Login, "--date-override", "2020-01-01",
                .. isSha1 ? new[] { "--sha1" } : [], empty]);
        using (var target = new SqliteFile(empty, writable: true))
            target.Execute($"UPDATE config SET value='{code}' WHERE name='project-code'");
        bench.Stock.Run("user", "password", GeneratedHistory.Login, GeneratedHistory.Password, "-R", empty);
        return empty;
    }

    private static IServer Serve(Workbench bench, Server which, string repository) =>
        which == Server.Stock ? bench.Stock.Serve(repository) : bench.Ours.Serve(repository);

    private static void CloneAs(Workbench bench, Server server, string url, string target)
    {
        if (server == Server.Stock) bench.Ours.Run("repo", "clone", url, target);
        else bench.Stock.Run("clone", url, target);
        bench.Stock.Run("user", "password", GeneratedHistory.Login, GeneratedHistory.Password, "-R", target);
    }

    private static void SyncAs(Workbench bench, Server server, string url, string repository)
    {
        var named = new UriBuilder(url)
        {
            UserName = GeneratedHistory.Login,
            Password = GeneratedHistory.Password
        }.Uri.ToString();
        if (server == Server.Stock) bench.Ours.Run("repo", "sync", named, "-R", repository);
        else bench.Stock.Run("sync", named, "--once", "-R", repository);
    }

    private static void MustHaveNothingUnsent(string repository) =>
        Assert.Equal(0, Count(repository, "SELECT count(*) FROM unsent"));

    // Stock asks a person whether to keep the password of the URL; nobody is there to answer.
    private static void RememberPassword(string repository)
    {
        using var file = new SqliteFile(repository, writable: true);
        file.Execute($"REPLACE INTO config(name,value,mtime) VALUES('last-sync-pw','{GeneratedHistory.Password}',1)");
    }

    private static long Count(string repository, string sql)
    {
        using var file = new SqliteFile(repository);
        return file.Count(sql);
    }
}
