using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets;
using EdgeSync.Storage.Assets.Mirror;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>The records of a mirror beside the assets, over a restart and at steps in which a crash may come.</summary>
public sealed class MirrorStoreTests : IDisposable
{
    private static readonly StoreId There = new(77);

    private readonly TemporaryFolder _folder = new("can");
    private readonly List<string> _warnings = [];
    private readonly long[] _free = [long.MaxValue];

    public void Dispose() => _folder.Dispose();

    [Test]
    public async Task What_was_saved_is_there_after_a_restart_and_what_was_not_is_not()
    {
        var (kept, lost) = (RecordOf([1], ("x", 5)), RecordOf([2], ("y", 5)));
        StoreId id;
        using (var assets = Open())
        {
            using var store = await MirrorOf(assets);
            id = store.Id;
            store.SaveRecord(kept);
            store.Handled = 7;
            store.ForgetRecord(lost.Key, 99);
            await store.SaveAsync();
            store.SaveRecord(lost);
            Assert.True(store.TryGetRecord(lost.Key, out _));
        }

        using var again = Open();
        using var mirror = await MirrorOf(again);
        Assert.Equal(id, mirror.Id);
        Assert.Equal(7, mirror.Handled);
        Assert.Equal(99UL, mirror.ForgottenTime);
        Assert.Equal(kept.Digest, Assert.Single(mirror.Records()).Digest);
        Assert.Empty(_warnings);
    }

    [Test]
    public async Task An_index_of_before_the_mirror_keeps_its_assets()
    {
        AssetHash hash;
        using (var assets = Open()) hash = await PutAsync(assets, [1, 2, 3]);

        using var again = Open();
        using var store = await MirrorOf(again);

        Assert.True(store.HasContent(hash));
        Assert.False(store.TryGetTree(hash, out _));
        await store.Contents.EnsureTreesAsync([again.Find(hash)!], default);
        Assert.True(store.TryGetTree(hash, out var tree));
        Assert.True(tree.Root.Span.SequenceEqual(ContentTree.Of([1, 2, 3]).Root.Span));
        Assert.Empty(_warnings);
    }

    [Test]
    public async Task An_asset_becomes_what_its_record_says()
    {
        using var assets = Open();
        using var store = await MirrorOf(assets);
        var hash = await PutAsync(assets, [1]);
        var record = RecordOf([1], ("a.txt", 5));
        store.SaveRecord(record);
        await store.SaveAsync();

        store.SaveRecord(record.With(RecordField.FileName, new Stamp(6, There), "b.txt")
            .With(RecordField.Trashed, new Stamp(6, There), "1"));
        await store.SaveAsync();
        Assert.True(assets.Find(hash)!.IsTrashed);
        Assert.Single(Directory.GetFiles(_folder["data/.trash"]));

        store.SaveRecord(record.With(RecordField.Life, new Stamp(7, There), SyncRecord.Purged));
        Assert.False(store.HasContent(hash));
        await store.SaveAsync();
        Assert.Null(assets.Find(hash));
        Assert.True(assets.IsDeleted(hash));
        Assert.Empty(Directory.GetFiles(_folder["data/.trash"]));

        store.ForgetRecord(hash, 7);
        await store.SaveAsync();
        Assert.False(assets.IsDeleted(hash));
    }

    /// <summary>A deletion of a peer that comes beside a user's addition does not take it.</summary>
    [Test]
    public async Task An_asset_that_a_user_has_just_added_outlives_a_deletion_of_before()
    {
        using var assets = Open();
        using var store = await MirrorOf(assets);
        var purged = RecordOf([1], ("a", 5)).With(RecordField.Life, new Stamp(7, There), SyncRecord.Purged);
        var hash = await PutAsync(assets, [1]);

        store.SaveRecord(purged);
        await store.SaveAsync();
        store.SaveRecord(purged.WithHolder(There));
        await store.SaveAsync();

        Assert.NotNull(assets.Find(hash));
    }

    [Test]
    public async Task A_transfer_goes_on_behind_the_last_group_that_is_right()
    {
        var content = Bytes((5 * ContentTree.GroupBytes) + 9);
        var tree = ContentTree.Of(content);
        var record = RecordOf(content, ("a", 5));
        using (var assets = Open())
        {
            using var store = await MirrorOf(assets);
            store.SaveRecord(record);
            await store.SaveAsync();
            for (var group = 0; group < 4; group++) Assert.True(Write(store, record.Key, tree, content, group));
            Assert.False(Write(store, record.Key, tree, content, 5));
        }

        // As after a loss of power: the third group did not come to the disk, and a file of something else is there.
        using (var file = File.OpenWrite(_folder["data/.partial/" + record.Key]))
        {
            file.Position = 2 * ContentTree.GroupBytes;
            file.WriteByte((byte)(content[2 * ContentTree.GroupBytes] + 1));
        }

        _folder.Write("data/.partial/other", "x");
        using (var assets = Open())
        {
            using var store = await MirrorOf(assets);
            Assert.True(store.TryGetPartial(record.Key, out var partial));
            Assert.Equal(2, partial.Groups);
            for (var group = 2; group < 6; group++) Assert.True(Write(store, record.Key, tree, content, group));
            Assert.Equal(CommitOutcome.Stored, await store.Contents.CommitAsync(record.Key, 5, tree, default));
            Assert.True(store.HasContent(record.Key));
            var piece = new byte[100];
            Assert.True(store.Contents.TryRead(record.Key, 100, piece));
            Assert.Equal(content[100..200], piece);
            Assert.False(store.Contents.TryRead(record.Key, content.Length - 50, piece));
            Assert.Equal("a", assets.Find(record.Key)!.Details.HumanFileName);
        }

        Assert.Empty(Directory.GetFiles(_folder["data/.partial"]));
    }

