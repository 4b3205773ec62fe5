using System.Text;
using System.Text.Json;
using EdgeSync.Node.Control;
using EdgeSync.Node.Daemon;
using EdgeSync.Node.Host;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Storage;
using EdgeSync.Storage.Assets;
using EdgeSync.Storage.Users;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>Nodes that have an asset store beside their repositories (ADR 90).</summary>
public sealed class AssetsNodeTests : IDisposable
{
    private const string Passphrase = "one for all of these nodes";

    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    private readonly TemporaryFolder _folder = new("assets");
    private readonly HttpClient _http = new();

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    public void Dispose()
    {
        _http.Dispose();
        _folder.Dispose();
    }

    [Test]
    public async Task A_node_serves_assets_beside_its_repository_and_reports_them()
    {
        var settings = SettingsOf("one");
        settings.Assets.ApiKey = "key";
        await using (var node = await NodeHost.StartAsync(settings, options: null, Cancellation))
        {
            var (assets, web) = (node.Addresses["assets"], node.Addresses["http"]);
            Assert.NotEqual(new Uri(assets).Port, new Uri(web).Port);
            Assert.Equal(401, (int)(await _http.GetAsync(assets + "/api/v1/can/0/list", Cancellation)).StatusCode);
            await PutAsync(node, "hello", "key");

            var status = await node.StatusAsync(Cancellation);
            Assert.Equal((1, 5, 0), (status.Assets!.Assets, status.Assets.Bytes, status.Assets.Corrupted));
            Assert.Equal((assets, _folder["one.assets"]), (status.Assets.Url, status.Assets.Folder));
            Assert.Null(status.Assets.Mirror);
            Assert.Equal(CheckState.Ok, status.Checks.Single(c => c.Name == "assets").State);

            var metrics = await _http.GetStringAsync(web + "/metrics", Cancellation);
            Assert.Contains("edgesync_assets_count 1\n", metrics, StringComparison.Ordinal);
            Assert.Contains("edgesync_can_ingested_total", metrics, StringComparison.Ordinal);
            var page = await _http.GetStringAsync(web + "/node", Cancellation);
            Assert.Contains($"<a href=\"{assets}/\">Assets</a>", page, StringComparison.Ordinal);
            Assert.Contains("1 asset, 5 B", page, StringComparison.Ordinal);
            using var json = JsonDocument.Parse(await _http.GetStringAsync(web + "/status", Cancellation));
            Assert.Equal(1, json.RootElement.GetProperty("assets").GetProperty("assets").GetInt32());
        }

        // It has let the folder go, and left nothing half.
        using var store = AssetStore.Open(new AssetStoreOptions { Root = _folder["one.assets"] });
        Assert.Equal(1, store.Counts().Assets);
    }

