using System.Text;

namespace EdgeSync.Cli.Printing;

/// <summary>How prose spells things.</summary>
internal static class Text
{
    /// <summary><c>YYYY-MM-DD HH:MM</c> of an ISO date, UTC.</summary>
    public static string Minute(string isoDate) => $"{isoDate[..10]} {isoDate[11..16]}";

    /// <summary>What a stranger wrote must not move the cursor: control characters and line ends become blanks.</summary>
    public static string OneLine(string text)
    {
        if (!text.Any(char.IsControl)) return text;

        var line = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (!char.IsControl(c)) line.Append(c);
            else if (line.Length > 0 && line[^1] != ' ') line.Append(' ');
        }

        return line.ToString().TrimEnd();
    }
}