    [Test]
    public async Task Content_that_is_not_the_asset_is_not_stored()
    {
        using var assets = Open();
        using var store = await MirrorOf(assets);
        var record = RecordOf([1, 2], ("a", 5));
        store.SaveRecord(record);
        await store.SaveAsync();
        var tree = ContentTree.Of([9, 9]);
        Assert.True(store.Contents.Write(record.Key, 5, tree, 0, [9, 9]));

        Assert.Equal(CommitOutcome.Mismatch, await store.Contents.CommitAsync(record.Key, 5, tree, default));

        Assert.False(store.HasContent(record.Key));
        Assert.False(store.TryGetPartial(record.Key, out _));
        Assert.Null(assets.Find(record.Key));
    }

    [Test]
    public async Task Content_of_an_asset_that_is_deleted_meanwhile_is_not_stored()
    {
        using var assets = Open();
        using var store = await MirrorOf(assets);
        var content = new byte[] { 1, 2 };
        var record = RecordOf(content, ("a", 5));
        store.SaveRecord(record);
        await store.SaveAsync();
        Assert.True(store.Contents.Write(record.Key, 5, ContentTree.Of(content), 0, content));
        File.Copy(_folder["data/.partial/" + record.Key], _folder["copy"]);

        store.SaveRecord(record.With(RecordField.Life, new Stamp(9, There), SyncRecord.Purged));
        await store.SaveAsync();
        File.Copy(_folder["copy"], _folder["data/.partial/" + record.Key]);

        Assert.Equal(
            CommitOutcome.Failed, await store.Contents.CommitAsync(record.Key, 5, ContentTree.Of(content), default));
        Assert.Null(assets.Find(record.Key));
    }

    [Test]
    public async Task A_full_disk_refuses_a_transfer_and_leaves_nothing()
    {
        using var assets = Open();
        using var store = await MirrorOf(assets);
        var content = Bytes(1000);
        var record = RecordOf(content, ("a", 5));
        store.SaveRecord(record);
        await store.SaveAsync();

        _free[0] = 500;
        Assert.False(Write(store, record.Key, ContentTree.Of(content), content, 0));
        Assert.Empty(Directory.GetFiles(_folder["data/.partial"]));

        _free[0] = long.MaxValue;
        Assert.True(Write(store, record.Key, ContentTree.Of(content), content, 0));
    }

    [Test]
    public async Task What_the_verifier_finds_is_a_change_that_the_mirror_sees()
    {
        using var assets = Open();
        using var store = await MirrorOf(assets);
        var hash = await PutAsync(assets, [1]);
        var before = assets.CommittedNumber;
        File.WriteAllText(Directory.GetFiles(_folder["data"], $"*{hash}*").Single(), "other");

        Assert.False(await assets.VerifyAsync(hash, default));

        Assert.Equal(hash, Assert.Single(assets.ChangesAfter(before, 10)).Hash);
        Assert.True(store.IsLost(hash));
        Assert.False(store.HasContent(hash));
    }

    private static bool Write(MirrorStore store, AssetHash hash, ContentTree tree, byte[] content, int group) =>
        store.Contents.Write(
            hash, 5, tree, group, content.AsSpan((int)ContentTree.OffsetOf(group), tree.BytesOf(group)));

    private static SyncRecord RecordOf(byte[] content, (string Name, ulong Time) written) =>
        SyncRecord.Create(AssetHash.Of(5, content), 5, content.Length)
            .With(RecordField.FileName, new Stamp(written.Time, There), written.Name);

    private static byte[] Bytes(int count) => new Prng((ulong)count).NextBytes(count);

    private static Task<MirrorStore> MirrorOf(AssetStore assets) => assets.OpenMirrorAsync(new SeededEntropy(5));

    private static async Task<AssetHash> PutAsync(AssetStore assets, byte[] content)
    {
        using var upload = assets.BeginUpload(5);
        upload.Append(content);
        return (await assets.StoreAsync(upload, new AssetDetails { HumanFileName = "a.txt" })).Asset.Hash;
    }

    private AssetStore Open() => AssetStore.Open(new AssetStoreOptions
    {
        Root = _folder["data"],
        FreeBytes = () => _free[0],
        DiskReserveBytes = 100,
        Warned = _warnings.Add,
    });
}
