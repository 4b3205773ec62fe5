using System.Globalization;
using System.Text;

namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>Times as Go programs print them, which is what readers of a NATS server's monitoring port expect.</summary>
internal static class GoText
{
    /// <summary>Such as <c>382µs</c>, <c>1.25ms</c>, <c>3.5s</c>, <c>1m2s</c>, <c>1h0m0s</c>.</summary>
    public static string OfDuration(TimeSpan time)
    {
        var nanoseconds = time.Ticks * 100;
        if (nanoseconds == 0) return "0s";
        if (nanoseconds < 1000) return $"{nanoseconds}ns";
        if (nanoseconds < 1_000_000) return Number(nanoseconds / 1e3) + "µs";
        if (nanoseconds < 1_000_000_000) return Number(nanoseconds / 1e6) + "ms";

        var hours = (long)time.TotalHours;
        var rest = time.Ticks - hours * TimeSpan.TicksPerHour - time.Minutes * TimeSpan.TicksPerMinute;
        var seconds = Number(rest / (double)TimeSpan.TicksPerSecond);
        if (hours > 0) return $"{hours}h{time.Minutes}m{seconds}s";
        return time.Minutes > 0 ? $"{time.Minutes}m{seconds}s" : $"{seconds}s";
    }

    /// <summary>Whole seconds in days and less, such as <c>1d2h3m4s</c>; years of 365 days before them.</summary>
    public static string OfUptime(TimeSpan time)
    {
        var text = new StringBuilder();
        var (years, days) = ((int)time.TotalDays / 365, (int)time.TotalDays % 365);
        if (years > 0) text.Append(CultureInfo.InvariantCulture, $"{years}y");
        if (text.Length > 0 || days > 0) text.Append(CultureInfo.InvariantCulture, $"{days}d");
        if (text.Length > 0 || time.Hours > 0) text.Append(CultureInfo.InvariantCulture, $"{time.Hours}h");
        if (text.Length > 0 || time.Minutes > 0) text.Append(CultureInfo.InvariantCulture, $"{time.Minutes}m");
        return text.Append(CultureInfo.InvariantCulture, $"{time.Seconds}s").ToString();
    }

    private static string Number(double value) => value.ToString("0.#########", CultureInfo.InvariantCulture);
}
