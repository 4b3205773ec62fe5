using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>
/// A leaf that is joined to two hubs at once, which have no link of their own: it is the route between them.
/// </summary>
public sealed class TwoHubsTests
{
    [Test]
    public async Task Two_hubs_sync_within_seconds_and_leaves_survive_the_loss_of_one()
    {
        using var edgesync = Project();
        var (west, east) = (Ports.Free(), Ports.Free());
        using var first = Hub(edgesync, "west", west);
        var second = Hub(edgesync, "east", east);
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "leaf.fossil", "--name", "leaf", "--nats-role", "leaf", "--nats",
            $"nats-leaf://127.0.0.1:{west}", "--nats-remote", $"nats-leaf://127.0.0.1:{east}");
        try
        {
            await leaf.UntilPeersAsync(2);
            await leaf.UntilAsync(
                async n => LinksOf(await n.StatusAsync()).All(l => l == "connected"), "both links are up");

            Commit(edgesync, "west.fossil", "from the west");
            var eastward = await second.UntilCheckinsAsync(3);
            Commit(edgesync, "east.fossil", "from the east");
            var westward = await first.UntilCheckinsAsync(4);
            Commit(edgesync, "leaf.fossil", "from the leaf");
            await first.UntilCheckinsAsync(5);
            await second.UntilCheckinsAsync(5);
            TestContext.Current!.Output.WriteLine(
                $"west to east {eastward.TotalMilliseconds:F0} ms, east to west {westward.TotalMilliseconds:F0} ms");

            second.Dispose();
            await leaf.UntilAsync(
                async n => LinksOf(await n.StatusAsync()).Count(l => l == "connected") == 1, "one link is down");
            Commit(edgesync, "leaf.fossil", "while one hub is away");
            await first.UntilCheckinsAsync(6);
            Assert.Equal("warning", await NatsCheckAsync(leaf));

            second = Hub(edgesync, "east", east);
            await second.UntilCheckinsAsync(6);
            await leaf.UntilAsync(async n => await NatsCheckAsync(n) == "ok", "both links are up again");
        }
        finally
        {
            second.Dispose();
        }
    }

    [Test]
    public async Task When_the_hub_in_use_dies_the_other_is_turned_to_at_once()
    {
        using var edgesync = Project();
        var (west, east) = (Ports.Free(), Ports.Free());
        var first = Hub(edgesync, "west", west);
        using var second = Hub(edgesync, "east", east);
        edgesync.Write("leaf.json", $$"""
            { "nats": { "role": "leaf", "remotes": [ { "urls": [ "nats-leaf://127.0.0.1:{{west}}" ] }, { "urls": [ "nats-leaf://127.0.0.1:{{east}}" ] } ] },
              "repositories": [ { "path": "leaf.fossil", "poll": "60s" } ] }
            """);
        using var leaf = new RunningNode(edgesync, "leaf", "--config", "leaf.json", "--name", "leaf");
        await leaf.UntilPeersAsync(2);

        first.Dispose();
        Commit(edgesync, "leaf.fossil", "to whom it may concern");
        await second.UntilCheckinsAsync(3);
    }

    [Test]
    public async Task An_idle_leaf_of_two_hubs_sends_few_messages()
    {
        using var edgesync = Project();
        var (west, east) = (Ports.Free(), Ports.Free());
        using var first = Hub(edgesync, "west", west);
        using var second = Hub(edgesync, "east", east);
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "leaf.fossil", "--name", "leaf", "--nats-role", "leaf", "--nats",
            $"nats-leaf://127.0.0.1:{west}", "--nats-remote", $"nats-leaf://127.0.0.1:{east}");
        await leaf.UntilPeersAsync(2);

        const int Commits = 5;
        for (var i = 0; i < Commits; i++)
        {
            Commit(edgesync, i % 2 == 0 ? "west.fossil" : "east.fossil", $"number {i}");
            await first.UntilCheckinsAsync(3 + i);
            await second.UntilCheckinsAsync(3 + i);
        }

        // One to fetch, one to bring, and what joining and looking after each other takes.
        var sessions = await SessionsAsync(leaf) + await SessionsAsync(first) + await SessionsAsync(second);
        TestContext.Current!.Output.WriteLine($"{sessions} exchanges for {Commits} commits");
        Assert.InRange(sessions, Commits, (4 * Commits) + 12);
    }

    private static async Task<long> SessionsAsync(RunningNode node) =>
        (await node.StatusAsync()).GetProperty("repositories")[0].GetProperty("targets").EnumerateArray()
        .Sum(t => t.GetProperty("sessions").GetInt64());

    private static async Task<string?> NatsCheckAsync(RunningNode node) =>
        (await node.StatusAsync()).GetProperty("checks").EnumerateArray()
        .Single(c => c.GetProperty("name").GetString() == "nats").GetProperty("state").GetString();

    private static List<string?> LinksOf(System.Text.Json.JsonElement status) =>
        [
            .. status.GetProperty("nats").GetProperty("links").EnumerateArray().Select(
                l => l.GetProperty("state").GetString())];

    private static RunningNode Hub(EdgeSyncProgram edgesync, string name, int port) =>
        new(
            edgesync, "hub", "serve", "-R", $"{name}.fossil", "--name", name, "--nats-leaf-port", $"{port}", "--poll",
            "60s");

    private static void Commit(EdgeSyncProgram edgesync, string repository, string comment)
    {
        edgesync.Write($"{comment}.txt", comment + "\n");
        edgesync.Ok("repo", "ci", "--nosync", "-R", repository, "-m", comment, "--allow-fork", $"{comment}.txt");
    }

    /// <summary>One project with two check-ins, three times.</summary>
    private static EdgeSyncProgram Project()
    {
        var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "west.fossil", "--user", "tester");
        Commit(edgesync, "west.fossil", "first");
        foreach (var copy in (string[])["east.fossil", "leaf.fossil"])
            File.Copy(edgesync["west.fossil"], edgesync[copy]);
        return edgesync;
    }
}
