using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>What the broker of a daemon lets through: sizes, users, settings from a file.</summary>
public sealed class NodeAccessTests
{
    [Test]
    public async Task A_file_larger_than_a_message_travels_in_parts_both_ways()
    {
        using var edgesync = Project(out var code);
        edgesync.Ok("repo", "user", "update", "nobody", "--cap", "gio", "-R", "a.fossil");
        using var first = new RunningNode(edgesync, "leaf", "--repo", "a.fossil", "--nats-leaf-port", "0");
        using var second = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--nats", first.Address("nats-leaf"), "--clone-from", "nats",
            "--project", code);
        await first.UntilPeersAsync(1);

        CommitNoise(edgesync, "a.fossil", "large-a.bin", 1);
        await second.UntilCheckinsAsync(3);
        CommitNoise(edgesync, "b.fossil", "large-b.bin", 2);
        await first.UntilCheckinsAsync(4);

        edgesync.Ok("repo", "verify", "-R", "b.fossil");
        Assert.Equal(
            File.ReadAllBytes(edgesync["large-a.bin"]),
            edgesync.Try("repo", "cat", "-R", "b.fossil", HashOf(edgesync, "b.fossil", "large-a.bin")).OutputBytes);
    }

    [Test]
    public async Task A_broker_with_users_rejects_other_clients()
    {
        using var edgesync = Project(out var code);
        Secret(edgesync, "ship.secret", "well kept");
        edgesync.Write(
            "hub.json", """{ "nats": { "users": [ { "user": "ship", "password_file": "ship.secret" } ] } }""");
        using var hub = new RunningNode(edgesync, "hub", "serve", "-R", "a.fossil", "--config", "hub.json");
        using var stranger = new RunningNode(
            edgesync, "leaf", "--repo", "s.fossil", "--nats", hub.Address("nats-leaf"), "--clone-from",
            hub.Address("http"), "--name", "stranger");
        using var known = new RunningNode(
            edgesync, "leaf", "--repo", "k.fossil", "--nats", hub.Address("nats-leaf"), "--nats-user", "ship",
            "--nats-password-file", "ship.secret", "--clone-from", "nats", "--project", code, "--name", "known");
        await hub.UntilPeersAsync(1);

        edgesync.Write("b.txt", "b\n");
        edgesync.Ok("repo", "ci", "--nosync", "-R", "a.fossil", "-m", "second", "b.txt");
        await known.UntilCheckinsAsync(3);

        Assert.Equal(2, await stranger.CheckinsAsync());
        var checks = (await stranger.StatusAsync()).GetProperty("checks").EnumerateArray();
        var nats = checks.Single(c => c.GetProperty("name").GetString() == "nats");
        Assert.Equal("failed", nats.GetProperty("state").GetString());
        Assert.DoesNotContain("well kept", hub.Errors + known.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void Invalid_settings_are_reported_before_anything_starts()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Write("edgesync.json", """{ "repositories": [ { "path": "a.fossil", "poll": "now and then" } ] }""");

        var outcome = edgesync.Try("leaf", "--config", "edgesync.json");

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains(
            "edgesync.json line 1: repositories[0].poll: invalid duration 'now and then'", outcome.Errors,
            StringComparison.Ordinal);
        Assert.Equal(2, edgesync.Try("config", "validate", "--config", "edgesync.json").ExitCode);
    }

    [Test]
    public void Effective_settings_name_their_origins()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Write(
            "edgesync.json", """{ "nats": { "bind": "10.0.0.1" }, "repositories": [ { "path": "a.fossil" } ] }""");
        edgesync.Variables["LEAF_POLL"] = "7s";

        var settings = edgesync.Json("config", "show", "--effective", "--config", "edgesync.json")
            .GetProperty("settings").EnumerateArray().ToDictionary(s => s.GetProperty("path").GetString()!);

        Assert.Equal("edgesync.json", settings["nats.bind"].GetProperty("origin").GetString());
        Assert.Equal("variable LEAF_POLL", settings["repositories[0].poll"].GetProperty("origin").GetString());
        Assert.Equal("default", settings["nats.role"].GetProperty("origin").GetString());
    }

    private static string HashOf(EdgeSyncProgram edgesync, string repository, string file) =>
        edgesync.Json("repo", "ls", "-R", repository).GetProperty("files").EnumerateArray()
        .Single(f => f.GetProperty("name").GetString() == file).GetProperty("hash").GetString()!;

    /// <summary>Three MiB that no compression makes smaller.</summary>
    private static void CommitNoise(EdgeSyncProgram edgesync, string repository, string file, int seed)
    {
        var bytes = new byte[3 << 20];
        new Random(seed).NextBytes(bytes);
        File.WriteAllBytes(edgesync[file], bytes);
        edgesync.Ok("repo", "ci", "--nosync", "-R", repository, "-m", file, file);
    }

    private static void Secret(EdgeSyncProgram edgesync, string name, string text)
    {
        edgesync.Write(name, text + "\n");
        File.SetUnixFileMode(edgesync[name], UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static EdgeSyncProgram Project(out string code)
    {
        var edgesync = new EdgeSyncProgram();
        code = edgesync.Json("repo", "new", "a.fossil", "--user", "tester").GetProperty("project_code").GetString()!;
        edgesync.Write("a.txt", "a\n");
        edgesync.Ok("repo", "ci", "-R", "a.fossil", "-m", "first", "a.txt");
        return edgesync;
    }
}
