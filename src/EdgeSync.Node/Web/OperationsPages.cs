using System.Net;
using System.Text;
using System.Text.Json;
using EdgeSync.Net.Http;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;

namespace EdgeSync.Node.Web;

/// <summary>
/// The pages for those who run a node; docs/status.md is their contract.
/// <code>
/// /healthz             alive: {"status":"ok"}; with ?ready as /readyz
/// /readyz              200, or 503 with the reasons; ?strict counts warnings too, ?agreed=10m wants a young agreement
/// /status              everything, as JSON          (of this machine only, unless told otherwise)
/// /metrics             the same in numbers          (likewise)
/// </code>
/// </summary>
internal sealed class OperationsPages(INodeStatusSource source, MetricStore metrics, StatusAccess access, IReadOnlyList<string>? hosts = null)
{
    private const string Json = "application/json";
    private const string Plain = "text/plain; charset=utf-8";

    private static readonly JsonSerializerOptions Indented = new(StatusContext.Default.Options) { WriteIndented = true };

    /// <summary>Null for what is no page of ours.</summary>
    public async ValueTask<XferHttpPage?> AnswerAsync(XferHttpPageRequest request, CancellationToken cancellationToken)
    {
        switch (request.Path)
        {
            case "/healthz":
                return ValueOf(request, "ready") is null
                    ? new XferHttpPage(200, Json, "{\"status\":\"ok\"}\n"u8.ToArray())
                    : await ReadinessAsync(request, cancellationToken);
            case "/readyz":
                return await ReadinessAsync(request, cancellationToken);
            case "/status":
                return IsAllowed(request)
                    ? new XferHttpPage(200, Json, ToJson(await source.SnapshotAsync(cancellationToken)))
                    : Forbidden();
            case "/metrics":
                return IsAllowed(request)
                    ? new XferHttpPage(200, PrometheusText.ContentType, await MetricsAsync(cancellationToken))
                    : Forbidden();
            default:
                return null;
        }
    }

    /// <summary>What a status is as JSON, here and over the control socket.</summary>
    public static byte[] ToJson(NodeStatus status) =>
        [.. JsonSerializer.SerializeToUtf8Bytes(status, Indented.GetTypeInfo(typeof(NodeStatus))), (byte)'\n'];

    private async Task<byte[]> MetricsAsync(CancellationToken cancellationToken)
    {
        var status = await source.SnapshotAsync(cancellationToken);
        return Encoding.UTF8.GetBytes(PrometheusText.Write([.. metrics.Snapshot(), .. NodeGauges.Of(status)]));
    }

    private async Task<XferHttpPage> ReadinessAsync(XferHttpPageRequest request, CancellationToken cancellationToken)
    {
        var status = await source.SnapshotAsync(cancellationToken);
        return ReadinessReport.Of(status, ValueOf(request, "agreed"), isStrict: ValueOf(request, "strict") is not null) is { } report
            ? new XferHttpPage(report.IsReady ? 200 : 503, Plain, Encoding.UTF8.GetBytes(string.Join('\n', [.. report.Lines, ""])))
            : new XferHttpPage(400, Plain, "agreed takes a span of time, such as 10m\n"u8.ToArray());
    }

    private bool IsAllowed(XferHttpPageRequest request) =>
        access == StatusAccess.Everybody
        || (!request.IsForwarded && IsOwnName(request.Host) && IPAddress.IsLoopback(request.RemoteAddress.IsIPv4MappedToIPv6 ? request.RemoteAddress.MapToIPv4() : request.RemoteAddress));

    // A web page whose name was turned to this machine (DNS rebinding) asks under its own name. Nobody but browsers must say one.
    private bool IsOwnName(string host)
    {
        if (host.Length == 0) return true;

        var colon = host.LastIndexOf(':');
        var name = (colon > host.LastIndexOf(']') ? host[..colon] : host).Trim('[', ']');
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address))
            || (hosts ?? []).Contains(name, StringComparer.OrdinalIgnoreCase);
    }

    private static XferHttpPage Forbidden() =>
        new(403, Plain, "Only programs on this machine may read this page, under the name localhost; http.status_access or http.hosts in the settings opens it.\n"u8.ToArray());

    /// <summary>Null when it is not there; empty when it has no value.</summary>
    private static string? ValueOf(XferHttpPageRequest request, string name)
    {
        foreach (var part in request.Query.TrimStart('?').Split('&'))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if ((equals < 0 ? part : part[..equals]) == name) return equals < 0 ? "" : Uri.UnescapeDataString(part[(equals + 1)..]);
        }

        return null;
    }
}
