using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Can;

/// <summary>Log events of an asset store, listed in docs/operations.md.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(LogLevel.Information, EventName = "can.started", Message = "Asset store open")]
    public static partial void CanStarted(this ILogger log, string url, string storage, long assets);

    [LoggerMessage(LogLevel.Information, EventName = "can.stopped", Message = "Asset store closed")]
    public static partial void CanStopped(this ILogger log, string storage);

    [LoggerMessage(LogLevel.Debug, EventName = "can.request", Message = "HTTP request to the asset store")]
    public static partial void CanRequest(this ILogger log, string method, string path, int status, double ms);

    [LoggerMessage(
        LogLevel.Warning, EventName = "can.request_failed", Message = "HTTP request to the asset store failed")]
    public static partial void CanRequestFailed(this ILogger log, string method, string path, int status, string error);

    [LoggerMessage(LogLevel.Warning, EventName = "can.store_warning", Message = "Asset store needs attention")]
    public static partial void CanStoreWarning(this ILogger log, string text);

    [LoggerMessage(LogLevel.Information, EventName = "can.verified", Message = "Assets verified")]
    public static partial void CanVerified(
        this ILogger log, long verified, long corrupted, long missing, bool hasRebuilt);
}
