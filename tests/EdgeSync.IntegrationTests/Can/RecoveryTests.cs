using System.Text.Json;
using EdgeSync.Can.Assets;
using EdgeSync.Storage.Assets;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>Every state that a crash between two steps can leave, and what the next start makes of it.</summary>
public sealed class RecoveryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("can");
    private readonly List<string> _warnings = [];

    public void Dispose() => _folder.Dispose();

    [Test]
    public async Task An_unfinished_upload_is_removed()
    {
        using (var store = Open()) await PutAsync(store, "x");
        _folder.Write("data/.0123.tmp", "half");

        using var again = Open();

        Assert.Equal(1, again.Counts().Assets);
        Assert.Empty(Directory.GetFiles(_folder["data"], "*.tmp"));
    }

    [Test]
    public async Task A_file_without_a_row_is_adopted_with_its_details_and_one_with_other_content_is_not()
    {
        AssetDetails details = new()
        {
            MimeType = "text/x",
            HumanFileName = "ä.txt",
            Tags = ["a", "b"],
            Description = new string('d', 3000),
            User = "u",
        };
        using (var store = Open()) await PutAsync(store, "hello", details);
        foreach (var left in Directory.GetFiles(_folder["data"], ".can.db*")) File.Delete(left);
        using (Open())
        {
            // A new index: made from the files.
        }

        var name = AssetFileName.Create(5, AssetHash.Of(5, "late"u8), [], "late.txt", "text/plain");
        _folder.Write($"data/{name}", "late");
        _folder.Write($"data/{AssetFileName.Create(6, AssetHash.Of(6, "good"u8), [], null, "x/y")}", "evil");
        using var again = Open();

        var hello = again.Page(new() { Words = ["ä.txt"] }).Items.Single();
        Assert.Equal(JsonSerializer.Serialize(details, StoredDetailsContext.Default.AssetDetails),
            JsonSerializer.Serialize(hello.Details, StoredDetailsContext.Default.AssetDetails));
        Assert.Equal("text/plain", again.Find(AssetHash.Of(5, "late"u8))!.Details.MimeType);
        Assert.Null(again.Find(AssetHash.Of(6, "good"u8)));
        Assert.Contains("left alone", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Test]
    public async Task Short_texts_are_found_in_an_index_of_an_earlier_program()
    {
        Asset kept, changed;
        using (var store = Open())
        {
            kept = await PutAsync(
                store, "x", new AssetDetails { MimeType = "x/y", HumanFileName = "Ölz", Tags = ["q"] });
            changed = await PutAsync(store, "y", new AssetDetails { MimeType = "x/y", Description = "Zürich" });
            await store.DeleteAsync((await PutAsync(store, "z")).Hash);
        }

        AsEarlier("DROP TABLE asset_pairs; DELETE FROM state WHERE name='pairs'");
        long last;
        using (var store = Open())
        {
            Assert.Equal([kept.Hash], Hashes(store, "LZ"));
            Assert.Equal([kept.Hash], Hashes(store, "öl"));
            Assert.Equal([changed.Hash, kept.Hash], Hashes(store, "z"));
            Assert.Equal(2, store.Counts().Assets);
            last = store.CommittedNumber;
        }

        // It changes an asset, and knows nothing of pairs.
        AsEarlier(
            $"UPDATE asset_words SET description='Basel' WHERE rowid={changed.Id}; "
            + $"UPDATE assets SET description='Basel', change_number={last + 1} WHERE id={changed.Id}");
        using var again = Open();
        Assert.Equal([changed.Hash], Hashes(again, "BA"));
        Assert.Empty(Hashes(again, "zü"));
        Assert.Equal([kept.Hash], Hashes(again, "q"));
        await again.DeleteAsync(kept.Hash);
        Assert.Empty(Hashes(again, "q"));
        await again.UpdateAsync(changed.Hash, d => d with { Description = "Bern" });
        Assert.Empty(Hashes(again, "as"));
        await again.RebuildAsync();
        Assert.Equal([changed.Hash], Hashes(again, "rn"));
    }

    [Test]
    public async Task Where_the_file_is_decides_whether_it_is_in_the_trash()
    {
        Asset moved, gone;
        using (var store = Open())
        {
            moved = await PutAsync(store, "moved");
            gone = await PutAsync(store, "gone");
        }

        File.Move(_folder["data", moved.FileName], _folder["data", ".trash", moved.FileName]);
        File.Delete(_folder["data", gone.FileName]);
        using (var store = Open())
        {
            Assert.True(store.Find(moved.Hash)!.IsTrashed);
            Assert.True(store.Find(gone.Hash)!.IsCorrupted);
        }

        File.Move(_folder["data", ".trash", moved.FileName], _folder["data", moved.FileName]);
        using var again = Open();
        Assert.False(again.Find(moved.Hash)!.IsTrashed);
        Assert.True(again.Find(moved.Hash)!.MetaUpdatedAtMs >= moved.MetaUpdatedAtMs + 2);
    }

    [Test]
    public async Task A_file_that_outlived_its_deletion_is_removed()
    {
        Asset asset;
        byte[] content;
        using (var store = Open())
        {
            asset = await PutAsync(store, "x");
            content = await File.ReadAllBytesAsync(_folder["data", asset.FileName]);
            await store.DeleteAsync(asset.Hash);
        }

        _folder.Write($"data/{asset.FileName}", content);
        using var again = Open();

        Assert.Null(again.Find(asset.Hash));
        Assert.True(again.IsDeleted(asset.Hash));
        Assert.False(File.Exists(_folder["data", asset.FileName]));
    }

    [Test]
    public async Task A_damaged_index_is_made_again_and_numbers_go_on()
    {
        Asset asset;
        using (var store = Open())
        {
            asset = await PutAsync(store, "x", new AssetDetails { Tags = ["t"] });
            await store.TrashAsync(asset.Hash);
        }

        foreach (var left in Directory.GetFiles(_folder["data"], ".can.db*")) File.Delete(left);
        _folder.Write("data/.can.db", new byte[5000]);
        using (var store = Open())
        {
            var again = store.Find(asset.Hash)!;
            Assert.Equal((true, "t"), (again.IsTrashed, TagList.Join(again.Details.Tags)));
            Assert.True(File.Exists(_folder["data", ".can.db.set-aside"]));
            var before = store.CommittedNumber;
            Assert.Equal((1, 0), await store.RebuildAsync());
            Assert.True(store.CommittedNumber > before);
        }
    }

    [Test]
    public async Task The_verifier_marks_what_is_damaged_and_forgives_what_is_whole_again()
    {
        using var store = Open();
        var (good, bad) = (await PutAsync(store, "good"), await PutAsync(store, "bad"));
        var missing = await PutAsync(store, "m");
        await File.WriteAllTextAsync(_folder["data", bad.FileName], "BAD");
        File.Delete(_folder["data", missing.FileName]);

        var pass = await store.CreateVerifier().RunAsync(Cancellation);

        Assert.Equal(new VerifyPass(3, 1, 1, false), pass);
        Assert.Equal((false, true, true), (
            store.Find(good.Hash)!.IsCorrupted, store.Find(bad.Hash)!.IsCorrupted,
            store.Find(missing.Hash)!.IsCorrupted));

        // The same content again, from wherever, repairs the asset.
        using (var upload = store.BeginUpload(bad.TimestampMs))
        {
            upload.Append("bad"u8);
            Assert.True((await store.StoreAsync(upload, new AssetDetails(), new PeerState(false, 0))).AlreadyExisted);
        }

        await File.WriteAllTextAsync(_folder["data", missing.FileName], "m");
        Assert.Equal(new VerifyPass(3, 0, 0, false), await store.CreateVerifier().RunAsync(Cancellation));
        Assert.False(store.Find(missing.Hash)!.IsCorrupted);
    }

    [Test]
    public async Task Many_inconsistencies_lead_to_a_rebuild()
    {
        using var store = Open(o => o with { RebuildErrorThreshold = 1 });
        await PutAsync(store, "x");
        for (var i = 0; i < 3; i++)
            _folder.Write($"data/{AssetFileName.Create(i, AssetHash.Of(i, [1]), [], null, "x/y")}", [1]);

        Assert.True((await store.CreateVerifier().RunAsync(Cancellation)).HasRebuilt);
        Assert.Equal(4, store.Counts().Assets);
    }

    [Test]
    public async Task The_same_content_of_the_same_moment_is_the_same_asset()
    {
        using var store = Open();
        using var first = store.BeginUpload(7);
        using var second = store.BeginUpload(7);
        first.Append("x"u8);
        second.Append("x"u8);

        var results = await Task.WhenAll(
            store.StoreAsync(first, new AssetDetails()), store.StoreAsync(second, new AssetDetails()));

        Assert.Single(results, r => r.AlreadyExisted);
        Assert.Equal(results[0].Asset.Id, results[1].Asset.Id);
    }

    /// <summary>The disk fills up in the middle: what was acknowledged stays, and nothing half is left.</summary>
    [Test]
    public async Task A_full_disk_refuses_uploads_and_keeps_the_rest()
    {
        using var disk = SmallDisk.Mount(_folder.Folder("data"), 4);
        using var store = Open(o => o with { DiskReserveBytes = 0 });
        var piece = new byte[256 * 1024];
        var stored = new List<Asset>();

        await Assert.ThrowsAsync<DiskFullException>(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                using var upload = store.BeginUpload();
                for (var size = 0; size < 4; size++) upload.Append(piece);
                stored.Add((await store.StoreAsync(upload, new AssetDetails())).Asset);
            }
        });

        Assert.NotEmpty(stored);
        Assert.Empty(Directory.GetFiles(_folder["data"], "*.tmp"));
        foreach (var asset in stored) Assert.NotNull(store.Find(asset.Hash));
        Assert.Equal(0, (await store.CreateVerifier().RunAsync(Cancellation)).Corrupted);
        disk.Grow(8);
        using var next = store.BeginUpload();
        next.Append(piece);
        Assert.False((await store.StoreAsync(next, new AssetDetails())).AlreadyExisted);
    }

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    private void AsEarlier(string sql)
    {
        using var database = Database.Open(
            _folder["data", ".can.db"],
            new DatabaseOptions { Access = DatabaseAccess.Create, Journal = DatabaseJournal.AsFound });
        database.Execute(sql);
    }

    private static IEnumerable<AssetHash> Hashes(AssetStore store, string text) =>
        store.Page(new() { Words = [text] }).Items.Select(a => a.Hash);

    private AssetStore Open(Func<AssetStoreOptions, AssetStoreOptions>? change = null)
    {
        var options = new AssetStoreOptions
        {
            Root = _folder["data"],
            Warned = _warnings.Add,
            VerifyBytesPerSecond = 1L << 40,
        };
        return AssetStore.Open(change?.Invoke(options) ?? options);
    }

    private static async Task<Asset> PutAsync(AssetStore store, string text, AssetDetails? details = null)
    {
        using var upload = store.BeginUpload();
        upload.Append(System.Text.Encoding.UTF8.GetBytes(text));
        return (await store.StoreAsync(upload, details ?? new AssetDetails())).Asset;
    }
}
