using System.Globalization;
using System.Text.Json;
using EdgeSync.InteropTests.Quic;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Can;

/// <summary>
/// Programs of ours beside an agent that speaks <c>can-sync/2</c> alone: over a real iroh endpoint, with protobuf of
/// npm (tests/npm/can-peer.cjs). In both roles, for a service that mirrors itself and for one with an agent.
/// </summary>
public sealed class OriginalPeerTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(1);

    [Before(HookType.Test)]
    public void Require() => IrohPeer.Require();

    [Test]
    [Arguments("listen", false)]
    [Arguments("dial", false)]
    [Arguments("dial", true)]
    public async Task Assets_edits_the_trash_and_deletions_reach_the_other_side(string role, bool isAgent)
    {
        using var both = new Both(role, isAgent);
        await both.UntilAsync(
            () => both.Total() == 5 && both.Said("asset", "\"ok\":true").Count == 2 && both.Said("live").Count > 0);
        Assert.Empty(both.Said("asset", "\"again\":true"));
        var large = both.Find("tags=there").Hash;
        both.Edgesync.Run("can", "get", large, "-o", both.Edgesync["got"], "--url", both.Url);
        Assert.Contains(new FileInfo(both.Edgesync["got"]).Length, new[] { 8L, 800_000L });
        Assert.Contains("can-sync/2", both.Peers(), StringComparison.Ordinal);

        // Live, both ways.
        both.Command("put live from there");
        await both.UntilAsync(() => both.Total() == 6);
        var late = both.Put("late.txt", "live from here");
        await both.UntilAsync(() => both.Said("asset", late).Count == 1);
        both.Edgesync.Run("can", "tag", late, "changed", "--url", both.Url);
        await both.UntilAsync(() => both.Said("meta", late, "\"changed\"", "\"applied\":true").Count == 1);
        both.Edgesync.Run("can", "rm", large, "--url", both.Url);
        await both.UntilAsync(() => both.Said("meta", large, "\"trashed\":true", "\"applied\":true").Count == 1);
        var gone = both.Find("q=from%20there").Hash;
        both.Edgesync.Run("can", "rm", gone, "--permanent", "--url", both.Url, "--config", both.Edgesync["can.yaml"]);
        await both.UntilAsync(() => both.Said("meta", gone, "\"trashed\":true", "\"applied\":true").Count == 1);

        // What was changed there is told at the next connection, and what was deleted here does not come again.
        var before = both.Said("live").Count;
        both.Command($"trash {late}");
        both.Command("again");
        await both.UntilAsync(() => both.Said("live").Count > before && both.Total("trashed=true") == 2);
        Assert.Equal(4, both.Total());
        Assert.Empty(both.Said("asset", "\"again\":true"));
        Assert.Empty(both.Said("asset", "\"ok\":false"));
        Assert.Empty(both.Said("broken_off"));
    }

    /// <summary>Both programs, and what they have said.</summary>
    private sealed class Both : IDisposable
    {
        private readonly HttpClient _http = new();
        private readonly RunningProgram _service;
        private readonly RunningProgram? _agent;
        private readonly RunningProgram _peer;
        private readonly string _mirrorUrl;

        public Both(string role, bool isAgent)
        {
            var mirror = $"""
                sync_passphrase: for this test alone
                sync_discovery: off
                sync_bind: 127.0.0.1:0
                ticket_file: {Edgesync["ours"]}
                connect_ticket_file: {Edgesync["theirs"]}
                sync_original: ticket

                """;
            var service = $"storage_root: {Edgesync["data"]}\nport: 0\nadmin_token: t\nsync_api_key: k\n";
            Edgesync.Write("can.yaml", isAgent ? service : $"{service}sync: true\n{mirror}");
            (_service, Url) = Begin("can", "serve", "--config", Edgesync["can.yaml"], "--json");
            _mirrorUrl = Url;
            Put("one.txt", "one");
            Put("two.bin", new string('x', 900_000));
            if (isAgent)
            {
                var port = Ports.Free();
                Edgesync.Write("agent.yaml", $"can_service_url: {Url}\nsync_api_key: k\nagent_port: {port}\n{mirror}");
                (_agent, _) = Begin("can", "sync", Edgesync["agent.yaml"], "--json");
                _mirrorUrl = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
            }

            Edgesync.Write("commands", "");
            _peer = IrohPeer.Script(
                "can-peer.cjs", role, $"ticket_file={Edgesync["theirs"]}", $"peer={Edgesync["ours"]}", "assets=3",
                $"commands={Edgesync["commands"]}").Begin();
        }

        public EdgeSyncProgram Edgesync { get; } = new();

        public string Url { get; }

        public string Put(string name, string content)
        {
            var file = Edgesync.Write(name, content);
            Edgesync.Run("can", "put", file, "--url", Url);
            return Find($"q={name}").Hash;
        }

        /// <summary>The newest asset that a query finds, and how many there are.</summary>
        public (string Hash, int Total) Find(string query)
        {
            using var found = JsonDocument.Parse(
                _http.GetStringAsync($"{Url}/api/v1/can/0/list?{query}").GetAwaiter().GetResult());
            var data = found.RootElement.GetProperty("data");
            var total = data.GetProperty("pagination").GetProperty("total").GetInt32();
            return (total > 0 ? data.GetProperty("items")[0].GetProperty("hash").GetString()! : "", total);
        }

        public int Total(string query = "") => Find(query).Total;

        public string Peers() => Edgesync.Run("can", "peers", "--url", _mirrorUrl).Output;

        public void Command(string line) => File.AppendAllText(Edgesync["commands"], line + "\n");

        /// <summary>Events of the peer with all of the texts.</summary>
        public List<string> Said(string kind, params string[] texts) =>
        [
            .. _peer.TextSoFar.Split('\n').Where(l => l.StartsWith($"{{\"event\":\"{kind}\"", StringComparison.Ordinal)
                && texts.All(t => l.Contains(t, StringComparison.Ordinal))),
        ];

        public Task UntilAsync(Func<bool> holds) => Patience.UntilAsync(
            holds, Soon, () => $"{_peer.TextSoFar}\n{_service.TextSoFar}\n{_agent?.TextSoFar}");

        public void Dispose()
        {
            _peer.Dispose();
            _agent?.Dispose();
            _service.Dispose();
            _http.Dispose();
            Edgesync.Dispose();
        }

        private (RunningProgram Program, string Url) Begin(params string[] words)
        {
            var program = Edgesync.Start(words).Begin();
            var line = program.ReadLine(Soon);
            Assert.True(line is not null, program.TextSoFar);
            using var started = JsonDocument.Parse(line);
            return (program, started.RootElement.TryGetProperty("url", out var url) ? url.GetString() ?? "" : "");
        }
    }
}
