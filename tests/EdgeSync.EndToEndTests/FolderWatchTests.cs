using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

public sealed class FolderWatchTests
{
    [Test]
    public async Task What_is_edited_in_the_folder_is_committed_after_a_quiet_time()
    {
        using var edgesync = Watched();
        using var leaf = new RunningLeaf(edgesync, null, "--config", edgesync["edgesync.json"]);

        edgesync.Write("folder/a.txt", "one\n");
        edgesync.Write("folder/sub/run.sh", "#!/bin/sh\n");
        File.SetUnixFileMode(
            edgesync["folder/sub/run.sh"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(edgesync["folder/link"], "a.txt");
        edgesync.Write("folder/skip.tmp", "never");
        edgesync.Write("folder/.fslckout", "never");
        await leaf.UntilAsync(() => Files(edgesync) is ["a.txt -", "link l", "sub/run.sh x"]);

        File.Delete(edgesync["folder/link"]);
        edgesync.Write("folder/a.txt", "two\n");
        await leaf.UntilAsync(
            () => Files(edgesync) is ["a.txt -", "sub/run.sh x"]
            && edgesync.Ok("repo", "cat", "a.txt", "-r", "trunk", "-R", "hub.fossil") == "two\n");

        var status = await leaf.StatusAsync();
        var watch = status.GetProperty("repositories")[0].GetProperty("watch");
        Assert.Equal(edgesync["folder"], watch.GetProperty("folder").GetString());
        Assert.True(watch.GetProperty("commits").GetInt64() >= 2);
        Assert.Equal(0, leaf.Stop());
        edgesync.Ok("repo", "verify", "-R", "hub.fossil");
    }

    [Test]
    public async Task A_remote_change_is_kept_and_a_change_on_both_sides_is_reported()
    {
        using var edgesync = Watched();
        edgesync.Write("folder/mine.txt", "1\n");
        edgesync.Write("folder/both.txt", "1\n");
        using var leaf = new RunningLeaf(edgesync, null, "--config", edgesync["edgesync.json"]);
        await leaf.UntilAsync(() => Files(edgesync) is ["both.txt -", "mine.txt -"]);

        edgesync.Write("theirs.txt", "theirs\n");
        edgesync.Write("both.txt", "theirs\n");
        edgesync.Ok("repo", "ci", "-R", "hub.fossil", "-m", "of somebody else", "theirs.txt", "both.txt");
        edgesync.Write("folder/mine.txt", "2\n");
        edgesync.Write("folder/both.txt", "2\n");
        await leaf.UntilAsync(() => edgesync.Ok("repo", "cat", "mine.txt", "-r", "trunk", "-R", "hub.fossil") == "2\n");

        Assert.Equal("theirs\n", edgesync.Ok("repo", "cat", "both.txt", "-r", "trunk", "-R", "hub.fossil"));
        Assert.Equal("theirs\n", edgesync.Ok("repo", "cat", "theirs.txt", "-r", "trunk", "-R", "hub.fossil"));
        Assert.Equal("2\n", File.ReadAllText(edgesync["folder/both.txt"]));
        var watch = (await leaf.StatusAsync()).GetProperty("repositories")[0].GetProperty("watch");
        Assert.Contains("both.txt", watch.GetProperty("last_error").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, leaf.Stop());
    }

    [Test]
    public async Task With_allow_fork_a_change_on_both_sides_becomes_a_fork()
    {
        using var edgesync = Watched(more: "\"allow_fork\": true,");
        edgesync.Write("folder/both.txt", "1\n");
        using var leaf = new RunningLeaf(edgesync, null, "--config", edgesync["edgesync.json"]);
        await leaf.UntilAsync(() => Files(edgesync) is ["both.txt -"]);

        edgesync.Write("both.txt", "theirs\n");
        var theirs = edgesync.Json("repo", "ci", "-R", "hub.fossil", "-m", "of somebody else", "both.txt")
            .GetProperty("hash").GetString()!;
        edgesync.Write("folder/both.txt", "2\n");
        await leaf.UntilAsync(() => edgesync.Ok("repo", "cat", "both.txt", "-r", "trunk", "-R", "hub.fossil") == "2\n");

        Assert.Equal("theirs\n", edgesync.Ok("repo", "cat", "both.txt", "-r", theirs, "-R", "hub.fossil"));
        Assert.Equal(0, leaf.Stop());
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task A_parent_locked_by_another_user_gets_no_child_without_override(bool overrides)
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "server.fossil");
        var password = edgesync.Json("repo", "user", "passwd", "tester", "-R", "server.fossil").GetProperty("password")
            .GetString()!;
        using var server = new RunningLeaf(edgesync, "server.fossil", "--no-nats");
        edgesync.Ok("repo", "clone", server.Url, "hub.fossil");
        var tip = edgesync.Json("repo", "resolve", "tip", "-R", "server.fossil").GetProperty("uuid").GetString();
        var since = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        edgesync.Ok(
            "repo", "query", "--write", "-R", "server.fossil",
            $$"""REPLACE INTO config(name, value, mtime) VALUES('ci-lock-{{tip}}', '{"login":"else","clientid":"{{new string('e', 40)}}"}', {{since}})""");
        var peer = server.Url.Replace("://", $"://tester:{password}@", StringComparison.Ordinal);
        Configure(edgesync, $"\"peers\": [\"{peer}\"], \"override_lock\": {(overrides ? "true" : "false")},");
        edgesync.Write("folder/a.txt", "1\n");

        using var leaf = new RunningLeaf(edgesync, null, "--config", edgesync["edgesync.json"]);
        if (overrides)
        {
            await leaf.UntilAsync(
                () => edgesync.Ok("repo", "timeline", "-R", "server.fossil").Contains(
                    "1 added: a.txt", StringComparison.Ordinal));
        }
        else
        {
            JsonElement watch = default;
            await leaf.UntilAsync(
                async () => (
                    watch = (
                        await leaf.StatusAsync()).GetProperty(
                            "repositories")[0].GetProperty("watch")).GetProperty("state").GetString() == "failed");
            Assert.Contains("locked by else", watch.GetProperty("last_error").GetString(), StringComparison.Ordinal);
            Assert.Empty(Files(edgesync));
        }

        Assert.Equal(0, leaf.Stop());
    }

    [Test]
    public async Task An_emptied_folder_is_not_committed()
    {
        using var edgesync = Watched();
        edgesync.Write("folder/a.txt", "1\n");
        edgesync.Write("folder/b.txt", "1\n");
        using var leaf = new RunningLeaf(edgesync, null, "--config", edgesync["edgesync.json"]);
        await leaf.UntilAsync(() => Files(edgesync) is ["a.txt -", "b.txt -"]);

        File.Delete(edgesync["folder/a.txt"]);
        File.Delete(edgesync["folder/b.txt"]);
        JsonElement watch = default;
        await leaf.UntilAsync(
            async () => (
                watch = (
                    await leaf.StatusAsync()).GetProperty(
                        "repositories")[0].GetProperty("watch")).GetProperty("state").GetString() == "failed");

        Assert.Contains("is it mounted?", watch.GetProperty("last_error").GetString(), StringComparison.Ordinal);
        Assert.Contains("is it mounted?", await ReadinessAsync(leaf, 503), StringComparison.Ordinal);
        Assert.Equal(["a.txt -", "b.txt -"], Files(edgesync));
        Assert.Equal(0, leaf.Stop());
    }

    [Test]
    public async Task A_named_pipe_is_reported_and_the_other_files_are_committed()   // R3
    {
        using var edgesync = Watched();
        FolderCheckinTests.Shell(edgesync, "mkfifo folder/pipe");
        edgesync.Write("folder/a.txt", "1\n");
        using var leaf = new RunningLeaf(edgesync, null, "--config", edgesync["edgesync.json"]);
        await leaf.UntilAsync(() => Files(edgesync) is ["a.txt -"]);
        await leaf.UntilAsync(
            async () => (await ReadinessAsync(leaf, 200)).Contains(
                "watch:hub: warning: pipe is a named pipe", StringComparison.Ordinal));

        edgesync.Write("b.txt", "by hand\n");
        edgesync.Ok("repo", "ci", "-R", "hub.fossil", "-m", "while it watches", "b.txt");
        edgesync.Write("folder/a.txt", "2\n");
        await leaf.UntilAsync(() => edgesync.Ok("repo", "cat", "a.txt", "-r", "trunk", "-R", "hub.fossil") == "2\n");

        Assert.Equal(0, leaf.Stop());
        Assert.Equal(1, leaf.Errors.Split("pipe is a named pipe").Length - 1);
    }

    [Test]
    public async Task A_tip_from_the_future_is_followed()   // R5
    {
        using var edgesync = Watched();
        edgesync.Write("ahead.txt", "1\n");
        edgesync.Ok(
            "repo", "ci", "-R", "hub.fossil", "-m", "of a peer without a clock", "--date", "2099-01-01T12:00:00Z",
            "ahead.txt");
        edgesync.Write("folder/a.txt", "1\n");
        using var leaf = new RunningLeaf(edgesync, null, "--config", edgesync["edgesync.json"]);

        await leaf.UntilAsync(() => Files(edgesync) is ["a.txt -", "ahead.txt -"]);
        await leaf.UntilAsync(
            async () => (await ReadinessAsync(leaf, 200)).Contains("later than now", StringComparison.Ordinal));

        edgesync.Write("folder/a.txt", "2\n");
        await leaf.UntilAsync(() => edgesync.Ok("repo", "cat", "a.txt", "-r", "trunk", "-R", "hub.fossil") == "2\n");
        Assert.Contains(
            "2099-01-01", edgesync.Ok("repo", "cat", "trunk", "-R", "hub.fossil"), StringComparison.Ordinal);
        Assert.Equal(0, leaf.Stop());
        edgesync.Ok("repo", "verify", "-R", "hub.fossil");
    }

    [Test]
    public async Task An_unreadable_file_keeps_its_committed_content()   // R9
    {
        Skip.Unless(Unreadable.IsPossible, "needs setpriv to read as nobody");
        using var edgesync = Watched();
        edgesync.Write("folder/a.txt", "1\n");
        edgesync.Write("folder/d/b.txt", "1\n");
        edgesync.Write("folder/c.txt", "1\n");
        edgesync.Ok("repo", "ci", "-R", "hub.fossil", "-m", "m", "-C", "folder", ".");
        edgesync.Write("folder/a.txt", "2\n");
        edgesync.Write("folder/c.txt", "2\n");
        File.SetUnixFileMode(edgesync["folder/a.txt"], UnixFileMode.None);
        File.SetUnixFileMode(edgesync["folder/d"], UnixFileMode.None);

        using var leaf = new RunningNode(
            Unreadable.Start(edgesync, "leaf", "--config", edgesync["edgesync.json"], "--json"));
        await leaf.UntilAsync(() => edgesync.Ok("repo", "cat", "c.txt", "-r", "trunk", "-R", "hub.fossil") == "2\n");
        leaf.Stop();
        var errors = leaf.Errors;
        File.SetUnixFileMode(edgesync["folder/d"], (UnixFileMode)0x1ed);

        Assert.Equal("2\n", edgesync.Ok("repo", "cat", "c.txt", "-r", "trunk", "-R", "hub.fossil"));
        Assert.Equal("1\n", edgesync.Ok("repo", "cat", "a.txt", "-r", "trunk", "-R", "hub.fossil"));
        Assert.Equal("1\n", edgesync.Ok("repo", "cat", "d/b.txt", "-r", "trunk", "-R", "hub.fossil"));
        Assert.Contains("a.txt cannot be read", errors, StringComparison.Ordinal);
        Assert.Contains("d cannot be read", errors, StringComparison.Ordinal);
    }

    [Test]
    public async Task What_is_tracked_is_watched_although_it_is_ignored()   // S15
    {
        using var edgesync = Watched();
        edgesync.Write("folder/kept.tmp", "1\n");
        edgesync.Write("folder/.kept", "1\n");
        edgesync.Ok("repo", "ci", "-R", "hub.fossil", "-m", "m", "-C", "folder", "kept.tmp", ".kept");
        edgesync.Write("folder/new.tmp", "1\n");
        edgesync.Write("folder/.new", "1\n");
        using var leaf = new RunningLeaf(edgesync, null, "--config", edgesync["edgesync.json"]);
        edgesync.Write("folder/kept.tmp", "2\n");
        edgesync.Write("folder/.kept", "2\n");

        await leaf.UntilAsync(() => edgesync.Ok("repo", "cat", "kept.tmp", "-r", "trunk", "-R", "hub.fossil") == "2\n"
            && edgesync.Ok("repo", "cat", ".kept", "-r", "trunk", "-R", "hub.fossil") == "2\n");

        Assert.Equal([".kept -", "kept.tmp -"], Files(edgesync));
        Assert.Equal(0, leaf.Stop());
    }

    private static async Task<string> ReadinessAsync(RunningLeaf leaf, int expected)
    {
        using var http = new HttpClient();
        using var response = await http.GetAsync(
            leaf.Url + "/readyz", TestContext.Current!.Execution.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current!.Execution.CancellationToken);
        Assert.True((int)response.StatusCode == expected, text);
        return text;
    }

    private static EdgeSyncProgram Watched(string more = "")
    {
        var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "hub.fossil");
        Configure(edgesync, more);
        return edgesync;
    }

    private static void Configure(EdgeSyncProgram edgesync, string more)
    {
        Directory.CreateDirectory(edgesync["folder"]);
        var settings = edgesync.Write(
            "edgesync.json",
            $$"""
            {
              "node": { "data_dir": "{{edgesync["state"]}}", "control_socket": "{{edgesync["c.sock"]}}" },
              "nats": { "enabled": false },
              "http": { "listen": "127.0.0.1:0" },
              "repositories": [ { {{more}} "path": "{{edgesync["hub.fossil"]}}", "watch": { "folder": "{{edgesync["folder"]}}", "quiet": "200ms", "ignore": ["*.tmp"] } } ]
            }
            """);
        // A peer's address may hold a password.
        File.SetUnixFileMode(settings, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static string[] Files(EdgeSyncProgram edgesync) =>
    [
        .. edgesync.Json("repo", "ls", "-R", "hub.fossil").GetProperty("files").EnumerateArray()
            .Select(f => $"{f.GetProperty("name").GetString()} {f.GetProperty("perm").GetString()}"),
    ];
}
