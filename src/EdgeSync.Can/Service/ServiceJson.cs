using System.Text.Json.Serialization;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Queries;

namespace EdgeSync.Can.Service;

/// <summary>A successful answer: <c>{"status":"success","data":…}</c>.</summary>
public sealed record Success<T>(string Status, T Data)
{
    /// <summary>The one status.</summary>
    public const string Word = "success";
}

/// <summary>A failure: <c>{"status":"error","error":"text"}</c>.</summary>
public sealed record Refusal(string Status, string Error)
{
    /// <summary>The one status.</summary>
    public const string Word = "error";
}

/// <summary>An asset as the service shows it.</summary>
public sealed record AssetMeta(
    string Hash, long Timestamp, string MimeType, long Size, string? Application, string? User,
    IReadOnlyList<string> Tags, string? Description, string? HumanFilename, string? HumanPath, bool IsTrashed,
    bool IsCorrupted)
{
    public static AssetMeta Of(Asset asset)
    {
        ArgumentNullException.ThrowIfNull(asset);
        var details = asset.Details;
        return new AssetMeta(
            asset.Hash.ToString(), asset.TimestampMs, details.MimeType, asset.Size, details.Application, details.User,
            details.Tags, details.Description, details.HumanFileName, details.HumanPath, asset.IsTrashed,
            asset.IsCorrupted);
    }
}

/// <summary>A stored asset.</summary>
/// <param name="Filename">The name of its file.</param>
/// <param name="AlreadyExisted">The same content was stored in the same millisecond: this is that asset.</param>
public sealed record Ingested(
    string Hash, long Timestamp, string Filename, string MimeType, long Size, bool AlreadyExisted)
{
    public static Ingested Of(Asset asset, bool alreadyExisted)
    {
        ArgumentNullException.ThrowIfNull(asset);
        return new Ingested(
            asset.Hash.ToString(), asset.TimestampMs, asset.FileName, asset.Details.MimeType, asset.Size,
            alreadyExisted);
    }
}

/// <summary>A page of assets.</summary>
public sealed record AssetListing(IReadOnlyList<AssetMeta> Items, Pagination Pagination)
{
    public static AssetListing Of(AssetPage page, AssetQuery query)
    {
        ArgumentNullException.ThrowIfNull(page);
        ArgumentNullException.ThrowIfNull(query);
        return new AssetListing(
            [.. page.Items.Select(AssetMeta.Of)],
            new Pagination(page.Total, query.Limit, query.Offset, page.Next?.ToString()));
    }
}

/// <param name="Total">All that fit.</param>
/// <param name="Limit">Of a page.</param>
/// <param name="Offset">Of this page.</param>
/// <param name="Next">The cursor of the next page; null on the last one.</param>
public sealed record Pagination(long Total, int Limit, long Offset, string? Next);

/// <summary>The last pass of the verifier.</summary>
/// <param name="LastRun">Unix milliseconds of its end; null before the first.</param>
public sealed record VerifyState(bool Running, long? LastRun, long Checked, long Corrupted, long Missing);

/// <summary>What a rebuild found.</summary>
/// <param name="Indexed">Assets in the new index.</param>
/// <param name="Errors">Files that are none, or could not be read.</param>
public sealed record RebuildResult(long Indexed, long Errors);

/// <summary>The state of a service.</summary>
public sealed record CanStatus(
    string Version, string StorageRoot, long Assets, long Bytes, long Trashed, long Corrupted, long Tags,
    long DiskFree, long DiskReserve, VerifyState Verify);

/// <summary>An event of a stream.</summary>
public sealed record AssetEvent(string Hash, long Timestamp);

/// <summary>
/// The JSON of the service: names in snake case, in the order of declaration; null is written, as the original does.
/// </summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Success<AssetMeta>))]
[JsonSerializable(typeof(Success<Ingested>))]
[JsonSerializable(typeof(Success<AssetListing>))]
[JsonSerializable(typeof(Success<VerifyState>))]
[JsonSerializable(typeof(Success<RebuildResult>))]
[JsonSerializable(typeof(Success<CanStatus>))]
[JsonSerializable(typeof(Success<string>))]
[JsonSerializable(typeof(CanStatus))]
[JsonSerializable(typeof(AssetMeta))]
[JsonSerializable(typeof(Refusal))]
[JsonSerializable(typeof(AssetEvent))]
public sealed partial class ServiceContext : JsonSerializerContext;
