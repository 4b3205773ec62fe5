using static EdgeSync.Storage.Crosslink.Links.AsciiText;

namespace EdgeSync.Storage.Crosslink.Links;

/// <summary>
/// Finds <c>[target]</c> and <c>[target|label]</c> in Fossil's wiki markup. Other markup matters only where it hides a
/// link: known HTML tags (their attributes), <c>&lt;nowiki&gt;</c> and <c>&lt;verbatim&gt;</c>.
/// </summary>
/// <remarks>
/// Spec: wikiformat.c, wiki_extract_links. Lists, paragraphs and the stack of open tags change nothing about links, so
/// they do not appear here. A <c>verbatim</c> that carries an id is never closed, since stock compares its id with the
/// rest of the text; so do we, because the rows must be equal.
/// </remarks>
internal static class WikiLinks
{
    private static readonly HashSet<string> _tags = new(StringComparer.Ordinal)
    {
        "a", "abbr", "address", "article", "aside", "b", "big", "blockquote", "br", "center", "cite", "code", "col",
        "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6",
        "header", "hr", "i", "img", "ins", "kbd", "li", "nav", "nobr", "nowiki", "ol", "p", "pre", "s", "samp",
        "section",
        "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "title",
        "tr",
        "tt", "u", "ul", "var", "verbatim",
    };

    private static readonly HashSet<string> _attributes = new(StringComparer.Ordinal)
    {
        "align", "alt", "bgcolor", "border", "cellpadding", "cellspacing", "class", "clear", "color", "colspan",
            "compact",
        "face", "height", "href", "hspace", "id", "links", "name", "rowspan", "size", "src", "start", "style", "target",
        "title", "type", "valign", "value", "vspace", "width",
    };

    /// <param name="htmlOnly">Setting <c>wiki-use-html</c>: tags are ignored, only links are read.</param>
    public static void Scan(ReadOnlySpan<byte> text, bool htmlOnly, LinkSink sink)
    {
        text = ToNul(text);
        var allowLinks = true;
        var allowedBefore = true;
        var inVerbatim = false;
        var verbatimEnds = true;
        var position = 0;
        while (position < text.Length)
        {
            var next = text[position..].IndexOfAny((byte)'<', (byte)'[');
            if (next < 0) return;
            position += next;
            var rest = text[position..];
            if (rest[0] == '[')
            {
                position += allowLinks && LinkLength(rest) is > 0 and var length ? TakeLink(rest, length, sink) : 1;
                continue;
            }

            var tagLength = htmlOnly ? 0 : TagLength(rest);
            if (tagLength == 0)
            {
                position++;
                continue;
            }

            var tag = ParseTag(rest[..tagLength]);
            position += tagLength;
            if (inVerbatim)
            {
                if (verbatimEnds && tag.IsEnd && tag.Name == "verbatim")
                {
                    inVerbatim = false;
                    allowLinks = allowedBefore;
                }
                else
                {
                    position -= tagLength - 1;
                }
            }
            else if (!_tags.Contains(tag.Name))
            {
                position -= tagLength - 1;   // unknown: plain text, which may hold links
            }
            else if (tag.Name == "nowiki")
            {
                allowLinks = tag.IsEnd;
            }
            else if (tag.Name == "verbatim" && !tag.IsEnd)
            {
                (inVerbatim, verbatimEnds, allowedBefore, allowLinks) = (true, !tag.HasIdValue, allowLinks, false);
            }
        }
    }

    private static int TakeLink(ReadOnlySpan<byte> text, int length, LinkSink sink)
    {
        var inside = text[1..(length - 1)];
        var bar = inside.IndexOf((byte)'|');
        var end = bar < 0 ? inside.Length : bar;
        while (end > 1 && inside[end - 1] == ' ') end--;
        LinkTarget.Offer(inside[..end], sink);
        return length;
    }

    private static int LinkLength(ReadOnlySpan<byte> text) => text.IndexOf((byte)']') + 1;

    /// <summary>Length of a well-formed tag with its brackets, or 0.</summary>
    public static int TagLength(ReadOnlySpan<byte> text)
    {
        var n = 1;
        if (text.At(n) == '/') n++;
        if (!IsAlpha(text.At(n))) return 0;
        while (IsAlnum(text.At(n)) || text.At(n) == '-') n++;
        var c = text.At(n);
        if (c == '/' && text.At(n + 1) == '>') return n + 2;
        if (c != '>' && !IsSpace(c)) return 0;

        byte quote = 0;
        for (; n < text.Length && (text[n] != '>' || quote != 0); n++)
        {
            if (text[n] == quote) quote = 0;
            else if (quote == 0 && text[n] is (byte)'"' or (byte)'\'') quote = text[n];
        }

        return n < text.Length ? n + 1 : 0;
    }

    private readonly record struct Tag(string Name, bool IsEnd, bool HasIdValue);

    private static Tag ParseTag(ReadOnlySpan<byte> text)
    {
        var isEnd = text.At(1) == '/';
        var i = isEnd ? 2 : 1;
        var name = TakeWord(text, ref i);
        if (isEnd || name != "verbatim") return new Tag(name, isEnd, HasIdValue: false);

        return new Tag(name, isEnd, HasIdValue: HasIdWithValue(text, i));
    }

    private static string TakeWord(ReadOnlySpan<byte> text, ref int i)
    {
        var start = i;
        while (IsAlnum(text.At(i))) i++;
        return string.Create(i - start, text[start..i], static (target, source) =>
        {
            for (var k = 0; k < source.Length; k++) target[k] = char.ToLowerInvariant((char)source[k]);
        });
    }

    // An "id" somewhere, and a value on the first attribute: stock takes that as the id.
    private static bool HasIdWithValue(ReadOnlySpan<byte> text, int i)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var firstHasValue = false;
        var hasId = false;
        if (text.At(i) == '-')
        {
            (firstHasValue, hasId) = (true, true);
            i++;
            while (IsAlnum(text.At(i))) i++;
            if (text.At(i++) == '>') return true;
        }

        while (IsSpace(text.At(i))) i++;
        while (IsAlpha(text.At(i)))
        {
            var name = TakeWord(text, ref i);
            var counts = _attributes.Contains(name) && !seen.Contains(name);
            var hasValue = false;
            while (IsSpace(text.At(i))) i++;
            if (text.At(i) == '=')
            {
                hasValue = true;
                i++;
                while (IsSpace(text.At(i))) i++;
                if (text.At(i) is (byte)'"' or (byte)'\'')
                {
                    var quote = text[i++];
                    while (i < text.Length && text[i] != quote) i++;
                }
                else
                {
                    for (; i < text.Length && !IsSpace(text[i]) && text[i] != '>'; i++)
                        if (text[i] is (byte)'\'' or (byte)'"') counts = false;
                }

                if (text.At(i) != '>') i++;
            }

            if (counts)
            {
                if (seen.Count == 0 && !hasId) firstHasValue = hasValue;
                seen.Add(name);
                hasId |= name == "id";
            }

            while (IsSpace(text.At(i))) i++;
            if (i >= text.Length || text[i] == '>' || (text[i] == '/' && text.At(i + 1) == '>')) break;
        }

        return hasId && firstHasValue;
    }
}
