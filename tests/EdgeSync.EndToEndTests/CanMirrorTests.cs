using System.Globalization;
using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>Asset stores as programs that have a passphrase in common.</summary>
public sealed class CanMirrorTests
{
    [Test]
    public async Task Two_stores_with_one_passphrase_are_mirrors_and_another_one_learns_nothing()
    {
        using var relay = new EdgeSyncProgram();
        using var running = relay.Start("iroh", "relay", "serve", "--bind", "127.0.0.1:0", "--json").Begin();
        using var line = JsonDocument.Parse(running.ReadLine(TimeSpan.FromSeconds(60))!);
        var url = line.RootElement.GetProperty("url").GetString()!.TrimEnd('/');
        var own = $"sync_discovery: own\nsync_relays: {url}\nsync_pkarr: {url}/pkarr\nsync_bind: 127.0.0.1:0\n";
        using var one = new Store(own);
        using var two = new Store(own);
        using var stranger = new Store(own, "another passphrase");

        var photo = one.Program.Write("photo.txt", new string('x', 1_000_000) + "end");
        var note = two.Program.Write("note.txt", "hello");
        var (first, second) = (one.Put(photo, "--tag", "a"), two.Put(note));
        stranger.Put(stranger.Program.Write("own.txt", "mine"));

        await two.UntilAsync(first);
        await one.UntilAsync(second);
        Assert.Equal(File.ReadAllBytes(photo), two.Get(first));
        Assert.Equal(File.ReadAllBytes(note), one.Get(second));

        two.Run("tag", first, "b", "--remove", "a");
        await one.UntilAsync(first, a => a.GetProperty("tags")[0].GetString() == "b");
        one.Run("rm", second);
        await two.UntilAsync(second, a => a.GetProperty("is_trashed").GetBoolean());
        two.Run("restore", second);
        await one.UntilAsync(second, a => !a.GetProperty("is_trashed").GetBoolean());
        one.Run("rm", first, "--permanent");
        await two.UntilGoneAsync(first);

        Assert.Equal(2, one.Json("peers").GetProperty("mirror").GetProperty("stores").GetArrayLength());
        Assert.Equal(1, two.Json("status").GetProperty("mirror").GetProperty("peers").GetArrayLength());
        Assert.Equal(0, stranger.Json("status").GetProperty("mirror").GetProperty("peers").GetArrayLength());
        Assert.Equal(1, stranger.Json("status").GetProperty("assets").GetInt32());
    }

    [Test]
    public async Task A_kill_of_either_side_in_the_middle_of_a_transfer_loses_nothing()
    {
        using var one = new Store("sync_discovery: off\nsync_bind: 127.0.0.1:0\nticket_file: ticket\n");
        var ticket = one.Program["ticket"];
        using var two = new Store(
            $"sync_discovery: off\nsync_bind: 127.0.0.1:0\nconnect_ticket_file: {ticket}\n", limit: "3MB");
        var file = one.Program["large.bin"];
        await File.WriteAllBytesAsync(file, Bytes(12_000_000));
        var hash = one.Put(file);
        var partial = two.Program["can_data/.partial/" + hash];

        await Patience.UntilAsync(() => LengthOf(partial) > 1_000_000, TimeSpan.FromMinutes(1), () => two.Log);
        two.Restart();
        var kept = LengthOf(partial);
        Assert.InRange(kept, 1_000_000, 11_999_999);
        await Patience.UntilAsync(() => LengthOf(partial) > kept, TimeSpan.FromMinutes(1), () => two.Log);
        one.Restart();
        await two.UntilAsync(hash);

        Assert.Equal(File.ReadAllBytes(file), two.Get(hash));
        two.Run("verify");
        one.Run("verify");
    }

