using System.Buffers;
using System.Globalization;
using System.Text;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Dav;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Metrics;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Can.Dav;

/// <summary>
/// Changes by way of the tree: below <c>APPLICATION/X/</c> a file that is written becomes an asset, one that is removed
/// or replaced goes into the trash, one that is moved gets another name or application. The other folders are views.
/// </summary>
internal sealed class DavWriting(
    AssetStore store, MirrorHost? mirror, DavTree tree, DavLocks locks, Func<Instant> now)
{
    private const string OnlyApplications = "only below APPLICATION/NAME/ files are written; other folders are views";
    private const int PieceBytes = 64 * 1024;

    public async Task PutAsync(HttpContext context, DavPlace place)
    {
        var known = place.IsFolder ? null : tree.Find(place);
        if (!await MayWriteAsync(context, place) || !await HoldsAsync(context, known)) return;
        if (context.Request.Headers.ContainsKey("Content-Range"))
        {
            await DavRoutes.RefuseAsync(context, 400, "an asset is written as a whole: no Content-Range");
            return;
        }

        var name = DavNames.Decode(place.Name);
        var details = DetailsOf(place) with { MimeType = TypeOf(context.Request, name) };
        if (details.Fault() is { } fault)
        {
            await DavRoutes.RefuseAsync(context, 400, fault);
            return;
        }

        using var upload = store.BeginUpload(expectedSize: context.Request.ContentLength ?? 0);
        await ReceiveAsync(context.Request.Body, upload, context.RequestAborted);
        var stored = await StoreAsync(upload, details);
        if (known is not null && known.Hash != stored.Hash) await TrashAsync(known.Hash);
        tree.Forget(place.Folder!.Name);
        context.Response.Headers.ETag = DavAnswer.TagOf(stored);
        context.Response.StatusCode = known is null ? StatusCodes.Status201Created : StatusCodes.Status204NoContent;
    }

    public async Task DeleteAsync(HttpContext context, DavPlace place)
    {
        if (place.Kind == DavKind.Application)
        {
            await DeleteFolderAsync(context, place);
        }
        else if (await MayWriteAsync(context, place))
        {
            var asset = tree.Find(place);
            if (asset is null)
            {
                await DavRoutes.RefuseAsync(context, 404, "no such file");
            }
            else if (await HoldsAsync(context, asset))
            {
                await TrashAsync(asset.Hash);
                locks.Remove(place.Path);
                context.Response.StatusCode = StatusCodes.Status204NoContent;
            }
        }
    }

    public async Task MakeAsync(HttpContext context, DavPlace place)
    {
        if (context.Request.ContentLength > 0 || context.Request.Headers.ContainsKey("Transfer-Encoding"))
            await DavRoutes.RefuseAsync(context, 415, "a folder is made without a body");
        else if (place.IsFolder && tree.HasFolder(place))
            await DavRoutes.RefuseAsync(context, 405, "the folder is there");
        else if (place.Kind != DavKind.Application)
            await DavRoutes.RefuseAsync(context, 403, "folders are made in APPLICATION/ alone, one level deep");
        else if (new AssetDetails { Application = place.Name }.Fault() is { } fault)
            await DavRoutes.RefuseAsync(context, 400, fault);
        else if (!await IsFreeAsync(context, place)) return;
        else if (!tree.TryMake(place.Name))
            await DavRoutes.RefuseAsync(context, 507, "too many folders hold nothing");
        else context.Response.StatusCode = StatusCodes.Status201Created;
    }

    public async Task CopyAsync(HttpContext context, DavPlace place, bool isMove)
    {
        if (place.IsFolder)
        {
            await DavRoutes.RefuseAsync(context, 403, "folders are neither copied nor moved");
            return;
        }

        var source = tree.Find(place);
        if (source is null)
        {
            await DavRoutes.RefuseAsync(context, 404, "no such file");
            return;
        }

        if (!DavPlace.TryParse(context.Request.Headers["Destination"].ToString(), out var target) || target is null
            || (context.Request.Headers["Destination"].ToString() is not ['/', ..] and var address
                && (!Uri.TryCreate(address, UriKind.Absolute, out var uri)
                    || !uri.Authority.Equals(context.Request.Host.Value, StringComparison.OrdinalIgnoreCase))))
        {
            await DavRoutes.RefuseAsync(context, 403, "the destination is not one of this tree");
            return;
        }

        if (!await MayWriteAsync(context, target) || (isMove && !await MayWriteAsync(context, place))) return;

        var known = tree.Find(target);
        if (known is not null && context.Request.Headers["Overwrite"].ToString().Trim() is "F" or "f")
        {
            await DavRoutes.RefuseAsync(context, 412, "the destination is there");
            return;
        }

        if (known?.Hash == source.Hash)
        {
            await DavRoutes.RefuseAsync(context, 403, "source and destination are the same file");
            return;
        }

        var details = DetailsOf(target);
        if (details.Fault() is { } fault)
        {
            await DavRoutes.RefuseAsync(context, 400, fault);
            return;
        }

        if (known is not null) await TrashAsync(known.Hash);
        if (isMove)
        {
            await store.UpdateAsync(source.Hash, present => present with
            {
                HumanFileName = details.HumanFileName,
                Application = details.Application,
            });
            locks.Remove(place.Path);
        }
        else if (!await CopyAsync(context, source, details)) return;

        tree.Forget(target.Folder!.Name);
        context.Response.StatusCode = known is null ? StatusCodes.Status201Created : StatusCodes.Status204NoContent;
    }

    public async Task LockAsync(HttpContext context, DavPlace place)
    {
        var timeout = TimeoutOf(context.Request.Headers["Timeout"].ToString());
        if (await DavRoutes.BodyAsync(context) is not { } body)
        {
            await DavRoutes.RefuseAsync(context, 413, "the body is too large");
            return;
        }

        if (body.Length == 0)
        {
            var refreshed = DavConditions.TryParse(context.Request.Headers["If"].ToString(), out var conditions)
                ? conditions.Tokens.Select(t => locks.Refresh(t, place.Path, timeout, now()))
                    .FirstOrDefault(l => l is not null)
                : null;
            if (refreshed is null)
                await DavRoutes.RefuseAsync(context, 412, "the If header names no lock of this file");
            else await AnswerAsync(context, refreshed, 200);
            return;
        }

        if (!DavRequests.TryParseLock(body, out var request))
        {
            await DavRoutes.RefuseAsync(context, 400, "the body is not a lockinfo of RFC 4918, or has a document type");
            return;
        }

        if (!IsWriteable(place))
        {
            await DavRoutes.RefuseAsync(context, 403, OnlyApplications);
            return;
        }

        if (!await HoldsIfAsync(context, place)) return;

        var depth = context.Request.Headers["Depth"].ToString();
        var isThere = place.IsFolder ? tree.HasFolder(place) : tree.Find(place) is not null;
        var held = locks.TryLock(
            place.Path, place.IsFolder && depth != "0", request.IsExclusive, request.Owner, timeout, now());
        if (held is null)
            await DavRoutes.RefuseAsync(context, 423, "another client holds a lock, or there are too many");
        else await AnswerAsync(context, held, isThere ? 200 : 201);
    }

    public async Task UnlockAsync(HttpContext context, DavPlace place)
    {
        var token = context.Request.Headers["Lock-Token"].ToString().Trim();
        if (token is not ['<', .., '>'])
            await DavRoutes.RefuseAsync(context, 400, "the Lock-Token is missing");
        else if (locks.Unlock(token[1..^1], place.Path, now()))
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        else await DavRoutes.RefuseAsync(context, 409, "this file has no such lock");
    }

    /// <summary>
    /// Whether the conditions of the request hold, and no other client has a lock; else a refusal was sent.
    /// </summary>
    public async Task<bool> IsFreeAsync(HttpContext context, DavPlace place)
    {
        if (!await HoldsIfAsync(context, place)) return false;

        var held = locks.Of(place.Path, now());
        if (held.Count == 0) return true;

        _ = DavConditions.TryParse(context.Request.Headers["If"].ToString(), out var conditions);
        if (held.Any(l => conditions.Tokens.Contains(l.Token, StringComparer.Ordinal))) return true;

        await DavRoutes.RefuseAsync(context, 423, "another client holds a lock");
        return false;
    }

    // Only one that was made and holds nothing.
    private async Task DeleteFolderAsync(HttpContext context, DavPlace place)
    {
        if (!await IsFreeAsync(context, place)) return;
        if (store.NamedAfter(place.Query, 0, 1).Count > 0)
            await DavRoutes.RefuseAsync(context, 403, "a folder is removed by removing what it holds");
        else if (!tree.Forget(place.Name)) await DavRoutes.RefuseAsync(context, 404, "no such folder");
        else
        {
            locks.Remove(place.Path);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
    }

    private static bool IsWriteable(DavPlace place) =>
        place.Kind == DavKind.Application || place is { Kind: DavKind.File, Folder.Kind: DavKind.Application };

    private static AssetDetails DetailsOf(DavPlace file) => new()
    {
        Application = file.Folder!.Name,
        HumanFileName = DavNames.Decode(file.Name),
    };

    // The name says more than what most clients send.
    private static string TypeOf(HttpRequest request, string name)
    {
        var known = MimeTypes.Of(name);
        var sent = request.ContentType ?? "";
        return known == MimeTypes.Unknown && sent.Length > 0 && MimeTypes.IsWellFormed(sent) ? sent : known;
    }

    private static TimeSpan TimeoutOf(string text)
    {
        foreach (var wish in text.Split(','))
        {
            if (wish.Trim() is "Infinite") return DavLocks.TimeoutMax;
            if (wish.Trim() is ['S', 'e', 'c', 'o', 'n', 'd', '-', .. var digits]
                && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
                && seconds > 0)
                return TimeSpan.FromSeconds(Math.Min(seconds, (long)DavLocks.TimeoutMax.TotalSeconds));
        }

        return DavLocks.TimeoutDefault;
    }

    private static async Task AnswerAsync(HttpContext context, DavLock held, int status)
    {
        context.Response.Headers["Lock-Token"] = $"<{held.Token}>";
        await CanAnswer.BytesAsync(
            context, status, "application/xml; charset=utf-8",
            Encoding.UTF8.GetBytes(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:prop xmlns:D=\"DAV:\"><D:lockdiscovery>"
                    + DavAnswer.LocksOf([held]) + "</D:lockdiscovery></D:prop>\n"));
    }

    private static async Task ReceiveAsync(Stream source, AssetUpload target, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            int read;
            while ((read = await source.ReadAsync(buffer, cancellationToken)) > 0)
                target.Append(buffer.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<bool> CopyAsync(HttpContext context, Asset source, AssetDetails details)
    {
        if (source.IsCorrupted || store.OpenContent(source) is not { } content)
        {
            await DavRoutes.RefuseAsync(
                context, 500, "the asset is corrupted: its file is missing or has other content");
            return false;
        }

        await using (content)
        {
            using var upload = store.BeginUpload(expectedSize: source.Size);
            await ReceiveAsync(content, upload, context.RequestAborted);
            await StoreAsync(upload, details with { MimeType = source.Details.MimeType });
        }

        return true;
    }

    private async Task<Asset> StoreAsync(AssetUpload upload, AssetDetails details)
    {
        var stored = await store.StoreAsync(upload, details);
        Instruments.CanIngested.Add(1);
        Instruments.CanIngestedBytes.Record(upload.Size);
        return stored.Asset;
    }

    private async Task TrashAsync(AssetHash hash) =>
        _ = await (mirror?.TrashAsync(hash) ?? store.TrashAsync(hash));

    // A file below APPLICATION/NAME/ that no other client has locked; else a refusal was sent.
    private async Task<bool> MayWriteAsync(HttpContext context, DavPlace place)
    {
        if (place.IsFolder || !IsWriteable(place))
        {
            await DavRoutes.RefuseAsync(context, place.Kind == DavKind.Application ? 405 : 403, OnlyApplications);
            return false;
        }

        if (Encoding.UTF8.GetByteCount(place.Name) > DavNames.BytesMax)
        {
            await DavRoutes.RefuseAsync(context, 414, $"the name is longer than {DavNames.BytesMax} bytes");
            return false;
        }

        return await IsFreeAsync(context, place);
    }

    private async Task<bool> HoldsIfAsync(HttpContext context, DavPlace place)
    {
        var text = context.Request.Headers["If"].ToString();
        if (!DavConditions.TryParse(text, out var conditions))
        {
            await DavRoutes.RefuseAsync(context, 400, "the If header cannot be read");
            return false;
        }

        if (conditions.Hold(resource => StateOf(resource is null ? place
            : DavPlace.TryParse(resource, out var other) ? other : null))) return true;

        await DavRoutes.RefuseAsync(context, 412, "the conditions of the If header do not hold");
        return false;
    }

    private DavState StateOf(DavPlace? place) => place is null ? new DavState(null, []) : new DavState(
        place.IsFolder || tree.Find(place) is not { } asset ? null : DavAnswer.TagOf(asset),
        [.. locks.Of(place.Path, now()).Select(l => l.Token)]);

    // If-Match and If-None-Match, as clients that write without locks send them.
    private static async Task<bool> HoldsAsync(HttpContext context, Asset? present)
    {
        var headers = context.Request.Headers;
        var (match, none) = (headers.IfMatch.ToString(), headers.IfNoneMatch.ToString());
        var tag = present is null ? null : DavAnswer.TagOf(present);
        bool Names(string list) => tag is not null
            && (list.Trim() == "*" || list.Split(',').Any(t => t.Trim() == tag));
        if ((match.Length == 0 || Names(match)) && (none.Length == 0 || !Names(none))) return true;

        await DavRoutes.RefuseAsync(context, 412, "the file is not what the conditions say");
        return false;
    }
}
