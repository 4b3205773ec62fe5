using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Brokers;

/// <summary>
/// Log events of links to NATS, of the broker, and of a supervised nats-server, listed in docs/operations.md.
/// </summary>
internal static partial class LogEvents
{
    [LoggerMessage(EventName = "nats.connecting", Level = LogLevel.Information, Message = "Connecting to NATS")]
    public static partial void NatsConnecting(this ILogger log, string address, string mode);

    [LoggerMessage(EventName = "nats.connected", Level = LogLevel.Information, Message = "Connected to NATS")]
    public static partial void NatsConnected(this ILogger log, string address, string server, string mode);

    [
        LoggerMessage(
            EventName = "nats.disconnected", Level = LogLevel.Warning,
            Message = "Lost the NATS connection; reconnecting")]
    public static partial void NatsDisconnected(this ILogger log, string address, string? error, string mode);

    [LoggerMessage(EventName = "nats.unreachable", Message = "NATS is not reachable; retrying")]
    public static partial void NatsUnreachable(
        this ILogger log, LogLevel level, string address, string? error, double? retryIn, string? hint);

    [
        LoggerMessage(
            EventName = "nats.left", Level = LogLevel.Information,
            Message = "Left a NATS server removed from the settings")]
    public static partial void NatsLeft(this ILogger log, string address, string server);

    [LoggerMessage(EventName = "nats.notice", Level = LogLevel.Warning, Message = "The NATS server sent a notice")]
    public static partial void NatsNotice(this ILogger log, string address, string text);

    [
        LoggerMessage(
            EventName = "nats.message_dropped", Level = LogLevel.Warning,
            Message = "The queue of a subscription is full; messages are dropped")]
    public static partial void NatsMessageDropped(this ILogger log, string subject);

    [
        LoggerMessage(
            EventName = "nats.publish_failed", Level = LogLevel.Debug, Message = "A NATS message was not published")]
    public static partial void NatsPublishFailed(this ILogger log, string subject, NatsOutcome error);

    [
        LoggerMessage(
            EventName = "nats.client_connected", Level = LogLevel.Debug, Message = "The broker accepted a connection")]
    public static partial void NatsClientConnected(this ILogger log, string from, ConnectionKind kind);

    [
        LoggerMessage(
            EventName = "nats.client_closed", Level = LogLevel.Debug, Message = "A connection of the broker closed")]
    public static partial void NatsClientClosed(this ILogger log, string from, CloseReason reason);

    [
        LoggerMessage(
            EventName = "nats.client_refused", Level = LogLevel.Warning, Message = "The broker refused a connection")]
    public static partial void NatsClientRefused(this ILogger log, string from, string error);

    [
        LoggerMessage(
            EventName = "nats_server.exited", Level = LogLevel.Error, Message = "nats-server exited; restarting it")]
    public static partial void NatsServerExited(this ILogger log, double retryIn);

    [LoggerMessage(EventName = "nats_server.output", Message = "nats-server reports")]
    public static partial void NatsServerOutput(this ILogger log, LogLevel level, string text);

    [
        LoggerMessage(
            EventName = "nats_server.leftover_stopped", Level = LogLevel.Warning,
            Message = "Stopping a nats-server that an earlier run left running")]
    public static partial void NatsServerLeftoverStopped(this ILogger log, int pid);
}
