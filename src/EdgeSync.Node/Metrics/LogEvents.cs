using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Metrics;

/// <summary>Log events of the export of telemetry, listed in docs/operations.md.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(EventName = "telemetry.started", Level = LogLevel.Debug, Message = "Exporting telemetry")]
    public static partial void TelemetryStarted(this ILogger log, string to);

    [LoggerMessage(EventName = "telemetry.not_sent", Level = LogLevel.Warning, Message = "Telemetry was not sent")]
    public static partial void TelemetryNotSent(this ILogger log, string signal, string to, string? error);
}
