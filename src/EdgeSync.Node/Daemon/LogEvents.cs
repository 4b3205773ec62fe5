using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Daemon;

/// <summary>Log events of a node as a whole, listed in docs/operations.md.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(EventName = "node.started", Level = LogLevel.Information, Message = "The node is ready")]
    public static partial void NodeStarted(this ILogger log, string role, string version, int repositories);

    [
        LoggerMessage(
            EventName = "node.draining", Level = LogLevel.Information,
            Message = "The broker sends its clients elsewhere, and then the node stops")]
    public static partial void NodeDraining(this ILogger log, int connections);

    [LoggerMessage(EventName = "node.stopping", Level = LogLevel.Information, Message = "The node is stopping")]
    public static partial void NodeStopping(this ILogger log, string? cause);

    [
        LoggerMessage(
            EventName = "node.stop_timeout", Level = LogLevel.Warning,
            Message = "Stopping without waiting for unfinished work")]
    public static partial void NodeStopTimeout(this ILogger log, double seconds);

    [LoggerMessage(EventName = "node.reloaded", Level = LogLevel.Information, Message = "Reloaded the settings")]
    public static partial void NodeReloaded(this ILogger log, string? settings, int repositories, string changed);

    [
        LoggerMessage(
            EventName = "node.reload_refused", Level = LogLevel.Error,
            Message = "The new settings were refused; the old ones stay in effect")]
    public static partial void NodeReloadRefused(this ILogger log, string error, string? hint);

    [
        LoggerMessage(
            EventName = "node.restart_needed", Level = LogLevel.Warning,
            Message = "Some of the new settings take effect after a restart")]
    public static partial void NodeRestartNeeded(this ILogger log, string settings);

    [
        LoggerMessage(
            EventName = "node.exposed", Level = LogLevel.Warning, Message = "The node can be used without a login")]
    public static partial void NodeExposed(this ILogger log, string error, string? hint);

    [LoggerMessage(EventName = "sync.requested", Level = LogLevel.Information, Message = "A requested sync finished")]
    public static partial void SyncRequested(this ILogger log, string targets);

    [
        LoggerMessage(
            EventName = "repository.unreadable", Level = LogLevel.Error,
            Message = "The disk fails to read the repository; retrying")]
    public static partial void RepositoryUnreadable(this ILogger log, string repository, string error, string? hint);

    [
        LoggerMessage(
            EventName = "repository.copy_pending", Level = LogLevel.Warning,
            Message = "The first copy of a repository is pending; retrying")]
    public static partial void CopyPending(this ILogger log, string repository, string error, string? hint);
}
