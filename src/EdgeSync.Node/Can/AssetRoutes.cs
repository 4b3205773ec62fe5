using System.Globalization;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Queries;
using EdgeSync.Can.Service;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace EdgeSync.Node.Can;

/// <summary>
/// Reads and changes assets.
/// <code>
/// GET    /list, /search                  a page of assets; the same filters
/// GET    /asset/HASH                     the bytes, with ranges and conditions
/// GET    /asset/HASH/meta                the details
/// GET    /asset/HASH/thumb/WIDTH/HEIGHT  a JPEG that fits the box
/// PATCH  /asset/HASH/meta                changes details
/// DELETE /asset/HASH                     into the trash; ?permanent=true for good, with the admin token
/// POST   /asset/HASH/restore             out of the trash
/// </code>
/// </summary>
internal sealed class AssetRoutes(
    AssetStore store, MirrorHost? mirror, Thumbnails thumbnails, CanGuard guard)
{
    public Task ListAsync(HttpContext context)
    {
        var parameters = context.Request.Query;
        var fault = AssetQuery.TryParse(
            name => parameters.TryGetValue(name, out var value) ? value.ToString() : null, out var query);
        return fault is not null ? CanAnswer.RefuseAsync(context, 400, fault)
            : CanAnswer.SuccessAsync(
                context, AssetListing.Of(store.Page(query), query), ServiceContext.Default.SuccessAssetListing);
    }

    public async Task ContentAsync(HttpContext context)
    {
        if (await FindAsync(context, includesTrashed: false) is { } asset) await SendAsync(context, asset);
    }

    /// <summary>Sends the content of an asset, with ranges and conditions.</summary>
    public async Task SendAsync(HttpContext context, Asset asset)
    {
        if (asset.IsCorrupted || store.OpenContent(asset) is not { } content)
        {
            await CanAnswer.RefuseAsync(
                context, 500, "the asset is corrupted: its file is missing or has other content");
            return;
        }

        if (content.Length != asset.Size)
        {
            await content.DisposeAsync();
            await CanAnswer.RefuseAsync(context, 500, "the asset is corrupted: its file has another size");
            return;
        }

        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        // What users store must not act as a page of this service.
        headers.ContentSecurityPolicy =
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'";
        var disposition = new ContentDispositionHeaderValue("inline");
        disposition.SetHttpFileName(NameOf(asset));
        headers.ContentDisposition = disposition.ToString();
        await Results.Stream(
            content, asset.Details.MimeType, null, DateTimeOffset.FromUnixTimeMilliseconds(asset.TimestampMs),
            new EntityTagHeaderValue($"\"{asset.Hash}\""), enableRangeProcessing: true).ExecuteAsync(context);
    }

    public async Task MetaAsync(HttpContext context)
    {
        if (await FindAsync(context, includesTrashed: true) is { } asset) await AnswerAsync(context, asset);
    }

    public async Task ThumbnailAsync(HttpContext context)
    {
        if (!TrySide(context, "width", out var width) || !TrySide(context, "height", out var height))
        {
            await CanAnswer.RefuseAsync(context, 400, $"width and height are numbers from 1 to {Thumbnails.SideMax}");
            return;
        }

        if (await FindAsync(context, includesTrashed: false) is not { } asset) return;

        var result = await thumbnails.GetAsync(asset, width, height, context.RequestAborted);
        if (result.Jpeg is not { } jpeg)
        {
            await CanAnswer.RefuseAsync(context, result.Status, result.Error!);
            return;
        }

        context.Response.Headers.CacheControl = "max-age=31536000, immutable";
        await Results.Bytes(
            jpeg, "image/jpeg", null, false, null,
            new EntityTagHeaderValue($"\"{asset.Hash}-{width}x{height}\"")).ExecuteAsync(context);
    }

    public async Task PatchAsync(HttpContext context)
    {
        if (await HashAsync(context) is not { } hash) return;

        using var body = IngestRoutes.Parse(await IngestRoutes.ReadAllAsync(context, DetailsPatch.SizeMax));
        var probe = new AssetDetails();
        if (DetailsPatch.Apply(body.RootElement, ref probe, canSetType: false) is { } fault)
        {
            await CanAnswer.RefuseAsync(context, 400, fault);
            return;
        }

        await AnswerAsync(context, await store.UpdateAsync(hash, details =>
        {
            _ = DetailsPatch.Apply(body.RootElement, ref details, canSetType: false);
            return details;
        }));
    }

    public async Task DeleteAsync(HttpContext context)
    {
        if (await HashAsync(context) is not { } hash) return;

        var permanent = context.Request.Query["permanent"].ToString();
        if (permanent is not ("true" or "1"))
        {
            await AnswerAsync(context, await (mirror?.TrashAsync(hash) ?? store.TrashAsync(hash)));
        }
        else if (guard.AdminStatus(context) is > 0 and var status)
        {
            await CanAnswer.RefuseAsync(context, status, AdminRoutes.RefusalOf(status));
        }
        else if (await (mirror?.DeleteAsync(hash) ?? store.DeleteAsync(hash)))
        {
            await CanAnswer.SuccessAsync(context, "deleted", ServiceContext.Default.SuccessString);
        }
        else
        {
            await NotFoundAsync(context);
        }
    }

    public async Task RestoreAsync(HttpContext context)
    {
        if (await HashAsync(context) is not { } hash) return;

        if (store.Find(hash) is not { IsTrashed: true })
            await CanAnswer.RefuseAsync(context, 404, "no such asset in the trash");
        else await AnswerAsync(context, await store.RestoreAsync(hash));
    }

    private static Task NotFoundAsync(HttpContext context) =>
        CanAnswer.RefuseAsync(context, 404, "no such asset");

    private static Task AnswerAsync(HttpContext context, Asset? asset) => asset is null ? NotFoundAsync(context)
        : CanAnswer.SuccessAsync(context, AssetMeta.Of(asset), ServiceContext.Default.SuccessAssetMeta);

    // A name for saving: without one, the file's own.
    private static string NameOf(Asset asset) => asset.Details.HumanFileName is { Length: > 0 } name
        ? name[(name.LastIndexOfAny(['/', '\\']) + 1)..] is { Length: > 0 } last ? last : asset.FileName
        : asset.FileName;

    private static bool TrySide(HttpContext context, string name, out int side) =>
        int.TryParse(
            (string?)context.Request.RouteValues[name], NumberStyles.None, CultureInfo.InvariantCulture, out side)
        && side is >= 1 and <= Thumbnails.SideMax;

    // Null: an answer was sent.
    private static async Task<AssetHash?> HashAsync(HttpContext context)
    {
        if (AssetHash.TryParse((string?)context.Request.RouteValues["hash"], out var hash)) return hash;

        await CanAnswer.RefuseAsync(context, 400, "a hash is 64 digits of lower-case hex");
        return null;
    }

    private async Task<Asset?> FindAsync(HttpContext context, bool includesTrashed)
    {
        if (await HashAsync(context) is not { } hash) return null;
        if (store.Find(hash) is { } asset && (includesTrashed || !asset.IsTrashed)) return asset;

        await NotFoundAsync(context);
        return null;
    }
}
