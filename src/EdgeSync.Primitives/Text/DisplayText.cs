using System.Globalization;
using System.Text;

namespace EdgeSync.Primitives;

/// <summary>Formats amounts, times and foreign names for display.</summary>
public static class DisplayText
{
    /// <summary><c>YYYY-MM-DD HH:MM</c> of an ISO date, UTC.</summary>
    public static string Minute(string isoDate) => $"{isoDate[..10]} {isoDate[11..16]}";

    /// <summary><c>YYYY-MM-DD HH:MM:SS</c> of an ISO date, UTC.</summary>
    public static string Second(string isoDate) => $"{isoDate[..10]} {isoDate[11..19]}";

    /// <summary>
    /// Foreign prose on one line: line ends and tabs become blanks, other control characters become visible.
    /// </summary>
    public static string OneLine(string text)
    {
        if (!text.Any(char.IsControl)) return text;

        var line = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (c is not ('\n' or '\r' or '\t')) AppendVisible(line, c);
            else if (line.Length > 0 && line[^1] != ' ') line.Append(' ');
        }

        return line.ToString().TrimEnd();
    }

    /// <summary>
    /// A foreign name: every control character becomes visible, line ends too, so that one name is one line.
    /// </summary>
    public static string Name(string name) => Shown(name, static c => char.IsControl(c));

    /// <summary>
    /// Any text for a terminal: control characters that move the cursor become <c>\x1b</c>; line ends and tabs stay.
    /// </summary>
    public static string Visible(string text) => Shown(text, IsHarmful);

    /// <summary>A character that a terminal interprets rather than prints.</summary>
    public static bool IsHarmful(char c) => char.IsControl(c) && c is not ('\n' or '\t');

    /// <summary>An amount of bytes with three digits: <c>512 B</c>, <c>1.23 MB</c>.</summary>
    public static string Bytes(long bytes)
    {
        if (bytes < 1000) return $"{bytes} B";

        double value = bytes;
        var unit = -1;
        while (value >= 999.5 && unit < 3)
        {
            value /= 1000;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:G3} {"kMGT"[unit]}B");
    }

    /// <summary>A count with commas between thousands.</summary>
    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A duration, in the unit that fits.</summary>
    public static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 10 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:F1} s"),
        { TotalMinutes: < 2 } => $"{(int)span.TotalSeconds} s",
        { TotalHours: < 2 } => $"{(int)span.TotalMinutes} min",
        _ => $"{(int)span.TotalHours} h",
    };

    private static string Shown(string text, Func<char, bool> isHidden)
    {
        if (!text.Any(isHidden)) return text;

        var shown = new StringBuilder(text.Length + 8);
        foreach (var c in text)
        {
            if (isHidden(c)) AppendVisible(shown, c);
            else shown.Append(c);
        }

        return shown.ToString();
    }

    private static void AppendVisible(StringBuilder text, char c)
    {
        if (char.IsControl(c)) text.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
        else text.Append(c);
    }
}
