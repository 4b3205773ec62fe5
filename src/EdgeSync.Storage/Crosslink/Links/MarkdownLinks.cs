using System.Buffers;
using static EdgeSync.Storage.Crosslink.Links.AsciiText;

namespace EdgeSync.Storage.Crosslink.Links;

/// <summary>
/// Finds hyperlink targets in Markdown as stock's renderer does: first the definitions (<c>[id]: target</c> and
/// <c>[^id]: footnote</c>) are taken out, then the blocks are walked, then the footnotes that were referred to.
/// </summary>
/// <remarks>
/// Spec: markdown.c and backlink.c. Emphasis is not parsed, since links inside and outside of it are found alike.
/// </remarks>
internal sealed class MarkdownLinks
{
    private const int FootnoteRoundsMax = 5;

    private static readonly SearchValues<byte> _active = SearchValues.Create("`[(<\\"u8);

    private static readonly SearchValues<byte> _space = SearchValues.Create(" \t\r\n\v\f"u8);

    private readonly Dictionary<string, byte[]> _references = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Footnote> _footnotes = new(StringComparer.Ordinal);
    private readonly List<Footnote> _used = [];
    private readonly LinkSink _sink;

    private MarkdownLinks(LinkSink sink) => _sink = sink;

    private sealed class Footnote(byte[] text)
    {
        public byte[] Text = text;
        public bool IsUsed;
        public bool IsScanned;
    }

    public static void Scan(ReadOnlySpan<byte> text, LinkSink sink)
    {
        var links = new MarkdownLinks(sink);
        var body = links.TakeDefinitions(ToNul(text));
        new MarkdownBlocks(links.ScanInline).Scan(body, depth: 0);
        for (var round = 0; round < FootnoteRoundsMax && links._used.Exists(note => !note.IsScanned); round++)
        {
            foreach (var note in links._used.FindAll(note => !note.IsScanned))
            {
                note.IsScanned = true;
                links.ScanInline(note.Text);
            }
        }
    }

    private byte[] TakeDefinitions(ReadOnlySpan<byte> text)
    {
        var body = new List<byte>(text.Length);
        var position = 0;
        while (position < text.Length)
        {
            if (TryTakeReference(text, position, out var end) || TryTakeFootnote(text, position, out end))
            {
                position = end;
                continue;
            }

            var lineEnd = position;
            while (lineEnd < text.Length && !IsLineEnd(text[lineEnd])) lineEnd++;
            body.AddRange(text[position..lineEnd]);
            for (; lineEnd < text.Length && IsLineEnd(text[lineEnd]); lineEnd++)
            {
                if (text[lineEnd] == '\n' || (lineEnd + 1 < text.Length && text[lineEnd + 1] != '\n'))
                    body.Add((byte)'\n');
            }

            position = lineEnd;
        }

        return [.. body];
    }

    private static bool IsLineEnd(byte c) => c is (byte)'\n' or (byte)'\r';

    /// <summary>
    /// <c>[id]: target "title"</c>, indented by at most three spaces; the title may be on the next line.
    /// </summary>
    private bool TryTakeReference(ReadOnlySpan<byte> text, int begin, out int last)
    {
        last = 0;
        if (begin + 3 >= text.Length) return false;

        var i = begin;
        while (i < begin + 3 && text[i] == ' ') i++;
        if (i == begin + 3 && text[i] == ' ') return false;
        if (text.At(i) != '[') return false;
        if (++i >= text.Length || text[i] == '^') return false;

        var idStart = i;
        while (i < text.Length && !IsLineEnd(text[i]) && text[i] != ']') i++;
        if (text.At(i) != ']') return false;
        var id = text[idStart..i];
        if (text.At(++i) != ':') return false;

        i = SkipBlanks(text, i + 1);
        if (i < text.Length && IsLineEnd(text[i]))
        {
            i++;
            if (i < text.Length && text[i] == '\r' && text[i - 1] == '\n') i++;
        }

        i = SkipBlanks(text, i);
        if (i >= text.Length) return false;
        if (text[i] == '<') i++;
        var linkStart = i;
        while (i < text.Length && !IsBlank(text[i]) && !IsLineEnd(text[i])) i++;
        var linkEnd = text[i - 1] == '>' ? i - 1 : i;

        i = SkipBlanks(text, i);
        if (i < text.Length && !IsLineEnd(text[i]) && text[i] is not ((byte)'\'' or (byte)'"' or (byte)'('))
            return false;

        var lineEnd = 0;
        if (i >= text.Length || IsLineEnd(text[i])) lineEnd = i;
        if (i + 1 < text.Length && text[i] == '\n' && text[i + 1] == '\r') lineEnd = i + 1;
        if (lineEnd != 0) i = SkipBlanks(text, lineEnd + 1);
        if (i + 1 < text.Length && text[i] is (byte)'\'' or (byte)'"' or (byte)'(')
        {
            var titleStart = ++i;
            while (i < text.Length && !IsLineEnd(text[i])) i++;
            var titleEnd = i + 1 < text.Length && text[i] == '\n' && text[i + 1] == '\r' ? i + 1 : i;
            i--;
            while (i > titleStart && IsBlank(text[i])) i--;
            if (i > titleStart && text[i] is (byte)'\'' or (byte)'"' or (byte)')') lineEnd = titleEnd;
        }

        if (lineEnd == 0) return false;
        last = lineEnd;
        if (!TryBuildId(id, out var key)) return false;
        _references.TryAdd(key, text[linkStart..Math.Max(linkStart, linkEnd)].ToArray());
        return true;
    }

