using System.Security.Cryptography;
using System.Text;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>A row that changes is announced like a commit, not found by the next poll.</summary>
public sealed class SyncedTableTests
{
    [Test]
    public async Task A_changed_row_goes_both_ways_between_two_daemons_at_once()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil", "--user", "tester");
        edgesync.Ok("repo", "user", "update", "nobody", "--cap", "cghijknorswyz", "-R", "a.fossil");
        edgesync.Ok("repo", "schema", "add", "pump", "--columns", "id:text:pk,state:text", "-R", "a.fossil");
        File.Copy(edgesync["a.fossil"], edgesync["b.fossil"]);

        // An hour between polls: what comes within seconds was announced.
        using var first = new RunningNode(
            edgesync, "leaf", "--repo", "a.fossil", "--nats-leaf-port", "0", "--tables", "--poll", "1h", "--name",
            "first");
        using var second = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--nats", first.Address("nats-leaf"), "--tables", "--poll", "1h",
            "--name", "second");
        await first.UntilPeersAsync(1);
        await second.UntilPeersAsync(1);

        Put(edgesync, "a.fossil", "north", "on", 100);
        var there = await second.UntilAsync(
            _ => Task.FromResult(StateOf(edgesync, "b.fossil", "north") == "on"), "the row is there");
        Put(edgesync, "b.fossil", "north", "off", 200);
        var back = await first.UntilAsync(
            _ => Task.FromResult(StateOf(edgesync, "a.fossil", "north") == "off"), "the change is back");

        TestContext.Current!.Output.WriteLine(
            $"row to visible: {there.TotalMilliseconds:F0} ms, {back.TotalMilliseconds:F0} ms");
    }

    private static void Put(EdgeSyncProgram edgesync, string repository, string id, string state, long mtime) => Query(
        edgesync, repository,
        $$"""REPLACE INTO fx_x_pump("$key","$mtime","$json") VALUES('{{Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes($"id={id}")))}}',{{mtime}},'{"id":"{{id}}","state":"{{state}}"}')""");

    private static string? StateOf(EdgeSyncProgram edgesync, string repository, string id)
    {
        var rows = edgesync.Json("repo", "query", "-R", repository, $"SELECT state FROM fx_x_pump WHERE id='{id}'")
            .GetProperty("rows");
        return rows.GetArrayLength() == 0 ? null : rows[0][0].GetString();
    }

    private static void Query(EdgeSyncProgram edgesync, string repository, string statement) =>
        edgesync.Ok("repo", "query", "-R", repository, "--write", statement);
}
