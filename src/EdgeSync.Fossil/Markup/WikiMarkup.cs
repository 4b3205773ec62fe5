using System.Net;

namespace EdgeSync.Fossil.Markup;

/// <summary>
/// Reads Fossil's wiki markup: paragraphs by empty lines, lists by a star or a number sign between blanks, indented
/// paragraphs, links in brackets, and an allowed part of HTML. No text is wrong: what is not markup is shown.
/// <code>
///   *  an item        #  a numbered one       two blanks in front: indented
/// [target]  [target|label]  &lt;verbatim&gt;as it stands&lt;/verbatim&gt;  &lt;nowiki&gt;HTML alone&lt;/nowiki&gt;
/// </code>
/// </summary>
// Spec: wikiformat.c; /wiki_rules of a Fossil server.
public sealed class WikiMarkup
{
    // Where an end is looked for: so that a text of nothing but beginnings is read in time that grows with its length.
    private const int TagLengthMax = 1000, LinkLengthMax = 1000, EntityLengthMax = 10;

    private static readonly System.Buffers.SearchValues<char> Special = System.Buffers.SearchValues.Create("<&[\n");

    private readonly string _text;
    private readonly MarkupBuilder _builder = new();
    private int _at;
    private bool _isLineStart = true;
    private bool _isParagraphStart = true;
    private bool _isPlainHtml;
    private bool _isList;
    private bool _isIndented;
    private bool _wantsParagraph;
    private bool _hasNoCommentEnd;

    private WikiMarkup(string text) => _text = text;

    /// <summary>A page.</summary>
    public static MarkupDocument Parse(string text) =>
        new WikiMarkup(text.Replace("\r\n", "\n", StringComparison.Ordinal)).Run();

    /// <summary>
    /// Where the label of a link in brackets begins that stands at this place, and where the link ends; false for
    /// another bracket.
    /// </summary>
    /// <param name="text">A text with an opening bracket at its begin.</param>
    /// <param name="target">What it names.</param>
    /// <param name="label">What is shown; the target where it has no own.</param>
    /// <param name="length">With both brackets.</param>
    public static bool TryLink(
        ReadOnlySpan<char> text, out ReadOnlySpan<char> target, out ReadOnlySpan<char> label, out int length)
    {
        target = label = default;
        length = 0;
        var near = text[..Math.Min(text.Length, LinkLengthMax)];
        var end = near.IndexOfAny(']', '\n');
        if (end < 2 || near[end] != ']' || near[1] == '[') return false;

        var inside = near[1..end];
        var bar = inside.IndexOf('|');
        target = (bar < 0 ? inside : inside[..bar]).Trim();
        label = bar < 0 ? target : inside[(bar + 1)..].Trim();
        if (label.IsEmpty) label = target;
        length = end + 1;
        return !target.IsEmpty;
    }

    private MarkupDocument Run()
    {
        while (_at < _text.Length && !_builder.IsFull) Step();
        return _builder.Finish();
    }

    private void Step()
    {
        if (_isLineStart && !_isPlainHtml && !_builder.IsOpen(MarkupTag.Pre) && TryLineStart()) return;

        _isLineStart = false;
        var c = _text[_at];
        switch (c)
        {
            case '<' when TryTag():
            case '&' when TryEntity():
            case '[' when !_isPlainHtml && TryBracket():
                return;
            case '\n':
                _builder.Text("\n");
                _at++;
                _isLineStart = true;
                return;
            default:
                var end = _text.AsSpan(_at + 1).IndexOfAny(Special);
                end = end < 0 ? _text.Length : _at + 1 + end;
                if (!_text.AsSpan(_at, end - _at).IsWhiteSpace()) BeginText();
                _builder.Text(_text.AsSpan(_at, end - _at));
                _at = end;
                return;
        }
    }

    // An empty line, an item, or an indented line.
    private bool TryLineStart()
    {
        var line = _text.AsSpan(_at);
        var blanks = line.IndexOfAnyExcept(' ', '\t');
        if (blanks < 0) blanks = line.Length;
        if (blanks == line.Length || line[blanks] == '\n')
        {
            // In HTML of a page an empty line makes a paragraph only within text.
            _at = Math.Min(_text.Length, _at + blanks + 1);
            EndParagraph();
            return true;
        }

        if (Columns(line[..blanks]) < 2) return false;

        if (line[blanks] is '*' or '#')
        {
            var rest = line[(blanks + 1)..];
            var after = rest.IndexOfAnyExcept(' ', '\t');
            if (after > 0 && Columns(rest[..after]) >= 2 && rest[after] != '\n')
            {
                var list = line[blanks] == '*' ? MarkupTag.Ul : MarkupTag.Ol;
                if (!_isList || !_builder.IsOpen(list))
                {
                    EndList();
                    _builder.CloseLink();
                    _builder.Close(MarkupTag.P);
                    _isList = _builder.Open(list);
                }

                _isList &= _builder.Open(MarkupTag.Li);
                _at += blanks + 1 + after;
                _isParagraphStart = false;
                return true;
            }
        }

        if (!_isParagraphStart || _isList) return false;

        _builder.Close(MarkupTag.P);
        _builder.Open(MarkupTag.Blockquote);
        _at += blanks;
        _isParagraphStart = false;
        _isIndented = true;
        return true;
    }

