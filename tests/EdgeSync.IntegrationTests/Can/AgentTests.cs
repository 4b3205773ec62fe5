using System.Net;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Node.Can;
using EdgeSync.Node.Can.Agent;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets;
using EdgeSync.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>Services that do not mirror themselves, with agents that reach them over HTTP.</summary>
public sealed class AgentTests
{
    private static readonly StretchCost Cheap = new(8, 1);

    [Test]
    public async Task What_is_done_in_one_service_is_done_in_the_other()
    {
        await using var one = await CanTestService.StartAsync();
        await using var two = await CanTestService.StartAsync();
        var before = await PutAsync(one, Bytes(300_000), ("description", "ä"));
        await using var left = await TestAgent.StartAsync(one);
        await using var right = await TestAgent.StartAsync(two, left);
        await UntilAsync(two, right, s => Has(s, before));

        var (small, large) = (new byte[] { 1, 2, 3 }, Bytes(3_000_001));
        var first = await PutAsync(one, small, ("tags", "a,b"));
        var second = await PutAsync(two, large, ("human_readable_path", "/x/"));
        var empty = await PutAsync(two, []);
        await UntilAsync(two, right, s => Has(s, first));
        await UntilAsync(one, left, s => Has(s, second) && Has(s, empty));
        Assert.True((await ContentAsync(two, first)).AsSpan().SequenceEqual(small));
        Assert.True((await ContentAsync(one, second)).AsSpan().SequenceEqual(large));
        Assert.Equal(["a", "b"], two.Store.Find(first)!.Details.Tags);
        Assert.Equal("/x/", one.Store.Find(second)!.Details.HumanPath);
        Assert.Equal("ä", two.Store.Find(before)!.Details.Description);

        await two.SendAsync(
            HttpMethod.Patch, Asset(first) + "/meta",
            CanTestService.Json("""{"tags":["c"],"human_filename":"other.txt"}"""));
        await UntilAsync(
            one, left, s => s.Find(first)!.Details is { Tags: ["c"], HumanFileName: "other.txt" });

        await one.SendAsync(HttpMethod.Delete, Asset(second));
        await UntilAsync(two, right, s => s.Find(second)!.IsTrashed);
        await two.SendAsync(HttpMethod.Post, Asset(second) + "/restore");
        await UntilAsync(one, left, s => !s.Find(second)!.IsTrashed);

        (await two.SendAsync(
            HttpMethod.Delete, Asset(first) + "?permanent=true", null,
            CanTestService.Bearer(CanTestService.Token))).Data();
        await UntilAsync(one, left, s => s.Find(first) is null && Directory.GetFiles(one.Root, $"*{first}*") is []);
        await UntilInSyncAsync(left);
        await UntilInSyncAsync(right);
        Assert.Empty(Directory.GetFiles(left.Catalog.Root, "*_*"));
        Assert.Empty(Directory.GetFiles(Path.Combine(right.Catalog.Root, ".partial")));
    }

    [Test]
    public async Task An_agent_and_a_service_that_mirrors_itself_are_mirrors()
    {
        await using var one = await CanTestService.StartAsync();
        await using var agent = await TestAgent.StartAsync(one);
        await using var two = await CanTestService.StartAsync(
            s => s with { Mirror = MirrorOf([agent.Service.Mirror.Ticket]) }, isMirror: true);
        var (first, second) = (await PutAsync(one, Bytes(700_000)), await PutAsync(two, Bytes(600_000)));

        await UntilAsync(two, agent, s => Has(s, first));
        await UntilAsync(one, agent, s => Has(s, second));
        await two.SendAsync(HttpMethod.Delete, Asset(first));
        await UntilAsync(one, agent, s => s.Find(first)!.IsTrashed);
    }

