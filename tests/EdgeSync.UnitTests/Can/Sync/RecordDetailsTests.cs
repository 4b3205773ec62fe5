using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Can.Sync;

public sealed class RecordDetailsTests
{
    private static readonly StoreId Here = new(1);

    [Test]
    public void Details_come_back_as_they_were()
    {
        var asset = Sample() with { IsTrashed = true };
        var record = RecordOf(asset, 1);

        Assert.True(RecordDetails.IsSame(asset.Details, RecordDetails.Of(record)));
        Assert.True(record.IsTrashed);
        Assert.Empty(RecordDetails.Changes(record, asset));
    }

    [Test]
    public void What_a_user_has_changed_is_what_differs()
    {
        var asset = Sample();
        var record = RecordOf(asset, 1);
        var edited = asset with { IsTrashed = true, Details = asset.Details with { Tags = ["x", "y"], User = null } };

        var changes = RecordDetails.Changes(record, edited);

        Assert.Equal(
            [(RecordField.User, null), (RecordField.Tags, "x,y"), (RecordField.Trashed, "1")], changes);
    }

    [Test]
    public void An_asset_follows_its_record_where_no_user_has_changed_it()
    {
        var asset = Sample();
        var before = RecordOf(asset, 1);
        var after = before.With(RecordField.Description, new Stamp(9, Here), "new")
            .With(RecordField.Tags, new Stamp(9, Here), "t").With(RecordField.Trashed, new Stamp(9, Here), "1");
        var edited = asset with { Details = asset.Details with { Description = "mine" } };

        var followed = RecordDetails.Follow(edited, before, after);

        Assert.Equal("mine", followed.Details.Description);
        Assert.Equal(["t"], followed.Details.Tags);
        Assert.True(followed.IsTrashed);
        Assert.True(followed.MetaUpdatedAtMs > asset.MetaUpdatedAtMs);
        Assert.Same(edited, RecordDetails.Follow(edited, null, after));
        Assert.Same(asset, RecordDetails.Follow(asset, before, before));
    }

    /// <summary>A store takes what any peer sends as details that it would take from a user.</summary>
    [Test]
    public void Whatever_a_record_has_becomes_details_without_fault() => Property.Check(prng =>
    {
        var record = SyncRecord.Create(AssetHash.Of(5, "a"u8), 5, 1);
        foreach (var field in Enum.GetValues<RecordField>())
        {
            if (field is RecordField.Life || !prng.Chance(0.7)) continue;
            record = record.With(field, new Stamp(prng.NextUInt64() % 1000, Here), TextOf(prng));
        }

        var details = RecordDetails.Of(record);

        Assert.Null(details.Fault());
        var asset = Sample() with { Details = details, IsTrashed = record.IsTrashed };
        Assert.Empty(RecordDetails.Changes(record, asset));
    });

    private static string? TextOf(Prng prng) => prng.NextInt32(6) switch
    {
        0 => null,
        1 => "",
        2 => new string('\ud83d', prng.NextInt32(1, 3)) + "\ude00",
        3 => string.Concat(Enumerable.Repeat("\U0001F600", prng.NextInt32(1, 40_000))),
        4 => string.Join(',', Enumerable.Range(0, prng.NextInt32(1, 300)).Select(i => $" tag{i % 120} ")),
        _ => "text/plain",
    };

    private static SyncRecord RecordOf(Asset asset, ulong time)
    {
        var record = SyncRecord.Create(asset.Hash, asset.TimestampMs, asset.Size);
        foreach (var (field, value) in RecordDetails.FieldsOf(asset))
            record = record.With(field, new Stamp(time, Here), value);
        return record;
    }

    private static Asset Sample() => new()
    {
        Hash = AssetHash.Of(5, "a"u8),
        TimestampMs = 5,
        Size = 1,
        FileName = "x",
        MetaUpdatedAtMs = 5,
        Details = new AssetDetails
        {
            MimeType = "text/plain",
            Application = "app",
            User = "u",
            Description = "ä",
            HumanFileName = "a.txt",
            HumanPath = "/x/",
            Tags = ["a", "b"],
        },
    };
}