    /// <summary><c>[^id]: text</c>, with further lines indented alike by two spaces or more.</summary>
    private bool TryTakeFootnote(ReadOnlySpan<byte> text, int begin, out int last)
    {
        last = 0;
        if (begin + 5 >= text.Length || text[begin] != '[' || text[begin + 1] != '^') return false;

        var i = begin + 2;
        var idStart = i;
        while (i < text.Length && text[i] != ']' && !IsLineEnd(text[i])) i++;
        if (text.At(i) != ']') return false;
        var id = text[idStart..i];
        if (text.At(++i) != ':') return false;
        i = SkipBlanks(text, i + 1);
        if (i >= text.Length || !TryBuildId(id, out var key)) return false;

        var note = new List<byte>();
        TakeLine(text, ref i, note);
        var indent = 0;
        while (i + indent < text.Length && text[i + indent] == ' ') indent++;
        if (i + indent < text.Length && indent >= 2)
        {
            var spaces = text.Slice(i, indent);
            while (i + indent < text.Length && text[i..].StartsWith(spaces))
            {
                i += indent;
                TakeLine(text, ref i, note);
            }
        }

        if (note.TrueForAll(IsSpace)) return false;
        last = i;
        if (_footnotes.TryGetValue(key, out var same)) same.Text = [.. same.Text, (byte)'\n', .. note];
        else _footnotes.Add(key, new Footnote([.. note]));
        return true;
    }

    private static void TakeLine(ReadOnlySpan<byte> text, ref int i, List<byte> line)
    {
        var start = i;
        while (i < text.Length && !IsLineEnd(text[i])) i++;
        if (i < text.Length) i++;
        if (i < text.Length && text[i] == '\n' && text[i - 1] == '\r') i++;
        line.AddRange(text[start..i]);
    }

    private static int SkipBlanks(ReadOnlySpan<byte> text, int i)
    {
        while (i < text.Length && IsBlank(text[i])) i++;
        return i;
    }

    /// <summary>Lower case, runs of white space as one space; false when nothing is left.</summary>
    private static bool TryBuildId(ReadOnlySpan<byte> text, out string id)
    {
        id = "";
        var i = 0;
        while (i < text.Length && IsWhite(text[i])) i++;
        var end = text.Length;
        while (end > i && IsWhite(text[end - 1])) end--;
        if (i >= end) return false;

        var chars = new List<char>(end - i);
        for (; i < end; i++)
        {
            if (!IsWhite(text[i])) chars.Add(char.ToLowerInvariant((char)text[i]));
            else if (!IsWhite(text[i - 1])) chars.Add(' ');
        }

        id = new string([.. chars]);
        return true;
    }

    private static bool IsWhite(byte c) => c is (byte)' ' or (byte)'\t' or (byte)'\n';

    private void ScanInline(ReadOnlySpan<byte> text)
    {
        var i = 0;
        while (i < text.Length)
        {
            var next = text[i..].IndexOfAny(_active);
            if (next < 0) return;
            i += next;
            var rest = text[i..];
            var length = rest[0] switch
            {
                (byte)'`' => CodeSpanLength(rest),
                (byte)'[' => TakeLink(rest, isImage: i > 0 && text[i - 1] == '!'),
                (byte)'(' => TakeInlineFootnote(rest),
                (byte)'<' => MarkdownBlocks.TagLength(rest),
                _ => 2,
            };
            i += Math.Max(1, length);
        }
    }

