using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Sync;

/// <summary>The syncs around a check-in, beside those of stock.</summary>
public sealed partial class AutosyncTests
{
    [Test]
    [Arguments(null, true, true)]
    [Arguments("on", true, true)]
    [Arguments("1", true, true)]
    [Arguments("all", true, true)]
    [Arguments("pullonly", true, false)]
    [Arguments("off", false, false)]
    [Arguments("0", false, false)]
    [Arguments("off,commit=pullonly", true, false)]
    [Arguments("on,commit=off", false, false)]
    public void A_commit_pulls_and_pushes_as_the_setting_says(string? value, bool pulls, bool pushes)
    {
        using var bench = new Workbench("autosync");
        var expected = new Outcome(pulls, pushes);

        Assert.Equal(expected, Commit(bench, "stock", value, CommitByStock));
        Assert.Equal(expected, Commit(bench, "ours", value, CommitByUs));
    }

    [Test]
    public void A_repository_that_may_not_push_only_pulls()
    {
        using var bench = new Workbench("autosync");

        void NeverPush(string clone) => bench.Stock.Run("settings", "dont-push", "1", "-R", clone);

        Assert.Equal(new Outcome(true, false), Commit(bench, "stock", null, CommitByStock, NeverPush));
        Assert.Equal(new Outcome(true, false), Commit(bench, "ours", null, CommitByUs, NeverPush));
    }

    [Test]
    [Arguments(null, true, true)]
    [Arguments("pullonly", true, false)]
    [Arguments("off", false, false)]
    [Arguments("on,commit=off", false, false)]
    public void A_commit_of_a_checkout_pulls_and_pushes_as_the_setting_says(string? value, bool pulls, bool pushes)
    {
        using var bench = new Workbench("autosync");

        Assert.Equal(
            new Outcome(pulls, pushes), Commit(bench, "ours", value, (b, c, m) => CommitInCheckout(b, c, m)));
    }

    [Test]
    [Arguments(null, true)]
    [Arguments("pullonly", true)]
    [Arguments("on,update=off", false)]
    [Arguments("off,update=on", true)]
    public void An_update_pulls_first(string? value, bool pulls)
    {
        using var bench = new Workbench("autosync");
        var (here, clone) = ServerAndClone(bench, "first");
        using var server = Remember(bench, here, clone);
        var checkout = Open(bench, clone, "update");
        bench.Open(here, "others").Write("a.txt", "theirs\n").Commit("theirs");
        if (value is not null) bench.Stock.Run("settings", "autosync", value, "-R", clone);

        bench.Ours.RunIn(checkout, "update", "--nosync");
        Assert.False(Has(bench, clone, "theirs"));
        bench.Ours.RunIn(checkout, "update");

        Assert.Equal(pulls, Has(bench, clone, "theirs"));
        Assert.Equal(pulls ? "theirs\n" : "one\n", File.ReadAllText(Path.Combine(checkout, "a.txt")));
    }

    [Test]
    [Arguments(null, true)]
    [Arguments("on,merge=off", false)]
    public void A_merge_pulls_first(string? value, bool pulls)
    {
        using var bench = new Workbench("autosync");
        var (here, clone) = ServerAndClone(bench, "first");
        using var server = Remember(bench, here, clone);
        if (value is not null) bench.Stock.Run("settings", "autosync", value, "-R", clone);
        var stocks = bench["stock.fossil"];
        File.Copy(clone, stocks);
        var (ours, theirs) = (Open(bench, clone, "ours"), Open(bench, stocks, "theirs"));
        File.WriteAllText(Path.Combine(ours, "a.txt"), "mine\n");
        bench.Ours.RunIn(ours, "commit", "-m", "mine", "--nosync");
        var others = bench.Open(here, "others").Write("b.txt", "side\n").Commit("side", "--branch", "side");
        others.Run("update", "trunk");
        others.Write("c.txt", "trunk\n").Commit("trunk");

        Assert.False((bench.Ours.Start("merge", "side", "--nosync") with { Folder = ours }).Run().Succeeded);
        var merged = (bench.Ours.Start("merge", "side") with { Folder = ours }).Run();

        Assert.Equal(pulls, merged.Succeeded);
        Assert.Equal(pulls, bench.Stock.TryIn(theirs, "merge", "side").Succeeded);
        foreach (var folder in (string[])[ours, theirs])
            Assert.Equal(pulls, File.Exists(Path.Combine(folder, "b.txt")));
        Assert.Equal(
            pulls, merged.Errors.Contains("multiple open leaf check-ins on trunk", StringComparison.Ordinal));
    }

