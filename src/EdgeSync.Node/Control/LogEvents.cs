using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Control;

/// <summary>Log events of the control socket, listed in docs/operations.md.</summary>
internal static partial class LogEvents
{
    [
        LoggerMessage(
            EventName = "control.link_failed", Level = LogLevel.Information,
            Message = "The link to the control socket cannot be written beside the repository")]
    public static partial void ControlLinkFailed(this ILogger log, string repository, string error);
}
