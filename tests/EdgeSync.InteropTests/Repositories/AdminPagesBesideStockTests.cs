using System.Text.RegularExpressions;
using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>Users and settings that the pages have written, as stock reads them.</summary>
public sealed partial class AdminPagesBesideStockTests
{
    [Test]
    public async Task Stock_reads_the_users_and_settings_that_the_pages_write()
    {
        using var bench = new Workbench("admin");
        var repository = bench.NewRepository("a.fossil");
        bench.Stock.Run("user", "new", "made-by-stock", "who", "secret", "-R", repository);
        bench.Stock.Run("user", "new", "mate", "second", "lantern", "-R", repository);
        bench.Stock.Run("user", "capabilities", "mate", "gio", "-R", repository);
        bench.Stock.Run("settings", "admin-log", "on", "-R", repository);
        using (var node = new RunningNode(bench.Ours, "leaf", "--repo", repository, "--no-nats"))
        {
            using var web = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false })
            {
                BaseAddress = new Uri(node.Address("http")),
            };
            await PostAsync(web, "/login", ("u", GeneratedHistory.Login), ("p", GeneratedHistory.Password));
            var page = await web.GetStringAsync("/setup_uedit", Stop);
            var token = ("csrf", Token().Match(page).Groups[1].Value);
            await PostAsync(
                web, "/setup_uedit", token, ("login", "cook"), ("info", "Ann O'Nym"), ("pw", "galley"), ("cap", "g"),
                ("cap", "o"));
            var list = await web.GetStringAsync("/setup_ulist", Stop);
            Assert.Contains("made-by-stock", list, StringComparison.Ordinal);
            var id = Regex.Match(list, "setup_uedit\\?id=([0-9]+)\">made-by-stock").Groups[1].Value;
            await PostAsync(web, $"/setup_uedit?id={id}", token, ("delete", "1"), ("verifydelete", "1"));
            id = Regex.Match(list, "setup_uedit\\?id=([0-9]+)\">mate<").Groups[1].Value;
            await PostAsync(
                web, $"/setup_uedit?id={id}", token, ("login", "first-mate"), ("info", "first"), ("pw", "sextant"),
                ("cap", "g"), ("cap", "i"), ("cap", "o"));
            foreach (var (name, value) in ((string, string)[])[
                ("autosync", "pullonly"), ("mtime-changes", "off"), ("ignore-glob", "*.o\r\n*.a"),
                ("hash-digits", "16")])
                await PostAsync(web, "/setup_settings", token, ("name", name), ("value", value));
        }

        var users = bench.Stock.Run("user", "list", "-R", repository).Output;
        Assert.Matches("(?m)^cook +Ann O'Nym$", users);
        Assert.Matches("(?m)^first-mate +first$", users);
        Assert.DoesNotMatch("(?m)^mate ", users);
        Assert.DoesNotContain("made-by-stock", users, StringComparison.Ordinal);
        Assert.Contains("go", bench.Stock.Run("user", "capabilities", "cook", "-R", repository).Output);
        var settings = bench.Stock.Run("settings", "-R", repository).Output;
        Assert.Matches("(?m)^autosync +\\(local\\) +pullonly$", settings);
        Assert.Matches("(?m)^mtime-changes +\\(local\\) +off$", settings);
        Assert.Matches("(?m)^hash-digits +\\(local\\) +16$", settings);
        Assert.Equal(
            "*.o\n*.a", bench.Stock.Run(
                "sql", "-R", repository, "SELECT value FROM config WHERE name='ignore-glob'").Output.Trim().Trim('\''));
        Assert.Equal(
            "8", bench.Stock.Run("sql", "-R", repository, "SELECT count(*) FROM admin_log").Output.Trim());
        Assert.Contains(
            "Renamed user [mate] to [first-mate].",
            bench.Stock.Run("sql", "-R", repository, "SELECT what FROM admin_log").Output, StringComparison.Ordinal);

        // The password that the page has set is one for stock.
        using (var server = bench.Stock.Serve(repository))
        {
            bench.Stock.Run("user", "capabilities", "nobody", "", "-R", repository);
            bench.Stock.Run("clone", server.UrlFor("cook", "galley"), bench["copy.fossil"]);
            bench.Stock.Run("clone", server.UrlFor("first-mate", "sextant"), bench["mate.fossil"]);
        }

        bench.MustBeSound(repository);
    }

    private static CancellationToken Stop => TestContext.Current!.Execution.CancellationToken;

    private static async Task PostAsync(HttpClient web, string path, params (string Name, string Value)[] form)
    {
        using var content = new FormUrlEncodedContent(
            form.Select(f => new KeyValuePair<string, string>(f.Name, f.Value)));
        using var answer = await web.PostAsync(new Uri(path, UriKind.Relative), content, Stop);
        Assert.Equal((path, 303), (path, (int)answer.StatusCode));
    }

    [GeneratedRegex("name=\"csrf\" value=\"([0-9a-f]+)\"")]
    private static partial Regex Token();
}
