using System.Globalization;
using System.Text;

namespace EdgeSync.Cli.Printing;

/// <summary>How prose spells things.</summary>
internal static class Text
{
    /// <summary><c>YYYY-MM-DD HH:MM</c> of an ISO date, UTC.</summary>
    public static string Minute(string isoDate) => $"{isoDate[..10]} {isoDate[11..16]}";

    /// <summary>Foreign prose on one line: line ends and tabs become blanks, other control characters are shown.</summary>
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

    /// <summary>A foreign name: every control character is shown, line ends too, so that one name is one line.</summary>
    public static string Name(string name) => Shown(name, static c => char.IsControl(c));

    /// <summary>Any text for a terminal: what could move its cursor is shown as <c>\x1b</c>; line ends and tabs stay.</summary>
    public static string Visible(string text) => Shown(text, IsHarmful);

    /// <summary>A character that a terminal would obey rather than print.</summary>
    public static bool IsHarmful(char c) => char.IsControl(c) && c is not ('\n' or '\t');

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
