using System.Text;
using EdgeSync.Fossil.Markup;
using EdgeSync.Storage;

namespace EdgeSync.Node.Web.Pages.Markup;

/// <summary>
/// A text of a repository, such as a wiki page, as part of a page: elements of an allowed set, with the addresses that
/// its links mean for this visitor.
/// </summary>
internal sealed class PageMarkup
{
    /// <summary>Longer texts are shown as they are written.</summary>
    public const int LengthMax = 512 * 1024;

    private static readonly string[] Names =
        [.. Enum.GetNames<MarkupTag>().Select(name => name.ToLowerInvariant())];

    private readonly MarkupDocument _document;
    private readonly MarkupTargets _targets;

    private readonly int _headingShift;

    private PageMarkup(MarkupDocument document, MarkupTargets targets) =>
        (_document, _targets, _headingShift) = (document, targets, ShiftOf(document));

    /// <summary>The title that the text gives itself; null for none.</summary>
    public string? Title => _document.Title is { Length: > 0 } title ? title : null;

    /// <param name="mimetype">Of the artifact; null is Fossil's wiki.</param>
    public static PageMarkup Of(
        Repository repository, PageVisitor visitor, PageLinks links, ReadOnlySpan<byte> text, string? mimetype) =>
        new(Parse(Encoding.UTF8.GetString(text), mimetype), new MarkupTargets(repository, visitor, links));

    public void Write(HtmlPage html)
    {
        html.Add($"<div class=\"markup\">\n");
        string? href = null;
        var isBracket = false;
        foreach (var part in _document.Events)
        {
            switch (part.Kind)
            {
                case MarkupEventKind.Text:
                    html.Add($"{part.Text}");
                    break;
                case MarkupEventKind.Open:
                    Open(html, part);
                    break;
                case MarkupEventKind.Close:
                    html.Add($"</{TagOf(part.Tag)}>");
                    if (part.Tag is MarkupTag.Table) html.Add($"</div>");
                    break;
                case MarkupEventKind.OpenLink:
                    href = _targets.AddressOf(part.Text);
                    if (href is not null) html.Add($"<a href=\"{href}\" rel=\"nofollow\">");
                    else if (part.IsBracket) html.Add($"[");
                    isBracket = part.IsBracket;
                    break;
                case MarkupEventKind.CloseLink:
                    if (href is not null) html.Add($"</a>");
                    else if (isBracket) html.Add($"]");
                    (href, isBracket) = (null, false);
                    break;
                case MarkupEventKind.Image:
                    Image(html, part);
                    break;
            }
        }

        html.Add($"</div>\n");
        if (!_document.IsWhole) html.Add($"<p class=\"faint\">The rest is too much to show here.</p>\n");
    }

    private void Image(HtmlPage html, in MarkupEvent part)
    {
        var label = part.Label.Length > 0 ? part.Label : part.Text;
        if (_targets.ImageOf(part.Text) is { } source) html.Add($"<img src=\"{source}\" alt=\"{label}\">");
        else if (_targets.AddressOf(part.Text) is { } address)
            html.Add($"<a href=\"{address}\" rel=\"nofollow\">{label}</a>");
        else html.Add($"{label}");
    }

    private void Open(HtmlPage html, in MarkupEvent part)
    {
        if (part.Tag is MarkupTag.Table) html.Add($"<div class=\"scroll\">");
        html.Add($"<{TagOf(part.Tag)}");
        foreach (var (attribute, value) in part.Attributes)
        {
            switch (attribute)
            {
                case MarkupAttribute.Align: html.Add($" align=\"{value}\""); break;
                case MarkupAttribute.Colspan: html.Add($" colspan=\"{value}\""); break;
                case MarkupAttribute.Id: html.Add($" id=\"{value}\""); break;
                case MarkupAttribute.Rowspan: html.Add($" rowspan=\"{value}\""); break;
                case MarkupAttribute.Start: html.Add($" start=\"{value}\""); break;
                case MarkupAttribute.Title: html.Add($" title=\"{value}\""); break;
                case MarkupAttribute.Value: html.Add($" value=\"{value}\""); break;
            }
        }

        html.Add($">");
    }

    // The first heading of a page is its own: the highest of the text is of the second level. Names of the enumeration
    // are no foreign text.
    private string TagOf(MarkupTag tag) => Names[(int)(tag is >= MarkupTag.H1 and <= MarkupTag.H6
        ? (MarkupTag)Math.Min((int)tag + _headingShift, (int)MarkupTag.H6) : tag)];

    private static int ShiftOf(MarkupDocument document)
    {
        var highest = document.Events.Where(e => e.Kind == MarkupEventKind.Open).Select(e => e.Tag)
            .Where(tag => tag is >= MarkupTag.H1 and <= MarkupTag.H6).DefaultIfEmpty(MarkupTag.H2).Min();
        return MarkupTag.H2 - highest;
    }

    private static MarkupDocument Parse(string text, string? mimetype)
    {
        var document = text.Length > LengthMax ? null : mimetype switch
        {
            "text/x-markdown" or "text/markdown" => MarkdownReader.Parse(text),
            null or "" or "text/x-fossil-wiki" => WikiMarkup.Parse(text),
            _ => null,
        };
        if (document is not null) return document;

        var builder = new MarkupBuilder();
        if (builder.Open(MarkupTag.Pre))
            builder.Text(text.AsSpan(0, Math.Min(text.Length, PageBudget.FileBytesMax)));
        return builder.Finish();
    }
}
