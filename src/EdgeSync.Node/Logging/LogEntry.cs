using System.Diagnostics;
using System.Globalization;
using EdgeSync.Node.Settings;

namespace EdgeSync.Node.Logging;

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
    DateTimeOffset Time, LogLevel Level, string Message, IReadOnlyList<LogPair> Pairs, ActivityContext? Trace);

/// <summary>One pair of an event.</summary>
/// <param name="IsNumber">JSON carries it as a number.</param>
internal readonly record struct LogPair(string Key, string Value, bool IsNumber);

/// <summary>A value on its way into the log: a text, a number, or nothing, which leaves the pair out.</summary>
internal readonly record struct LogValue(string? Text, bool IsNumber)
{
    public static implicit operator LogValue(string? text) => new(text, false);

    public static implicit operator LogValue(long number) => new(number.ToString(CultureInfo.InvariantCulture), true);

    public static implicit operator LogValue(int number) => (long)number;

    public static implicit operator LogValue(double number) => new(number.ToString("0.0", CultureInfo.InvariantCulture), true);
}
