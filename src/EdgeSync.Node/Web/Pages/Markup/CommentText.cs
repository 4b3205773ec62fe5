using EdgeSync.Fossil.Markup;

namespace EdgeSync.Node.Web.Pages.Markup;

/// <summary>
/// The line of an entry on a page: Fossil's wiki markup within a line, with links of hashes and of the web. Nothing is
/// looked up for them, since a page has hundreds.
/// </summary>
// Spec: WIKI_INLINE of wikiformat.c, as timeline.c uses it.
internal static class CommentText
{
    private const int LengthMax = 10_000, HashDigitsMin = 8;

    public static void Write(HtmlPage html, PageLinks links, string comment)
    {
        if (comment.Length > LengthMax || comment.AsSpan().IndexOfAny("<[&") < 0)
        {
            html.Add($"{comment}");
            return;
        }

        string? href = null;
        var isBracket = false;
        foreach (var part in WikiMarkup.Parse(comment).Events)
        {
            switch (part.Kind)
            {
                case MarkupEventKind.Text:
                    html.Add($"{part.Text}");
                    break;
                case MarkupEventKind.Open when IsInLine(part.Tag):
                    html.Add($"<{part.Tag.ToString().ToLowerInvariant()}>");
                    break;
                case MarkupEventKind.Close when IsInLine(part.Tag):
                    html.Add($"</{part.Tag.ToString().ToLowerInvariant()}>");
                    break;
                case MarkupEventKind.OpenLink:
                    (href, isBracket) = (AddressOf(links, part.Text), part.IsBracket);
                    if (href is not null) html.Add($"<a href=\"{href}\" rel=\"nofollow\">");
                    else if (isBracket) html.Add($"[");
                    break;
                case MarkupEventKind.CloseLink:
                    if (href is not null) html.Add($"</a>");
                    else if (isBracket) html.Add($"]");
                    break;
                case MarkupEventKind.Image:
                    html.Add($"{(part.Label.Length > 0 ? part.Label : part.Text)}");
                    break;
            }
        }
    }

    /// <summary>The entry of a wiki page: what happened to it, and its name.</summary>
    public static void WriteWiki(HtmlPage html, PageLinks links, string comment)
    {
        var what = comment switch
        {
            ['+', ..] => "Added",
            ['-', ..] => "Deleted",
            [':', ..] => "Edited",
            _ => null,
        };
        if (what is null) Write(html, links, comment);
        else html.Add($"{what}: <a href=\"{links.Wiki(comment[1..])}\">{comment[1..]}</a>");
    }

    private static string? AddressOf(PageLinks links, string target) =>
        target.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
            || target.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? target
            : target.Length is >= HashDigitsMin and <= 64 && target.All(char.IsAsciiHexDigitLower) ? links.Info(target)
            : null;

    private static bool IsInLine(MarkupTag tag) => tag is MarkupTag.B or MarkupTag.Code or MarkupTag.Del or MarkupTag.Em
        or MarkupTag.I or MarkupTag.Ins or MarkupTag.Kbd or MarkupTag.S or MarkupTag.Strong or MarkupTag.Sub
        or MarkupTag.Sup or MarkupTag.U or MarkupTag.Var;
}
