using EdgeSync.Agent;
using EdgeSync.Node.Brokers;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Agents;

/// <summary>Log events of peers, exchanges and the bridge, listed in docs/operations.md.</summary>
internal static partial class LogEvents
{
    public static void Write(this ILogger log, string repository, AgentEffect.Log line)
    {
        switch (line.Event)
        {
            case AgentEvent.PeerJoined peer:
                log.PeerJoined(repository, peer.Peer, peer.Role.ToString().ToLowerInvariant(), peer.Version);
                break;
            case AgentEvent.PeerLeft peer:
                log.PeerLeft(repository, peer.Peer);
                break;
            case AgentEvent.PeerSilent peer:
                log.PeerSilent(repository, peer.Peer, peer.Silence.TotalSeconds);
                break;
            case AgentEvent.DuplicateName duplicate:
                log.DuplicateName(repository, duplicate.Text, NatsHint.AnotherName);
                break;
            case AgentEvent.SyncFinished sync:
                log.SyncFinished(
                    LevelOf(line.Level), repository, sync.Target, sync.Received, sync.Sent,
                    (long)sync.Took.TotalMilliseconds);
                break;
            case AgentEvent.SyncFailed sync:
                log.SyncFailed(
                    LevelOf(line.Level), repository, sync.Target, sync.Reason, (long)sync.Took.TotalMilliseconds);
                break;
        }
    }

    private static LogLevel LevelOf(AgentLogLevel level) => level switch
    {
        AgentLogLevel.Debug => LogLevel.Debug,
        AgentLogLevel.Info => LogLevel.Information,
        AgentLogLevel.Warning => LogLevel.Warning,
        _ => LogLevel.Error,
    };

    [LoggerMessage(EventName = "peer.joined", Level = LogLevel.Information, Message = "A peer joined")]
    public static partial void PeerJoined(
        this ILogger log, string repository, string peer, string role, string version);

    [LoggerMessage(EventName = "peer.left", Level = LogLevel.Information, Message = "A peer left")]
    public static partial void PeerLeft(this ILogger log, string repository, string peer);

    [LoggerMessage(EventName = "peer.silent", Level = LogLevel.Information, Message = "A peer is silent")]
    public static partial void PeerSilent(this ILogger log, string repository, string peer, double seconds);

    [
        LoggerMessage(
            EventName = "peer.message_forged", Level = LogLevel.Warning,
            Message = "Dropped a message sent in the name of another node")]
    public static partial void MessageForged(this ILogger log, string peer, string subject, string through);

    [LoggerMessage(EventName = "sync.finished", Message = "Sync finished")]
    public static partial void SyncFinished(
        this ILogger log, LogLevel level, string repository, string target, long received, long sent, long ms);

    [LoggerMessage(EventName = "sync.failed", Message = "Sync failed")]
    public static partial void SyncFailed(
        this ILogger log, LogLevel level, string repository, string target, string error, long ms);

    [
        LoggerMessage(
            EventName = "node.duplicate_name", Level = LogLevel.Warning,
            Message = "Another node uses this node's name")]
    public static partial void DuplicateName(this ILogger log, string repository, string error, string hint);

    [LoggerMessage(EventName = "repository.cloning", Level = LogLevel.Information, Message = "Cloning a repository")]
    public static partial void RepositoryCloning(this ILogger log, string repository, string from);

    [LoggerMessage(EventName = "repository.cloned", Level = LogLevel.Information, Message = "Cloned a repository")]
    public static partial void RepositoryCloned(this ILogger log, string repository, long artifacts);

    [
        LoggerMessage(
            EventName = "hub.idle", Level = LogLevel.Information, Message = "No leaf is connected; the hub ends")]
    public static partial void HubIdle(this ILogger log, string after);

    [
        LoggerMessage(
            EventName = "announcement.failed", Level = LogLevel.Warning,
            Message = "An announcement could not be processed")]
    public static partial void AnnouncementFailed(this ILogger log, string subject, string error);

    [
        LoggerMessage(
            EventName = "bridge.probe_failed", Level = LogLevel.Warning,
            Message = "Cannot poll the Fossil server for changes; leaves poll instead")]
    public static partial void BridgeProbeFailed(this ILogger log, string projectCode, string url, string error);

    [
        LoggerMessage(
            EventName = "bridge.upstream_failed", Level = LogLevel.Error,
            Message = "The Fossil server does not answer")]
    public static partial void BridgeUpstreamFailed(this ILogger log, string projectCode, string url, string error);
}
