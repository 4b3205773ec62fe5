using System.Net.Sockets;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>What a running daemon takes over from a changed file, what it logs of the rest; lame duck mode.</summary>
public sealed class NodeReloadTests
{
    [Test]
    public async Task Broker_users_change_without_a_restart()
    {
        using var edgesync = Project();
        using var hub = HubOfShip(edgesync);
        using var ship = Leaf(edgesync, hub, "b.fossil", "ship");
        using var boat = Leaf(edgesync, hub, "c.fossil", "boat");
        await hub.UntilPeersAsync(1);
        Assert.Equal("failed", await StateOfAsync(boat, "nats"));

        edgesync.Write("hub.json", UserFile("boat"));
        hub.Signal(Signals.Hangup);

        await boat.UntilAsync(async n => await StateOfAsync(n, "nats") == "ok", "the new user is let in");
        await ship.UntilAsync(async n => await StateOfAsync(n, "nats") == "failed", "the old user is put out");
        Assert.DoesNotContain("kept", hub.Errors, StringComparison.Ordinal);
    }

    [Test]
    public async Task A_reload_applies_hub_and_poll_and_lists_the_settings_that_need_a_restart()
    {
        using var edgesync = Project();
        using var first = new RunningNode(edgesync, "hub", "serve", "-R", "a.fossil", "--name", "first");
        using var second = new RunningNode(edgesync, "hub", "serve", "-R", "b.fossil", "--name", "second");
        edgesync.Write("leaf.json", $$"""{ "nats": { "urls": [ "{{first.Address("nats-leaf")}}" ] }, "repositories": [ { "path": "c.fossil" } ] }""");
        using var leaf = new RunningNode(edgesync, "leaf", "--config", "leaf.json", "--name", "leaf");
        await leaf.UntilPeersAsync(1);

        edgesync.Write("leaf.json", $$"""
            { "nats": { "urls": [ "{{second.Address("nats-leaf")}}" ], "monitor_port": 0 }, "http": { "max_exchanges": 7 },
              "repositories": [ { "path": "c.fossil", "poll": "7s" } ] }
            """);
        leaf.Signal(Signals.Hangup);
        await leaf.UntilAsync(async n => Peers(await n.StatusAsync()).Contains("second"), "the other hub is here");

        Assert.Contains("\"event\":\"nats.left\"", leaf.Errors, StringComparison.Ordinal);
        Assert.Contains("http.max_exchanges nats.monitor_port", leaf.Errors, StringComparison.Ordinal);
        edgesync.Write("d.txt", "d\n");
        edgesync.Ok("repo", "ci", "--nosync", "-R", "b.fossil", "-m", "second", "d.txt");
        await leaf.UntilCheckinsAsync(3);
    }

    [Test]
    public async Task A_client_turns_to_another_server()
    {
        using var edgesync = Project();
        using var first = StockNats.Start();
        using var second = StockNats.Start();
        edgesync.Write(
            "leaf.json",
            $$"""{ "nats": { "urls": [ "{{first.Url}}" ] }, "repositories": [ { "path": "a.fossil" } ] }""");
        using var leaf = new RunningNode(edgesync, "leaf", "--config", "leaf.json", "--name", "leaf");
        using var other = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--nats", second.Url, "--name", "other");

        edgesync.Write(
            "leaf.json",
            $$"""{ "nats": { "urls": [ "{{second.Url}}" ] }, "repositories": [ { "path": "a.fossil" } ] }""");
        leaf.Signal(Signals.Hangup);

        await leaf.UntilPeersAsync(1);
        await other.UntilPeersAsync(1);
    }

