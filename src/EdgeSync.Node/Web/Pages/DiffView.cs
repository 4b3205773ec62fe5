using System.Text;
using EdgeSync.Fossil.Diff;

namespace EdgeSync.Node.Web.Pages;

/// <summary>A stretch of lines of a difference.</summary>
/// <param name="Kind"><c>same</c>, <c>removed</c>, <c>added</c>, or <c>gap</c>: lines that are left out.</param>
/// <param name="From">Number of the first line in the older text, from 1; 0 where it has none.</param>
/// <param name="To">Number of the first line in the newer text.</param>
internal sealed record DiffStretch(string Kind, int From, int To, IReadOnlyList<string> Lines);

/// <summary>The difference of two texts, as unified lines or beside each other.</summary>
internal static class DiffView
{
    private const int Context = 5;

    /// <summary>Null for what is binary.</summary>
    public static List<DiffStretch>? Of(byte[] from, byte[] to, PageBudget budget)
    {
        if (DiffText.Of(from, default) is not { } left || DiffText.Of(to, default) is not { } right) return null;

        var stretches = new List<DiffStretch>();
        var (i, j) = (0, 0);
        var edits = LineDiff.Compute(left, right).Edits;
        for (var step = 0; step + 2 < edits.Length && budget.HasLines; step += 3)
        {
            var (copied, removed, added) = (edits[step], edits[step + 1], edits[step + 2]);
            Copy(left, stretches, copied, isFirst: step == 0, isLast: removed + added == 0, ref i, ref j);
            if (removed > 0) stretches.Add(new DiffStretch("removed", i + 1, 0, Lines(left, i, budget.Take(removed))));
            if (added > 0) stretches.Add(new DiffStretch("added", 0, j + 1, Lines(right, j, budget.Take(added))));
            (i, j) = (i + removed, j + added);
        }

        return stretches;
    }

    /// <summary>Both texts beside each other.</summary>
    public static void WriteSideBySide(HtmlPage html, IReadOnlyList<DiffStretch> stretches, CodeColours? colours)
    {
        html.Add($"<div class=\"scroll\"><table class=\"diff beside\">\n");
        for (var i = 0; i < stretches.Count; i++)
        {
            var stretch = stretches[i];
            if (stretch.Kind == "gap")
            {
                html.Add($"<tr class=\"gap\"><td colspan=\"4\">…</td></tr>\n");
                continue;
            }

            var (left, right) = stretch.Kind == "added" ? (null, stretch) : (stretch, (DiffStretch?)null);
            if (stretch.Kind == "same") right = stretch;
            else if (stretch.Kind == "removed" && i + 1 < stretches.Count && stretches[i + 1].Kind == "added")
                right = stretches[++i];
            var (isLeftComment, isRightComment) = (false, false);
            for (var line = 0; line < Math.Max(left?.Lines.Count ?? 0, right?.Lines.Count ?? 0); line++)
            {
                html.Add($"<tr>");
                Side(html, left, line, left?.From ?? 0, colours, ref isLeftComment);
                Side(html, right, line, right?.To ?? 0, colours, ref isRightComment);
                html.Add($"</tr>\n");
            }
        }

        html.Add($"</table></div>\n");
    }

    private static void Side(
        HtmlPage html, DiffStretch? stretch, int line, int first, CodeColours? colours, ref bool isComment)
    {
        if (stretch is null || line >= stretch.Lines.Count)
        {
            html.Add($"<td class=\"number\"></td><td></td>");
            return;
        }

        html.Add($"<td class=\"number\">{first + line}</td><td class=\"{stretch.Kind}\">");
        CodeColours.Write(html, stretch.Lines[line], colours, ref isComment);
        html.Add($"</td>");
    }

    public static void Write(HtmlPage html, IReadOnlyList<DiffStretch> stretches, CodeColours? colours)
    {
        html.Add($"<div class=\"scroll\"><table class=\"diff\">\n");
        foreach (var stretch in stretches)
        {
            if (stretch.Kind == "gap")
            {
                html.Add($"<tr class=\"gap\"><td colspan=\"4\">…</td></tr>\n");
                continue;
            }

            var isComment = false;
            var mark = stretch.Kind switch { "added" => "+", "removed" => "-", _ => " " };
            for (var i = 0; i < stretch.Lines.Count; i++)
            {
                html.Add($"<tr class=\"{stretch.Kind}\"><td class=\"number\">");
                if (stretch.From > 0) html.Add($"{stretch.From + i}");
                html.Add($"</td><td class=\"number\">");
                if (stretch.To > 0) html.Add($"{stretch.To + i}");
                html.Add($"</td><td class=\"number\">{mark}</td><td>");
                CodeColours.Write(html, stretch.Lines[i], colours, ref isComment);
                html.Add($"</td></tr>\n");
            }
        }

        html.Add($"</table></div>\n");
    }

    // Of what is unchanged, only the lines near a change.
    private static void Copy(
        DiffText text, List<DiffStretch> stretches, int count, bool isFirst, bool isLast, ref int i, ref int j)
    {
        var head = isFirst ? 0 : Math.Min(Context, count);
        var tail = isLast ? 0 : Math.Min(Context, count - head);
        if (head > 0) stretches.Add(new DiffStretch("same", i + 1, j + 1, Lines(text, i, head)));
        if (count > head + tail) stretches.Add(new DiffStretch("gap", 0, 0, []));
        if (tail > 0)
        {
            var skipped = count - tail;
            stretches.Add(new DiffStretch("same", i + skipped + 1, j + skipped + 1, Lines(text, i + skipped, tail)));
        }

        (i, j) = (i + count, j + count);
    }

    private static List<string> Lines(DiffText text, int first, int count)
    {
        var lines = new List<string>(count);
        for (var k = first; k < first + count; k++) lines.Add(Encoding.UTF8.GetString(text.Line(k)));
        return lines;
    }
}
