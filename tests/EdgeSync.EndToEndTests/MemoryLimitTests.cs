using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>
/// <c>--memory-limit</c>: small machines work, clients cannot exhaust them, and an invalid limit is refused.
/// </summary>
public sealed class MemoryLimitTests
{
    [Test]
    [Arguments("6M", "at least 48M")]
    [Arguments("many", "invalid size 'many'")]
    [Arguments("64Q", "invalid size '64Q'")]
    public void An_invalid_limit_is_a_usage_error(string size, string says)
    {
        using var edgesync = new EdgeSyncProgram();

        var outcome = edgesync.Try("repo", "new", "a.fossil", "--memory-limit", size);

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains(says, outcome.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(edgesync["a.fossil"]));
    }

    [Test]
    public void The_variable_sets_the_same_limit()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Variables["EDGESYNC_MEMORY_LIMIT"] = "5M";

        var outcome = edgesync.Try("repo", "new", "a.fossil");

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("EDGESYNC_MEMORY_LIMIT", outcome.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void Much_more_than_the_limit_is_pushed_and_cloned_through_it()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "mine.fossil");
        for (var i = 0; i < 24; i++)
        {
            File.WriteAllBytes(edgesync[$"{i}.bin"], RandomNumberGenerator.GetBytes(4 << 20));
            edgesync.Ok("repo", "ci", "-R", "mine.fossil", "-m", $"part {i}", $"{i}.bin", "--memory-limit", "64M");
        }

        var code = edgesync.Json("repo", "info", "-R", "mine.fossil").GetProperty("project_code").GetString()!;
        edgesync.Ok("repo", "new", "hub.fossil");
        edgesync.Ok(
            "repo", "query", $"UPDATE config SET value='{code}' WHERE name='project-code'", "--write", "-R",
            "hub.fossil");
        edgesync.Ok("repo", "user", "update", "nobody", "--cap", "cghijkorsvz", "-R", "hub.fossil");
        using var hub = new RunningLeaf(edgesync, "hub.fossil", "--memory-limit", "96M");

        edgesync.Ok("repo", "push", hub.Url, "-R", "mine.fossil", "--memory-limit", "64M");
        edgesync.Ok("repo", "clone", hub.Url, "there.fossil", "--memory-limit", "64M");

        edgesync.Ok("repo", "verify", "-R", "there.fossil", "--memory-limit", "64M");
        // By its hash: the newest of all may be the empty check-in that the hub began with.
        var tip = edgesync.Json("repo", "resolve", "tip", "-R", "mine.fossil").GetProperty("uuid").GetString()!;
        Assert.Equal(
            edgesync.Ok("repo", "ls", tip, "-R", "mine.fossil"), edgesync.Ok("repo", "ls", tip, "-R", "there.fossil"));
    }

    [Test]
    public async Task A_small_body_that_announces_a_gigabyte_is_rejected_without_cost()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil");
        using var leaf = new RunningLeaf(edgesync, "a.fossil", "--memory-limit", "96M");
        using var http = new HttpClient();

        // 1 MB of zeros, packed, grows a thousand times: what is declared is not impossible.
        var bomb = new byte[1 << 20];
        (bomb[0], bomb[1], bomb[2], bomb[3]) = (0x3F, 0xFF, 0xFF, 0xFF);
        for (var i = 0; i < 4; i++)
        {
            using var body = new ByteArrayContent(bomb);
            body.Headers.ContentType = new MediaTypeHeaderValue("application/x-fossil");
            using var reply = await http.PostAsync(leaf.Url, body, TestContext.Current!.Execution.CancellationToken);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, reply.StatusCode);
        }

        edgesync.Ok("repo", "clone", leaf.Url, "b.fossil");
    }
}
