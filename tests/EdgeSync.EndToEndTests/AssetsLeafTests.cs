using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>A leaf whose settings name a repository and an asset store.</summary>
public sealed class AssetsLeafTests
{
    [Test]
    public async Task One_file_of_settings_serves_a_repository_and_assets_that_are_mirrored()
    {
        using var other = new EdgeSyncProgram();
        other.Write(
            "config.yaml",
            "sync_passphrase: a passphrase of the fleet\nsync_discovery: off\nsync_bind: 127.0.0.1:0\n"
                + "ticket_file: ticket\n");
        using var store = other.Start("can", "serve", "--sync", "--port", "0", "--json").Begin();
        using var started = JsonDocument.Parse(store.ReadLine(TimeSpan.FromSeconds(60))!);
        var url = started.RootElement.GetProperty("url").GetString()!;

        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil");
        Secret("pass", "a passphrase of the fleet\n");
        Secret("token", "decides\n");
        var port = FreePort();
        edgesync.Write("edgesync.json", Settings("off"));
        edgesync.Variables["EDGESYNC_CONFIG"] = edgesync["edgesync.json"];
        using var leaf = new RunningNode(edgesync, "leaf");
        Assert.Equal($"http://127.0.0.1:{port}", leaf.Address("assets"));

        // Commands find the store by the settings of the leaf, and its token.
        var file = edgesync.Write("note.txt", "hello");
        var hash = edgesync.Json("can", "put", file).GetProperty("files")[0].GetProperty("hash").GetString()!;
        await leaf.UntilAsync(() => other.Ok("can", "ls", "--url", url).Contains(hash[..10], StringComparison.Ordinal));
        edgesync.Ok("can", "pause");
        edgesync.Ok("can", "resume");
        await leaf.UntilAsync(async () => Assets(await leaf.StatusAsync()).GetProperty("mirror")
            .GetProperty("state").GetString() == "in_sync");
        edgesync.Ok("repo", "clone", leaf.Address("http"), "copy.fossil");

        var daemon = edgesync.Try("status", "--json").Json().GetProperty("daemons")[0];
        Assert.Equal(1, Assets(daemon).GetProperty("assets").GetInt32());
        Assert.Contains("assets at http://127.0.0.1:", edgesync.Try("status").Output, StringComparison.Ordinal);
        Assert.Matches("OK +assets service: 1 assets", edgesync.Try("doctor").Output);

        edgesync.Write("edgesync.json", Settings("5MB"));
        leaf.Signal(Signals.Hangup);
        await leaf.UntilAsync(() => leaf.Errors.Contains("node.restart_needed", StringComparison.Ordinal));
        Assert.Contains("assets.mirror.limit", leaf.Errors, StringComparison.Ordinal);

        Assert.Equal(0, leaf.Stop());
        Assert.Contains("can.stopped", leaf.Errors, StringComparison.Ordinal);

        string Settings(string limit) => $$"""
            {
              "node": { "name": "pump7" }, "nats": { "enabled": false },
              "iroh": { "discovery": "off", "bind": "127.0.0.1:0" },
              "repositories": [ { "path": "{{edgesync["a.fossil"]}}" } ],
              "assets": {
                "folder": "{{edgesync["assets"]}}", "listen": "127.0.0.1:{{port}}",
                "admin_token_file": "{{edgesync["token"]}}",
                "mirror": {
                  "enabled": true, "passphrase_file": "{{edgesync["pass"]}}", "limit": "{{limit}}",
                  "connect_ticket_file": "{{other["ticket"]}}"
                }
              }
            }
            """;

        void Secret(string name, string text) => File.SetUnixFileMode(
            edgesync.Write(name, text), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Test]
    public void A_folder_that_another_process_serves_is_refused()
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil");
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "a.fossil", "--no-nats", "--assets", "store", "--assets-listen", ":0");

        var second = edgesync.Try("can", "serve", "--storage", "store", "--port", "0");

        Assert.NotEqual(0, second.ExitCode);
        Assert.Contains("store", second.Errors, StringComparison.Ordinal);
    }

    private static JsonElement Assets(JsonElement of) => of.GetProperty("assets");

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
