using System.Text;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Wraps comments as stock does.</summary>
// Spec: comment_print_legacy in comformat.c.
internal static class StockComment
{
    /// <summary>
    /// Prints a text whose first line begins at the column <paramref name="indent"/>; answers the number of lines.
    /// </summary>
    /// <param name="output">Where to.</param>
    /// <param name="text">Runs of white space count as one blank.</param>
    /// <param name="indent">Blanks before every line but the first.</param>
    /// <param name="width">Of the whole line, in characters; 0 or below: no limit.</param>
    public static int Print(TextWriter output, string text, int indent, int width)
    {
        var max = width - indent;
        if (max <= 0) max = int.MaxValue;
        var lines = 0;
        var rest = text.AsSpan();
        while (true)
        {
            while (rest.Length > 0 && IsSpace(rest[0])) rest = rest[1..];
            if (rest.IsEmpty)
            {
                if (lines > 0) return lines;

                output.Write("\n");
                return 1;
            }

            if (lines > 0) output.Write(new string(' ', indent));
            var (line, used) = Line(rest, max);
            output.Write(line + "\n");
            rest = rest[used..];
            lines++;
        }
    }

    private static (string Line, int Used) Line(ReadOnlySpan<char> text, int max)
    {
        var line = new StringBuilder();
        var (breakAt, breakLength, at) = (0, 0, 0);
        for (var count = 0; at < text.Length && count < max; at++, count++)
        {
            var c = text[at];
            if (IsSpace(c))
            {
                (breakAt, breakLength) = (at, line.Length);
                if (line.Length == 0 || line[^1] != ' ') line.Append(' ');
                continue;
            }

            if (c == '-' && line.Length > 0 && char.IsAsciiLetter(line[^1]))
                (breakAt, breakLength) = (at + 1, line.Length + 1);
            line.Append(c);
            if (char.IsHighSurrogate(c) && at + 1 < text.Length) line.Append(text[++at]);
        }

        return breakLength > 0 && at < text.Length
            ? (line.ToString(0, breakLength), breakAt)
            : (line.ToString(), at);
    }

    private static bool IsSpace(char c) => c is ' ' or (>= '\t' and <= '\r');
}
