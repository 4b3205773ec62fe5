using System.Globalization;
using System.Text;
using System.Text.Json;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Service;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Can;

/// <summary>
/// Streams of changes, as server-sent events. The id of an event is its number in the store: a client that comes back
/// with <c>Last-Event-ID</c> gets what it missed, also after a restart of the service.
/// <code>
/// id: 42
/// event: new_asset
/// data: {"hash":"…","timestamp":1773014400123}
/// </code>
/// </summary>
internal sealed class EventRoutes(AssetStore store, CanGuard guard, TimeProvider clock, CancellationToken stopping)
{
    private const int PageSize = 500;

    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    /// <summary>For everyone: arrivals, and what became of assets.</summary>
    public Task PublicAsync(HttpContext context) => StreamAsync(context, store.ChangesAfter);

    /// <summary>
    /// For peers, with the sync key: arrivals, as the original sends them; with <c>all=true</c> every change.
    /// </summary>
    public Task PrivateAsync(HttpContext context) =>
        guard.SyncStatus(context, canBeQuery: true) is > 0 and var status
            ? SyncRoutes.RefuseAsync(context, status)
            : StreamAsync(
                context, context.Request.Query["all"] == "true" ? store.ChangesAfter : store.ArrivalsAfter);

    private async Task StreamAsync(HttpContext context, Func<long, int, IReadOnlyList<AssetChange>> read)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var position = PositionOf(context.Request) ?? store.CommittedNumber;
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        if (HttpMethods.IsHead(context.Request.Method)) return;

        try
        {
            await SendAsync(context, "retry: 2000\n\n", end.Token);
            while (true)
            {
                var committed = store.CommittedNumber;
                var changes = read(position, PageSize);
                if (changes.Count > 0) await SendAsync(context, Text(changes), end.Token);
                if (changes.Count == PageSize)
                {
                    position = changes[^1].Number;
                    continue;
                }

                position = changes.Count > 0 ? Math.Max(committed, changes[^1].Number) : committed;
                await WaitAsync(context, position, end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The client went away, or the service stops.
        }
    }

    private async Task WaitAsync(HttpContext context, long position, CancellationToken cancellationToken)
    {
        var change = store.WaitForChangeAsync(position, cancellationToken);
        while (!change.IsCompleted)
        {
            using var pause = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var silence = Task.Delay(KeepAlive, clock, pause.Token);
            if (await Task.WhenAny(change, silence) == silence && !cancellationToken.IsCancellationRequested)
                await SendAsync(context, ": keep-alive\n\n", cancellationToken);
            await pause.CancelAsync();
        }

        await change;
    }

    private static async Task SendAsync(HttpContext context, string text, CancellationToken cancellationToken)
    {
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
        await context.Response.Body.FlushAsync(cancellationToken);
    }

    // Null: from now on. A number beyond the present one is of another store's life: everything is new to that client.
    private long? PositionOf(HttpRequest request)
    {
        var text = request.Headers["Last-Event-ID"].ToString();
        if (text.Length == 0) text = request.Query["last_event_id"].ToString();
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;

        return number > store.CommittedNumber ? 0 : number;
    }

    private static string Text(IReadOnlyList<AssetChange> changes)
    {
        var text = new StringBuilder();
        foreach (var change in changes)
        {
            var data = JsonSerializer.Serialize(
                new AssetEvent(change.Hash.ToString(), change.TimestampMs), ServiceContext.Default.AssetEvent);
            text.Append(CultureInfo.InvariantCulture, $"id: {change.Number}\nevent: {NameOf(change.Kind)}\n")
                .Append("data: ").Append(data).Append("\n\n");
        }

        return text.ToString();
    }

    private static string NameOf(AssetChangeKind kind) => kind switch
    {
        AssetChangeKind.Added => "new_asset",
        AssetChangeKind.Trashed => "asset_trashed",
        AssetChangeKind.Deleted => "asset_deleted",
        _ => "asset_updated",
    };
}