    [Test]
    public async Task Changes_on_both_sides_while_agents_and_services_are_away_meet()
    {
        await using var one = await CanTestService.StartAsync();
        await using var two = await CanTestService.StartAsync();
        var left = await TestAgent.StartAsync(one);
        await using var right = await TestAgent.StartAsync(two, left);
        var (edited, deleted) = (await PutAsync(one, [1]), await PutAsync(one, [2]));
        await UntilAsync(two, right, s => Has(s, edited) && Has(s, deleted));
        await UntilInSyncAsync(left);

        await left.StopAsync();
        await one.SendAsync(HttpMethod.Patch, Asset(edited) + "/meta", CanTestService.Json("""{"tags":["x"]}"""));
        await one.Store.DeleteAsync(deleted);
        await two.SendAsync(HttpMethod.Patch, Asset(edited) + "/meta", CanTestService.Json("""{"description":"y"}"""));
        var late = await PutAsync(two, Bytes(400_000));
        await left.BeginAsync(right);

        await UntilAsync(one, left, s => Has(s, late) && s.Find(edited)!.Details.Description == "y");
        await UntilAsync(two, right, s => s.Find(edited)!.Details.Tags is ["x"] && s.Find(deleted) is null);
        Assert.Equal(["x"], one.Store.Find(edited)!.Details.Tags);
        await left.DisposeAsync();
    }

