using System.Net;
using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>docs/status.md as a contract: what it names is there.</summary>
public sealed class StatusPageTests
{
    [Test]
    public async Task Status_holds_what_its_document_promises()
    {
        using var edgesync = Project();
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        using var http = new HttpClient();

        using var status = JsonDocument.Parse(
            await http.GetStringAsync(leaf.Url + "/status", TestContext.Current!.Execution.CancellationToken));

        var root = status.RootElement;
        foreach (var name in (string[])[
            "node", "role", "version", "commit", "process_id", "started_at", "now", "ready", "checks", "repositories",
            "addresses"])
            Assert.True(root.TryGetProperty(name, out _), name);
        Assert.True(root.GetProperty("ready").GetBoolean());
        Assert.All(
            root.GetProperty("checks").EnumerateArray(), c => Assert.Equal("ok", c.GetProperty("state").GetString()));
        var repository = root.GetProperty("repositories")[0];
        Assert.Equal("hub", repository.GetProperty("name").GetString());
        Assert.Equal(1, repository.GetProperty("checkins").GetInt64());
        Assert.Equal(40, repository.GetProperty("project_code").GetString()!.Length);
        Assert.Equal(leaf.Url, root.GetProperty("addresses").GetProperty("http").GetString());
    }

    [Test]
    public async Task Metrics_are_what_Prometheus_reads()
    {
        using var edgesync = Project();
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        using var http = new HttpClient();
        edgesync.Ok("repo", "clone", leaf.Url, "mine.fossil");

        using var response = await http.GetAsync(
            leaf.Url + "/metrics", TestContext.Current!.Execution.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current!.Execution.CancellationToken);

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Contains("\nedgesync_ready 1\n", text, StringComparison.Ordinal);
        Assert.Contains("edgesync_repository_checkins{repository=\"hub\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE edgesync_sync_handle_duration_seconds histogram\n", text, StringComparison.Ordinal);
        Assert.Matches("edgesync_sync_handled_total\\{sync_route=\"http\"\\} [1-9]", text);
        Assert.All(
            text.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.Matches(
                "^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\\{[a-z_]+=\"[^\"]*\"(,[a-z_]+=\"[^\"]*\")*\\})? [-+0-9.eE]+)$",
                line));
    }

    [Test]
    public async Task Status_requests_forwarded_by_a_proxy_are_denied()
    {
        using var edgesync = Project();
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("X-Forwarded-For", "192.0.2.7");

        foreach (var page in (string[])["/status", "/metrics"])
            Assert.Equal(
                HttpStatusCode.Forbidden,
                (await http.GetAsync(leaf.Url + page, TestContext.Current!.Execution.CancellationToken)).StatusCode);
        Assert.Equal(
            HttpStatusCode.OK,
            (await http.GetAsync(leaf.Url + "/healthz", TestContext.Current!.Execution.CancellationToken)).StatusCode);
    }

    [Test]
    public async Task Readiness_names_the_reason()
    {
        using var edgesync = Project();
        File.SetUnixFileMode(edgesync["hub.fossil"], UnixFileMode.UserRead);
        File.SetUnixFileMode(edgesync.Folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            Skip.When(Environment.UserName == "root", "root may write everywhere");
            using var leaf = new RunningLeaf(edgesync, "hub.fossil");
            using var http = new HttpClient();

            using var response = await http.GetAsync(
                leaf.Url + "/readyz", TestContext.Current!.Execution.CancellationToken);

            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Contains(
                "repository: read-only",
                await response.Content.ReadAsStringAsync(TestContext.Current!.Execution.CancellationToken),
                StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(
                edgesync.Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Test]
    public async Task A_probe_may_use_stricter_conditions()
    {
        using var edgesync = Project();
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        using var http = new HttpClient();
        var token = TestContext.Current!.Execution.CancellationToken;

        Assert.Equal("repository: ok\ndisk: ok\n", await http.GetStringAsync(leaf.Url + "/healthz?ready", token));
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(leaf.Url + "/readyz?strict", token)).StatusCode);
        Assert.Equal(
            HttpStatusCode.BadRequest, (await http.GetAsync(leaf.Url + "/readyz?agreed=soon", token)).StatusCode);
    }

    private static EdgeSyncProgram Project()
    {
        var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "hub.fossil");
        return edgesync;
    }
}