    private void EndParagraph()
    {
        EndList();
        _builder.Close(MarkupTag.P);
        if (_isIndented) _builder.Close(MarkupTag.Blockquote);
        (_isIndented, _isParagraphStart, _isLineStart, _wantsParagraph) = (false, true, true, true);
    }

    // After an empty line, text in a cell or an item is a paragraph of its own.
    private void BeginText()
    {
        if (_wantsParagraph && _builder.Innermost is MarkupTag.Div or MarkupTag.Td or MarkupTag.Th or MarkupTag.Dd
            or MarkupTag.Li) _builder.Open(MarkupTag.P);
        (_wantsParagraph, _isParagraphStart) = (false, false);
    }

    private void EndList()
    {
        if (!_isList) return;

        _builder.CloseLink();
        _builder.Close(_builder.IsOpen(MarkupTag.Ul) ? MarkupTag.Ul : MarkupTag.Ol);
        _isList = false;
    }

    private static int Columns(ReadOnlySpan<char> blanks)
    {
        var columns = 0;
        foreach (var c in blanks) columns += c == '\t' ? 2 : 1;
        return columns;
    }

    private bool TryBracket()
    {
        if (!TryLink(_text.AsSpan(_at), out var target, out var label, out var length)) return false;

        BeginText();
        _builder.OpenLink(target.ToString(), isBracket: true);
        _builder.Text(WebUtility.HtmlDecode(label.ToString()));
        _builder.CloseLink();
        _at += length;
        return true;
    }

    private bool TryEntity()
    {
        var near = _text.AsSpan(_at, Math.Min(EntityLengthMax, _text.Length - _at));
        var end = near.IndexOf(';');
        if (end < 2) return false;

        var decoded = WebUtility.HtmlDecode(near[..(end + 1)].ToString());
        if (decoded.Length > 2) return false;

        BeginText();
        _builder.Text(decoded);
        _at += end + 1;
        return true;
    }

    private bool TryTag()
    {
        var rest = _text.AsSpan(_at);
        if (rest.StartsWith("<!--"))
        {
            var close = _hasNoCommentEnd ? -1 : rest.IndexOf("-->");
            _hasNoCommentEnd = close < 0;
            if (close >= 0) _at += close + 3;
            return close >= 0;
        }

        var near = rest[..Math.Min(rest.Length, TagLengthMax)];
        if (!HtmlTag.TryRead(near, out var tag)) return false;

        switch (tag.Name)
        {
            case "verbatim":
                _at += tag.Length;
                if (!tag.IsEnd) Verbatim();
                return true;
            case "nowiki":
                _at += tag.Length;
                _isPlainHtml = !tag.IsEnd;
                return true;
            case "title" when !tag.IsEnd:
                var end = near.IndexOf("</title>", StringComparison.OrdinalIgnoreCase);
                if (end < 0) return false;
                _builder.Title ??= WebUtility.HtmlDecode(near[tag.Length..end].Trim().ToString());
                _at += end + "</title>".Length;
                return true;
            case "a":
                _at += tag.Length;
                BeginText();
                Anchor(tag);
                return true;
            case "img" when !tag.IsEnd:
                _at += tag.Length;
                BeginText();
                if (tag.Value("src") is { } source) _builder.Image(source, tag.Value("alt") ?? "");
                return true;
        }

        if (!MarkupTags.TryFind(tag.Name, out var kind)) return false;

        _at += tag.Length;
        if (MarkupTags.IsBlock(kind)) EndList();
        else if (!tag.IsEnd && MarkupTags.ParentsOf(kind).IsEmpty) BeginText();
        if (tag.IsEnd) _builder.Close(kind);
        else _builder.Open(kind, tag.Kept());
        _isParagraphStart = MarkupTags.IsBlock(kind) || (_isParagraphStart && MarkupTags.IsVoid(kind));
        return true;
    }

    private void Anchor(HtmlTag tag)
    {
        if (tag.IsEnd) _builder.CloseLink();
        else if (tag.Value("href") is { } target) _builder.OpenLink(target);
        else if (tag.Kept() is { Count: > 0 } kept && _builder.Open(MarkupTag.Span, kept))
            _builder.Close(MarkupTag.Span);
    }

    // To its end, or that of the text.
    private void Verbatim()
    {
        var end = _text.AsSpan(_at).IndexOf("</verbatim>", StringComparison.OrdinalIgnoreCase);
        var inside = end < 0 ? _text.AsSpan(_at) : _text.AsSpan(_at, end);
        var isBlock = inside.Contains('\n');
        if (isBlock) EndList();
        if (_builder.Open(isBlock ? MarkupTag.Pre : MarkupTag.Code))
        {
            _builder.Text(inside);
            _builder.Close(isBlock ? MarkupTag.Pre : MarkupTag.Code);
        }

        _at += end < 0 ? inside.Length : end + "</verbatim>".Length;
        _isParagraphStart = isBlock;
    }
}
