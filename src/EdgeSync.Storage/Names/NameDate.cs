namespace EdgeSync.Storage.Names;

/// <summary>Dates inside names: which texts are dates, and up to which time a short one reaches.</summary>
// Spec: name.c, fossil_isdate, fossil_expand_datetime, fossil_roundup_date.
internal static class NameDate
{
    /// <summary>Starts like <c>2026-11-22</c>; SQLite decides whether the rest is a time.</summary>
    public static bool LooksLikeDate(ReadOnlySpan<char> text) =>
        text.Length >= 10 && text[4] == '-' && text[7] == '-'
        && IsDigits(text[..4]) && IsDigits(text[5..7]) && IsDigits(text[8..10]);

    /// <summary>
    /// <c>YYYYMMDD</c>, <c>YYYYMMDDHHMM</c> or <c>YYYYMMDDHHMMSS</c> with its punctuation; null for anything else.
    /// </summary>
    public static string? Expand(string text)
    {
        if (text.Length is not (8 or 12 or 14) || !IsDigits(text)) return null;
        if (Number(text, 0, 4) is < 1970 or > 2100 || Number(text, 4, 2) is < 1 or > 12
            || Number(text, 6, 2) is < 1 or > 31)
            return null;

        var date = $"{text[..4]}-{text[4..6]}-{text[6..8]}";
        if (text.Length == 8) return date;
        if (Number(text, 8, 2) > 24 || Number(text, 10, 2) > 60) return null;

        var time = $"{date} {text[8..10]}:{text[10..12]}";
        if (text.Length == 12) return time;
        return Number(text, 12, 2) > 60 ? null : $"{time}:{text[12..14]}";
    }

    /// <summary>A date means all of that day, a minute all of that minute.</summary>
    public static string RoundUp(string date) => date.Length switch
    {
        19 => date + ".999",
        16 => date + ":59.999",
        10 => date + " 23:59:59.999",
        _ => date,
    };

    private static bool IsDigits(ReadOnlySpan<char> text) => text.IndexOfAnyExceptInRange('0', '9') < 0;

    private static int Number(string text, int start, int count) =>
        int.Parse(text.AsSpan(start, count), System.Globalization.CultureInfo.InvariantCulture);
}
