using System.Text.Json;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.Node.Web;

/// <summary>
/// The pages for operators; docs/status.md is their contract.
/// <code>
/// /healthz             alive: {"status":"ok"}; with ?ready as /readyz
/// /readyz              200, or 503 with the reasons; ?strict counts warnings, ?agreed=10m requires recent agreement
/// /status              everything, as JSON          (to this machine only, by default)
/// /metrics             the same in numbers          (likewise)
/// /iroh/status         the iroh endpoint, as JSON   (likewise; 404 without one)
/// </code>
/// </summary>
/// <param name="settings">The present settings of access to <c>/status</c> and <c>/metrics</c>.</param>
internal sealed class OperationsEndpoints(INodeStatusSource source, MetricStore metrics, Func<HttpSection> settings)
{
    private const string Json = "application/json";

    private static readonly JsonSerializerOptions Indented = new(StatusContext.Default.Options)
    {
        WriteIndented = true
    };

    public void Map(IEndpointRouteBuilder app)
    {
        app.MapMethods(
            "/healthz", NodeEndpoints.Reading,
            (string? ready, string? strict, string? agreed, CancellationToken cancellationToken) =>
            ready is null ? Task.FromResult(
                Results.Text("{\"status\":\"ok\"}\n", Json)) : ReadyAsync(strict, agreed, cancellationToken));
        app.MapMethods(
            "/readyz", NodeEndpoints.Reading, (string? strict, string? agreed, CancellationToken cancellationToken) =>
            ReadyAsync(strict, agreed, cancellationToken));
        app.MapMethods(
            "/status", NodeEndpoints.Reading, async (HttpContext context, CancellationToken cancellationToken) =>
            IsAllowed(context) ? Results.Text(
                ToJson(await source.SnapshotAsync(cancellationToken)), Json) : Forbidden());
        app.MapMethods(
            "/iroh/status", NodeEndpoints.Reading, async (HttpContext context, CancellationToken cancellationToken) =>
            !IsAllowed(context) ? Forbidden()
                : (await source.SnapshotAsync(cancellationToken)).Iroh is { } iroh ? Results.Text(ToJson(iroh), Json)
                : Results.Text("{\"enabled\":false}\n", Json, statusCode: 404));
        app.MapMethods(
            "/metrics", NodeEndpoints.Reading, async (HttpContext context, CancellationToken cancellationToken) =>
            IsAllowed(context) ? Results.Text(
                await MetricsAsync(cancellationToken), PrometheusText.ContentType) : Forbidden());
    }

    /// <summary>The JSON of a status, here and over the control socket.</summary>
    public static byte[] ToJson(NodeStatus status) =>
        [.. JsonSerializer.SerializeToUtf8Bytes(status, Indented.GetTypeInfo(typeof(NodeStatus))), (byte)'\n'];

    private static byte[] ToJson(IrohStatus status) =>
        [.. JsonSerializer.SerializeToUtf8Bytes(status, Indented.GetTypeInfo(typeof(IrohStatus))), (byte)'\n'];

    private async Task<string> MetricsAsync(CancellationToken cancellationToken)
    {
        var status = await source.SnapshotAsync(cancellationToken);
        return PrometheusText.Write([.. metrics.Snapshot(), .. NodeGauges.Of(status)]);
    }

    // A flag without a value, such as ?strict, is an empty text; null: it is absent.
    private async Task<IResult> ReadyAsync(string? strict, string? agreed, CancellationToken cancellationToken)
    {
        var status = await source.SnapshotAsync(cancellationToken);
        return ReadinessReport.Of(status, agreed, isStrict: strict is not null) is { } report
            ? Results.Text(string.Join('\n', [.. report.Lines, ""]), statusCode: report.IsReady ? 200 : 503)
            : Results.Text("agreed needs a duration, such as 10m\n", statusCode: 400);
    }

    private bool IsAllowed(HttpContext context)
    {
        var http = settings();
        return http.StatusAccess == StatusAccess.Everybody || HostCheck.IsLocal(context, http.Hosts);
    }

    private static IResult Forbidden() => Results.Text(
        "Only programs on this machine may read this page, under the name localhost; http.status_access or http.hosts "
            + "in the settings opens it.\n", statusCode: 403);
}