    [Test]
    public async Task A_content_that_is_damaged_in_the_service_is_fetched_again()
    {
        await using var one = await CanTestService.StartAsync();
        await using var two = await CanTestService.StartAsync();
        await using var left = await TestAgent.StartAsync(one);
        await using var right = await TestAgent.StartAsync(two, left);
        var content = Bytes(300_000);
        var hash = await PutAsync(one, content);
        await UntilAsync(two, right, s => Has(s, hash));

        await File.WriteAllTextAsync(Directory.GetFiles(two.Root, $"*{hash}*").Single(), "other");
        await two.Store.CreateVerifier().RunAsync(CanTestService.Cancellation);

        await UntilAsync(two, right, s => Has(s, hash));
        Assert.True((await ContentAsync(two, hash)).AsSpan().SequenceEqual(content));
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public async Task Too_many_deletions_wait_for_a_person(bool isMeant)
    {
        await using var one = await CanTestService.StartAsync();
        await using var two = await CanTestService.StartAsync();
        await using var left = await TestAgent.StartAsync(one);
        await using var right = await TestAgent.StartAsync(two, left);
        var hashes = new List<AssetHash>();
        for (var i = 0; i < 60; i++) hashes.Add(await PutAsync(one, BitConverter.GetBytes(i)));
        await UntilAsync(two, right, s => s.Counts().Assets == 60);
        await UntilInSyncAsync(left);

        await left.StopAsync();
        foreach (var hash in hashes) await one.Store.DeleteAsync(hash);
        await left.BeginAsync(right);
        await Patience.UntilAsync(
            async () => (await left.Service.Mirror.StatusAsync()).Questions.Contains("own-deletions"),
            TimeSpan.FromMinutes(1), () => left.Log);
        using (var http = new HttpClient())
        {
            using var request = new HttpRequestMessage(
                HttpMethod.Post,
                $"{left.Service.Url}/api/v1/can/0/admin/mirror/answer?question=own-deletions&meant={isMeant}"
                    .Replace("True", "true", StringComparison.Ordinal).Replace(
                        "False", "false", StringComparison.Ordinal));
            request.Headers.Authorization = new("Bearer", CanTestService.Key);
            using var reply = await http.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        }

        if (isMeant)
        {
            await Patience.UntilAsync(
                () => right.Service.Mirror.AnswerAsync(SyncQuestion.PeerDeletes, isMeant: true),
                TimeSpan.FromMinutes(1), () => right.Log);
        }

        await UntilAsync(two, right, s => s.Counts().Assets == (isMeant ? 0 : 10));
        await UntilAsync(one, left, s => s.Counts().Assets == (isMeant ? 0 : 10));
    }

    [Test]
    public async Task A_service_that_is_away_is_waited_for_and_another_key_is_refused()
    {
        var one = await CanTestService.StartAsync();
        await using var two = await CanTestService.StartAsync();
        var refused = await Assert.ThrowsAsync<EdgeSyncException>(async () => await TestAgent.StartAsync(one, "wrong"));
        Assert.Equal(ErrorKind.Denied, refused.Kind);
        Assert.Contains("sync_api_key", refused.Hint!);

        var port = new Uri(one.Url("/")).Port;
        await using var left = await TestAgent.StartAsync(one);
        await using var right = await TestAgent.StartAsync(two, left);
        var first = await PutAsync(one, [1]);
        await UntilAsync(two, right, s => Has(s, first));

        AssetHash second = default;
        await one.ReopenAsync(
            () => Patience.UntilAsync(
                () => left.Log.Contains("does not answer", StringComparison.Ordinal), TimeSpan.FromMinutes(1),
                () => left.Log).GetAwaiter().GetResult(),
            s => s with { Port = port });
        second = await PutAsync(one, Bytes(500_000));
        await UntilAsync(two, right, s => Has(s, second));
        Assert.Contains("answers again", left.Log);
        await one.DisposeAsync();
    }

    /// <summary>A service that has the original's routes alone, as far as they allow.</summary>
    [Test]
    public async Task With_the_routes_of_the_original_contents_tags_and_the_trash_are_mirrored()
    {
        await using var one = await CanTestService.StartAsync();
        await using var original = await OriginalService.StartAsync(one);
        await using var two = await CanTestService.StartAsync();
        await using var left = await TestAgent.StartAsync(one, CanTestService.Key, original.Url);
        await using var right = await TestAgent.StartAsync(two, left);
        var first = await PutAsync(one, Bytes(900_000), ("tags", "a"), ("human_readable_path", "/x/"));
        var second = await PutAsync(two, Bytes(800_000), ("description", "d"));

        await UntilAsync(two, right, s => Has(s, first));
        await UntilAsync(one, left, s => Has(s, second));
        Assert.Equal("/x/", two.Store.Find(first)!.Details.HumanPath);
        Assert.Equal("d", one.Store.Find(second)!.Details.Description);

        await one.SendAsync(HttpMethod.Patch, Asset(first) + "/meta", CanTestService.Json("""{"tags":["b"]}"""));
        await UntilAsync(two, right, s => s.Find(first)!.Details.Tags is ["b"]);
        await two.SendAsync(HttpMethod.Patch, Asset(first) + "/meta", CanTestService.Json("""{"tags":["c"]}"""));
        await UntilAsync(one, left, s => s.Find(first)!.Details.Tags is ["c"]);
        await two.SendAsync(HttpMethod.Delete, Asset(second));
        await UntilAsync(one, left, s => s.Find(second)!.IsTrashed);

        // What cannot be deleted there for good goes into the trash, and does not come back from it.
        await two.Store.DeleteAsync(first);
        await UntilAsync(one, left, s => s.Find(first)!.IsTrashed);
        await UntilInSyncAsync(right);
        Assert.Null(two.Store.Find(first));
        Assert.All(original.Paths, p => Assert.True(OriginalService.IsOfOriginal(p), p));
    }

    private static MirrorSettings MirrorOf(IReadOnlyList<string> peers) => new()
    {
        Passphrase = "one for all",
        Stretch = Cheap,
        Core = new SyncOptions { PingInterval = TimeSpan.FromMilliseconds(200) },
        Peers = peers,
        Iroh = new IrohSection
        {
            Discovery = IrohDiscoveryMode.Off,
            Relays = ["off"],
            Bind = "127.0.0.1:0",
            PortMapping = false,
        },
    };

    private static string Asset(AssetHash hash) => $"{CanTestService.Prefix}/asset/{hash}";

    private static bool Has(AssetStore store, AssetHash hash) => store.Find(hash) is { IsCorrupted: false };

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    private static async Task<AssetHash> PutAsync(
        CanTestService service, byte[] content, params (string Name, string Value)[] parts)
    {
        var reply = await service.IngestAsync(content, "a.bin", parts);
        Assert.True(AssetHash.TryParse(reply.Data().GetProperty("hash").GetString()!, out var hash));
        return hash;
    }

    private static async Task<byte[]> ContentAsync(CanTestService service, AssetHash hash) =>
        (await service.GetAsync(Asset(hash))).Body;

    private static Task UntilAsync(CanTestService service, TestAgent agent, Func<AssetStore, bool> holds) =>
        Patience.UntilAsync(() => holds(service.Store), TimeSpan.FromMinutes(1), () => service.Log + agent.Log);

    private static Task UntilInSyncAsync(TestAgent agent) => Patience.UntilAsync(
        async () => await agent.Service.Mirror.StatusAsync() is { Missing: 0, Peers: [{ IsInSync: true }] },
        TimeSpan.FromMinutes(1), () => agent.Log);

    /// <summary>An agent in this process.</summary>
    private sealed class TestAgent : IAsyncDisposable
    {
        private readonly TemporaryFolder _folder = new("agent");
        private readonly StringWriter _log = new();
        private readonly string _url;
        private readonly string _key;
        private AgentService? _service;

        private TestAgent(string url, string key) => (_url, _key) = (url, key);

        public AgentService Service => _service!;

        public AssetStore Catalog => Service.Catalog;

        public string Log
        {
            get
            {
                lock (_log) return _log.ToString();
            }
        }

        public static Task<TestAgent> StartAsync(CanTestService service, params TestAgent[] peers) =>
            StartAsync(service, CanTestService.Key, null, peers);

        public static async Task<TestAgent> StartAsync(
            CanTestService service, string key, string? url = null, params TestAgent[] peers)
        {
            var agent = new TestAgent(url ?? service.Url(""), key);
            try
            {
                await agent.BeginAsync(peers);
                return agent;
            }
            catch
            {
                agent._folder.Dispose();
                throw;
            }
        }

        public async Task BeginAsync(params TestAgent[] peers) => _service = await AgentService.StartAsync(
            new CanSettings
            {
                SyncApiKey = _key,
                Agent = new AgentSettings { ServiceUrl = _url, PollInterval = TimeSpan.FromSeconds(1), Port = 0 },
                Mirror = MirrorOf([.. peers.Select(p => p.Service.Mirror.Ticket)]),
            },
            _folder["agent"], TimeProvider.System,
            new NodeLog(
                TextWriter.Synchronized(_log), TimeProvider.System,
                new LogSettings(LogStyle.Text, LogLevel.Information)),
            e => throw new InvalidOperationException("a part of the agent failed", e), CanTestService.Cancellation);

        public async Task StopAsync()
        {
            if (_service is not null) await _service.DisposeAsync();
            _service = null;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _folder.Dispose();
        }
    }

    /// <summary>Passes on the original's routes to a service, and answers 404 to all others.</summary>
    private sealed class OriginalService : IAsyncDisposable
    {
        private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
        private readonly List<string> _paths = [];
        private readonly CanTestService _service;
        private WebApplication? _app;

        private OriginalService(CanTestService service) => _service = service;

        public string Url => _app!.Urls.Single();

        /// <summary>That were answered.</summary>
        public IReadOnlyList<string> Paths
        {
            get
            {
                lock (_paths) return [.. _paths];
            }
        }

        public static bool IsOfOriginal(string path) =>
            path is "/sync/hashes" or "/sync/pull" or "/sync/push" or "/sync/meta" or "/sync/events"
            || path.StartsWith("/api/v1/can/0/asset/", StringComparison.Ordinal);

        public static async Task<OriginalService> StartAsync(CanTestService service)
        {
            var original = new OriginalService(service);
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.ConfigureKestrel(k =>
            {
                k.Listen(IPAddress.Loopback, 0);
                k.Limits.MaxRequestBodySize = null;
            });
            original._app = builder.Build();
            original._app.Run(original.PassOnAsync);
            await original._app.StartAsync();
            return original;
        }

        public async ValueTask DisposeAsync()
        {
            _http.Dispose();
            if (_app is not null) await _app.DisposeAsync();
        }

        private async Task PassOnAsync(HttpContext context)
        {
            var path = context.Request.Path.Value!;
            if (!IsOfOriginal(path))
            {
                context.Response.StatusCode = 404;
                return;
            }

            lock (_paths) _paths.Add(path);
            using var request = new HttpRequestMessage(
                new HttpMethod(context.Request.Method), _service.Url(path + context.Request.QueryString));
            if (HttpMethods.IsPost(context.Request.Method)) request.Content = new StreamContent(context.Request.Body);
            request.Headers.TryAddWithoutValidation("X-Sync-Key", context.Request.Headers["X-Sync-Key"].ToString());
            using var reply = await _http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
            context.Response.StatusCode = (int)reply.StatusCode;
            await context.Response.StartAsync();
            await using var body = await reply.Content.ReadAsStreamAsync(context.RequestAborted);
            var piece = new byte[16 * 1024];
            while (await body.ReadAsync(piece, context.RequestAborted) is var count and > 0)
            {
                await context.Response.Body.WriteAsync(piece.AsMemory(0, count), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
    }
}
