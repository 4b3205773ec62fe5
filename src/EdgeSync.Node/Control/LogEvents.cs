using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Control;

/// <summary>What the log says of the control socket. docs/operations.md lists them.</summary>
internal static partial class LogEvents
{
    [
        LoggerMessage(
            EventName = "control.link_failed", Level = LogLevel.Information,
            Message = "The link to the control socket cannot be written beside the repository")]
    public static partial void ControlLinkFailed(this ILogger log, string repository, string error);
}