    /// <summary>A code span with its marks, or 0 when it is not closed.</summary>
    public static int CodeSpanLength(ReadOnlySpan<byte> text)
    {
        var mark = text[0];
        var marks = 0;
        while (marks < text.Length && text[marks] == mark) marks++;

        var end = marks;
        var run = 0;
        for (; end < text.Length && run < marks; end++) run = text[end] == mark ? run + 1 : 0;
        return run < marks && end >= text.Length ? 0 : end;
    }

    /// <summary>Offset of the bracket that closes the one at 0, or 0.</summary>
    private static int MatchingBracket(ReadOnlySpan<byte> text)
    {
        var open = text[0];
        var close = open == '[' ? (byte)']' : (byte)')';
        var level = 1;
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '\n' || text[i - 1] == '\\') continue;
            if (text[i] == open) level++;
            else if (text[i] == close && --level <= 0) return i;
        }

        return 0;
    }

    private int TakeInlineFootnote(ReadOnlySpan<byte> text)
    {
        if (text.Length < 4 || text[1] != '^') return 0;
        var end = MatchingBracket(text);
        return end != 0 && UseInlineFootnote(text[2..end]) ? end + 1 : 0;
    }

    private bool UseInlineFootnote(ReadOnlySpan<byte> text)
    {
        if (text.IndexOfAnyExcept(_space) < 0) return false;
        _used.Add(new Footnote(text.ToArray()) { IsUsed = true });
        return true;
    }

    private void UseFootnote(ReadOnlySpan<byte> id)
    {
        if (!TryBuildId(id, out var key) || !_footnotes.TryGetValue(key, out var note) || note.IsUsed) return;
        note.IsUsed = true;
        _used.Add(note);
    }

    /// <summary>
    /// A link, image or footnote mark at a <c>[</c>; returns its length in bytes, 0 for plain text.
    /// </summary>
    private int TakeLink(ReadOnlySpan<byte> text, bool isImage)
    {
        var textEnd = MatchingBracket(text);
        if (textEnd == 0) return 0;
        if (text.Length > 3 && text[1] == '^')
        {
            UseFootnote(text[2..textEnd]);
            return textEnd + 1;
        }

        byte[]? target = null;
        var i = textEnd + 1;
        while (i < text.Length && IsWhite(text[i])) i++;
        switch (text.At(i))
        {
            case (byte)'(' when i + 2 < text.Length && text[i + 1] == '^':
                var noteEnd = MatchingBracket(text[i..]);
                if (noteEnd == 0) return 0;
                if (!UseInlineFootnote(text.Slice(i + 2, noteEnd - 2))) target = [];
                i += noteEnd + 1;
                break;

            case (byte)'(':
                var close = i;
                while (close < text.Length && !(text[close] == ')' && text[close - 1] != '\\')) close++;
                if (close >= text.Length) return 0;
                target = InlineTarget(text[(i + 1)..close]);
                i = close + 1;
                break;

            case (byte)'[':
                var idLength = text[i..].IndexOf((byte)']');
                if (idLength < 0) return 0;
                var id = text.Slice(i + 1, idLength - 1);
                var isNote = id.At(0) == '^';
                if (isNote) id = id[1..];
                if (id.IsEmpty) id = text[1..textEnd];
                if (isNote) UseFootnote(id);
                else if (!TryFindReference(id, out target)) return 0;
                i += idLength + 1;
                break;

            default:
                if (!TryFindReference(text[1..textEnd], out target)) return 0;
                i = textEnd + 1;
                break;
        }

        if (!isImage)
        {
            ScanInline(text[1..textEnd]);
            if (target is not null) LinkTarget.Offer(target, _sink);
        }

        return i;
    }

    private bool TryFindReference(ReadOnlySpan<byte> id, out byte[]? target)
    {
        target = null;
        return TryBuildId(id, out var key) && _references.TryGetValue(key, out target);
    }

    private static byte[] InlineTarget(ReadOnlySpan<byte> text)
    {
        var begin = 0;
        while (begin < text.Length && IsWhite(text[begin])) begin++;
        var quote = text[begin..].IndexOfAny((byte)'\'', (byte)'"');
        var end = text.Length;
        if (quote >= 0)
        {
            end = begin + quote;
            var titleEnd = text.Length - 1;
            while (titleEnd > end + 1 && IsWhite(text[titleEnd])) titleEnd--;
            if (text[titleEnd] is not ((byte)'\'' or (byte)'"')) end++;
        }

        while (end > begin && IsWhite(text[end - 1])) end--;
        if (text.At(begin) == '<') begin++;
        if (end > begin && text[end - 1] == '>') end--;
        if (begin >= end) return [];

        var target = text[begin..end];
        return target.Contains((byte)'\\') ? [.. target.ToArray().Where(c => c != '\\')] : target.ToArray();
    }
}
