using EdgeSync.Node.Logging;
using EdgeSync.Node.Metrics.Otlp;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Metrics;

/// <summary>
/// What a process has for being observed: the sums that it keeps, and the export if there is somewhere to send them.
/// </summary>
internal sealed class NodeTelemetry : IAsyncDisposable
{
    private readonly INodeStatusSource? _status;
    private readonly NodeLog _log;
    private readonly TimeProvider _clock;
    private TelemetryExport? _export;

    private NodeTelemetry(INodeStatusSource? status, NodeLog log, TimeProvider clock) =>
        (_status, _log, _clock) = (status, log, clock);

    public MetricStore Metrics { get; } = new();

    /// <param name="options">Null: nothing leaves this machine.</param>
    /// <param name="status">Null for commands that end by themselves.</param>
    public static NodeTelemetry Start(OtlpOptions? options, INodeStatusSource? status, NodeLog log, TimeProvider clock)
    {
        var telemetry = new NodeTelemetry(status, log, clock);
        telemetry.Export(options);
        return telemetry;
    }

    /// <summary>
    /// Somewhere else from now on, or nowhere; what has gathered still goes to the old place. The sums go on.
    /// </summary>
    public async Task ChangeAsync(OtlpOptions? options)
    {
        if (_export is not null) await _export.DisposeAsync();
        _export = null;
        Export(options);
    }

    /// <summary>Of a daemon, whose settings have looked at flags and variables already.</summary>
    public static OtlpOptions? OptionsOf(TelemetrySection section, string node) =>
        section.Endpoint is null ? null : OtlpOptions.Read(
        Environment.GetEnvironmentVariable, section.ServiceName, node, section.Endpoint,
        Secrets.Read(section.Headers, section.HeadersFile), section.ServiceName);

    /// <summary>Of a command, by the variables alone; null and without any cost when they name no endpoint.</summary>
    public static NodeTelemetry? OfCommand(TextWriter errors, TimeProvider clock) =>
        OtlpOptions.Read(Environment.GetEnvironmentVariable, "edgesync", Environment.MachineName) is { } options
            ? Start(options, null, new NodeLog(errors, clock, LogSettings.OfProcess()), clock)
            : null;

    public async ValueTask DisposeAsync()
    {
        if (_export is not null) await _export.DisposeAsync();
        Metrics.Dispose();
    }

    private void Export(OtlpOptions? options)
    {
        if (options is not null) _export = TelemetryExport.Start(options, Metrics, GaugesAsync, _log, _clock);
    }

    private async ValueTask<IReadOnlyList<MetricFamily>> GaugesAsync(CancellationToken cancellationToken)
    {
        try
        {
            return _status is null ? [] : NodeGauges.Of(await _status.SnapshotAsync(cancellationToken));
        }
        catch (Exception e) when (e is EdgeSyncException or ObjectDisposedException)
        {
            return [];   // a node in trouble, or on its way out, still says what it counted
        }
    }
}
