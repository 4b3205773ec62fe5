using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Mesh;

/// <summary>Log events of the iroh endpoint, listed in docs/operations.md.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(EventName = "iroh.started", Level = LogLevel.Information, Message = "The iroh endpoint runs")]
    public static partial void IrohStarted(this ILogger log, string id, string ticket, string addresses);

    [
        LoggerMessage(
            EventName = "iroh.servers", Level = LogLevel.Warning,
            Message = "First start: the iroh endpoint contacts these servers; docs/privacy.md says what they learn")]
    public static partial void IrohServers(this ILogger log, string servers, string hint);

    [LoggerMessage(EventName = "iroh.connected", Level = LogLevel.Information, Message = "A peer has connected")]
    public static partial void IrohConnected(
        this ILogger log, string peer, string name, string protocol, string? route);

    [LoggerMessage(EventName = "iroh.refused", Level = LogLevel.Warning, Message = "An endpoint was refused")]
    public static partial void IrohRefused(this ILogger log, string peer, string reason, string hint);

    [LoggerMessage(EventName = "iroh.exchange", Message = "Exchange with a peer")]
    public static partial void IrohExchange(
        this ILogger log, LogLevel level, string peer, string path, int status, long bytesIn, long bytesOut,
        double ms, string? operation, long? sent, long? received, string? error);

    [LoggerMessage(EventName = "iroh.exchange_failed", Level = LogLevel.Error, Message = "An exchange failed")]
    public static partial void IrohExchangeFailed(this ILogger log, string peer, string error);

    [LoggerMessage(EventName = "iroh.relay", Level = LogLevel.Information, Message = "Connected to a relay")]
    public static partial void IrohRelay(this ILogger log, string relay);

    [LoggerMessage(EventName = "iroh.relay_denied", Level = LogLevel.Warning, Message = "The relay refuses us")]
    public static partial void IrohRelayDenied(this ILogger log, string relay, string? error);

    [
        LoggerMessage(
            EventName = "iroh.publish_failed", Level = LogLevel.Warning, Message = "Our address is not published")]
    public static partial void IrohPublishFailed(this ILogger log, string? error);

    [
        LoggerMessage(
            EventName = "iroh.port_mapped", Level = LogLevel.Information,
            Message = "The router has mapped a port to this endpoint")]
    public static partial void IrohPortMapped(this ILogger log, string protocol, string address, long seconds);

    [
        LoggerMessage(
            EventName = "iroh.port_not_mapped", Level = LogLevel.Information,
            Message = "The router maps no port; peers that punch holes or a relay do not need one")]
    public static partial void IrohPortNotMapped(this ILogger log, string reason);

    [LoggerMessage(EventName = "iroh.paired", Level = LogLevel.Information, Message = "A machine was paired")]
    public static partial void IrohPaired(this ILogger log, string peer, string name, string capabilities);

    [LoggerMessage(EventName = "iroh.forgotten", Level = LogLevel.Information, Message = "A peer is trusted no longer")]
    public static partial void IrohForgotten(this ILogger log, string peer);
}
