using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Metrics;

/// <summary>What the log says of the export of telemetry. docs/operations.md lists them.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(EventName = "telemetry.started", Level = LogLevel.Debug, Message = "Exporting telemetry")]
    public static partial void TelemetryStarted(this ILogger log, string to);

    [LoggerMessage(EventName = "telemetry.not_sent", Level = LogLevel.Warning, Message = "Telemetry was not sent")]
    public static partial void TelemetryNotSent(this ILogger log, string signal, string to, string? error);
}
