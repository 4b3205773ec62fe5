using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>Two nodes with one name by configuration: nothing breaks, and both report it.</summary>
public sealed class NodeNameTests
{
    private const string Taken = "\"event\":\"node.duplicate_name\"";

    [Test]
    public async Task Two_clients_with_one_node_id_both_warn_and_doctor_has_a_hint()
    {
        using var edgesync = Project();
        using var server = StockNats.Start();
        using var first = Client(edgesync, "a.fossil", "ship", server);
        using var second = Client(edgesync, "b.fossil", "ship", server);
        using var third = Client(edgesync, "c.fossil", "port", server);

        await first.UntilAsync(async n => await NameCheckAsync(n) is not null, "the first notices");
        await second.UntilAsync(async n => await NameCheckAsync(n) is not null, "the second notices");
        await third.UntilPeersAsync(1);

        Assert.Contains(Taken, first.Errors, StringComparison.Ordinal);
        Assert.Contains(Taken, second.Errors, StringComparison.Ordinal);
        Assert.Null(await NameCheckAsync(third));
        foreach (var node in (RunningNode[])[first, second])
        {
            var peers = (await node.StatusAsync()).GetProperty("repositories")[0].GetProperty("peers").EnumerateArray();
            Assert.DoesNotContain(peers, p => p.GetProperty("peer").GetString() == "ship");
        }

        var check = edgesync.Json("doctor", "-R", "a.fossil").GetProperty("checks").EnumerateArray()
            .Single(c => c.GetProperty("name").GetString() == "daemon:ship:name");
        Assert.Equal("warning", check.GetProperty("state").GetString());
        Assert.Contains("--name", check.GetProperty("hint").GetString(), StringComparison.Ordinal);

        // Either of them answers for the name, so what one commits may wait. Nothing is lost, and the advice helps.
        edgesync.Write("b.txt", "b\n");
        edgesync.Ok("repo", "ci", "--nosync", "-R", "b.fossil", "-m", "second", "b.txt");
        second.Stop();
        using var renamed = Client(edgesync, "b.fossil", "boat", server);
        await third.UntilCheckinsAsync(3);
        await first.UntilCheckinsAsync(3);
    }

    [Test]
    public async Task Two_leaves_with_one_node_id_detect_each_other_through_the_hub()
    {
        using var edgesync = Project();
        using var hub = new RunningNode(edgesync, "hub", "serve", "-R", "a.fossil", "--name", "hub");
        using var first = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--name", "ship", "--nats", hub.Address("nats-leaf"));
        await hub.UntilPeersAsync(1);
        using var second = new RunningNode(
            edgesync, "leaf", "--repo", "c.fossil", "--name", "ship", "--nats", hub.Address("nats-leaf"));

        await first.UntilAsync(
            async n => (await CheckAsync(n, "nats"))?.TryGetProperty("hint", out var hint) == true
            && hint.GetString()!.Contains("--name", StringComparison.Ordinal), "the first is told");

        Assert.Contains("another link of the name 'ship'", first.Errors, StringComparison.Ordinal);
    }

    private static Task<System.Text.Json.JsonElement?> NameCheckAsync(RunningNode node) => CheckAsync(node, "name");

    private static async Task<System.Text.Json.JsonElement?> CheckAsync(RunningNode node, string name)
    {
        foreach (var check in (await node.StatusAsync()).GetProperty("checks").EnumerateArray())
        {
            if (check.GetProperty("name").GetString() == name) return check;
        }

        return null;
    }

    private static RunningNode Client(EdgeSyncProgram edgesync, string repository, string name, StockNats server) =>
        new(edgesync, "leaf", "--repo", repository, "--name", name, "--nats", server.Url);

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
