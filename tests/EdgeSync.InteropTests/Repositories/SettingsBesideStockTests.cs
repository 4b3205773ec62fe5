using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>Settings, remotes, configuration files and the list of repositories, called as <c>fossil</c>.</summary>
public sealed class SettingsBesideStockTests
{
    [Test]
    [Property("Fossil", "2.21")]
    public void Settings_are_listed_changed_and_removed_as_stock_does()
    {
        using var bench = new Workbench("settings");
        var checkout = bench.Open(bench.NewRepository("a.fossil"), "here");
        checkout.Write(".fossil-settings/ignore-glob", "*.o\n");

        foreach (var line in (string[])[
            "settings", "settings ignore-glob *.tmp", "settings ig", "settings --global editor vi", "settings editor",
            "settings --exact auto", "settings auto x", "unset ignore-glob", "settings", "unset nosuch",
            "settings manifest on"])
            Same(bench, checkout, line.Split(' '));

        Assert.True(File.Exists(checkout["manifest.uuid"]));
        bench.Ours.RunAsFossil(checkout.Folder, "unset", "manifest");
        Assert.False(File.Exists(checkout["manifest.uuid"]));
        bench.Ours.RunAsFossil(bench.Folder.Path, "settings", "--global", "web-browser", "lynx");
        Assert.Contains("(global) lynx", checkout.Run("settings", "web-browser").Output, StringComparison.Ordinal);
    }

    [Test]
    public void Remotes_are_named_listed_and_forgotten_as_stock_does()
    {
        using var bench = new Workbench("settings");
        var checkout = bench.Open(bench.NewRepository("a.fossil"), "here").Write("f.txt", "1\n").Commit("one");

        foreach (var line in (string[])[
            "remote", "remote add work http://bob:secret@far.example/x", "remote add stick file:///tmp/x.fossil",
            "remote work", "remote", "remote config-data --show-passwords", "remote hyperlink",
            "remote hyperlink f.txt 3", "remote add default http://x/", "remote del stick", "remote ls",
            "remote scrub", "remote config-data", "remote off", "remote nosuch"])
            Same(bench, checkout, line.Split(' '));
    }

    [Test]
    public void Each_reads_the_remotes_of_the_other()
    {
        using var bench = new Workbench("settings");
        var repository = bench.NewRepository("a.fossil");

        bench.Ours.Run(
            "repo", "remote", "add", "work", "http://bob@far.example:8080/x", "--password", "secret", "-R", repository);
        bench.Ours.Run("repo", "remote", "use", "work", "-R", repository);

        Assert.Equal("http://bob@far.example:8080/x\n", bench.Stock.Run("remote", "-R", repository).Output);
        Assert.Contains(
            "secret", bench.Stock.Run("remote", "config-data", "--show-passwords", "-R", repository).Output,
            StringComparison.Ordinal);
        bench.Ours.Run("repo", "remote", "rm", "work", "-R", repository);
        bench.Ours.Run("repo", "remote", "off", "-R", repository);
        Assert.Equal("off\n", bench.Stock.Run("remote", "-R", repository).Output);
        Assert.Equal(3, bench.Ours.Try("repo", "remote", "rm", "work", "-R", repository).ExitCode);
    }