    /// <summary>The published scenarios: 102 assets, an exact match.</summary>
    [Test]
    public async Task Files_put_on_both_sides_at_once_are_all_on_both_sides()
    {
        using var one = new Store("sync_discovery: off\nsync_bind: 127.0.0.1:0\nticket_file: ticket\n");
        using var two = new Store(
            $"sync_discovery: off\nsync_bind: 127.0.0.1:0\nconnect_ticket_file: {one.Program["ticket"]}\n");

        var expected = new List<string>();
        await RunAsync((one, 1));
        await RunAsync((two, 1));
        await RunAsync((one, 25));
        await RunAsync((two, 25));
        await RunAsync((one, 25), (two, 25));

        Assert.Equal(102, expected.Count);
        Assert.Equal(one.Contents(), two.Contents());
        Assert.Equal(expected.Order(StringComparer.Ordinal), one.Contents().Keys.Order(StringComparer.Ordinal));

        async Task RunAsync(params (Store Store, int Count)[] bursts)
        {
            var putting = bursts.Select(b => Task.Run(() => b.Store.PutMany(b.Count))).ToList();
            foreach (var hashes in await Task.WhenAll(putting)) expected.AddRange(hashes);
            foreach (var store in (Store[])[one, two])
                await Patience.UntilAsync(
                    () => store.FileCount == expected.Count, TimeSpan.FromMinutes(2), () => store.Log);
        }
    }

    /// <summary>Two machines that nothing joins but a relay and a passphrase.</summary>
    [Test]
    public async Task Stores_behind_two_NATs_find_each_other_by_the_passphrase()
    {
        using var network = new NatNetwork([NatKind.AddressDependent], [NatKind.AddressDependent]);
        var relayUrl = $"http://{NatNetwork.RelayAddress}:3340";
        using var relay = NatNetwork.Begin(
            network.Core, "iroh", "relay", "serve", "--bind", relayUrl["http://".Length..]);
        await relay.ReadUntilAsync(relayUrl);
        var settings = $"sync_discovery: own\nsync_relays: {relayUrl}\nsync_pkarr: {relayUrl}/pkarr\n";
        using var one = new Store(settings, where: network.Machine(1, NatKind.AddressDependent));
        using var two = new Store(settings, where: network.Machine(2, NatKind.AddressDependent));

        var hash = one.Put(one.Program.Write("note.txt", new string('n', 500_000)));
        await two.UntilAsync(hash);

        Assert.Equal(500_000, two.Get(hash).Length);

        // On the network of the first one, by mDNS alone; what it has comes from there.
        using var three = new Store(
            "sync: true\nsync_discovery: local\nstorage_root: third\n",
            where: network.Machine(1, NatKind.AddressDependent));
        await three.UntilAsync(hash);
    }

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    private static long LengthOf(string path) => File.Exists(path) ? new FileInfo(path).Length : 0;

    /// <summary>A store that is served, and used by commands.</summary>
    private sealed class Store : IDisposable
    {
        private readonly string? _where;
        private readonly HttpClient _http = new();
        private RunningProgram _service;
        private string _url = "";
        private static int s_stores;

        private readonly int _salt = Interlocked.Increment(ref s_stores);
        private int _files;

        public Store(
            string settings, string passphrase = "one for all", string? limit = null, string? where = null)
        {
            _where = where;
            Program.Write("config.yaml", $"admin_token: t\nsync_passphrase: {passphrase}\n{settings}");
            _service = Begin(limit);
        }

        public EdgeSyncProgram Program { get; } = new();

        public string Log => _service.TextSoFar;

        public int FileCount => Directory.GetFiles(Program["can_data"], "*_*").Length;

        /// <summary>As after a loss of power, and then without a limit.</summary>
        public void Restart()
        {
            _service.Kill();
            _service.Dispose();
            _service = Begin(null);
        }

        public string Put(string file, params string[] options) =>
            Json(["put", file, .. options]).GetProperty("files")[0].GetProperty("hash").GetString()!;

