using System.Diagnostics.CodeAnalysis;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Can.Sync;

public sealed class ReplicaTests
{
    private const long Created = 1_750_000_000_000;
    private static readonly Instant Today = Instant.FromUnixSeconds(1_760_000_000);
    private static readonly AssetHash Key = AssetHash.Of(Created, "a"u8);

    [Test]
    public void Equal_assets_make_equal_records_whenever_each_store_takes_them_in() => Property.Check(prng =>
    {
        var (one, other) = (new Replica(new Store(prng.NextUInt64())), new Replica(new Store(prng.NextUInt64())));
        var assets = Enumerable.Range(0, prng.NextInt32(1, 20)).Select(i =>
        {
            var timestamp = prng.NextInt64(AssetFileNameMax);
            return (Hash: AssetHash.Of(timestamp, [(byte)i]), Timestamp: timestamp,
                Updated: timestamp + prng.NextInt64(1000), Details: RandomDetails(prng));
        }).ToArray();
        foreach (var store in new[] { one, other })
        {
            prng.Shuffle(assets.AsSpan());
            foreach (var asset in assets)
                store.Add(Wall(prng), asset.Hash, asset.Timestamp, 1, asset.Updated, asset.Details);
        }

        Assert.Equal(one.Index.FingerprintOf(KeyPrefix.All), other.Index.FingerprintOf(KeyPrefix.All));
    });

    [Test]
    public void Different_details_of_one_asset_come_to_the_same_in_both_stores() => Property.Check(prng =>
    {
        var (one, other) = (new Replica(new Store(1)), new Replica(new Store(2)));
        foreach (var store in new[] { one, other })
        {
            store.Add(Wall(prng), Key, Created, 1, Created + prng.NextInt64(3), RandomDetails(prng));
            if (prng.Chance(0.3)) store.Edit(Wall(prng), Key, RandomDetails(prng));
        }

        var (mine, theirs) = (RecordOf(one), RecordOf(other));
        var merged = SyncRecord.Merge(mine, theirs);

        Assert.Equal(merged.Digest, SyncRecord.Merge(theirs, mine).Digest);
        // What one of the two says is not lost to a store that says nothing.
        foreach (var field in mine.Fields)
        {
            if (theirs.StampOf(field.Field) == default) Assert.Equal(field.Value, merged[field.Field]);
        }
    });

    [Test]
    public void An_edit_wins_over_what_another_store_took_in_later()
    {
        var (one, other) = (new Replica(new Store(1)), new Replica(new Store(2)));
        one.Add(Today, Key, Created, 1, Created, [(RecordField.Description, "first")]);
        one.Edit(Today, Key, [(RecordField.Description, "edited")]);
        other.Add(Today + TimeSpan.FromDays(1), Key, Created, 1, Created, [(RecordField.Description, "zz")]);

        Assert.Equal("edited", SyncRecord.Merge(RecordOf(one), RecordOf(other))[RecordField.Description]);
        Assert.Equal(Today.UnixMilliseconds, RecordOf(one).StampOf(RecordField.Description).UnixMilliseconds);
    }

    [Test]
    public void Details_that_were_edited_before_the_mirror_win_over_those_that_never_were()
    {
        var (one, other) = (new Replica(new Store(1)), new Replica(new Store(2)));
        one.Add(Today, Key, Created, 1, Created + 1, [(RecordField.Description, "edited")]);
        other.Add(Today, Key, Created, 1, Created, [(RecordField.Description, "first"), (RecordField.Tags, "t")]);

        var merged = SyncRecord.Merge(RecordOf(other), RecordOf(one));

        Assert.Equal("edited", merged[RecordField.Description]);
        Assert.Equal("t", merged[RecordField.Tags]);
    }

    [Test]
    public void A_deletion_wins_over_a_copy_that_another_store_takes_in()
    {
        var (one, other) = (new Replica(new Store(1)), new Replica(new Store(2)));
        one.Add(Today, Key, Created, 1, Created, []);
        one.Purge(Today, Key);
        other.Add(Today + TimeSpan.FromDays(1), Key, Created, 1, Created, [(RecordField.Tags, "t")]);

        Assert.True(SyncRecord.Merge(RecordOf(other), RecordOf(one)).IsPurged);
        // Where the deletion is known, adding it again is a decision.
        one.Add(Today, Key, Created, 1, Created, []);
        Assert.False(SyncRecord.Merge(RecordOf(other), RecordOf(one)).IsPurged);
    }