    [Test]
    public void A_configuration_goes_through_a_file_in_both_directions()
    {
        using var bench = new Workbench("settings");
        var (from, to) = (bench.NewRepository("from.fossil"), bench.NewRepository("to.fossil"));
        bench.Stock.Run("settings", "ignore-glob", "it's *.o", "-R", from);
        bench.Stock.Run("user", "new", "alice", "Alice O'Neill", "pw", "-R", from);
        bench.Stock.Run(
            "sql", "-R", from, "UPDATE user SET mtime=1700000000; UPDATE config SET mtime=1700000000;"
                + "REPLACE INTO config(name,value,mtime) VALUES('project-name','Two\nlines',1700000001),"
                + "('logo-image',x'00ff10',1700000002); INSERT INTO shun VALUES('00',1700000003,'why')");

        bench.Stock.Run("configuration", "export", "all", bench["theirs"], "-R", from);
        bench.Ours.Run("repo", "configuration", "export", "all", bench["ours"], "-R", from);
        Assert.Equal(Cards(bench["theirs"]), Cards(bench["ours"]));

        bench.Stock.Run("configuration", "import", bench["ours"], "-R", to);
        bench.Ours.Run("repo", "configuration", "export", "all", bench["again"], "-R", to);
        Assert.Equal(Cards(bench["theirs"]), Cards(bench["again"]));

        var third = bench.NewRepository("third.fossil");
        bench.Ours.RunAsFossil(bench.Folder.Path, "config", "import", bench["theirs"], "-R", third);
        bench.Stock.Run("configuration", "export", "all", bench["third"], "-R", third);
        Assert.Equal(Cards(bench["theirs"]), Cards(bench["third"]));

        // What is newer stays when files are merged.
        bench.Stock.Run("settings", "ignore-glob", "newer", "-R", third);
        bench.Ours.Run("repo", "configuration", "merge", bench["theirs"], "-R", third);
        Assert.Contains(
            "newer", bench.Stock.Run("settings", "ignore-glob", "-R", third).Output, StringComparison.Ordinal);
    }

    [Test]
    public void All_runs_a_command_on_the_repositories_that_stock_knows()
    {
        using var bench = new Workbench("settings");
        var one = bench.NewRepository("one.fossil");
        var two = bench.NewRepository("two.fossil");
        bench.Open(one, "here");
        bench.Stock.Run("all", "add", one);

        bench.Ours.RunAsFossil(bench.Folder.Path, "all", "add", two);
        foreach (var words in (string[][])[["all", "list"], ["all", "ls", "-c"]])
        {
            Assert.Equal(
                bench.Stock.Run(words).Output, bench.Ours.RunAsFossil(bench.Folder.Path, words).Output);
        }

        bench.Ours.RunAsFossil(bench.Folder.Path, "all", "settings", "ignore-glob", "*.x");
        foreach (var repository in (string[])[one, two])
        {
            Assert.Contains(
                "*.x", bench.Stock.Run("settings", "ignore-glob", "-R", repository).Output, StringComparison.Ordinal);
        }

        Directory.CreateDirectory(bench["backups"]);
        bench.Ours.Run("repo", "all", "backup", bench["backups"], "--json");
        bench.Stock.MustBeIntact(Path.Combine(bench["backups"], "two.fossil"));
        bench.Ours.RunAsFossil(bench.Folder.Path, "all", "ignore", two);
        Assert.DoesNotContain(two, bench.Stock.Run("all", "list").Output, StringComparison.Ordinal);
    }

    [Test]
    public void Users_are_listed_and_changed_as_stock_does()
    {
        using var bench = new Workbench("settings");
        var checkout = bench.Open(bench.NewRepository("a.fossil"), "here");
        checkout.Run("user", "new", "bob", "Bob B.", "pw");

        bench.Ours.RunAsFossil(checkout.Folder, "user", "new", "carol", "Carol C.", "pw");
        foreach (var line in (string[])[
            "user list", "user cap carol", "user cap carol oi", "user contact bob", "user contact bob Bobby",
            "user new bob x y", "user contact nobody2", "user default nosuch", "user default bob", "user default"])
            Same(bench, checkout, line.Split(' '));

        checkout.Run("user", "password", "carol", "other");
        var theirs = Secret(bench, checkout);
        bench.Ours.RunAsFossil(checkout.Folder, "user", "password", "carol", "other");
        Assert.Equal(theirs, Secret(bench, checkout));
        bench.Ours.RunAsFossil(checkout.Folder, "tag", "add", "mine", "tip");
        Assert.Contains("bob", checkout.Run("timeline", "-t", "g").Output, StringComparison.Ordinal);

        static string Secret(Workbench bench, StockCheckout checkout) =>
            checkout.Run("sql", "SELECT pw FROM user WHERE login='carol'").Output;
    }

