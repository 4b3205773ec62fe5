using System.Diagnostics.CodeAnalysis;
using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Sync.Records;

/// <summary>
/// Details of an asset as fields of its record, and back. What no store would take from a user is made into what it
/// takes, by each store alike.
/// </summary>
public static class RecordDetails
{
    /// <summary>All fields of an asset that stands in an index.</summary>
    public static IReadOnlyList<(RecordField Field, string? Value)> FieldsOf(Asset asset)
    {
        ArgumentNullException.ThrowIfNull(asset);
        return FieldsOf(asset.Details, asset.IsTrashed);
    }

    /// <inheritdoc cref="FieldsOf(Asset)"/>
    public static IReadOnlyList<(RecordField Field, string? Value)> FieldsOf(AssetDetails details, bool isTrashed)
    {
        ArgumentNullException.ThrowIfNull(details);
        return [.. Values(details), (RecordField.Trashed, isTrashed ? SyncRecord.On : null)];
    }

    /// <summary>The details that the fields come to.</summary>
    public static AssetDetails Of(SyncRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var type = record[RecordField.MimeType];
        return new AssetDetails
        {
            MimeType = type is not null && MimeTypes.IsWellFormed(type) ? type : MimeTypes.Unknown,
            Application = Cut(record[RecordField.Application], AssetDetails.NameLengthMax),
            User = Cut(record[RecordField.User], AssetDetails.NameLengthMax),
            Description = Cut(record[RecordField.Description], AssetDetails.DescriptionLengthMax),
            HumanFileName = Cut(record[RecordField.FileName], AssetDetails.NameLengthMax),
            HumanPath = Cut(record[RecordField.Path], AssetDetails.NameLengthMax),
            Tags = [.. TagList.Parse(record[RecordField.Tags])
                .Where(t => t.Length <= TagList.LengthMax).Take(TagList.CountMax)],
        };
    }

    /// <summary>What a user has changed: the fields in which an asset differs from its record.</summary>
    public static IReadOnlyList<(RecordField Field, string? Value)> Changes(SyncRecord record, Asset asset)
    {
        ArgumentNullException.ThrowIfNull(asset);
        return Changes(record, asset.Details, asset.IsTrashed);
    }

    /// <inheritdoc cref="Changes(SyncRecord, Asset)"/>
    public static IReadOnlyList<(RecordField Field, string? Value)> Changes(
        SyncRecord record, AssetDetails details, bool isTrashed)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(details);
        var changes = new List<(RecordField, string?)>();
        foreach (var ((field, known), (_, value)) in Values(Of(record)).Zip(Values(details)))
        {
            if (known != value) changes.Add((field, value));
        }

        if (record.IsTrashed != isTrashed) changes.Add((RecordField.Trashed, isTrashed ? SyncRecord.On : null));
        return changes;
    }

    /// <summary>
    /// An asset after its record has changed: fields that are as the record before had them follow it. What a user has
    /// changed meanwhile stays; it will be written later than the record.
    /// </summary>
    /// <param name="before">Null: there was none, and the asset stays as it is.</param>
    public static Asset Follow(Asset asset, SyncRecord? before, SyncRecord after)
    {
        ArgumentNullException.ThrowIfNull(asset);
        ArgumentNullException.ThrowIfNull(after);
        if (before is null || before.IsPurged) return asset;

        var (now, old, next) = (asset.Details, Of(before), Of(after));
        var details = now with
        {
            MimeType = now.MimeType == old.MimeType ? next.MimeType : now.MimeType,
            Application = now.Application == old.Application ? next.Application : now.Application,
            User = now.User == old.User ? next.User : now.User,
            Description = now.Description == old.Description ? next.Description : now.Description,
            HumanFileName = now.HumanFileName == old.HumanFileName ? next.HumanFileName : now.HumanFileName,
            HumanPath = now.HumanPath == old.HumanPath ? next.HumanPath : now.HumanPath,
            Tags = now.Tags.SequenceEqual(old.Tags) ? next.Tags : now.Tags,
        };
        var isTrashed = asset.IsTrashed == before.IsTrashed ? after.IsTrashed : asset.IsTrashed;
        return IsSame(details, now) && isTrashed == asset.IsTrashed
            ? asset
            : asset with
            {
                Details = details,
                IsTrashed = isTrashed,
                MetaUpdatedAtMs = Math.Max(asset.MetaUpdatedAtMs + 1, LatestMsOf(after)),
            };
    }

    /// <summary>When the latest of its fields was written, Unix milliseconds.</summary>
    public static long LatestMsOf(SyncRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var latest = 0L;
        foreach (var field in record.Fields) latest = Math.Max(latest, field.Stamp.UnixMilliseconds);
        return latest;
    }

    public static bool IsSame(AssetDetails one, AssetDetails other) => Values(one).SequenceEqual(Values(other));

    private static (RecordField Field, string? Value)[] Values(AssetDetails details) =>
    [
        (RecordField.MimeType, details.MimeType),
        (RecordField.Application, details.Application),
        (RecordField.User, details.User),
        (RecordField.Description, details.Description),
        (RecordField.FileName, details.HumanFileName),
        (RecordField.Path, details.HumanPath),
        (RecordField.Tags, details.Tags.Count > 0 ? TagList.Join(details.Tags) : null),
    ];

    [return: NotNullIfNotNull(nameof(text))]
    private static string? Cut(string? text, int lengthMax)
    {
        if (text is null || text.Length <= lengthMax) return text;

        return text[..(char.IsHighSurrogate(text[lengthMax - 1]) ? lengthMax - 1 : lengthMax)];
    }
}