    [Test]
    public async Task A_node_without_the_section_has_no_store()
    {
        var settings = SettingsOf("one");
        settings.Assets = new AssetsSection();
        await using var node = await NodeHost.StartAsync(settings, options: null, Cancellation);

        Assert.False(node.Addresses.ContainsKey("assets"));
        Assert.Null((await node.StatusAsync(Cancellation)).Assets);
        var metrics = await _http.GetStringAsync(node.Addresses["http"] + "/metrics", Cancellation);
        Assert.DoesNotContain("assets", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain(
            ">Assets<", await _http.GetStringAsync(node.Addresses["http"] + "/node", Cancellation),
            StringComparison.Ordinal);
    }

    /// <summary>The passphrase alone does not open the mirror: a stranger that has it is refused.</summary>
    [Test]
    public async Task Nodes_mirror_over_their_endpoints_with_those_that_they_trust()
    {
        var (first, second, stranger) = (MirrorOf("first"), MirrorOf("second"), MirrorOf("stranger"));
        Trust("first", IdOf("second"));
        using var log = new StringWriter();
        await using var a = await NodeHost.StartAsync(first, new NodeHostOptions { Log = log }, Cancellation);
        Trust("second", IdOf("first"), a.Addresses["iroh"]);
        Trust("stranger", IdOf("first"), a.Addresses["iroh"]);
        await using var b = await NodeHost.StartAsync(second, options: null, Cancellation);
        await using var c = await NodeHost.StartAsync(stranger, options: null, Cancellation);

        await PutAsync(a, "from a");
        await PutAsync(b, "from b!");
        await UntilAsync(a, s => s.Assets == 2);
        await UntilAsync(b, s => s is { Assets: 2, Mirror.State: "in_sync" });

        var status = await b.StatusAsync(Cancellation);
        Assert.Equal(status.Iroh!.EndpointId, status.Assets!.Mirror!.EndpointId);
        Assert.True(status.Assets.Mirror.IsShared);
        Assert.Equal((1, 1), (status.Assets.Mirror.Stores, status.Assets.Mirror.InSync));

        await Patience.UntilAsync(
            () => log.ToString().Contains("iroh.refused", StringComparison.Ordinal), Long, log.ToString);
        Assert.Equal("alone", (await c.StatusAsync(Cancellation)).Assets!.Mirror!.State);
        Assert.Equal(0, (await c.StatusAsync(Cancellation)).Assets!.Assets);

        // The end of trust is the end of the connection.
        using (var repository = Repository.Open(_folder["first.fossil"]))
            repository.TrustedPeers.Remove(IdOf("second"));
        await ControlClient.AskAsync(_folder["first.sock"], new ControlRequest("users"), Cancellation);
        await UntilAsync(a, s => s.Mirror!.Connected == 0);
        await UntilAsync(b, s => s.Mirror!.State == "alone");
    }

    /// <summary>The endpoint is that of the node, and the mirror is open to all that have the passphrase.</summary>
    [Test]
    public async Task A_store_of_its_own_mirrors_a_node_that_does_not_trust_it_with_repositories()
    {
        var settings = MirrorOf("first");
        settings.Assets.Mirror.Allow = [];
        await using var node = await NodeHost.StartAsync(settings, options: null, Cancellation);
        await using var store = await CanTestService.StartAsync(
            s => s with
            {
                Mirror = s.Mirror with
                {
                    Passphrase = Passphrase,
                    Peers = [node.Addresses["iroh"]],
                    Iroh = new IrohSection { Bind = "127.0.0.1:0", Discovery = IrohDiscoveryMode.Off },
                },
            },
            isMirror: true);

        await store.PutAsync("from the store");
        await UntilAsync(node, s => s.Assets == 1);
        await PutAsync(node, "from the node");
        await Patience.UntilAsync(() => store.Store.Counts().Assets == 2, Long, () => store.Log);

        // It may not use the protocols of repositories.
        Assert.Empty((await node.StatusAsync(Cancellation)).Iroh!.Peers);
    }

    [Test]
    public void Checks_say_what_a_store_lacks()
    {
        var sound = new AssetsStatus { Url = "http://h", Folder = "/f", Assets = 4, DiskFree = 10, DiskReserve = 5 };
        var mirror = new AssetsMirrorStatus { State = "asking", Store = "s", EndpointId = "e" };

        Assert.Empty(NodeChecks.OfAssets(null));
        Assert.Equal([("assets", CheckState.Ok)], Checks(sound));
        Assert.Equal([("assets", CheckState.Failed)], Checks(sound with { DiskFree = 4 }));
        Assert.Equal([("assets", CheckState.Failed)], Checks(sound with { Error = "no such device" }));
        Assert.Equal([("assets", CheckState.Warning)], Checks(sound with { Corrupted = 1 }));
        Assert.Equal(
            [("assets", CheckState.Ok), ("assets-mirror", CheckState.Ok)], Checks(sound with { Mirror = mirror }));
        Assert.Equal(
            [("assets", CheckState.Ok), ("assets-mirror", CheckState.Warning)],
            Checks(sound with { Mirror = mirror with { Questions = ["own-deletions"] } }));

        static IEnumerable<(string, CheckState)> Checks(AssetsStatus status) =>
            NodeChecks.OfAssets(status).Select(c => (c.Name, c.State));
    }

    private NodeSettings MirrorOf(string name)
    {
        var settings = SettingsOf(name);
        settings.Iroh.Enabled = true;
        settings.Assets.Mirror.Enabled = true;
        settings.Assets.Mirror.Passphrase = Passphrase;
        settings.Assets.Mirror.Allow = ["trusted"];
        return settings;
    }

    private NodeSettings SettingsOf(string name)
    {
        var path = _folder[$"{name}.fossil"];
        using (Repository.Create(path, new RepositoryCreateOptions()))
        {
        }

        return new NodeSettings
        {
            Node = { Name = name, ControlSocket = _folder[$"{name}.sock"], DataDir = _folder[$"{name}.state"] },
            Nats = { Enabled = false },
            Http = { Listen = "127.0.0.1:0" },
            Iroh = { Bind = "127.0.0.1:0", Discovery = IrohDiscoveryMode.Off },
            Repositories = [new RepositorySettings { Path = path, Poll = TimeSpan.FromHours(1) }],
            Assets = { Folder = _folder[$"{name}.assets"], Listen = "127.0.0.1:0", VerifyInterval = TimeSpan.Zero },
        };
    }

    private string IdOf(string name)
    {
        using var key = EndpointKeyFile.Ensure(_folder[$"{name}.fossil.iroh-key"]);
        return key.Id.ToString();
    }

    private void Trust(string name, string id, string? ticket = null)
    {
        using var repository = Repository.Open(_folder[$"{name}.fossil"]);
        repository.TrustedPeers.Set(new TrustedPeer(id, "gio", repository.Now) { Ticket = ticket });
    }

    private async Task PutAsync(NodeHost node, string text, string? key = null)
    {
        using var form = new MultipartFormDataContent();
        form.Add(new ByteArrayContent(Encoding.UTF8.GetBytes(text)), "file", "a.txt");
        using var request = new HttpRequestMessage(HttpMethod.Post, node.Addresses["assets"] + "/api/v1/can/0/ingest")
        {
            Content = form,
        };
        if (key is not null) request.Headers.Add("Authorization", "Bearer " + key);
        using var reply = await _http.SendAsync(request, Cancellation);
        Assert.Equal(200, (int)reply.StatusCode);
    }

    private static Task UntilAsync(NodeHost node, Func<AssetsStatus, bool> holds) => Patience.UntilAsync(
        async () => holds((await node.StatusAsync(Cancellation)).Assets!), Long,
        () => $"the state of the assets of {node.NodeId}");
}
