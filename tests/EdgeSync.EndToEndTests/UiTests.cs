using System.Net;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary><c>edgesync ui</c>: the pages in a browser, without a login for who has the link.</summary>
public sealed class UiTests
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    [Test]
    public async Task The_link_logs_in_and_nothing_else_does()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "p.fossil", "--user", "tester");
        using var ui = new RunningNode(edgesync.Start(
            "ui", "p.fossil", "-P", "0", "--nobrowser", "--page", "setup_ulist", "--json"));
        var link = ui.Report.GetProperty("link").GetString()!;
        Assert.False(ui.Report.GetProperty("is_opened").GetBoolean());
        Assert.StartsWith("http://127.0.0.1:", link, StringComparison.Ordinal);

        Assert.Equal("/login", await EndOfAsync(link.Replace("key=", "key=0", StringComparison.Ordinal)));
        Assert.Equal("/login", await EndOfAsync(link[..link.IndexOf('?', StringComparison.Ordinal)]));
        Assert.Equal("/setup_ulist", await EndOfAsync(link));
        var elsewhere = link.Replace("page=%2Fsetup_ulist", "page=%2F%2Fexample.org%2F", StringComparison.Ordinal);
        Assert.NotEqual(link, elsewhere);
        Assert.Equal("/", await EndOfAsync(elsewhere));

        // As with stock, a repository may ask even its owner for the password.
        edgesync.Ok("repo", "settings", "localauth", "on", "-R", "p.fossil");
        Assert.Equal("/login", await EndOfAsync(link));
        Assert.Equal(0, ui.Stop());
    }

    [Test]
    [Arguments("variable")]
    [Arguments("setting")]
    public async Task The_browser_of_the_person_gets_the_link(string place)
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "p.fossil", "--user", "tester");
        var seen = edgesync["seen"];
        var browser = edgesync.Write("browser", $"#!/bin/sh\nprintf %s \"$1\" >'{seen}'\n");
        File.SetUnixFileMode(
            browser, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (place == "setting") edgesync.Ok("repo", "settings", "web-browser", browser, "-R", "p.fossil");
        var start = edgesync.Start("ui", "p.fossil", "-P", "0", "--json");
        using var ui = new RunningNode(
            place == "setting" ? start : start with
            {
                Environment = new Dictionary<string, string?>(start.Environment) { ["BROWSER"] = browser },
            });

        Assert.True(ui.Report.GetProperty("is_opened").GetBoolean());
        var link = ui.Report.GetProperty("link").GetString()!;
        await Patience.UntilAsync(
            () => Task.FromResult(File.Exists(seen) && File.ReadAllText(seen) == link), PatienceMax,
            () => "the browser");
        Assert.Equal("/", await EndOfAsync(link));
        Assert.Equal(0, ui.Stop());
    }

    [Test]
    public void A_checkout_names_its_repository_and_other_folders_are_refused()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "p.fossil", "--user", "tester");
        Directory.CreateDirectory(edgesync["w"]);
        edgesync.RunIn(edgesync["w"], "open", "../p.fossil");
        using (var ui = new RunningNode(edgesync.Start("ui", "w", "-P", "0", "--nobrowser", "--json")))
        {
            Assert.Equal(edgesync["p.fossil"], ui.Report.GetProperty("repository").GetString());
            Assert.Equal(0, ui.Stop());
        }

        Directory.CreateDirectory(edgesync["empty"]);
        Assert.Equal(3, edgesync.Try("ui", "empty", "--nobrowser").ExitCode);
        Assert.Equal(2, edgesync.Try("ui", "p.fossil", "--nobrowser", "-P", "0.0.0.0:8080").ExitCode);
    }

    // The page that a browser without a session is at in the end.
    private static async Task<string> EndOfAsync(string link)
    {
        using var handler = new HttpClientHandler { CookieContainer = new CookieContainer() };
        using var http = new HttpClient(handler);
        using var reply = await http.GetAsync(link, TestContext.Current!.Execution.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        return reply.RequestMessage!.RequestUri!.AbsolutePath;
    }
}
