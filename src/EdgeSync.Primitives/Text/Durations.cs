using System.Globalization;

namespace EdgeSync.Primitives;

/// <summary>
/// Durations in text: <c>30s</c>, <c>10m</c>, <c>2h</c>, <c>7d</c>, <c>250ms</c>, <c>0</c>.
/// </summary>
public static class Durations
{
    /// <summary>The message for an invalid duration.</summary>
    public static string FaultOf(string text) => $"invalid duration '{text}' (examples: 30s, 10m, 2h, 7d)";

    public static bool TryParse(string text, out TimeSpan span)
    {
        span = default;
        var digits = text.TrimEnd("abcdefghijklmnopqrstuvwxyz".ToCharArray());
        if (!double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return false;

        var unit = text[digits.Length..] switch
        {
            "ms" => TimeSpan.TicksPerMillisecond,
            "s" => TimeSpan.TicksPerSecond,
            "m" => TimeSpan.TicksPerMinute,
            "h" => TimeSpan.TicksPerHour,
            "d" => TimeSpan.TicksPerDay,
            "" when number == 0 => 1,
            _ => 0L,
        };
        if (unit == 0 || number * unit > TimeSpan.FromDays(36_500).Ticks) return false;

        span = new TimeSpan((long)(number * unit));
        return true;
    }

    /// <summary>The shortest text that <see cref="TryParse"/> reads back.</summary>
    public static string Format(TimeSpan span)
    {
        if (span.Ticks <= 1) return "0";

        var (number, unit) = span switch
        {
            { Ticks: var t } when t % TimeSpan.TicksPerDay == 0 => (span.TotalDays, "d"),
            { Ticks: var t } when t % TimeSpan.TicksPerHour == 0 => (span.TotalHours, "h"),
            { Ticks: var t } when t % TimeSpan.TicksPerMinute == 0 => (span.TotalMinutes, "m"),
            { Ticks: var t } when t % TimeSpan.TicksPerSecond == 0 => (span.TotalSeconds, "s"),
            _ => (span.TotalMilliseconds, "ms"),
        };
        return number.ToString(CultureInfo.InvariantCulture) + unit;
    }
}
