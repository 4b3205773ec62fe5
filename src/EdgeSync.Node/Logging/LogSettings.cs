using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;
using LogLevelSetting = EdgeSync.Node.Settings.LogLevel;

namespace EdgeSync.Node.Logging;

/// <summary>The lowest level, and the format.</summary>
internal sealed record LogSettings(LogStyle Style, LogLevel LevelMin)
{
    /// <summary>By the configuration, and by the target of stderr.</summary>
    public static LogSettings Of(LogSection section, bool isVerbose = false) =>
        From(section, Environment.GetEnvironmentVariable, isTerminal: !Console.IsErrorRedirected, isVerbose);

    /// <summary>
    /// For commands without a configuration: <c>EDGESYNC_LOG_FORMAT</c> (auto, text, json), <c>EDGESYNC_LOG_LEVEL</c>.
    /// </summary>
    /// <exception cref="EdgeSyncException">The value is not one of these words.</exception>
    public static LogSettings OfProcess(bool isVerbose = false) =>
        From(
            SectionOf(Environment.GetEnvironmentVariable), Environment.GetEnvironmentVariable,
            isTerminal: !Console.IsErrorRedirected, isVerbose);

    public static LogSection SectionOf(Func<string, string?> variable) => new()
    {
        Format = variable("EDGESYNC_LOG_FORMAT") switch
        {
            null or "" or "auto" => LogFormat.Auto,
            "text" => LogFormat.Text,
            "json" => LogFormat.Json,
            var other =>
                throw new EdgeSyncException(ErrorKind.Usage, $"EDGESYNC_LOG_FORMAT is '{other}'", "auto, text or json"),
        },
        Level = variable("EDGESYNC_LOG_LEVEL") switch
        {
            "debug" => LogLevelSetting.Debug,
            null or "" or "info" => LogLevelSetting.Info,
            "warning" => LogLevelSetting.Warning,
            "error" => LogLevelSetting.Error,
            var other =>
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"EDGESYNC_LOG_LEVEL is '{other}'", "debug, info, warning or error"),
        },
    };

    public static LogSettings From(
        LogSection section, Func<string, string?> variable, bool isTerminal, bool isVerbose = false)
    {
        var isJournal = !isTerminal && variable("JOURNAL_STREAM") is { Length: > 0 };
        var style = section.Format switch
        {
            LogFormat.Json => LogStyle.Json,
            _ when isJournal => LogStyle.Journal,
            LogFormat.Text => LogStyle.Text,
            _ => isTerminal ? LogStyle.Text : LogStyle.Json,
        };
        return new LogSettings(style, isVerbose ? LogLevel.Debug : LevelOf(section.Level));
    }

    private static LogLevel LevelOf(LogLevelSetting level) => level switch
    {
        LogLevelSetting.Debug => LogLevel.Debug,
        LogLevelSetting.Info => LogLevel.Information,
        LogLevelSetting.Warning => LogLevel.Warning,
        _ => LogLevel.Error,
    };
}
