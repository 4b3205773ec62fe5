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
    long DiskFree, long DiskReserve, VerifyState Verify, MirrorStatus? Mirror);

/// <summary>A store's part in its mirror.</summary>
/// <param name="Store">Its id in the mirror.</param>
/// <param name="Endpoint">By which others dial it.</param>
/// <param name="Ticket">The same with its addresses.</param>
/// <param name="Missing">Assets of which the content has not come yet.</param>
/// <param name="LimitBytesPerSecond">In force; null: none.</param>
/// <param name="Deletions">Deletions that some store does not have yet.</param>
/// <param name="Questions">Open ones, which a person has to decide.</param>
/// <param name="Peers">Stores that are connected.</param>
/// <param name="Stores">All stores of the mirror.</param>
public sealed record MirrorStatus(
    string Store, string Endpoint, string Name, string Ticket, long Missing, bool IsPaused, long? LimitBytesPerSecond,
    long Deletions, IReadOnlyList<string> Questions, IReadOnlyList<MirrorPeerStatus> Peers,
    IReadOnlyList<MirrorStoreStatus> Stores);

/// <summary>A store that is connected.</summary>
/// <param name="Store">Empty where the protocol is the original's, which does not tell.</param>
/// <param name="Protocol">Of the connection.</param>
/// <param name="IsInSync">Records are equal, and no content is missing on either side.</param>
/// <param name="Route"><c>direct</c> or <c>relay</c>; null while there is none.</param>
/// <param name="Downloads">Assets that are being fetched from it.</param>
/// <param name="Uploads">Assets that are being sent to it.</param>
/// <param name="Missing">Assets of which it lacks the content.</param>
public sealed record MirrorPeerStatus(
    string Endpoint, string Store, string Name, string Protocol, bool IsInSync, string? Route, string? Address,
    double? RttMs, int Downloads, int Uploads, long Missing);

/// <summary>A store of the mirror.</summary>
public sealed record MirrorStoreStatus(string Store, string Name, string Endpoint, bool IsConnected);

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
[JsonSerializable(typeof(Success<MirrorStatus>))]
[JsonSerializable(typeof(Success<string>))]
[JsonSerializable(typeof(CanStatus))]
[JsonSerializable(typeof(AssetMeta))]
[JsonSerializable(typeof(Refusal))]
[JsonSerializable(typeof(AssetEvent))]
public sealed partial class ServiceContext : JsonSerializerContext;
