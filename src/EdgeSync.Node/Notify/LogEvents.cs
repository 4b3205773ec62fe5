using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Notify;

/// <summary>Log events of messages.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(
        EventName = "notify.started", Level = LogLevel.Information,
        Message = "Messages are kept in sync")]
    public static partial void NotifyStarted(this ILogger log, string repository, string device, long messages);

    [LoggerMessage(
        EventName = "notify.failed", Level = LogLevel.Warning, Message = "Messages cannot be read now; retrying")]
    public static partial void NotifyFailed(this ILogger log, string repository, string error);
}
