using System.Text;
using EdgeSync.Can.Dav;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace EdgeSync.Node.Can.Dav;

/// <summary>
/// The store as a tree of folders, over WebDAV (RFC 4918, classes 1 and 2), so that every system mounts it.
/// <code>
/// /dav/CAN/            all assets, by the names of their files
/// /dav/APPLICATION/X/  those of an application; a file that is written here becomes an asset
/// /dav/DATES/2026/11/  by the month of their creation, in UTC
/// /dav/TAGS/X/         those with a tag
/// </code>
/// </summary>
internal sealed class DavRoutes
{
    private const string ReadingAllowed = "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH",
        WritingAllowed = ReadingAllowed + ", PUT, DELETE, COPY, MOVE, MKCOL, LOCK, UNLOCK";

    private readonly AssetStore _store;
    private readonly AssetRoutes _assets;
    private readonly DavTree _tree;
    private readonly DavLocks _locks = new(new SystemEntropy());
    private readonly DavWriting _writing;
    private readonly TimeProvider _clock;

    public DavRoutes(AssetStore store, MirrorHost? mirror, AssetRoutes assets, TimeProvider clock)
    {
        (_store, _assets, _clock) = (store, assets, clock);
        _tree = new DavTree(store);
        _writing = new DavWriting(store, mirror, _tree, _locks, () => Now);
    }

    private Instant Now => Instant.FromDateTime(_clock.GetUtcNow());

    /// <summary>Answers for <c>/</c>, where some systems ask first.</summary>
    public static Task OptionsAsync(HttpContext context)
    {
        context.Response.Headers["DAV"] = "1, 2";
        context.Response.Headers["MS-Author-Via"] = "DAV";
        context.Response.Headers.Allow = WritingAllowed;
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    public async Task ServeAsync(HttpContext context)
    {
        if (!DavPlace.TryParse(TargetOf(context), out var place))
        {
            await RefuseAsync(context, 400, "the address is not one of this tree");
            return;
        }

        context.Response.Headers["DAV"] = "1, 2";
        var method = context.Request.Method.ToUpperInvariant();
        if (place is null) await RefuseAsync(context, method is "PUT" or "MKCOL" ? 403 : 404, "no such folder or file");
        else await (method switch
        {
            "OPTIONS" => OptionsAsync(context),
            "GET" or "HEAD" => GetAsync(context, place),
            "PROPFIND" => PropfindAsync(context, place),
            "PROPPATCH" => ProppatchAsync(context, place),
            "PUT" => _writing.PutAsync(context, place),
            "DELETE" => _writing.DeleteAsync(context, place),
            "MKCOL" => _writing.MakeAsync(context, place),
            "COPY" => _writing.CopyAsync(context, place, isMove: false),
            "MOVE" => _writing.CopyAsync(context, place, isMove: true),
            "LOCK" => _writing.LockAsync(context, place),
            "UNLOCK" => _writing.UnlockAsync(context, place),
            _ => RefuseMethodAsync(context),
        });
    }

    /// <summary>A refusal, in plain words.</summary>
    public static Task RefuseAsync(HttpContext context, int status, string reason) => CanAnswer.BytesAsync(
        context, status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(reason + "\n"));

    /// <summary>A body of XML; null: it is too large.</summary>
    public static async Task<byte[]?> BodyAsync(HttpContext context)
    {
        try
        {
            return await IngestRoutes.ReadAllAsync(context, DavRequests.BytesMax);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == 413)
        {
            return null;
        }
    }

    // As it was sent: what routing has is decoded, and a slash in a name would be one of the path.
    private static string TargetOf(HttpContext context) =>
        context.Features.Get<IHttpRequestFeature>()?.RawTarget is { Length: > 0 } target ? target
            : context.Request.Path.ToUriComponent();

    private static Task RefuseMethodAsync(HttpContext context)
    {
        context.Response.Headers.Allow = WritingAllowed;
        return RefuseAsync(context, 405, "no such method in this tree");
    }

    private Task GetAsync(HttpContext context, DavPlace place)
    {
        if (place.IsFolder && !_tree.HasFolder(place)) return RefuseAsync(context, 404, "no such folder");
        if (place.IsFolder)
        {
            context.Response.Headers.Allow = ReadingAllowed;
            return RefuseAsync(
                context, 405, "this is a folder for programs that know WebDAV; the pages of this store are at /");
        }

        return _tree.Find(place) is { } asset ? _assets.SendAsync(context, asset)
            : RefuseAsync(context, 404, "no such file");
    }

    private async Task PropfindAsync(HttpContext context, DavPlace place)
    {
        var depth = context.Request.Headers["Depth"].ToString();
        if (depth is not ("0" or "1"))
        {
            // RFC 4918 §9.1: a server may refuse what has no bounds.
            await CanAnswer.BytesAsync(
                context, 403, "application/xml; charset=utf-8",
                Encoding.UTF8.GetBytes(
                    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:error xmlns:D=\"DAV:\"><D:propfind-finite-depth/>"
                        + "</D:error>\n"));
            return;
        }

        if (await BodyAsync(context) is not { } body)
        {
            await RefuseAsync(context, 413, "the body is too large");
            return;
        }

        if (!DavRequests.TryParsePropfind(body, out var request))
        {
            await RefuseAsync(context, 400, "the body is not a propfind of RFC 4918, or has a document type");
            return;
        }

        var asset = place.IsFolder ? null : _tree.Find(place);
        if (place.IsFolder ? !_tree.HasFolder(place) : asset is null)
        {
            await RefuseAsync(context, 404, "no such folder or file");
            return;
        }

        var (free, reserve) = _store.Disk;
        var answer = new DavAnswer(context, _locks, () => Now)
        {
            Quota = (Math.Max(0, free - reserve), _store.Counts().Bytes),
        };
        answer.Add(place, asset, request);
        if (depth == "1" && place.IsFolder)
        {
            foreach (var page in _tree.List(place))
            {
                foreach (var (child, content) in page) answer.Add(child, content, request);
                await answer.SendAsync(isLast: false);
            }
        }

        await answer.SendAsync(isLast: true);
    }

    private async Task ProppatchAsync(HttpContext context, DavPlace place)
    {
        if (await BodyAsync(context) is not { } body)
            await RefuseAsync(context, 413, "the body is too large");
        else if (!DavRequests.TryParseProppatch(body, out var properties))
            await RefuseAsync(context, 400, "the body is not a propertyupdate of RFC 4918, or has a document type");
        else if (place.IsFolder ? !_tree.HasFolder(place) : _tree.Find(place) is null)
            await RefuseAsync(context, 404, "no such folder or file");
        else if (!await _writing.IsFreeAsync(context, place)) return;
        else
        {
            var answer = new DavAnswer(context, _locks, () => Now);
            answer.Refuse(place, properties);
            await answer.SendAsync(isLast: true);
        }
    }
}