    [Test]
    public void A_commit_of_a_checkout_that_would_fork_is_refused_and_an_update_helps()
    {
        using var bench = new Workbench("autosync");
        var (here, clone) = ServerAndClone(bench, "first");
        using var server = Remember(bench, here, clone);
        var checkout = Open(bench, clone, "checkout");
        bench.Open(here, "others").Write("b.txt", "theirs\n").Commit("theirs");
        File.WriteAllText(Path.Combine(checkout, "a.txt"), "mine\n");

        var refused = (bench.Ours.Start("commit", "-m", "mine") with { Folder = checkout }).Run();
        Assert.Contains("fork", refused.Errors, StringComparison.Ordinal);
        Assert.False(Has(bench, clone, "mine"));
        bench.Ours.RunIn(checkout, "update");
        bench.Ours.RunIn(checkout, "commit", "-m", "mine");

        Assert.True(Has(bench, here, "mine"));
    }

    [Test]
    public void A_fork_is_named_after_it_was_made()
    {
        using var bench = new Workbench("autosync");
        var (here, clone) = ServerAndClone(bench, "first");
        using var server = Remember(bench, here, clone);
        var checkout = Open(bench, clone, "checkout");
        bench.Open(here, "others").Write("b.txt", "theirs\n").Commit("theirs");
        File.WriteAllText(Path.Combine(checkout, "a.txt"), "mine\n");

        var forked = bench.Ours.RunIn(checkout, "commit", "-m", "mine", "--allow-fork");
        var updated = bench.Ours.RunIn(checkout, "update");
        var stocks = bench.Stock.TryIn(checkout, "update", "--nosync");

        Assert.Contains("a fork has occurred", forked.Errors, StringComparison.Ordinal);
        Assert.Contains("multiple open leaf check-ins on trunk", updated.Errors, StringComparison.Ordinal);
        Assert.Equal(
            stocks.Errors.Split('\n').Where(l => l.Contains('[')),
            updated.Errors.Split('\n').Where(l => l.Contains('[')));
    }

    [Test]
    public void A_lock_that_a_checkout_of_ours_took_holds_stock_up()
    {
        using var bench = new Workbench("autosync");
        var (here, clone) = ServerAndClone(bench, "first");
        using var server = Remember(bench, here, clone);
        var others = bench["others.fossil"];
        File.Copy(clone, others);
        var checkout = Open(bench, clone, "checkout");
        File.WriteAllText(Path.Combine(checkout, "a.txt"), "mine\n");

        // It pulls with the lock, and ends when the editor does not.
        (bench.Ours.Start("commit") with { Folder = checkout }).Run().MustFail();
        var theirs = bench.Open(others, "theirs").Write("b.txt", "theirs\n");
        theirs.Run("settings", "autosync", "on");
        theirs.Run("add", "b.txt");
        var refused = theirs.Try("commit", "-m", "theirs", "--no-warnings").MustFail();
        bench.Ours.RunIn(checkout, "commit", "-m", "mine");

        Assert.Contains("check-in race", refused.Text, StringComparison.Ordinal);
        Assert.True(Has(bench, here, "mine"));
    }

    [Test]
    public void All_means_every_remembered_remote()
    {
        using var bench = new Workbench("autosync");
        var (here, clone) = ServerAndClone(bench, "first");
        var second = bench["second.fossil"];
        File.Copy(here, second);
        using var other = bench.Stock.Serve(second);
        using (Remember(bench, here, clone))
        {
            bench.Stock.Run("remote", "add", "two", UrlOf(other), "-R", clone);
            bench.Stock.Run("settings", "autosync", "all", "-R", clone);
            CommitByUs(bench, clone, "mine");
        }

        Assert.True(Has(bench, here, "mine"));
        Assert.True(Has(bench, second, "mine"));
    }