        /// <summary>Puts files whose contents no other store of the test has.</summary>
        public IReadOnlyList<string> PutMany(int count)
        {
            var files = new List<string>();
            for (var i = 0; i < count; i++)
            {
                var path = Program[string.Create(CultureInfo.InvariantCulture, $"file{++_files}.bin")];
                // Small ones, some of several groups; others than those of the other store, since equal contents of
                // one millisecond are one asset.
                File.WriteAllBytes(path, Bytes((i % 10 == 9 ? 900_000 + i : i * 1000) + _salt));
                files.Add(path);
            }

            return
            [
                .. Json(["put", .. files]).GetProperty("files").EnumerateArray()
                    .Select(f => f.GetProperty("hash").GetString()!),
            ];
        }

        public byte[] Get(string hash)
        {
            var target = Program["copy-" + hash];
            Run("get", hash, "-o", target);
            return File.ReadAllBytes(target);
        }

        /// <summary>Every asset's hash, and its file's bytes as text.</summary>
        public Dictionary<string, string> Contents() => Directory.GetFiles(Program["can_data"], "*_*")
            .ToDictionary(
                f => Path.GetFileName(f).Split('_', '.')[1],
                f => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f))));

        public Task UntilAsync(string hash, Func<JsonElement, bool>? holds = null) => Patience.UntilAsync(
            async () => await FindAsync(hash) is { } asset && !asset.GetProperty("is_corrupted").GetBoolean()
                && (holds is null || holds(asset)),
            TimeSpan.FromMinutes(2), () => Log, pause: TimeSpan.FromMilliseconds(50));

        public Task UntilGoneAsync(string hash) => Patience.UntilAsync(
            async () => await FindAsync(hash) is null, TimeSpan.FromMinutes(1), () => Log,
            pause: TimeSpan.FromMilliseconds(50));

        public void Run(params string[] arguments) => Command(arguments).Run().MustSucceed();

        public JsonElement Json(params string[] arguments) =>
            Command([.. arguments, "--json"]).Run().MustSucceed().Json();

        public void Dispose()
        {
            _http.Dispose();
            _service.Dispose();
            Program.Dispose();
        }

        private async Task<JsonElement?> FindAsync(string hash)
        {
            // A command for each look would cost more than all the rest.
            if (_where is null)
            {
                using var reply = await _http.GetAsync($"{_url}/api/v1/can/0/asset/{hash}/meta");
                if (!reply.IsSuccessStatusCode) return null;

                using var body = JsonDocument.Parse(await reply.Content.ReadAsStringAsync());
                return body.RootElement.GetProperty("data").Clone();
            }

            return Item(Json("ls"), hash) ?? Item(Json("ls", "--trashed"), hash);
        }

        private static JsonElement? Item(JsonElement list, string hash)
        {
            foreach (var item in list.GetProperty("items").EnumerateArray())
            {
                if (item.GetProperty("hash").GetString() == hash) return item;
            }

            return null;
        }

        private RunningProgram Begin(string? limit)
        {
            string[] command = ["can", "serve", "--sync", "--port", "0", "--json"];
            if (limit is not null) command = [.. command, "--limit", limit];
            var service = Start(command).Begin();
            var line = service.ReadLine(TimeSpan.FromSeconds(60));
            Assert.True(line is not null, service.TextSoFar);
            using var started = JsonDocument.Parse(line);
            _url = started.RootElement.GetProperty("url").GetString()!;
            Assert.Equal(64, started.RootElement.GetProperty("endpoint").GetString()!.Length);
            return service;
        }

        private ProgramStart Command(string[] arguments) => Start(["can", .. arguments, "--url", _url]);

        private ProgramStart Start(string[] arguments)
        {
            if (_where is null) return Program.Start(arguments);

            var inside = NatNetwork.Command(_where, [EdgeSyncProgram.Program, .. arguments]);
            return Program.StartAs(inside[0], inside.AsSpan(1));
        }
    }
}
