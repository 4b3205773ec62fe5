using EdgeSync.Can.Service;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Metrics;
using EdgeSync.Storage.Assets;
using Microsoft.AspNetCore.Http;

namespace EdgeSync.Node.Can;

/// <summary>
/// Pages for operators, as a node has them.
/// <code>
/// GET /healthz    alive
/// GET /readyz     200, or 503 with the reason: the disk's reserve is reached
/// GET /status     counts, as JSON            (to this machine, or with the admin token)
/// GET /metrics    the same for Prometheus    (likewise)
/// </code>
/// </summary>
internal sealed class OperationsRoutes(
    AssetStore store, MirrorHost? mirror, Func<VerifyState> verifier, MetricStore metrics, CanGuard guard)
{
    private const string Text = "text/plain; charset=utf-8";

    public static Task HealthAsync(HttpContext context) =>
        CanAnswer.BytesAsync(context, 200, "application/json", "{\"status\":\"ok\"}\n"u8.ToArray());

    public Task ReadyAsync(HttpContext context)
    {
        var (free, reserve) = store.Disk;
        return free >= reserve ? CanAnswer.BytesAsync(context, 200, Text, "ready\n"u8.ToArray())
            : CanAnswer.BytesAsync(context, 503, Text, "the disk is full: uploads are refused\n"u8.ToArray());
    }

    public async Task StatusAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;

        await CanAnswer.SuccessAsync(
            context, await ReadStatusAsync(context.RequestAborted), ServiceContext.Default.SuccessCanStatus);
    }

    public async Task MetricsAsync(HttpContext context)
    {
        if (await IsRefusedAsync(context)) return;

        await CanAnswer.BytesAsync(
            context, 200, PrometheusText.ContentType,
            System.Text.Encoding.UTF8.GetBytes(
                PrometheusText.Write(
                [
                    // A node has more, at its own address.
                    .. metrics.Snapshot().Where(f => f.Scope == Instruments.CanScope),
                    .. CanGauges.Of(await ReadStatusAsync(context.RequestAborted)),
                ])));
    }

    /// <summary>A program on this machine, and not a proxy for another one.</summary>
    public static bool IsOfThisMachine(HttpContext context) =>
        CanGuard.IsOfThisMachine(context) && !Net.Http.TrustedProxies.IsForwarded(context.Request.Headers);

    /// <summary>The state of now.</summary>
    public async Task<CanStatus> ReadStatusAsync(CancellationToken cancellationToken)
    {
        var mirrored = mirror is null ? null : await mirror.StatusAsync(cancellationToken);
        var counts = store.Counts();
        var (free, reserve) = store.Disk;
        return new CanStatus(
            BuildInfo.Version, store.Root, counts.Assets, counts.Bytes, counts.Trashed, counts.Corrupted, counts.Tags,
            free, reserve, verifier(), mirrored);
    }

    private async Task<bool> IsRefusedAsync(HttpContext context)
    {
        if (IsOfThisMachine(context) || guard.AdminStatus(context) is var status && status == 0) return false;

        await (status == 429 ? CanAnswer.RefuseAsync(context, status, CanGuard.TooManyKeys)
            : CanAnswer.RefuseAsync(
                context, 403, "only programs on this machine, or with the admin token, may read this page"));
        return true;
    }
}

/// <summary>The status in numbers.</summary>
internal static class CanGauges
{
    public static IEnumerable<MetricFamily> Of(CanStatus status) =>
    [
        Gauge("can.assets", null, "Assets in the store, with its trash.", status.Assets),
        Gauge("can.bytes", "By", "Bytes of their contents.", status.Bytes),
        Gauge("can.trashed", null, "Assets in the trash.", status.Trashed),
        Gauge("can.corrupted", null, "Assets whose file is missing or has other content.", status.Corrupted),
        Gauge("can.disk.free.bytes", "By", "Bytes that the disk has free.", status.DiskFree),
        Gauge("can.verify.checked", null, "Files that the last pass of the verifier read.", status.Verify.Checked),
        .. status.Mirror is { } mirror ? Of(mirror) : [],
    ];

    private static IEnumerable<MetricFamily> Of(MirrorStatus mirror) =>
    [
        Gauge("can.mirror.peers", null, "Stores of the mirror that are connected.", mirror.Peers.Count),
        Gauge(
            "can.mirror.in_sync", null, "Connected stores that have the same as this one.",
            mirror.Peers.Count(p => p.IsInSync)),
        Gauge("can.mirror.missing", null, "Assets of which the content has not come yet.", mirror.Missing),
        Gauge("can.mirror.questions", null, "Questions that wait for a decision.", mirror.Questions.Count),
    ];

    private static MetricFamily Gauge(string name, string? unit, string help, double value) =>
        new(Instruments.CanScope, name, MetricKind.Gauge, unit, help, [], [MetricPoint.Of(value)]);
}