    [Test]
    public void An_option_leaves_the_syncs_out()
    {
        using var bench = new Workbench("autosync");

        Assert.Equal(
            new Outcome(false, false),
            Commit(bench, "ours", null, (b, clone, comment) => CommitByUs(b, clone, comment, "--nosync")));
    }

    [Test]
    public void Called_fossil_the_syncs_are_printed_as_stock_prints_them()
    {
        using var bench = new Workbench("autosync");
        var (here, clone) = ServerAndClone(bench, "first");
        using var server = Remember(bench, here, clone);
        var (theirs, ours) = (Open(bench, clone, "theirs"), Open(bench, clone, "ours"));
        File.WriteAllText(Path.Combine(theirs, "a.txt"), "theirs\n");

        var committed = Lines(bench.Stock.RunIn(theirs, "commit", "-m", "theirs", "--no-warnings"));
        var updated = Lines(bench.Ours.RunAsFossil(ours, "update"));
        File.WriteAllText(Path.Combine(ours, "a.txt"), "ours, and longer\n");

        Assert.Equal(committed, Lines(bench.Ours.RunAsFossil(ours, "commit", "-m", "ours", "--no-warnings")));
        Assert.Equal(updated, Lines(bench.Stock.RunIn(theirs, "update")));

        static string[] Lines(ProgramResult result) =>
        [
            .. result.Output.Split('\n', '\r').Where(l => Syncs().IsMatch(l)).Select(l => Numbers().Replace(l, "N"))
                .Distinct(),
        ];
    }

    [System.Text.RegularExpressions.GeneratedRegex("^(Pull|Sync|Round-trips|New_Version)")]
    private static partial System.Text.RegularExpressions.Regex Syncs();

    [System.Text.RegularExpressions.GeneratedRegex("[0-9a-f]{8,}|[0-9]+")]
    private static partial System.Text.RegularExpressions.Regex Numbers();

    [Test]
    public void A_private_check_in_is_not_synced()
    {
        using var bench = new Workbench("autosync");

        Assert.Equal(
            new Outcome(false, false),
            Commit(bench, "ours", null, (b, clone, comment) => CommitByUs(b, clone, comment, "--private")));
    }

    [Test]
    public void Without_its_peer_a_commit_warns_and_is_made()
    {
        using var bench = new Workbench("autosync");
        var (here, clone) = ServerAndClone(bench, "first");
        using (Remember(bench, here, clone))
        {
        }

        var result = CommitByUs(bench, clone, "mine", "--json");

        Assert.True(Has(bench, clone, "mine"));
        Assert.Contains("warning: autosync failed: ", result.Errors, StringComparison.Ordinal);
        Assert.Contains("\"autosync\":\"failed\"", result.Output.Replace(" ", ""), StringComparison.Ordinal);
    }

    [Test]
    public void A_check_in_that_would_fork_what_was_pulled_is_refused()
    {
        using var bench = new Workbench("autosync");
        var (here, clone) = ServerAndClone(bench, "first");
        using var server = Remember(bench, here, clone);
        bench.Open(here, "others").Write("b.txt", "theirs\n").Commit("theirs");
        var parent = bench.Stock.Run(
            "sql", "-R", clone, "--readonly",
            "SELECT uuid FROM blob, event WHERE rid=objid ORDER BY event.mtime DESC LIMIT 1")
            .Output.Trim().Trim('\'');
        File.WriteAllText(bench["a.txt"], "mine\n");

        var refused = bench.Ours.Try("repo", "ci", "-R", clone, "-m", "mine", "--parent", parent, "a.txt");
        var followed = bench.Ours.Try("repo", "ci", "-R", clone, "-m", "mine", "a.txt");

        Assert.Contains("fork", refused.Errors, StringComparison.Ordinal);
        followed.MustSucceed();
        Assert.True(Has(bench, clone, "theirs"));
        Assert.True(Has(bench, here, "mine"));
    }

