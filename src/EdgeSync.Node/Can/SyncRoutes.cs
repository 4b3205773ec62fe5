using System.Buffers;
using System.Globalization;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Wire;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Can;

/// <summary>
/// For sync agents, with the sync key; bodies are protobuf (docs/formats/can.md). Contents are streamed.
/// <code>
/// POST /sync/hashes[?since=MS]   digests of all assets, or of those created later
/// POST /sync/pull                assets with their content
/// POST /sync/push                stores an asset
/// POST /sync/meta                changes tags, description, trash state
/// </code>
/// </summary>
internal sealed class SyncRoutes(AssetStore store, CanGuard guard)
{
    private const int PullBytesMax = 1 << 20;
    private const int PageSize = 1000;
    private const int PieceBytes = 64 * 1024;

    public static Task RefuseAsync(HttpContext context, int status) => TextAsync(
        context, status,
        status == 403 ? "sync is disabled: sync_api_key is not set" : "X-Sync-Key is missing or wrong");

    public async Task HashesAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;

        var text = context.Request.Query["since"].ToString();
        if (!long.TryParse(
            text.Length == 0 ? "-1" : text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var since))
        {
            await TextAsync(context, 400, "since is a number of milliseconds");
            return;
        }

        context.Response.ContentType = CanAnswer.Protobuf;
        var writer = context.Response.BodyWriter;
        for (var id = 0L; store.Digests(since, id, PageSize) is { Count: > 0 } page; id = page[^1].Id)
        {
            foreach (var (_, digest) in page) digest.WriteTo(writer);
            await writer.FlushAsync(context.RequestAborted);
        }
    }

    public async Task PullAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;
        if (!PullRequest.TryParse(await IngestRoutes.ReadAllAsync(context, PullBytesMax), out var hashes))
        {
            await TextAsync(context, 400, "the body is not a PullRequest");
            return;
        }

        context.Response.ContentType = CanAnswer.Protobuf;
        foreach (var hash in hashes)
        {
            if (store.Find(hash) is not { IsCorrupted: false } asset) continue;
            if (store.OpenContent(asset) is not { } content) continue;

            await using (content)
            {
                if (content.Length == asset.Size) await SendAsync(context, asset, content);
            }
        }
    }

    public async Task PushAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;

        using var upload = store.BeginUntimedUpload(context.Request.ContentLength ?? 0);
        var parser = new BundleParser();
        if (!await ReceiveAsync(context, parser, upload) || !parser.TryFinish(out var bundle))
        {
            await TextAsync(context, 400, "the body is not a PushRequest");
            return;
        }

        upload.SetTimestamp(bundle.TimestampMs);
        if (upload.Finish() != bundle.Hash)
        {
            await TextAsync(context, 400, "the hash is not that of timestamp and content: the asset is not stored");
            return;
        }

        if (bundle.Details.Fault() is { } fault)
        {
            await TextAsync(context, 400, fault);
            return;
        }

        var stored = await store.StoreAsync(
            upload, bundle.Details, new PeerState(bundle.IsTrashed, bundle.MetaUpdatedAtMs));
        if (stored.WasDeleted) await TextAsync(context, 410, "the asset was deleted here for good");
        else await CanAnswer.BytesAsync(
            context, 200, CanAnswer.Protobuf, SyncReplies.Pushed(bundle.Hash, stored.AlreadyExisted));
    }

    public async Task MetaAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;
        if (!MetaUpdate.TryParse(await IngestRoutes.ReadAllAsync(context, MetaUpdate.SizeMax), out var update))
        {
            await TextAsync(context, 400, "the body is not a MetaUpdate");
            return;
        }

        if (new AssetDetails { Description = update.Description, Tags = update.Tags }.Fault() is { } fault)
            await TextAsync(context, 400, fault);
        else if (await store.ApplyAsync(update) is { } applied)
            await CanAnswer.BytesAsync(context, 200, CanAnswer.Protobuf, SyncReplies.Applied(applied));
        else await TextAsync(context, 404, "no such asset");
    }

    private static Task TextAsync(HttpContext context, int status, string text) => CanAnswer.BytesAsync(
        context, status, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes(text + "\n"));

    private static async Task SendAsync(HttpContext context, Asset asset, FileStream content)
    {
        var (head, tail) = AssetBundle.Of(asset).Frame();
        var body = context.Response.Body;
        await body.WriteAsync(head, context.RequestAborted);
        var left = asset.Size;
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            while (left > 0)
            {
                var read = await content.ReadAsync(
                    buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), context.RequestAborted);
                // Cut off, so that the peer does not take it for the end of a shorter message.
                if (read == 0)
                {
                    context.Abort();
                    return;
                }

                await body.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
                left -= read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        await body.WriteAsync(tail, context.RequestAborted);
    }

    private static async Task<bool> ReceiveAsync(HttpContext context, BundleParser parser, AssetUpload upload)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            int read;
            while ((read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0)
            {
                if (!Take(parser, upload, buffer.AsSpan(0, read))) return false;
            }

            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static bool Take(BundleParser parser, AssetUpload upload, ReadOnlySpan<byte> input)
    {
        while (true)
        {
            switch (parser.Read(ref input, out var content))
            {
                case BundlePart.Content:
                    // Hashed as it comes, as senders write the timestamp first.
                    if (upload.TimestampMs is null && parser.EarlyTimestampMs is { } timestamp)
                        upload.SetTimestamp(timestamp);
                    upload.Append(content);
                    break;
                case BundlePart.NeedMore:
                    return true;
                default:
                    return false;
            }
        }
    }

    private async Task<bool> IsRefusedAsync(HttpContext context)
    {
        var status = guard.SyncStatus(context.Request, canBeQuery: false);
        if (status == 0) return false;

        await RefuseAsync(context, status);
        return true;
    }
}
