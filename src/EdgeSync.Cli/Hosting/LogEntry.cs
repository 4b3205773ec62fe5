using System.Diagnostics;

namespace EdgeSync.Cli.Hosting;

internal enum LogLevel
{
    Debug,
    Info,
    Warning,
    Error,
}

internal static class LogLevels
{
    public static string Word(this LogLevel level) => level switch
    {
        LogLevel.Debug => "debug",
        LogLevel.Info => "info",
        LogLevel.Warning => "warning",
        _ => "error",
    };

    public static bool TryParse(string? word, out LogLevel level)
    {
        (var known, level) = word switch
        {
            "debug" => (true, LogLevel.Debug),
            "info" => (true, LogLevel.Info),
            "warning" or "warn" => (true, LogLevel.Warning),
            "error" => (true, LogLevel.Error),
            _ => (false, LogLevel.Info),
        };
        return known;
    }
}

/// <summary>One event of a log: what happened, and with what.</summary>
/// <param name="Trace">The span in which it happened, if there was one.</param>
internal sealed record LogEntry(
    DateTimeOffset Time, LogLevel Level, string Message, IReadOnlyList<KeyValuePair<string, string>> Pairs, ActivityContext? Trace);
