using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Node.Can;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Settings;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>Stores of one passphrase, with their services, over connections of iroh on loopback.</summary>
public sealed class MirrorTests
{
    private static readonly StretchCost Cheap = new(8, 1);

    [Test]
    public async Task What_is_done_in_one_store_is_done_in_the_other()
    {
        await using var one = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        await using var two = await CanTestService.StartAsync(Mirrored(one), isMirror: true);

        var (small, large) = (new byte[] { 1, 2, 3 }, Bytes(3_000_001));
        var first = await PutAsync(one, small, ("tags", "a,b"), ("description", "ä"));
        var second = await PutAsync(two, large, ("human_readable_path", "/x/"));
        var empty = await PutAsync(two, []);
        await UntilAsync(two, s => Has(s, first));
        await UntilAsync(one, s => Has(s, second) && Has(s, empty));

        Assert.True((await ContentAsync(two, first)).AsSpan().SequenceEqual(small));
        Assert.True((await ContentAsync(one, second)).AsSpan().SequenceEqual(large));
        Assert.Equal(["a", "b"], two.Store.Find(first)!.Details.Tags);
        Assert.Equal("ä", two.Store.Find(first)!.Details.Description);
        Assert.Equal("/x/", one.Store.Find(second)!.Details.HumanPath);

        await two.SendAsync(HttpMethod.Patch, Asset(first) + "/meta", CanTestService.Json("""{"tags":["c"]}"""));
        await UntilAsync(one, s => s.Find(first)!.Details.Tags is ["c"]);
        Assert.Equal("ä", one.Store.Find(first)!.Details.Description);

        await one.SendAsync(HttpMethod.Delete, Asset(second));
        await UntilAsync(two, s => s.Find(second)!.IsTrashed);
        await two.SendAsync(HttpMethod.Post, Asset(second) + "/restore");
        await UntilAsync(one, s => !s.Find(second)!.IsTrashed);

        (await two.SendAsync(
            HttpMethod.Delete, Asset(first) + "?permanent=true", null,
            CanTestService.Bearer(CanTestService.Token))).Data();
        // The file goes behind its row.
        await UntilAsync(one, s => s.Find(first) is null && Directory.GetFiles(one.Root, $"*{first}*") is []);
        await UntilInSyncAsync(one, 1);
        await UntilInSyncAsync(two, 1);
    }

    // Streams that were given up after their end had come stayed open, so that after a few hundred none was left.
    [Test]
    public async Task Many_small_assets_at_once_all_come()
    {
        await using var one = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        await using var two = await CanTestService.StartAsync(Mirrored(one), isMirror: true);
        await UntilInSyncAsync(two, 1);

        await Parallel.ForAsync(
            0, 600, new ParallelOptions { MaxDegreeOfParallelism = 32 },
            async (i, _) => await PutAsync(one, System.Text.Encoding.UTF8.GetBytes($"small {i}")));

        await UntilAsync(two, s => s.Counts().Assets == 600);
        await UntilInSyncAsync(one, 1);
    }

    [Test]
    public async Task Three_stores_find_each_other_through_one()
    {
        await using var one = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        await using var two = await CanTestService.StartAsync(Mirrored(one), isMirror: true);
        await using var three = await CanTestService.StartAsync(Mirrored(one), isMirror: true);

        foreach (var store in (CanTestService[])[one, two, three]) await UntilInSyncAsync(store, 2);
        var hash = await PutAsync(two, Bytes(100_000));

        await UntilAsync(one, s => Has(s, hash));
        await UntilAsync(three, s => Has(s, hash));
        Assert.Equal(3, (await three.Mirror.StatusAsync()).Stores.Count);
    }

    [Test]
    public async Task A_store_that_is_not_allowed_is_not_dialled_either()
    {
        await using var two = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        await using var three = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        await using var one = await CanTestService.StartAsync(
            s => Mirrored(two, three)(s) with
            {
                Mirror = Mirrored(two, three)(s).Mirror with { Allowed = [three.Mirror.Id] },
            },
            isMirror: true);

        await UntilInSyncAsync(one, 1);
        var hash = await PutAsync(one, Bytes(1000));
        await UntilAsync(three, s => Has(s, hash));

        var peer = Assert.Single((await one.Mirror.StatusAsync()).Peers);
        Assert.Equal(three.Mirror.Id.ToString(), peer.Endpoint);
        Assert.Empty((await two.Mirror.StatusAsync()).Peers);
        Assert.Equal(0, two.Store.Counts().Assets);
    }

    [Test]
    public async Task Another_passphrase_learns_nothing()
    {
        await using var one = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        var hash = await PutAsync(one, [1]);
        await using var two = await CanTestService.StartAsync(
            s => Mirrored(one)(s) with { Mirror = Mirrored(one)(s).Mirror with { Passphrase = "another" } },
            isMirror: true);

        await Patience.UntilAsync(
            () => two.Log.Contains("another passphrase", StringComparison.Ordinal)
                || one.Log.Contains("another passphrase", StringComparison.Ordinal),
            TimeSpan.FromMinutes(1), () => one.Log + two.Log);

        Assert.Null(two.Store.Find(hash));
        Assert.Empty((await two.Mirror.StatusAsync()).Peers);
        Assert.Single((await one.Mirror.StatusAsync()).Stores);
    }

