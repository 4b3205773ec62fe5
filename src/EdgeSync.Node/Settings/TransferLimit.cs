using System.Globalization;
using EdgeSync.Can.Sync.Transfer;

namespace EdgeSync.Node.Settings;

/// <summary>A limit of the mirror of an asset store in text.</summary>
internal static class TransferLimit
{
    public const string Hint = "such as 5MB, or 'off 08:00-18:00=500KB'";

    /// <summary>
    /// <c>5MB</c>, or with hours <c>1MB 08:00-18:00=200KB 18:00-20:00=off</c>: bytes per second, at other times the
    /// first. Null for anything else.
    /// </summary>
    public static LimitPlan? Of(string text)
    {
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0 || !TryRate(parts[0], out var usual)) return null;

        var hours = new List<LimitHours>();
        foreach (var part in parts.Skip(1))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var dash = part.IndexOf('-', StringComparison.Ordinal);
            if (dash < 0 || equals < dash || !TryMinute(part[..dash], out var from)
                || !TryMinute(part[(dash + 1)..equals], out var to) || !TryRate(part[(equals + 1)..], out var rate))
                return null;

            hours.Add(new LimitHours(from, to, rate));
        }

        return new LimitPlan(usual, hours);
    }

    private static bool TryRate(string text, out long? rate)
    {
        rate = null;
        if (text is "off") return true;

        var digits = text.TakeWhile(char.IsAsciiDigit).Count();
        long? factor = text[digits..].ToUpperInvariant() switch
        {
            "" or "B" => 1,
            "K" or "KB" => 1_000,
            "M" or "MB" => 1_000_000,
            "G" or "GB" => 1_000_000_000,
            _ => null,
        };
        if (factor is null || digits is 0 or > 9) return false;

        rate = long.Parse(text.AsSpan(0, digits), CultureInfo.InvariantCulture) * factor;
        return rate > 0;
    }

    private static bool TryMinute(string text, out int minute)
    {
        var isTime = TimeOnly.TryParseExact(
            text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time);
        minute = (time.Hour * 60) + time.Minute;
        return isTime;
    }
}
