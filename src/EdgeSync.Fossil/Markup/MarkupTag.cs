namespace EdgeSync.Fossil.Markup;

/// <summary>The elements that a text of a repository may have on a page. What is not here is shown as text.</summary>
// Spec: aMarkup in wikiformat.c, without what only changes fonts or stands around a page (header, nav, footer).
public enum MarkupTag
{
    Abbr,
    Address,
    B,
    Blockquote,
    Br,
    Caption,
    Cite,
    Code,
    Col,
    Colgroup,
    Dd,
    Del,
    Details,
    Dfn,
    Div,
    Dl,
    Dt,
    Em,
    Figcaption,
    Figure,
    H1,
    H2,
    H3,
    H4,
    H5,
    H6,
    Hr,
    I,
    Ins,
    Kbd,
    Li,
    Ol,
    P,
    Pre,
    Q,
    S,
    Samp,
    Small,
    Span,
    Strong,
    Sub,
    Summary,
    Sup,
    Table,
    Tbody,
    Td,
    Tfoot,
    Th,
    Thead,
    Tr,
    U,
    Ul,
    Var,
}

/// <summary>An attribute that an element may keep, its value checked (<see cref="MarkupAttributes"/>).</summary>
public enum MarkupAttribute
{
    Align,
    Colspan,
    Id,
    Rowspan,
    Start,
    Title,
    Value,
}

/// <summary>How elements may stand in each other.</summary>
internal static class MarkupTags
{
    private static readonly Dictionary<string, MarkupTag> ByName = Named();

    /// <summary>The element of a name in lower case; old names are those of what replaced them.</summary>
    public static bool TryFind(string name, out MarkupTag tag) => ByName.TryGetValue(name, out tag);

    /// <summary>It has no content and no end.</summary>
    public static bool IsVoid(MarkupTag tag) => tag is MarkupTag.Br or MarkupTag.Hr or MarkupTag.Col;

    /// <summary>It ends a paragraph that is open.</summary>
    public static bool IsBlock(MarkupTag tag) => tag is MarkupTag.Address or MarkupTag.Blockquote or MarkupTag.Details
        or MarkupTag.Div or MarkupTag.Dl or MarkupTag.Figure or >= MarkupTag.H1 and <= MarkupTag.H6 or MarkupTag.Hr
        or MarkupTag.Ol or MarkupTag.P or MarkupTag.Pre or MarkupTag.Table or MarkupTag.Ul;

    /// <summary>An end inside it does not reach what is around it.</summary>
    public static bool IsWall(MarkupTag tag) =>
        tag is MarkupTag.Td or MarkupTag.Th or MarkupTag.Caption or MarkupTag.Table;

    /// <summary>Text in it needs no paragraph.</summary>
    public static bool HoldsText(MarkupTag tag) => tag is not (MarkupTag.Blockquote or MarkupTag.Colgroup
        or MarkupTag.Dl or MarkupTag.Ol or MarkupTag.Table or MarkupTag.Tbody or MarkupTag.Tfoot or MarkupTag.Thead
        or MarkupTag.Tr or MarkupTag.Ul);

    /// <summary>The elements that an element must stand in; none: anywhere.</summary>
    public static ReadOnlySpan<MarkupTag> ParentsOf(MarkupTag tag) => tag switch
    {
        MarkupTag.Li => [MarkupTag.Ul, MarkupTag.Ol],
        MarkupTag.Dt or MarkupTag.Dd => [MarkupTag.Dl],
        MarkupTag.Td or MarkupTag.Th => [MarkupTag.Tr],
        MarkupTag.Tr => [MarkupTag.Table, MarkupTag.Tbody, MarkupTag.Thead, MarkupTag.Tfoot],
        MarkupTag.Tbody or MarkupTag.Thead or MarkupTag.Tfoot or MarkupTag.Caption or MarkupTag.Colgroup =>
            [MarkupTag.Table],
        MarkupTag.Col => [MarkupTag.Table, MarkupTag.Colgroup],
        MarkupTag.Summary => [MarkupTag.Details],
        MarkupTag.Figcaption => [MarkupTag.Figure],
        _ => [],
    };

    private static Dictionary<string, MarkupTag> Named()
    {
        var names = new Dictionary<string, MarkupTag>(StringComparer.Ordinal);
        foreach (var tag in Enum.GetValues<MarkupTag>()) names[tag.ToString().ToLowerInvariant()] = tag;
        foreach (var name in (string[])["article", "aside", "center", "footer", "header", "nav", "section"])
            names[name] = MarkupTag.Div;
        foreach (var name in (string[])["big", "font", "nobr"]) names[name] = MarkupTag.Span;
        names["strike"] = MarkupTag.S;
        names["tt"] = MarkupTag.Code;
        return names;
    }
}

/// <summary>Which values attributes may have.</summary>
internal static class MarkupAttributes
{
    private const int TitleLengthMax = 200, SpanMax = 1000, IdLengthMax = 100;

    /// <summary>The attribute of a name in lower case with its value as it may be shown.</summary>
    public static bool TryRead(string name, string value, out MarkupAttribute attribute, out string kept)
    {
        (attribute, kept) = (default, value.Trim());
        switch (name)
        {
            case "align":
                attribute = MarkupAttribute.Align;
                kept = kept.ToLowerInvariant();
                return kept is "left" or "right" or "center" or "justify";
            case "colspan" or "rowspan" or "start" or "value":
                attribute = name switch
                {
                    "colspan" => MarkupAttribute.Colspan,
                    "rowspan" => MarkupAttribute.Rowspan,
                    "start" => MarkupAttribute.Start,
                    _ => MarkupAttribute.Value,
                };
                return kept.Length is > 0 and <= 4 && kept.All(char.IsAsciiDigit)
                    && int.Parse(kept, System.Globalization.CultureInfo.InvariantCulture) <= SpanMax;
            case "id" or "name":
                attribute = MarkupAttribute.Id;
                return kept.Length is > 0 and <= IdLengthMax && char.IsAsciiLetter(kept[0])
                    && kept.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':')
                    && kept != "content";
            case "title":
                attribute = MarkupAttribute.Title;
                return kept.Length is > 0 and <= TitleLengthMax;
            default:
                return false;
        }
    }
}
