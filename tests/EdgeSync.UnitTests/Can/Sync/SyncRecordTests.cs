using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Can.Sync;

public sealed class SyncRecordTests
{
    private static readonly AssetHash Key = AssetHash.Of(1, "a"u8);

    /// <summary>The bytes of a record, as docs/formats/can-sync.md has them.</summary>
    [Test]
    public void Bytes_are_those_of_the_format()
    {
        var record = SyncRecord.Create(Key, 300, 5)
            .With(RecordField.Life, StampOf(0x0102, 7), null)
            .With(RecordField.Tags, StampOf(0x0103, 8), "ä");

        Assert.Equal(
            "00" + "ac02" + "05" + Key
                + "02" + "00" + "0000000000000102" + "0000000000000007" + "00"
                + "08" + "0000000000000103" + "0000000000000008" + "03c3a4" + "00",
            Convert.ToHexStringLower(record.ToArray()));
    }

    [Test]
    public void A_record_is_read_as_it_was_written() => Property.Check(prng =>
    {
        var record = RandomRecord(prng);

        Assert.True(SyncRecord.TryRead(record.ToArray(), out var read));
        Assert.Equal(record.ToArray(), read.ToArray());
        Assert.Equal(record.Digest, read.Digest);
    });

    [Test]
    public void A_part_of_a_record_is_none()
    {
        var bytes = RandomRecord(new Prng(3)).ToArray();

        foreach (var prefix in Splits.Prefixes(bytes)) Assert.False(SyncRecord.TryRead(prefix, out _));
        Assert.False(SyncRecord.TryRead([.. bytes, 0], out _));
    }

    [Test]
    public void No_bytes_make_the_reader_throw() => Property.Check(
        prng =>
        {
            var bytes = Mutation.OfBytes(prng, RandomRecord(prng).ToArray(), []);
            if (SyncRecord.TryRead(bytes, out var read)) Assert.Equal(bytes, read.ToArray());
        },
        runs: 3000);

    [Test]
    public void The_order_of_merges_does_not_count() => Property.Check(
        prng =>
        {
            SyncRecord[] all = [.. Enumerable.Range(0, prng.NextInt32(2, 5)).Select(_ => RandomRecord(prng))];
            var one = all.Aggregate(SyncRecord.Merge);
            prng.Shuffle(all.AsSpan());
            var other = all.Aggregate(SyncRecord.Merge);

            // What a deletion drops may come back by a record that it did not meet; once both meet, they agree.
            Assert.Equal(SyncRecord.Merge(one, other).Digest, SyncRecord.Merge(other, one).Digest);
            Assert.Equal(one[RecordField.Life], other[RecordField.Life]);
            if (all.All(r => r[RecordField.Life] is null)) Assert.Equal(one.Digest, other.Digest);
            Assert.Equal(one.Digest, SyncRecord.Merge(one, one).Digest);
        },
        runs: 1000);

    [Test]
    public void A_deletion_takes_the_fields_and_lists_who_has_it()
    {
        var deleted = SyncRecord.Create(Key, 1, 1)
            .With(RecordField.Description, StampOf(9, 1), "x")
            .With(RecordField.Life, StampOf(5, 1), SyncRecord.Purged)
            .WithHolder(new StoreId(4)).WithHolder(new StoreId(2)).WithHolder(new StoreId(4));

        Assert.True(deleted.IsPurged);
        Assert.Null(deleted[RecordField.Description]);
        Assert.Equal("2 4", string.Join(' ', deleted.Holders.ToArray().Select(h => h.Value)));
    }

    [Test]
    public void Holders_are_of_one_deletion()
    {
        var earlier = SyncRecord.Create(Key, 1, 1).With(RecordField.Life, StampOf(5, 1), SyncRecord.Purged)
            .WithHolder(new StoreId(4));
        var later = SyncRecord.Create(Key, 1, 1).With(RecordField.Life, StampOf(6, 1), SyncRecord.Purged)
            .WithHolder(new StoreId(2));

        Assert.Equal($"{new StoreId(2)}", string.Join(' ', SyncRecord.Merge(earlier, later).Holders.ToArray()));
        Assert.Equal($"{new StoreId(2)}", string.Join(' ', SyncRecord.Merge(later, earlier).Holders.ToArray()));
    }

    [Test]
    public void What_was_written_before_a_deletion_stays_gone_when_the_asset_is_added_again()
    {
        var old = SyncRecord.Create(Key, 1, 1).With(RecordField.Description, StampOf(4, 1), "old");
        var again = SyncRecord.Create(Key, 1, 1)
            .With(RecordField.Life, StampOf(6, 1), SyncRecord.Again)
            .With(RecordField.Tags, StampOf(7, 1), "new");

        var merged = SyncRecord.Merge(old, again);

        Assert.Null(merged[RecordField.Description]);
        Assert.Equal("new", merged[RecordField.Tags]);
    }

    [Test]
    public void A_store_cannot_have_the_key_of_another()
    {
        var record = SyncRecord.Create(SyncRecord.KeyOf(new StoreId(1)), 0, 0, RecordKind.Store);
        var good = record.With(RecordField.Store, StampOf(1, 1), new StoreId(1).ToString());
        var bad = record.With(RecordField.Store, StampOf(1, 1), new StoreId(2).ToString());

        Assert.True(SyncRecord.TryRead(good.ToArray(), out _));
        Assert.False(SyncRecord.TryRead(bad.ToArray(), out _));
        Assert.False(SyncRecord.TryRead(record.ToArray(), out _));
    }

    internal static SyncRecord RandomRecord(Prng prng)
    {
        var record = SyncRecord.Create(Key, 1, 1);
        for (var count = prng.NextInt32(1, 5); count > 0; count--)
        {
            var field = (RecordField)prng.NextInt32(0, 9);
            string?[] values = field == RecordField.Life
                ? [null, SyncRecord.Purged, SyncRecord.Again] : [null, "", "1", "äöü"];
            record = record.With(
                field, StampOf((ulong)prng.NextInt32(1, 20), (ulong)prng.NextInt32(1, 4)), prng.Pick<string?>(values));
        }

        return record.IsPurged ? record.WithHolder(new StoreId(prng.NextUInt64())) : record;
    }

    private static Stamp StampOf(ulong time, ulong store) => new(time, new StoreId(store));
}