    [Test]
    public void A_lock_that_stock_took_holds_a_commit_up()
    {
        using var bench = new Workbench("autosync");
        var (here, clone) = ServerAndClone(bench, "first");
        using var server = Remember(bench, here, clone);
        var others = bench["others.fossil"];
        File.Copy(clone, others);
        var checkout = bench.Open(others, "others").Write("b.txt", "theirs\n");
        checkout.Run("settings", "autosync", "on");
        checkout.Run("add", "b.txt");

        // It pulls with the lock, and ends when it gets no comment.
        checkout.Try("commit", "--no-warnings").MustFail();
        File.WriteAllText(bench["a.txt"], "mine\n");
        var refused = bench.Ours.Try("repo", "ci", "-R", clone, "-m", "mine", "a.txt");
        var overridden = bench.Ours.Try("repo", "ci", "-R", clone, "-m", "mine", "--override-lock", "a.txt");

        refused.MustFail();
        Assert.Contains("locked by " + GeneratedHistory.Login, refused.Errors, StringComparison.Ordinal);
        overridden.MustSucceed();
        Assert.True(Has(bench, here, "mine"));
    }

    /// <summary>
    /// A clone whose server has got a check-in of another branch since commits; then: whether that one is in the clone,
    /// and whether the new one is on the server.
    /// </summary>
    private static Outcome Commit(
        Workbench bench, string name, string? value, Func<Workbench, string, string, ProgramResult> commit,
        Action<string>? prepare = null)
    {
        var (here, clone) = ServerAndClone(bench, name);
        using (Remember(bench, here, clone))
        {
            bench.Open(here, name + "-others").Write("b.txt", "theirs\n").Commit("theirs", "--branch", "side");
            if (value is not null) bench.Stock.Run("settings", "autosync", value, "-R", clone);
            prepare?.Invoke(clone);
            commit(bench, clone, "mine");
        }

        Assert.True(Has(bench, clone, "mine"));
        return new Outcome(Has(bench, clone, "theirs"), Has(bench, here, "mine"));
    }

    private static (string Server, string Clone) ServerAndClone(Workbench bench, string name)
    {
        var here = bench.NewRepository(name + ".fossil");
        bench.Open(here, name + "-first").Write("a.txt", "one\n").Commit("first");
        var clone = bench[name + "-clone.fossil"];
        File.Copy(here, clone);
        bench.Stock.Run("unset", "autosync", "-R", clone);   // off in a checkout of the bench
        return (here, clone);
    }

    /// <summary>Serves it, with its address and a login remembered in the clone.</summary>
    private static StockServer Remember(Workbench bench, string here, string clone)
    {
        var server = bench.Stock.Serve(here);
        bench.Ours.Run("repo", "sync", UrlOf(server), "-R", clone);
        return server;
    }

    private static string UrlOf(StockServer server) =>
        server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password);

    private static ProgramResult CommitByUs(Workbench bench, string clone, string comment) =>
        CommitByUs(bench, clone, comment, []);

    private static ProgramResult CommitByUs(
        Workbench bench, string clone, string comment, params ReadOnlySpan<string> options)
    {
        File.WriteAllText(bench["a.txt"], comment);
        return bench.Ours.Run(["repo", "ci", "-R", clone, "-m", comment, .. options, "a.txt"]);
    }

    private static string Open(Workbench bench, string clone, string name)
    {
        var where = bench.Folder.Folder(name);
        bench.Ours.RunIn(where, "open", clone, "--nosync");
        return where;
    }

    private static ProgramResult CommitInCheckout(Workbench bench, string clone, string comment)
    {
        var where = Open(bench, clone, Path.GetFileNameWithoutExtension(clone) + "-checkout");
        File.WriteAllText(Path.Combine(where, "a.txt"), comment);
        return bench.Ours.RunIn(where, "commit", "-m", comment, "--hash");
    }

    private static ProgramResult CommitByStock(Workbench bench, string clone, string comment)
    {
        var where = bench.Folder.Folder(Path.GetFileNameWithoutExtension(clone) + "-checkout");
        bench.Stock.RunIn(where, "open", clone, "--nosync");
        File.WriteAllText(Path.Combine(where, "a.txt"), comment);
        return bench.Stock.RunIn(
            where, "commit", "-m", comment, "--no-warnings", "--nosign", "--hash", "--allow-older");
    }

    private static bool Has(Workbench bench, string repository, string comment) =>
        bench.Stock.Run(
            "sql", "-R", repository, "--readonly",
            $"SELECT count(*) FROM event WHERE coalesce(ecomment, comment)='{comment}'").Output.Trim() == "1";

    private sealed record Outcome(bool HasPulled, bool HasPushed);
}
