using EdgeSync.Net.Tracing;
using EdgeSync.Node.Logging;
using EdgeSync.Primitives;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace EdgeSync.Node.Metrics.Otlp;

/// <summary>
/// Sends spans, metrics and log lines to a collector, by OpenTelemetry's SDK and its OTLP exporter. Exists only where
/// an endpoint was given. A collector that is away costs what the SDK's queues hold, and nothing else.
/// </summary>
internal sealed class TelemetryExport : IAsyncDisposable
{
    private const string NotSent = "telemetry.not_sent";

    private static readonly TimeSpan FlushMax = TimeSpan.FromSeconds(5);

    private readonly OtlpOptions _options;
    private readonly NodeLog _logs;
    private readonly ILogger _log;
    private readonly StatusInstruments? _status;
    private readonly OpenTelemetrySdk _sdk;
    private volatile bool _isStopping;

    private TelemetryExport(OtlpOptions options, Func<IReadOnlyList<MetricFamily>>? status, NodeLog log)
    {
        (_options, _logs, _log) = (options, log, log.CreateLogger());
        _sdk = OpenTelemetrySdk.Create(Build);
        if (status is not null) _status = new StatusInstruments(status);
        var entries = _sdk.GetLoggerFactory().CreateLogger(Instruments.LeafScope);
        // Events about a collector that does not reply are not sent to it.
        log.Tee = entry =>
        {
            if (entry.Event != NotSent) Forward(entries, entry);
        };
    }

    /// <param name="status">The numbers of the node's status, read at each export of metrics on its thread; null where
    /// there is no node.</param>
    /// <exception cref="EdgeSyncException">A variable of OpenTelemetry cannot be used.</exception>
    public static TelemetryExport Start(
        OtlpOptions options, Func<IReadOnlyList<MetricFamily>>? status, NodeLog log)
    {
        try
        {
            var export = new TelemetryExport(options, status, log);
            export._log.TelemetryStarted(options.ToString());
            return export;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or InvalidOperationException)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"the OTLP export cannot start: {e.Message}", "check the OTEL_… variables", e);
        }
    }

    /// <summary>Sends what is left, within five seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        _logs.Tee = null;
        _isStopping = true;
        var limit = (int)FlushMax.TotalMilliseconds;
        // Each waits for a thread of its own: together they take no longer than one.
        await Task.WhenAll(
            Task.Run(() => _sdk.TracerProvider.Shutdown(limit)),
            Task.Run(() => _sdk.LoggerProvider.Shutdown(limit)),
            Task.Run(() => _sdk.MeterProvider.Shutdown(limit)));
        _sdk.Dispose();
        _status?.Dispose();
    }

    private void Build(IOpenTelemetryBuilder builder)
    {
        builder.Services.AddSingleton(_options.Variables);
        builder.Services.Configure<LoggerFilterOptions>(o => o.MinLevel = LogLevel.Trace);   // NodeLog has decided
        builder.ConfigureResource(Describe)
            .WithTracing(t => t.AddSource(Instruments.LeafScope, Instruments.BridgeScope, HttpSpans.Scope)
                .AddOtlpExporter(o => Connect(o, "traces")))
            .WithMetrics(m => m.AddMeter(Instruments.LeafScope, Instruments.BridgeScope, Instruments.CanScope)
                .AddOtlpExporter(o => Connect(o, "metrics")))
            .WithLogging(l => l.AddOtlpExporter(o => Connect(o, "logs")));
    }

    private void Connect(OtlpExporterOptions exporter, string signal) =>
        exporter.HttpClientFactory = () => CollectorHandler.CreateClient(
            signal, _options, TimeSpan.FromMilliseconds(exporter.TimeoutMilliseconds), () => _isStopping, _log);

    // What stands later wins: OTEL_RESOURCE_ATTRIBUTES over the instance, the settings and this version over them.
    private void Describe(ResourceBuilder resource)
    {
        var ours = new Dictionary<string, object> { ["service.version"] = BuildInfo.Version };
        if (_options.Environment is { } environment) ours["deployment.environment.name"] = environment;
        resource.Clear()
            .AddAttributes([new("service.instance.id", _options.Instance)])
            .AddTelemetrySdk()
            .AddEnvironmentVariableDetector()
            .AddAttributes(ours);
    }

    private static void Forward(ILogger target, LogEntry entry)
    {
        KeyValuePair<string, object?>[] fields = [new("event", entry.Event), .. entry.Fields];
        target.Log(entry.Level, new EventId(0, entry.Event), fields, null, (_, _) => entry.Message);
    }
}
