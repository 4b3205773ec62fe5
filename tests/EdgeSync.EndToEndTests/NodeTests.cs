using System.Diagnostics;
using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>
/// Daemons that find each other over NATS, in every shape that a team may build, driven from outside.
/// </summary>
public sealed class NodeTests
{
    [Test]
    [Property("Arm64", "yes")]
    public async Task Two_leaves_exchange_commits_through_their_own_brokers_alone()
    {
        using var edgesync = Project(out var code);
        using var first = new RunningNode(edgesync, "leaf", "--repo", "a.fossil", "--nats-leaf-port", "0");
        using var second = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--nats", first.Address("nats-leaf"), "--clone-from", "nats",
            "--project", code);
        await first.UntilPeersAsync(1);
        await second.UntilPeersAsync(1);

        var there = await CommitAndWaitAsync(edgesync, "a.fossil", second, 3);
        var back = await CommitAndWaitAsync(edgesync, "b.fossil", first, 4);

        TestContext.Current!.Output.WriteLine(
            $"commit to visible: {there.TotalMilliseconds:F0} ms, {back.TotalMilliseconds:F0} ms");
        edgesync.Ok("repo", "verify", "-R", "b.fossil");
    }

    [Test]
    public async Task Two_leaves_are_clients_of_one_nats_server()
    {
        using var edgesync = Project(out var code);
        using var server = StockNats.Start();
        using var first = new RunningNode(edgesync, "leaf", "--repo", "a.fossil", "--nats", server.Url);
        using var second = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--nats", server.Url, "--clone-from", "nats", "--project", code);
        await first.UntilPeersAsync(1);

        var elapsed = await CommitAndWaitAsync(edgesync, "a.fossil", second, 3);

        TestContext.Current!.Output.WriteLine($"commit to visible: {elapsed.TotalMilliseconds:F0} ms");
        Assert.Matches("\"event\":\"nats.connecting\".*\"mode\":\"client\"", first.Errors);
    }

    [Test]
    public async Task What_was_announced_during_an_outage_is_read_from_the_servers_stream()
    {
        using var edgesync = Project(out var code);
        using var server = StockNats.Start($"jetstream {{ store_dir: \"{edgesync["jetstream"]}\" }}");
        using var first = new RunningNode(edgesync, "leaf", "--repo", "a.fossil", "--nats", server.Url);
        await first.UntilAsync(
            _ => Task.FromResult(Directory.Exists(edgesync["jetstream/jetstream/$G/streams"])), "the stream is made");
        Commit(edgesync, "a.fossil", "before");
        string[] leaf = [
            "leaf", "--repo", "b.fossil", "--nats", server.Url, "--clone-from", "nats", "--project", code, "--name",
            "second"];
        using (var second = new RunningNode(edgesync, leaf))
        {
            // What was announced before it came is known from the clone: its present is where it goes on from.
            await second.UntilAsync(_ => Task.FromResult(Sequence() == 1), "the stream was looked at");
            Assert.Equal(0, second.Stop());
        }

        Commit(edgesync, "a.fossil", "during the outage");
        using var again = new RunningNode(edgesync, leaf);

        await again.UntilCheckinsAsync(4);
        await again.UntilAsync(_ => Task.FromResult(Sequence() == 2), "what was missed has been read");

        long Sequence()
        {
            var rows = edgesync.Json(
                "repo", "query", "-R", "b.fossil",
                "SELECT value FROM config WHERE name='edgesync:announcement-sequence'").GetProperty("rows");
            return rows.GetArrayLength() == 0
                ? 0
                : long.Parse(rows[0][0].GetString()!, System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    [Test]
    public async Task Two_leaves_join_one_nats_server_as_leafnodes()
    {
        using var edgesync = Project(out var code);
        var port = Ports.Free();
        using var server = StockNats.Start($"leafnodes {{ listen: \"127.0.0.1:{port}\" }}");
        var leafUrl = $"nats-leaf://127.0.0.1:{port}";
        using var first = new RunningNode(edgesync, "leaf", "--repo", "a.fossil", "--nats", leafUrl);
        using var second = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--nats", leafUrl, "--clone-from", "nats", "--project", code);
        await first.UntilPeersAsync(1);

        await CommitAndWaitAsync(edgesync, "a.fossil", second, 3);

        Assert.Matches("\"event\":\"nats.connecting\".*\"mode\":\"leafnode\"", first.Errors);
    }

    [Test]
    public async Task A_leaf_reaches_a_stock_server_through_a_bridge()
    {
        StockFossil.SkipWhenMissing();
        using var folder = new TemporaryFolder();
        var fossil = new StockFossil(folder);
        using var edgesync = Project(out var code);
        fossil.Run("user", "capabilities", "nobody", "gio", "-R", edgesync["a.fossil"]);
        using var stock = fossil.Serve(edgesync["a.fossil"]);
        using var hub = new RunningNode(
            edgesync, "leaf", "--repo", "c.fossil", "--nats-leaf-port", "0", "--clone-from", stock.Url);
        using var bridge = new RunningNode(
            edgesync, "bridge", "serve", "--nats", hub.Address("nats-leaf"), "--fossil-url", stock.Url, "--project",
            code);
        await hub.UntilPeersAsync(1);

        Commit(edgesync, "c.fossil", "from the leaf");

        await hub.UntilAsync(
            _ => Task.FromResult(
                edgesync.Ok("repo", "timeline", "-R", "a.fossil").Contains(
                    "from the leaf", StringComparison.Ordinal)), "the stock repository has it");
        var project = (await bridge.StatusAsync()).GetProperty("bridge")[0];
        Assert.Equal("serving", project.GetProperty("state").GetString());
        Assert.True(project.GetProperty("requests").GetInt64() > 0);
    }

    [Test]
    [Arguments("probe")]
    [Arguments("file")]
    [Arguments("login")]
    public async Task A_push_to_a_stock_server_reaches_leaves_that_do_not_poll(string how)
    {
        StockFossil.SkipWhenMissing();
        using var folder = new TemporaryFolder();
        var fossil = new StockFossil(folder);
        using var edgesync = Project(out var code);
        fossil.Run("user", "new", "watcher", "a watcher", "secret", "-R", edgesync["a.fossil"]);
        fossil.Run("user", "capabilities", "watcher", "gio", "-R", edgesync["a.fossil"]);
        fossil.Run("user", "capabilities", "nobody", how == "login" ? "" : "gio", "-R", edgesync["a.fossil"]);
        using var stock = fossil.Serve(edgesync["a.fossil"]);
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "c.fossil", "--nats-leaf-port", "0", "--poll", "10m", "--user", "watcher",
            "--password", "secret",
            "--clone-from", stock.Url.Replace("http://", "http://watcher:secret@", StringComparison.Ordinal));
        var login = edgesync["watcher.login"];
        File.WriteAllText(login, "watcher:secret\n");
        File.SetUnixFileMode(login, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string[] flags = how switch
        {
            "file" => ["--probe", "10m", "--fossil-file", edgesync["a.fossil"]],
            "login" => ["--login-file", login],
            _ => [],
        };
        using var bridge = new RunningNode(
            edgesync,
            [
                "bridge", "serve", "--nats", leaf.Address("nats-leaf"), "--fossil-url", stock.Url, "--project", code,
                .. flags]);
        await leaf.UntilPeersAsync(1);
        await leaf.UntilCheckinsAsync(2);

        Commit(edgesync, "a.fossil", "from elsewhere");

        await leaf.UntilCheckinsAsync(3);
    }

    [Test]
    public async Task A_hub_spreads_what_one_of_three_leaves_commits()
    {
        using var edgesync = Project(out var code);
        using var hub = new RunningNode(edgesync, "hub", "serve", "-R", "a.fossil", "--nobody-caps", "gio");
        var leaves = Enumerable.Range(0, 3)
            .Select(
                i => new RunningNode(
                    edgesync, "leaf", "--repo", $"l{i}.fossil", "--nats", hub.Address("nats-leaf"), "--nats-role",
                    "leaf", "--clone-from", "nats", "--project", code))
            .ToList();
        try
        {
            await hub.UntilPeersAsync(3);
            Commit(edgesync, "l1.fossil", "from one leaf");

            foreach (var node in (RunningNode[])[hub, .. leaves]) await node.UntilCheckinsAsync(3);
            using var status = JsonDocument.Parse(
                edgesync.Ok(
                    "hub", "status", hub.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture),
                    "--json"));
            Assert.Equal(
                3, status.RootElement.GetProperty("status").GetProperty("broker").GetProperty("leaf_nodes").GetInt32());
        }
        finally
        {
            foreach (var leaf in leaves) leaf.Dispose();
        }
    }

    [Test]
    public async Task A_commit_goes_through_a_chain_of_three_hubs()
    {
        using var edgesync = Project(out var code);
        using var top = new RunningNode(edgesync, "hub", "serve", "-R", "a.fossil", "--name", "top");
        using var middle = new RunningNode(
            edgesync, "hub", "serve", "-R", "m.fossil", "--name", "middle", "--leaf-upstream", top.Address("nats-leaf"),
            "--project-code", code, "--seed-from-upstream", top.Address("http"));
        using var bottom = new RunningNode(
            edgesync, "hub", "serve", "-R", "b.fossil", "--name", "bottom", "--leaf-upstream",
            middle.Address("nats-leaf"), "--project-code", code, "--seed-from-upstream", middle.Address("http"));
        await middle.UntilPeersAsync(2);

        Commit(edgesync, "b.fossil", "from the bottom");
        await top.UntilCheckinsAsync(3);
        Commit(edgesync, "a.fossil", "from the top");
        var elapsed = await bottom.UntilCheckinsAsync(4);

        TestContext.Current!.Output.WriteLine($"top to bottom: {elapsed.TotalMilliseconds:F0} ms");
    }

    [Test]
    public async Task A_supervised_nats_server_comes_back_when_it_is_killed()
    {
        using var edgesync = Project(out var code);
        using var hub = new RunningNode(
            edgesync, "hub", "serve", "-R", "a.fossil", "--nats-server", "auto", "--name", "supervised");
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--nats", hub.Address("nats-leaf"), "--clone-from", "nats",
            "--project", code);
        await leaf.UntilPeersAsync(1);
        await CommitAndWaitAsync(edgesync, "a.fossil", leaf, 3);

        using (var server = Process.GetProcessById(
            int.Parse(
                File.ReadAllText(edgesync["state/supervised/nats-server.pid"]),
                System.Globalization.CultureInfo.InvariantCulture)))
            server.Kill();
        await CommitAndWaitAsync(edgesync, "a.fossil", leaf, 4);

        var broker = (await hub.StatusAsync()).GetProperty("broker");
        Assert.Equal("nats-server", broker.GetProperty("kind").GetString());
        Assert.Equal(1, broker.GetProperty("restarts").GetInt64());
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(edgesync["state/supervised/nats-server.conf"]));
    }

    // Such as a stick: no server runs there, and it is not always plugged in.
    [Test]
    [Arguments("")]
    [Arguments("file://")]
    public async Task A_repository_file_is_a_peer_while_it_is_there(string scheme)
    {
        using var edgesync = Project(out _);
        var stick = edgesync["a.fossil"];
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--clone-from", scheme + stick, "--peer", scheme + stick, "--poll",
            "200ms", "--name", "b");
        Commit(edgesync, "a.fossil", "on the stick");
        await leaf.UntilCheckinsAsync(3);
        Commit(edgesync, "b.fossil", "here");
        await leaf.UntilAsync(_ => Task.FromResult(Checkins() == 4), "the stick has the check-in");

        File.Move(stick, edgesync["away.fossil"]);
        await leaf.UntilAsync(async l => Failures(await l.StatusAsync()) > 0, "the stick is missed");
        Commit(edgesync, "away.fossil", "elsewhere");
        File.Move(edgesync["away.fossil"], stick);
        await leaf.UntilCheckinsAsync(5);

        long Checkins() => edgesync.Json("repo", "info", "-R", "a.fossil").GetProperty("checkins").GetInt64();
        static long Failures(JsonElement status) =>
            status.GetProperty("repositories")[0].GetProperty("targets")[0].GetProperty("failures_in_a_row").GetInt64();
    }

    [Test]
    public async Task A_frozen_hub_fails_the_check_as_soon_as_the_target()
    {
        const int Stopped = 19;
        const int Continued = 18;
        using var edgesync = Project(out var code);
        using var hub = new RunningNode(
            edgesync, "leaf", "--repo", "a.fossil", "--name", "hub", "--nats-leaf-port", "0");
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--name", "leaf", "--nats", hub.Address("nats-leaf"),
            "--clone-from", "nats", "--project", code, "--poll", "500ms");
        await leaf.UntilPeersAsync(1);
        Assert.Equal((0, "ok"), Both(await leaf.StatusAsync()));

        hub.Signal(Stopped);
        try
        {
            // Both agree at each look.
            await leaf.UntilAsync(async l => IsKnown(Both(await l.StatusAsync())), "the hub is known to be silent");
        }
        finally
        {
            hub.Signal(Continued);
        }

        await leaf.UntilAsync(async l => Both(await l.StatusAsync()) is (0, "ok"), "the hub is heard again");

        static bool IsKnown((long Failures, string Check) told)
        {
            Assert.Equal(told.Failures > 0, told.Check != "ok");
            return told.Failures > 0;
        }

        static (long Failures, string Check) Both(JsonElement status)
        {
            var targets = status.GetProperty("repositories")[0].GetProperty("targets").EnumerateArray();
            return (
                targets.Where(t => t.GetProperty("target").GetString()!.StartsWith("nats", StringComparison.Ordinal))
                .Sum(t => t.GetProperty("failures_in_a_row").GetInt64()),
                status.GetProperty("checks").EnumerateArray().Single(
                    c => c.GetProperty("name").GetString() == "nats").GetProperty("state").GetString()!);
        }
    }

    // Any client of the broker's port may publish under any name; the broker adds the true sender.
    [Test]
    public async Task A_message_in_the_name_of_a_linked_node_is_dropped()
    {
        using var edgesync = Project(out var code);
        using var hub = new RunningNode(
            edgesync, "leaf", "--repo", "a.fossil", "--name", "first", "--nats-leaf-port", "0", "--nats-client-port",
            "0");
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--name", "second", "--nats", hub.Address("nats-leaf"),
            "--clone-from", "nats", "--project", code);
        await hub.UntilPeersAsync(1);
        using var stranger = new System.Net.Sockets.TcpClient();
        var address = new Uri(hub.Address("nats"));
        await stranger.ConnectAsync(address.Host, address.Port);

        await Presence("second");
        await Presence("first");
        await Presence("third");
        await hub.UntilAsync(async node => RoleOf(await node.StatusAsync(), "third") == "hub", "the stranger is heard");
        await leaf.UntilAsync(
            async node => RoleOf(await node.StatusAsync(), "third") == "hub", "the stranger is heard by the leaf");

        Assert.NotEqual("hub", RoleOf(await hub.StatusAsync(), "second"));
        Assert.Contains("\"event\":\"peer.message_forged\"", hub.Errors, StringComparison.Ordinal);

        async Task Presence(string name)
        {
            var body = $$"""{"peer_id":"{{name}}","state":"alive","role":"hub","interval":20}""";
            await stranger.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(
                $"CONNECT {{}}\r\nPUB fossil.{code}.presence {body.Length}\r\n{body}\r\n"));
        }

        static string? RoleOf(JsonElement status, string peer) =>
            status.GetProperty("repositories")[0].GetProperty("peers").EnumerateArray()
            .Where(p => p.GetProperty("peer").GetString() == peer).Select(p => p.GetProperty("role").GetString())
                .FirstOrDefault();
    }

    [Test]
    public async Task Sync_now_reports_its_result()
    {
        using var edgesync = Project(out _);
        edgesync.Ok("repo", "user", "update", "nobody", "--cap", "gio", "-R", "a.fossil");
        using var server = new RunningNode(edgesync, "leaf", "--repo", "a.fossil");
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--clone-from", server.Address("http"), "--peer",
            server.Address("http"), "--autosync", "off");
        Commit(edgesync, "b.fossil", "held back");

        var synced = edgesync.Json("sync", "now", "b.fossil");
        var again = edgesync.Json(
            "sync", "now", leaf.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal("synced", synced.GetProperty("targets")[0].GetProperty("status").GetString());
        Assert.Equal("already_in_sync", again.GetProperty("targets")[0].GetProperty("status").GetString());
        Assert.Equal(3, await server.CheckinsAsync());
        server.Stop();
        Assert.Equal(7, edgesync.Try("sync", "now", "b.fossil").ExitCode);
        Assert.Equal(3, edgesync.Try("sync", "now", "nowhere.fossil").ExitCode);
    }

    [Test]
    public async Task The_signal_usr1_syncs_now()
    {
        using var edgesync = Project(out _);
        edgesync.Ok("repo", "user", "update", "nobody", "--cap", "gio", "-R", "a.fossil");
        using var server = new RunningNode(edgesync, "leaf", "--repo", "a.fossil");
        using var leaf = new RunningNode(
            edgesync, "sync", "start", "--repo", "b.fossil", "--clone-from", server.Address("http"), "--peer",
            server.Address("http"), "--autosync", "off");
        Commit(edgesync, "b.fossil", "held back");

        leaf.Signal(Signals.User1);

        await server.UntilCheckinsAsync(3);
    }

    [Test]
    public async Task SIGHUP_applies_new_settings_and_keeps_the_old_ones_on_an_error()
    {
        using var edgesync = Project(out _);
        edgesync.Ok("repo", "new", "second.fossil");
        edgesync.Write(
            "edgesync.json", """{ "http": { "listen": "127.0.0.1:0" }, "repositories": [ { "path": "a.fossil" } ] }""");
        using var leaf = new RunningNode(edgesync, "leaf", "--config", "edgesync.json", "--serve-http", "127.0.0.1:0");

        edgesync.Write(
            "edgesync.json",
            """{ "repositories": [ { "path": "a.fossil" }, { "path": "second.fossil", }, ] } // both""");
        leaf.Signal(Signals.Hangup);
        await leaf.UntilAsync(
            async n => (await n.StatusAsync()).GetProperty("repositories").GetArrayLength() == 2,
            "both repositories are served");
        edgesync.Write("edgesync.json", """{ "repositories": [ { "path": "a.fossil", "poll": "soon" } ] }""");
        leaf.Signal(Signals.Hangup);
        await leaf.UntilAsync(
            async n => (await n.StatusAsync()).GetProperty("configuration").TryGetProperty("refused_because", out _),
            "the settings are refused");

        Assert.Equal(2, (await leaf.StatusAsync()).GetProperty("repositories").GetArrayLength());
        edgesync.Ok("repo", "clone", leaf.Address("http") + "/second", "copy.fossil");
    }

    [Test]
    public async Task A_commit_by_stock_is_noticed_at_once()
    {
        StockFossil.SkipWhenMissing();
        using var folder = new TemporaryFolder();
        var fossil = new StockFossil(folder);
        using var edgesync = Project(out var code);
        using var first = new RunningNode(edgesync, "leaf", "--repo", "a.fossil", "--nats-leaf-port", "0");
        using var second = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--nats", first.Address("nats-leaf"), "--clone-from", "nats",
            "--project", code);
        await first.UntilPeersAsync(1);
        var checkout = Directory.CreateDirectory(edgesync["work"]).FullName;
        fossil.RunIn(checkout, "open", edgesync["a.fossil"]);
        File.WriteAllText(Path.Combine(checkout, "new.txt"), "new\n");
        fossil.RunIn(checkout, "add", "new.txt");
        fossil.RunInShared(checkout, "commit", "--no-warnings", "-m", "by stock");

        var elapsed = await second.UntilCheckinsAsync(3);

        TestContext.Current!.Output.WriteLine($"commit to visible: {elapsed.TotalMilliseconds:F0} ms");
    }

    [Test]
    public async Task Peers_are_listed_while_the_daemon_runs_and_afterwards()
    {
        using var edgesync = Project(out var code);
        using var first = new RunningNode(
            edgesync, "leaf", "--repo", "a.fossil", "--nats-leaf-port", "0", "--name", "first");
        using (var second = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--nats", first.Address("nats-leaf"), "--clone-from", "nats",
            "--project", code, "--name", "second"))
        {
            await first.UntilPeersAsync(1);

            var live = edgesync.Json("peers", "a.fossil");
            var peer = live.GetProperty("repositories")[0].GetProperty("peers")[0];
            Assert.True(live.GetProperty("is_live").GetBoolean());
            Assert.Equal("second", peer.GetProperty("peer").GetString());
            Assert.Equal("nats", peer.GetProperty("route").GetString());
        }

        first.Stop();
        var remembered = edgesync.Json("peers", "a.fossil");
        Assert.False(remembered.GetProperty("is_live").GetBoolean());
        Assert.Equal(
            "second",
            remembered.GetProperty("repositories")[0].GetProperty("peers")[0].GetProperty("peer").GetString());
    }

    [Test]
    public void A_hub_without_leaves_ends()
    {
        using var edgesync = Project(out _);
        using var hub = new RunningNode(
            edgesync, "hub", "serve", "-R", "a.fossil", "--exit-without-leaves", "1s", "--url-file", "urls.json");
        Assert.True(File.Exists(edgesync["urls.json"]));

        Assert.True(hub.WaitForEnd(TimeSpan.FromSeconds(30)), hub.Errors);

        Assert.Equal(0, hub.ExitCode);
        Assert.False(File.Exists(edgesync["urls.json"]));
    }

    private static async Task<TimeSpan> CommitAndWaitAsync(
        EdgeSyncProgram edgesync, string repository, RunningNode other, int checkins)
    {
        Commit(edgesync, repository, $"number {checkins}");
        return await other.UntilCheckinsAsync(checkins);
    }

    private static void Commit(EdgeSyncProgram edgesync, string repository, string comment)
    {
        edgesync.Write($"{comment}.txt", comment + "\n");
        edgesync.Ok("repo", "ci", "--nosync", "-R", repository, "-m", comment, $"{comment}.txt");
    }

    /// <summary><c>a.fossil</c>, with two check-ins.</summary>
    private static EdgeSyncProgram Project(out string code)
    {
        var edgesync = new EdgeSyncProgram();
        code = edgesync.Json("repo", "new", "a.fossil", "--user", "tester").GetProperty("project_code").GetString()!;
        Commit(edgesync, "a.fossil", "first");
        return edgesync;
    }
}
