using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Watch;

/// <summary>Log events of a watched folder, listed in docs/operations.md.</summary>
internal static partial class LogEvents
{
    [LoggerMessage(EventName = "folder.committed", Level = LogLevel.Information, Message = "Committed the folder")]
    public static partial void FolderCommitted(this ILogger log, string folder, string checkin, string? comment);

    [
        LoggerMessage(
            EventName = "folder.commit_failed", Level = LogLevel.Warning,
            Message = "Cannot commit the folder; retrying")]
    public static partial void FolderCommitFailed(this ILogger log, string folder, string error, string? hint);

    [
        LoggerMessage(
            EventName = "folder.conflict", Level = LogLevel.Warning,
            Message = "Files changed here and elsewhere are not committed")]
    public static partial void FolderConflict(this ILogger log, string folder, string files);

    [
        LoggerMessage(
            EventName = "folder.files_skipped", Level = LogLevel.Warning,
            Message = "Some files of the folder are not committed")]
    public static partial void FolderFilesSkipped(this ILogger log, string folder, string files);

    [
        LoggerMessage(
            EventName = "folder.not_watched", Level = LogLevel.Warning,
            Message = "Cannot watch the folder; checking it once a minute")]
    public static partial void FolderNotWatched(this ILogger log, string folder, string error);
}
