using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Loops;

/// <summary>What the log says of background work. docs/operations.md lists them.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(EventName = "task.failed", Level = LogLevel.Error, Message = "A background task failed")]
    public static partial void TaskFailed(this ILogger log, string error, string? hint);
}
