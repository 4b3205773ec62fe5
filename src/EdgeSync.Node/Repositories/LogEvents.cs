using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Repositories;

/// <summary>Log events of repositories, listed in docs/operations.md.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(EventName = "repository.failed", Level = LogLevel.Error, Message = "A repository operation failed")]
    public static partial void RepositoryFailed(this ILogger log, string repository, string error, string? hint);

    [
        LoggerMessage(
            EventName = "repository.read_only", Level = LogLevel.Warning,
            Message = "The repository cannot be written; serving it read-only")]
    public static partial void RepositoryReadOnly(this ILogger log, string repository, string error);

    [
        LoggerMessage(
            EventName = "repository.writable", Level = LogLevel.Information,
            Message = "The repository can be written again")]
    public static partial void RepositoryWritable(this ILogger log, string repository);

    [
        LoggerMessage(
            EventName = "repository.warning", Level = LogLevel.Warning, Message = "The repository needs attention")]
    public static partial void RepositoryWarning(this ILogger log, string repository, string text);

    [LoggerMessage(EventName = "disk.low", Level = LogLevel.Warning, Message = "The disk is nearly full")]
    public static partial void DiskLow(this ILogger log, string repository, long freeBytes);

    [
        LoggerMessage(
            EventName = "user.not_created", Level = LogLevel.Warning,
            Message = "A user without password_file is created at start only")]
    public static partial void UserNotCreated(this ILogger log, string login);

    [LoggerMessage(EventName = "join.accepted", Level = LogLevel.Information, Message = "A machine joined")]
    public static partial void JoinAccepted(this ILogger log, string machine, string login, string from);

    [LoggerMessage(EventName = "join.refused", Level = LogLevel.Warning, Message = "A machine was refused")]
    public static partial void JoinRefused(this ILogger log, string machine, string from, string error);
}