    [Test]
    public void A_scrubbed_repository_has_no_secrets_and_is_whole()
    {
        using var bench = new Workbench("settings");
        var (ours, theirs) = (bench.NewRepository("ours.fossil"), bench["theirs.fossil"]);
        bench.Stock.Run("remote", "add", "work", "http://bob:secret@far.example/x", "-R", ours);
        bench.Open(ours, "here").Write("a", "1\n").Commit("one").Write("a", "2\n")
            .Commit("secret", "--private").Run("close", "--force");
        File.Copy(ours, theirs);

        bench.Ours.RunAsFossil(bench.Folder.Path, "scrub", "--force", "--verily", ours);
        bench.Stock.Run("scrub", "--force", "--verily", theirs);

        RepositoryComparer.MustBeEqual(ours, theirs, "unclustered", "rcvfrom");
        bench.Stock.MustBeIntact(ours);
        Assert.Equal(
            bench.Stock.Run("sql", "-R", theirs, "SELECT name FROM config ORDER BY 1").Output,
            bench.Stock.Run("sql", "-R", ours, "SELECT name FROM config ORDER BY 1").Output);
        Assert.Equal(
            "already_scrubbed " + ours + "\n", bench.Ours.Run("repo", "scrub", "--force", "--verily", ours).Output);
        bench.Stock.Run("user", "password", GeneratedHistory.Login, "again", "-R", ours);
        Assert.Equal("scrubbed " + ours + "\n", bench.Ours.Run("repo", "scrub", "--force", ours).Output);
    }

    [Test]
    [Property("Fossil", "2.21")]
    [Arguments("sql", "SELECT 1, NULL, 'a b', 2.5; SELECT count(*) FROM blob")]
    [Arguments("sqlite3", "-header", "-separator", ", ", "SELECT login, cap FROM user ORDER BY 1")]
    [Arguments("sql", "SELECT symbolic_name_to_rid('trunk'), content('tip') LIKE 'C initial%'")]
    [Arguments("dbstat", "--omit-version-info", "--db-check")]
    [Arguments("dbstat", "-b", "--omit-version-info")]
    [Arguments("hash-policy")]
    [Arguments("hash-policy", "sha1")]
    [Arguments("md5sum", "file.txt")]
    public void Small_commands_print_what_stock_prints(params string[] words)
    {
        using var bench = new Workbench("settings");
        var repository = bench.NewRepository("a.fossil");
        File.WriteAllText(bench["file.txt"], "text\n");
        string[] line = words[0] == "md5sum" ? words : [words[0], "-R", repository, .. words[1..]];

        Assert.Equal(
            bench.Stock.Run(line).Output, bench.Ours.RunAsFossil(bench.Folder.Path, line).Output);
    }

    // The order of rows is that of each program's tables. The report of a new repository has a day for its time, which
    // stock writes but does not read.
    private static List<string> Cards(string path) =>
    [
        .. File.ReadAllText(path).Split("\nconfig ").Skip(1).Select(c => c.Trim())
            .Where(c => !c.StartsWith("/reportfmt", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
    ];

    // On one checkout in turn: what changes something is done twice with the same result.
    private static void Same(Workbench bench, StockCheckout checkout, params string[] words)
    {
        var theirs = checkout.Try(words);
        var ours = bench.Ours.TryAsFossil(checkout.Folder, words);
        var line = string.Join(' ', words);
        Assert.Equal($"{line}\n{theirs.Output}", $"{line}\n{ours.Output}");
        Assert.Equal((line, theirs.ExitCode == 0), (line, ours.ExitCode == 0));
        if (theirs.ExitCode != 0) Assert.Equal(theirs.Errors.Trim(), ours.Errors.Trim());
    }
}