    [Test]
    public async Task A_transfer_goes_on_where_it_stopped_after_a_restart()
    {
        await using var one = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        var content = Bytes(8_000_000);
        await using var two = await CanTestService.StartAsync(
            s => Mirrored(one)(s) with { Mirror = Mirrored(one)(s).Mirror with { Limit = TransferLimit.Of("1MB")! } },
            isMirror: true);
        var hash = await PutAsync(one, content);
        var partial = Path.Combine(two.Root, ".partial", hash.ToString());
        await Patience.UntilAsync(
            () => File.Exists(partial) && new FileInfo(partial).Length >= 1_000_000, TimeSpan.FromMinutes(1),
            () => two.Log);

        var before = 0L;
        await two.ReopenAsync(() => before = new FileInfo(partial).Length, Mirrored(one), isMirror: true);
        Assert.True(File.Exists(partial) || Has(two.Store, hash));
        await UntilAsync(two, s => Has(s, hash));

        Assert.InRange(before, 1_000_000, 7_999_999);
        Assert.True((await ContentAsync(two, hash)).AsSpan().SequenceEqual(content));
        Assert.Empty(Directory.GetFiles(Path.Combine(two.Root, ".partial")));
    }

    [Test]
    public async Task A_corrupt_asset_is_fetched_again()
    {
        await using var one = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        await using var two = await CanTestService.StartAsync(Mirrored(one), isMirror: true);
        var content = Bytes(300_000);
        var hash = await PutAsync(one, content);
        await UntilAsync(two, s => Has(s, hash));

        await File.WriteAllTextAsync(Directory.GetFiles(two.Root, $"*{hash}*").Single(), "other");
        await two.Store.CreateVerifier().RunAsync(CanTestService.Cancellation);

        await UntilAsync(two, s => Has(s, hash));
        Assert.True((await ContentAsync(two, hash)).AsSpan().SequenceEqual(content));
    }

    [Test]
    public async Task What_was_there_before_the_mirror_is_mirrored()
    {
        await using var one = await CanTestService.StartAsync();
        var content = Bytes(700_000);
        var kept = await PutAsync(one, content);
        var (trashed, deleted) = (await PutAsync(one, [2]), await PutAsync(one, [3]));
        await one.Store.TrashAsync(trashed);
        await one.Store.DeleteAsync(deleted);
        await one.ReopenAsync(change: Mirrored(), isMirror: true);
        await using var two = await CanTestService.StartAsync(Mirrored(one), isMirror: true);

        await UntilAsync(two, s => Has(s, kept) && Has(s, trashed));

        Assert.True(two.Store.Find(trashed)!.IsTrashed);
        Assert.Null(two.Store.Find(deleted));
        Assert.True((await ContentAsync(two, kept)).AsSpan().SequenceEqual(content));
    }

