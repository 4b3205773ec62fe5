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
/// Of these the original has no more. For agents that follow edits, the trash and deletions, too:
/// <code>
/// GET  /sync/changes?after=N     what was changed behind a number, as it is now
/// GET  /sync/content/HASH        the bytes, with ranges, also in the trash
/// POST /sync/push?known=N        also what was deleted up to that change
/// POST /sync/apply               all details, the trash state, or a deletion for good; 409: changed since
/// POST /sync/verify/HASH         hashes the content again
/// </code>
/// </summary>
internal sealed class SyncRoutes(AssetStore store, AssetRoutes assets, CanGuard guard)
{
    private const int ChangesMax = 1000;

    // Another one for each start: rows may have gone meanwhile without a change.
    private readonly string _epoch = Guid.NewGuid().ToString("N");

    private const int PullBytesMax = 1 << 20;
    private const int PageSize = 1000;
    private const int PieceBytes = 64 * 1024;

    public static Task RefuseAsync(HttpContext context, int status) => TextAsync(
        context, status, status switch
        {
            403 => "sync is disabled: sync_api_key is not set",
            429 => CanGuard.TooManyKeys,
            _ => "X-Sync-Key is missing or wrong",
        });

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

    public async Task ChangesAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;
        if (!TryNumber(context, "after", 0, out var after) || !TryNumber(context, "limit", ChangesMax, out var limit))
        {
            await TextAsync(context, 400, "after and limit are numbers");
            return;
        }

        // Before the page, so that what comes meanwhile is behind the position.
        var committed = store.CommittedNumber;
        var epoch = string.Create(CultureInfo.InvariantCulture, $"{_epoch}.{store.Rebuilds}");
        var size = (int)Math.Clamp(limit, 1, ChangesMax);
        var states = store.StatesAfter(after, size);
        var hasMore = states.Count == size;
        var position = hasMore ? states[^1].Number : Math.Max(committed, states.Count > 0 ? states[^1].Number : 0);
        await CanAnswer.BytesAsync(
            context, 200, CanAnswer.Protobuf, new ChangesPage(states, position, epoch, hasMore).ToArray());
    }

    public async Task ContentAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;
        if (Find(context) is { } asset) await assets.SendAsync(context, asset);
        else await TextAsync(context, 404, "no such asset");
    }

    public async Task VerifyAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;
        if (Find(context) is not { } asset)
        {
            await TextAsync(context, 404, "no such asset");
            return;
        }

        var isRight = await store.VerifyAsync(asset.Hash, context.RequestAborted);
        await TextAsync(context, 200, isRight ? "right" : "corrupted");
    }

    public async Task ApplyAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;
        if (!AssetState.TryParse(await IngestRoutes.ReadAllAsync(context, BundleParser.FieldBytesMax), out var state))
        {
            await TextAsync(context, 400, "the body is not an AssetState");
            return;
        }

        if (state.Details.Fault() is { } fault)
        {
            await TextAsync(context, 400, fault);
            return;
        }

        var applied = await store.ApplyAsync(state);
        await (applied.Outcome switch
        {
            AppliedOutcome.Applied => CanAnswer.BytesAsync(
                context, 200, CanAnswer.Protobuf, SyncReplies.Applied(true, applied.Number)),
            AppliedOutcome.Changed => TextAsync(context, 409, "the asset was changed since"),
            _ => TextAsync(context, 404, "no such asset"),
        });
    }

    public async Task PushAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;
        if (!TryNumber(context, "known", -1, out var known))
        {
            await TextAsync(context, 400, "known is a number");
            return;
        }

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
            upload, bundle.Details,
            new PeerState(bundle.IsTrashed, bundle.MetaUpdatedAtMs) { DeletionsKnown = known });
        if (stored.WasDeleted) await TextAsync(context, 410, "the asset was deleted here for good");
        else await CanAnswer.BytesAsync(
            context, 200, CanAnswer.Protobuf,
            SyncReplies.Pushed(
                bundle.Hash, stored.AlreadyExisted, known >= 0 ? stored.Asset.ChangeNumber : 0));
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

    private static bool TryNumber(HttpContext context, string name, long absent, out long number)
    {
        var text = context.Request.Query[name].ToString();
        number = absent;
        return text.Length == 0
            || long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
    }

    private Asset? Find(HttpContext context) =>
        AssetHash.TryParse((string?)context.Request.RouteValues["hash"] ?? "", out var hash) ? store.Find(hash) : null;

    private async Task<bool> IsRefusedAsync(HttpContext context)
    {
        var status = guard.SyncStatus(context, canBeQuery: false);
        if (status == 0) return false;

        await RefuseAsync(context, status);
        return true;
    }
}
