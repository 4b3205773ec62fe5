using System.Diagnostics;
using EdgeSync.Cli.Configuration;

namespace EdgeSync.Cli.Hosting;

internal static class LogLevels
{
    public static string Word(this LogLevel level) => level switch
    {
        LogLevel.Debug => "debug",
        LogLevel.Info => "info",
        LogLevel.Warning => "warning",
        _ => "error",
    };
}

/// <summary>One event of a log: what happened, and with what.</summary>
/// <param name="Trace">The span in which it happened, if there was one.</param>
internal sealed record LogEntry(
    DateTimeOffset Time, LogLevel Level, string Message, IReadOnlyList<KeyValuePair<string, string>> Pairs, ActivityContext? Trace);