    [Test]
    public void What_is_added_after_a_forgotten_deletion_is_later_than_that()
    {
        var store = new Store(1);
        var replica = new Replica(store);
        replica.Add(Today, Key, Created, 1, Created, []);
        replica.Purge(Today, Key);
        var deleted = RecordOf(replica);
        while (replica.TryTakeSettled(out var key)) replica.Forget(key);
        Assert.False(replica.TryGet(Key, out _));

        replica.Add(Today, Key, Created, 1, Created, [(RecordField.Tags, "t")]);
        Assert.False(SyncRecord.Merge(RecordOf(replica), deleted).IsPurged);

        // One that was created since cannot be what was deleted.
        var created = (Today + TimeSpan.FromDays(1)).UnixMilliseconds;
        var fresh = AssetHash.Of(created, "b"u8);
        replica.Add(Today, fresh, created, 1, created, []);
        Assert.True(replica.TryGet(fresh, out var record));
        Assert.Equal(Stamp.OfAsset(created), record.StampOf(RecordField.Life));
    }

    /// <summary>A time of edits beyond what a timestamp may be would be the last word of all.</summary>
    [Test]
    [Arguments(long.MaxValue)]
    [Arguments(10_000_000_000_000)]
    [Arguments(-1)]
    public void A_time_of_edits_that_is_none_is_not_used(long updated)
    {
        var replica = new Replica(new Store(1));

        replica.Add(Today, Key, Created, 1, updated, [(RecordField.Tags, "t")]);

        Assert.Equal(Stamp.OfAsset(Created), RecordOf(replica).StampOf(RecordField.Tags));
    }

    /// <summary>Records of builds that stamped what they took in by their clocks stay, and are later.</summary>
    [Test]
    public void A_record_with_stamps_of_a_clock_merges_with_one_of_the_asset()
    {
        var clock = new HybridClock(new StoreId(9));
        var old = SyncRecord.Create(Key, Created, 1)
            .With(RecordField.Life, clock.Next(Today, default), null)
            .With(RecordField.Tags, clock.Next(Today, default), "old");
        var store = new Store(1);
        store.SaveRecord(old);
        var replica = new Replica(store);

        Assert.False(replica.Add(Today, Key, Created, 1, Created, [(RecordField.Tags, "new")]));
        var other = new Replica(new Store(2));
        other.Add(Today, Key, Created, 1, Created, [(RecordField.Tags, "new"), (RecordField.Path, "/p/")]);
        var merged = other.Preview(old)!;

        Assert.Equal("old", merged[RecordField.Tags]);
        Assert.Equal("/p/", merged[RecordField.Path]);
        Assert.Equal(merged.Digest, replica.Preview(RecordOf(other))!.Digest);
    }

    private const long AssetFileNameMax = 9_999_999_990_000;

    private static Instant Wall(Prng prng) => Today + TimeSpan.FromDays(prng.NextInt32(-3650, 3650));

    private static List<(RecordField, string?)> RandomDetails(Prng prng) =>
    [
        .. new[] { RecordField.Trashed, RecordField.MimeType, RecordField.Description, RecordField.Tags }
            .Select(f => (f, prng.Pick<string?>([null, "1", "2"]))),
    ];

    private static SyncRecord RecordOf(Replica replica) =>
        replica.TryGet(Key, out var record) ? record : throw new InvalidOperationException("no record");

    /// <summary>Records in memory, and no contents.</summary>
    private sealed class Store(ulong id) : ISyncStore
    {
        private readonly Dictionary<AssetHash, SyncRecord> _records = [];

        public StoreId Id => new(id);

        public ulong ForgottenTime { get; private set; }

        public IEnumerable<SyncRecord> Records() => _records.Values;

        public bool TryGetRecord(AssetHash key, [NotNullWhen(true)] out SyncRecord? record) =>
            _records.TryGetValue(key, out record);

        public void SaveRecord(SyncRecord record)
        {
            Assert.True(SyncRecord.TryRead(record.ToArray(), out _));
            _records[record.Key] = record;
        }

        public void ForgetRecord(AssetHash key, ulong deletionTime)
        {
            _records.Remove(key);
            ForgottenTime = Math.Max(ForgottenTime, deletionTime);
        }

        public IEnumerable<ForgottenDeletion> ForgottenDeletions() => [];

        public bool TryGetForgotten(AssetHash hash, out ForgottenDeletion deletion)
        {
            deletion = default;
            return false;
        }

        public void SaveDeletionCount(bool ofPeers, DeletionCount count)
        {
        }

        public DeletionCount DeletionCountOf(bool ofPeers) => default;

        public bool HasContent(AssetHash hash) => false;

        public bool IsLost(AssetHash hash) => false;

        public bool TryGetTree(AssetHash hash, [NotNullWhen(true)] out ContentTree? tree)
        {
            tree = null;
            return false;
        }

        public bool TryGetPartial(AssetHash hash, [NotNullWhen(true)] out PartialContent? partial)
        {
            partial = null;
            return false;
        }

        public void DropPartial(AssetHash hash)
        {
        }
    }
}
