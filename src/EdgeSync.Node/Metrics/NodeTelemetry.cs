using EdgeSync.Node.Logging;
using EdgeSync.Node.Metrics.Otlp;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using Microsoft.Extensions.Configuration;

namespace EdgeSync.Node.Metrics;

/// <summary>
/// What a process has for being observed: the sums that it keeps, and the export if there is somewhere to send them.
/// </summary>
internal sealed class NodeTelemetry : IAsyncDisposable
{
    private static readonly TimeSpan StatusMax = TimeSpan.FromSeconds(5);

    private readonly INodeStatusSource? _status;
    private readonly NodeLog _log;
    private volatile IReadOnlyList<MetricFamily>? _lastStatus;
    private TelemetryExport? _export;

    private NodeTelemetry(INodeStatusSource? status, NodeLog log) => (_status, _log) = (status, log);

    public MetricStore Metrics { get; } = new();

    /// <param name="options">Null: nothing leaves this machine.</param>
    /// <param name="status">Null for commands that end by themselves.</param>
    public static NodeTelemetry Start(OtlpOptions? options, INodeStatusSource? status, NodeLog log)
    {
        var telemetry = new NodeTelemetry(status, log);
        telemetry.Export(options);
        return telemetry;
    }

    /// <summary>
    /// Exports elsewhere from now on, or nowhere; what is pending still goes to the old place. <c>/metrics</c> goes on,
    /// the exported sums begin at zero again.
    /// </summary>
    public async Task ChangeAsync(OtlpOptions? options)
    {
        if (_export is not null) await _export.DisposeAsync();
        _export = null;
        Export(options);
    }

    /// <summary>
    /// Keeps the status as it is now for the last export, so that the node can be taken apart before it: spans of
    /// sessions that this cuts are exported too.
    /// </summary>
    public async Task KeepStatusAsync()
    {
        if (_export is not null) _lastStatus = await ReadStatusAsync();
    }

    /// <summary>Of a daemon, whose settings have looked at flags and variables already.</summary>
    public static OtlpOptions? OptionsOf(TelemetrySection section, string node) =>
        section.Endpoint is null ? null : OtlpOptions.Read(
        Variables(), section.ServiceName, node, section.Endpoint,
        Secrets.Read(section.Headers, section.HeadersFile), section.ServiceName);

    /// <summary>Of a command, by the variables alone; null and without any cost when they name no endpoint.</summary>
    public static NodeTelemetry? OfCommand(TextWriter errors, TimeProvider clock) =>
        OtlpOptions.Read(Variables(), "edgesync", Environment.MachineName) is { } options
            ? Start(options, null, new NodeLog(errors, clock, LogSettings.OfProcess()))
            : null;

    public async ValueTask DisposeAsync()
    {
        if (_export is not null) await _export.DisposeAsync();
        Metrics.Dispose();
    }

    private static IConfigurationRoot Variables() => new ConfigurationBuilder().AddEnvironmentVariables().Build();

    private void Export(OtlpOptions? options)
    {
        if (options is not null) _export = TelemetryExport.Start(options, _status is null ? null : ReadStatus, _log);
    }

    // On the thread of the export, which has nothing else to do and cannot wait any other way.
    private IReadOnlyList<MetricFamily> ReadStatus() =>
        _lastStatus ?? Task.Run(ReadStatusAsync).GetAwaiter().GetResult();

    private async Task<IReadOnlyList<MetricFamily>> ReadStatusAsync()
    {
        using var limit = new CancellationTokenSource(StatusMax);
        try
        {
            return _status is null ? [] : NodeGauges.Of(await _status.SnapshotAsync(limit.Token));
        }
        catch (Exception e) when (e is EdgeSyncException or ObjectDisposedException or OperationCanceledException)
        {
            return [];   // a node in trouble, or on its way out, still says what it counted
        }
    }
}
