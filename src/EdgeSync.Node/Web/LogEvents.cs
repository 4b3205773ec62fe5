using System.Net;
using EdgeSync.Net.Http;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Web;

/// <summary>Log events of HTTP requests, listed in docs/operations.md.</summary>
internal static partial class LogEvents
{
    public static void HttpRequest(this ILogger log, in XferHttpLogEntry entry)
    {
        var level = entry.Fault is not null || entry.Status >= 500 ? LogLevel.Warning
            : entry.Path is "/healthz" or "/readyz" or "/metrics" or "/status" ? LogLevel.Debug
            : LogLevel.Information;
        log.HttpRequest(
            level, entry.Method, entry.Path, entry.Status, entry.RemoteAddress, entry.BytesIn, entry.BytesOut,
            entry.Elapsed.TotalMilliseconds,
            entry.Note?.Operation, entry.Note?.User, entry.Note?.Sent, entry.Note?.Received, entry.Note?.Unversioned,
            entry.Note?.Error, entry.Fault);
    }

    [LoggerMessage(EventName = "http.request", Message = "HTTP request")]
    private static partial void HttpRequest(
        this ILogger log, LogLevel level, string method, string path, int status, IPAddress from, long bytesIn,
        long bytesOut, double ms,
        string? operation, string? user, long? sent, long? received, long? unversioned, string? error, string? fault);
}