    [Test]
    public async Task Changes_of_a_store_that_was_away_meet_those_of_the_other()
    {
        await using var one = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        await using var two = await CanTestService.StartAsync(Mirrored(one), isMirror: true);
        var (edited, deleted) = (await PutAsync(one, [1]), await PutAsync(one, [2]));
        await UntilAsync(two, s => Has(s, edited) && Has(s, deleted));

        // Without its mirror the store is used on.
        await two.ReopenAsync();
        await two.SendAsync(HttpMethod.Patch, Asset(edited) + "/meta", CanTestService.Json("""{"tags":["x"]}"""));
        await two.Store.DeleteAsync(deleted);
        await one.SendAsync(HttpMethod.Patch, Asset(edited) + "/meta", CanTestService.Json("""{"description":"y"}"""));
        var late = await PutAsync(one, [3]);
        await two.ReopenAsync(change: Mirrored(one), isMirror: true);

        await UntilAsync(two, s => Has(s, late) && s.Find(edited)!.Details.Description == "y");
        await UntilAsync(one, s => s.Find(edited)!.Details.Tags is ["x"] && s.Find(deleted) is null);
        Assert.Equal(["x"], two.Store.Find(edited)!.Details.Tags);
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public async Task Too_many_deletions_wait_for_a_person(bool isMeant)
    {
        await using var one = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        await using var two = await CanTestService.StartAsync(Mirrored(one), isMirror: true);
        var hashes = new List<AssetHash>();
        for (var i = 0; i < 60; i++) hashes.Add(await PutAsync(one, BitConverter.GetBytes(i)));
        await UntilInSyncAsync(two, 1, assets: 60);

        var statuses = new List<int>();
        foreach (var hash in hashes) statuses.Add((await one.SendAsync(HttpMethod.Delete, Asset(hash))).Status);
        Assert.Equal(50, statuses.Count(s => s == 200));
        Assert.Equal(10, statuses.Count(s => s == 409));
        Assert.Equal(["own-deletions"], (await one.Mirror.StatusAsync()).Questions);

        var answer = await one.SendAsync(
            HttpMethod.Post,
            $"{CanTestService.Prefix}/admin/mirror/answer?question=own-deletions&meant={(isMeant ? "true" : "false")}",
            null, CanTestService.Bearer(CanTestService.Token));
        Assert.Empty(answer.Data().GetProperty("questions").EnumerateArray());
        var last = await one.SendAsync(HttpMethod.Delete, Asset(hashes[^1]));
        Assert.Equal(200, last.Status);
        await UntilAsync(two, s => s.Find(hashes[0])!.IsTrashed);
    }

    [Test]
    public async Task Deletions_that_were_made_without_the_mirror_and_are_not_meant_are_taken_back()
    {
        await using var one = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        await using var two = await CanTestService.StartAsync(Mirrored(one), isMirror: true);
        var hashes = new List<AssetHash>();
        for (var i = 0; i < 60; i++) hashes.Add(await PutAsync(one, BitConverter.GetBytes(i)));
        await UntilInSyncAsync(two, 1, assets: 60);

        await two.ReopenAsync();
        foreach (var hash in hashes) await two.Store.DeleteAsync(hash);
        await two.ReopenAsync(change: Mirrored(one), isMirror: true);
        await Patience.UntilAsync(
            async () => (await two.Mirror.StatusAsync()).Questions.Contains("own-deletions"), TimeSpan.FromMinutes(1),
            () => two.Log);

        await two.Mirror.AnswerAsync(SyncQuestion.LocalDeletes, isMeant: false);

        await UntilInSyncAsync(two, 1);
        Assert.Equal(10, two.Store.Counts().Assets);
        await UntilAsync(one, s => s.Counts().Assets == 10);
    }

    /// <summary>An endpoint that anyone may have: it knows the address, and not the passphrase.</summary>
    [Test]
    public async Task A_peer_that_sends_anything_but_a_proof_is_cut_off_and_the_others_go_on()
    {
        await using var one = await CanTestService.StartAsync(Mirrored(), isMirror: true);
        await PutAsync(one, [9]);
        var address = EdgeSync.Iroh.Tickets.EndpointTicket.Parse(one.Mirror.Ticket);
        await using var stranger = Iroh.IrohPair.Start(Iroh.IrohPair.Options(9));
        foreach (var junk in (byte[][])[Bytes(200), [1, .. new byte[32]], [], [1]])
        {
            var connection = await stranger.ConnectAsync(address, MirrorSettings.Protocol, CanTestService.Cancellation);
            for (var i = 0; i < 20; i++)
            {
                var stream = await connection.OpenStreamAsync(false, CanTestService.Cancellation);
                await stream.WriteLastAsync(junk, CanTestService.Cancellation);
            }

            var end = await connection.Closed.WaitAsync(TimeSpan.FromMinutes(1), CanTestService.Cancellation);
            Assert.Equal(EdgeSync.Quic.Connections.CloseKind.Peer, end.Kind);
        }

        await using var two = await CanTestService.StartAsync(Mirrored(one), isMirror: true);
        var hash = await PutAsync(one, [1]);
        await UntilAsync(two, s => Has(s, hash));
    }

    private static Func<CanSettings, CanSettings> Mirrored(params CanTestService[] peers) => settings => settings with
    {
        Mirror = new MirrorSettings
        {
            Passphrase = "one for all",
            Stretch = Cheap,
            Core = new SyncOptions { PingInterval = TimeSpan.FromMilliseconds(200) },
            Peers = [.. peers.Select(p => p.Mirror.Ticket)],
            Iroh = new IrohSection
            {
                Discovery = IrohDiscoveryMode.Off,
                Relays = ["off"],
                Bind = "127.0.0.1:0",
                PortMapping = false,
            },
        },
    };

    private static string Asset(AssetHash hash) => $"{CanTestService.Prefix}/asset/{hash}";

    private static bool Has(EdgeSync.Storage.Assets.AssetStore store, AssetHash hash) =>
        store.Find(hash) is { IsCorrupted: false };

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    private static async Task<AssetHash> PutAsync(
        CanTestService store, byte[] content, params (string Name, string Value)[] parts)
    {
        var reply = await store.IngestAsync(content, "a.bin", parts);
        Assert.True(AssetHash.TryParse(reply.Data().GetProperty("hash").GetString(), out var hash));
        return hash;
    }

    private static async Task<byte[]> ContentAsync(CanTestService store, AssetHash hash) =>
        (await store.GetAsync(Asset(hash))).Body;

    private static Task UntilAsync(CanTestService store, Func<EdgeSync.Storage.Assets.AssetStore, bool> holds) =>
        Patience.UntilAsync(() => holds(store.Store), TimeSpan.FromMinutes(1), () => store.Log);

    private static Task UntilInSyncAsync(CanTestService store, int peers, long assets = 0) => Patience.UntilAsync(
        async () => store.Store.Counts().Assets >= assets && (await store.Mirror.StatusAsync()) is var status
            && status.Missing == 0 && status.Peers.Count(p => p.IsInSync) == peers,
        TimeSpan.FromMinutes(1), () => store.Log);
}
