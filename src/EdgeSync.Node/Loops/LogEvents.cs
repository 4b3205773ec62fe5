using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Loops;

/// <summary>Log events of background work, listed in docs/operations.md.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(EventName = "task.failed", Level = LogLevel.Error, Message = "A background task failed")]
    public static partial void TaskFailed(this ILogger log, string error, string? hint);
}