    [Test]
    public async Task A_secret_that_others_can_read_leaves_everything_as_it_was()
    {
        using var edgesync = Project();
        using var hub = HubOfShip(edgesync);
        using var ship = Leaf(edgesync, hub, "b.fossil", "ship");
        await hub.UntilPeersAsync(1);

        File.SetUnixFileMode(
            edgesync["boat.secret"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        edgesync.Write("hub.json", UserFile("boat"));
        hub.Signal(Signals.Hangup);
        await hub.UntilAsync(
            async n => (await n.StatusAsync()).GetProperty("configuration").TryGetProperty("refused_because", out _),
            "the settings are refused");

        // The status may be there before the line of the log has come through the pipe.
        await hub.UntilAsync(
            n => Task.FromResult(n.Errors.Contains("chmod 600", StringComparison.Ordinal)), "the log has the hint");
        Assert.Equal("ok", await StateOfAsync(ship, "nats"));
    }

    [Test]
    public async Task A_hubs_users_are_made_in_each_repository_at_start_and_at_reload()
    {
        using var edgesync = Project();
        Secret(edgesync, "ann.secret", "well kept");
        edgesync.Write("hub.json", """{ "repositories": [ { "path": "a.fossil" }, { "path": "b.fossil" } ], "hub": { "nobody_caps": "go", "users": [ { "login": "joe", "caps": "giou" } ] } }""");
        using var hub = new RunningNode(edgesync, "hub", "serve", "--config", "hub.json", "--name", "hub");

        Assert.Single(hub.Report.GetProperty("users").EnumerateArray());
        foreach (var repository in (string[])["a.fossil", "b.fossil"])
        {
            Assert.Equal("giou", CapsOf(edgesync, repository, "joe"));
            Assert.Equal("go", CapsOf(edgesync, repository, "nobody"));
        }

        edgesync.Write("hub.json", """{ "repositories": [ { "path": "a.fossil" }, { "path": "b.fossil" } ], "hub": { "nobody_caps": "g", "users": [ { "login": "ann", "caps": "gio", "password_file": "ann.secret" } ] } }""");
        hub.Signal(Signals.Hangup);
        await hub.UntilAsync(
            _ => Task.FromResult(CapsOf(edgesync, "b.fossil", "ann") == "gio"),
            "the new user is in the second repository");
        await hub.UntilAsync(
            _ => Task.FromResult(CapsOf(edgesync, "b.fossil", "nobody") == "g"), "nobody has fewer rights");
        Assert.Equal("gio", CapsOf(edgesync, "a.fossil", "ann"));
    }

    [Test]
    public async Task In_lame_duck_mode_a_node_stops_when_its_last_client_has_left()
    {
        using var edgesync = Project();
        using var leaf = new RunningNode(edgesync, "leaf", "--repo", "a.fossil", "--nats-client-port", "0");
        using var client = new TcpClient();
        var address = new Uri(leaf.Address("nats"));
        var token = TestContext.Current!.Execution.CancellationToken;
        await client.ConnectAsync(address.Host, address.Port, token);
        using var lines = new StreamReader(client.GetStream());
        Assert.StartsWith("INFO {", await lines.ReadLineAsync(token), StringComparison.Ordinal);
        await client.GetStream().WriteAsync(
            "CONNECT {\"protocol\":1,\"verbose\":false}\r\nPING\r\n"u8.ToArray(), token);
        Assert.Equal("PONG", await lines.ReadLineAsync(token));

        leaf.Signal(Signals.User2);

        Assert.Contains("\"ldm\":true", await lines.ReadLineAsync(token), StringComparison.Ordinal);
        await leaf.UntilAsync(
            _ => Task.FromResult(leaf.Errors.Contains("\"event\":\"node.draining\"", StringComparison.Ordinal)),
            "it is logged");
        client.Close();
        Assert.True(leaf.WaitForEnd(TimeSpan.FromSeconds(60)), leaf.Errors);
        Assert.Equal(0, leaf.ExitCode);
    }

    private static string? CapsOf(EdgeSyncProgram edgesync, string repository, string login) =>
        edgesync.Json("repo", "user", "list", "-R", repository).GetProperty("users").EnumerateArray()
            .Where(u => u.GetProperty("login").GetString() == login)
            .Select(u => u.GetProperty("capabilities").GetString()).SingleOrDefault();

    private static IEnumerable<string?> Peers(System.Text.Json.JsonElement status) =>
        status.GetProperty("repositories")[0].GetProperty("peers").EnumerateArray()
        .Where(p => p.TryGetProperty("route", out _)).Select(p => p.GetProperty("peer").GetString());

    private static async Task<string?> StateOfAsync(RunningNode node, string check) =>
        (await node.StatusAsync()).GetProperty("checks").EnumerateArray()
        .Single(c => c.GetProperty("name").GetString() == check).GetProperty("state").GetString();

    private static RunningNode Leaf(EdgeSyncProgram edgesync, RunningNode hub, string repository, string user) => new(
        edgesync, "leaf", "--repo", repository, "--nats", hub.Address("nats-leaf"), "--nats-user", user,
        "--nats-password-file", $"{user}.secret", "--name", user);

    private static string UserFile(string user) =>
        $$"""{ "nats": { "users": [ { "user": "{{user}}", "password_file": "{{user}}.secret" } ] } }""";

    private static void Secret(EdgeSyncProgram edgesync, string name, string text)
    {
        edgesync.Write(name, text + "\n");
        File.SetUnixFileMode(edgesync[name], UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>A hub that lets in the user ship; the secret of a boat lies ready.</summary>
    private static RunningNode HubOfShip(EdgeSyncProgram edgesync)
    {
        Secret(edgesync, "ship.secret", "well kept");
        Secret(edgesync, "boat.secret", "kept too");
        edgesync.Write("hub.json", UserFile("ship"));
        return new RunningNode(edgesync, "hub", "serve", "-R", "a.fossil", "--config", "hub.json", "--name", "hub");
    }

    private static EdgeSyncProgram Project()
    {
        var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil", "--user", "tester");
        edgesync.Write("a.txt", "a\n");
        edgesync.Ok("repo", "ci", "-R", "a.fossil", "-m", "first", "a.txt");
        foreach (var copy in (string[])["b.fossil", "c.fossil"]) File.Copy(edgesync["a.fossil"], edgesync[copy]);
        return edgesync;
    }
}
