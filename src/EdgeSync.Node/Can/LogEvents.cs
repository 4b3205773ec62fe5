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

    [LoggerMessage(LogLevel.Information, EventName = "can.mirror_started", Message = "Mirror of the asset store begun")]
    public static partial void CanMirrorStarted(
        this ILogger log, string store, string endpoint, string name, string bound);

    [LoggerMessage(
        LogLevel.Warning, EventName = "can.servers",
        Message = "First start: the mirror contacts these servers; docs/privacy.md says what they learn")]
    public static partial void CanServers(this ILogger log, string servers, string hint);

    [LoggerMessage(LogLevel.Information, EventName = "can.mirror_stopped", Message = "Mirror of the asset store ended")]
    public static partial void CanMirrorStopped(this ILogger log, string storage);

    [LoggerMessage(
        LogLevel.Warning, EventName = "can.mirror_unused",
        Message = "The settings have a passphrase, and this service does not mirror")]
    public static partial void CanMirrorUnused(this ILogger log, string hint);

    [LoggerMessage(
        LogLevel.Warning, EventName = "can.service_away", Message = "The asset store does not answer; the agent waits")]
    public static partial void CanServiceAway(this ILogger log, string url, string error, string hint);

    [LoggerMessage(LogLevel.Information, EventName = "can.service_back", Message = "The asset store answers again")]
    public static partial void CanServiceBack(this ILogger log, string url);

    [LoggerMessage(
        LogLevel.Warning, EventName = "can.service_limited",
        Message = "The asset store has the original's routes alone; docs/can.md says what an agent cannot do there")]
    public static partial void CanServiceLimited(this ILogger log, string url, string missing);

    [LoggerMessage(LogLevel.Warning, EventName = "can.service_refuses", Message = "The asset store refuses an asset")]
    public static partial void CanServiceRefuses(this ILogger log, string asset, int status, string error);

    [LoggerMessage(
        LogLevel.Error, EventName = "can.service_failed", Message = "The agent cannot work with the asset store")]
    public static partial void CanServiceFailed(
        this ILogger log, string url, string error, string? hint, double seconds);

    [LoggerMessage(
        LogLevel.Error, EventName = "can.mirror_waits", Message = "The mirror waits for the disk")]
    public static partial void CanMirrorWaits(this ILogger log, string error, double seconds);

    [LoggerMessage(LogLevel.Information, EventName = "can.peer_connected", Message = "Store of the mirror connected")]
    public static partial void CanPeerConnected(this ILogger log, string peer);

    [LoggerMessage(LogLevel.Information, EventName = "can.peer_closed", Message = "Connection to a store closed")]
    public static partial void CanPeerClosed(this ILogger log, string peer);

    [LoggerMessage(LogLevel.Debug, EventName = "can.dial_failed", Message = "Store of the mirror not reached")]
    public static partial void CanDialFailed(this ILogger log, string peer, string error);

    [LoggerMessage(
        LogLevel.Debug, EventName = "can.discovery_failed", Message = "Looking for stores of the mirror failed")]
    public static partial void CanDiscoveryFailed(this ILogger log, string error);

    [LoggerMessage(LogLevel.Warning, EventName = "can.question", Message = "The mirror waits for a decision")]
    public static partial void CanQuestion(this ILogger log, string question, long count, long assets, string hint);

    [LoggerMessage(LogLevel.Information, EventName = "can.answered", Message = "A question of the mirror was decided")]
    public static partial void CanAnswered(this ILogger log, string question, bool isMeant);

    [LoggerMessage(
        LogLevel.Warning, EventName = "can.clock_corrected",
        Message = "This clock differs from those of the other stores")]
    public static partial void CanClockCorrected(this ILogger log, string correction);

    [LoggerMessage(
        LogLevel.Warning, EventName = "can.identity_mismatch", Message = "Content of a peer is not the asset")]
    public static partial void CanIdentityMismatch(this ILogger log, string asset);

    [LoggerMessage(
        LogLevel.Warning, EventName = "can.original_refused",
        Message = "An endpoint that is not named here speaks the original's protocol")]
    public static partial void CanOriginalRefused(this ILogger log, string peer, string hint);

    [LoggerMessage(
        LogLevel.Warning, EventName = "can.original_left_out",
        Message = "Assets of more than 255 MiB are not sent to a peer that speaks the original's protocol")]
    public static partial void CanOriginalLeftOut(this ILogger log, long assets, string hint);

    [LoggerMessage(LogLevel.Warning, EventName = "can.write_failed", Message = "Content of a peer cannot be written")]
    public static partial void CanWriteFailed(this ILogger log, string asset);
}
