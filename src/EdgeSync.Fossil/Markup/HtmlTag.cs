using System.Net;

namespace EdgeSync.Fossil.Markup;

/// <summary>
/// A tag of HTML as a person writes it: <c>&lt;name attribute="value" …&gt;</c> or <c>&lt;/name&gt;</c>.
/// </summary>
/// <param name="Name">In lower case.</param>
/// <param name="Length">Of the tag in the text.</param>
internal sealed record HtmlTag(string Name, bool IsEnd, int Length)
{
    private const int AttributesMax = 20;

    private readonly List<KeyValuePair<string, string>> _attributes = [];

    /// <summary>Reads the tag at the begin of a text; false when it is incomplete.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out HtmlTag tag)
    {
        tag = null!;
        var at = 1;
        var isEnd = at < text.Length && text[at] == '/';
        if (isEnd) at++;
        var name = Word(text, ref at);
        if (name.IsEmpty || !char.IsAsciiLetter(name[0])) return false;

        var attributes = new List<KeyValuePair<string, string>>();
        while (true)
        {
            while (at < text.Length && (char.IsWhiteSpace(text[at]) || text[at] == '/')) at++;
            if (at >= text.Length) return false;
            if (text[at] == '>') break;

            var key = Word(text, ref at);
            if (key.IsEmpty || !TryValue(text, ref at, out var value)) return false;
            if (attributes.Count < AttributesMax) attributes.Add(new(Lower(key), value));
        }

        tag = new HtmlTag(Lower(name), isEnd, at + 1);
        tag._attributes.AddRange(attributes);
        return true;
    }

    /// <summary>The first value of an attribute; null for none.</summary>
    public string? Value(string name)
    {
        foreach (var (key, value) in _attributes)
            if (key == name) return value;
        return null;
    }

    /// <summary>The attributes that an element may keep, each once.</summary>
    public IReadOnlyList<KeyValuePair<MarkupAttribute, string>> Kept()
    {
        var kept = new List<KeyValuePair<MarkupAttribute, string>>();
        foreach (var (key, value) in _attributes)
        {
            if (MarkupAttributes.TryRead(key, value, out var attribute, out var text)
                && kept.TrueForAll(k => k.Key != attribute))
                kept.Add(new(attribute, text));
        }

        return kept;
    }

    private static bool TryValue(ReadOnlySpan<char> text, ref int at, out string value)
    {
        value = "";
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
        if (at >= text.Length || text[at] != '=') return at < text.Length;

        at++;
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
        if (at >= text.Length) return false;

        int end;
        if (text[at] is '"' or '\'')
        {
            end = text[(at + 1)..].IndexOf(text[at]);
            if (end < 0) return false;
            value = WebUtility.HtmlDecode(text.Slice(at + 1, end).ToString());
            at += end + 2;
            return true;
        }

        end = text[at..].IndexOfAny(" \t\n>");
        if (end < 0) return false;
        value = WebUtility.HtmlDecode(text.Slice(at, end).ToString());
        at += end;
        return true;
    }

    private static ReadOnlySpan<char> Word(ReadOnlySpan<char> text, ref int at)
    {
        var start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '-' or '_' or ':')) at++;
        return text[start..at];
    }

    private static string Lower(ReadOnlySpan<char> name) => name.ToString().ToLowerInvariant();
}
