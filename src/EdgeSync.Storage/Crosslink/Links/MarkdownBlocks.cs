using System.Runtime.InteropServices;
using static EdgeSync.Storage.Crosslink.Links.AsciiText;

namespace EdgeSync.Storage.Crosslink.Links;

/// <summary>Receives a piece of Markdown with only inline markup.</summary>
internal delegate void InlineSink(ReadOnlySpan<byte> text);

/// <summary>
/// Splits Markdown into blocks, as stock does, and passes on the pieces with inline text: paragraphs, headings, list
/// items, quotes and table cells. Code and HTML blocks have none.
/// </summary>
internal sealed class MarkdownBlocks(InlineSink inline)
{
    private const int DepthMax = 100;

    private static readonly string[] _blockTags = ["html", "pre", "script"];

    public void Scan(ReadOnlySpan<byte> text, int depth)
    {
        var hasTable = text.Contains((byte)'|');
        var position = 0;
        while (position < text.Length)
        {
            var rest = text[position..];
            var length = 0;
            if (rest[0] == '#') length = TakeHeading(rest);
            else if (rest[0] == '<' && (length = HtmlBlockLength(rest)) != 0) { }
            else if ((length = EmptyLineLength(rest)) != 0) { }
            else if (IsRule(rest)) length = LineLength(rest);
            else if (QuotePrefix(rest) != 0) length = TakeQuote(rest, depth);
            else if (CodePrefix(rest) != 0) length = CodeBlockLength(rest);
            else if (BulletPrefix(rest) != 0 || NumberPrefix(rest) != 0) length = TakeList(rest, depth);
            else if (hasTable && IsTableLine(rest)) length = TakeTable(rest);
            else if (IsFence(rest) && (length = MarkdownLinks.CodeSpanLength(rest)) != 0) { }
            else length = TakeParagraph(rest);

            position += Math.Max(1, length);
        }
    }

    /// <summary>An HTML tag or autolink with its brackets, or 0.</summary>
    public static int TagLength(ReadOnlySpan<byte> text)
    {
        if (text.Length < 3 || text[0] != '<') return 0;
        var i = text[1] == '/' ? 2 : 1;
        if (IsAlpha(text[i])) return text.IndexOf((byte)'>') + 1;
        if (text.Length < 7 || !text.StartsWith("<!--"u8)) return 0;
        var end = text[4..].IndexOf("-->"u8);
        return end < 0 ? 0 : end + 6;
    }

    private static int LineLength(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)'\n');
        return end < 0 ? text.Length : end + 1;
    }

    private static int EmptyLineLength(ReadOnlySpan<byte> text)
    {
        var i = 0;
        for (; i < text.Length && text[i] != '\n'; i++)
            if (!IsBlank(text[i])) return 0;
        return i + 1;
    }

    private static bool IsRule(ReadOnlySpan<byte> text)
    {
        if (text.Length < 3) return false;
        var i = 0;
        while (i < 3 && text[i] == ' ') i++;
        if (i + 2 >= text.Length || text[i] is not ((byte)'*' or (byte)'-' or (byte)'_')) return false;
        var mark = text[i];
        var marks = 0;
        for (; i < text.Length && text[i] != '\n'; i++)
        {
            if (text[i] == mark) marks++;
            else if (!IsBlank(text[i])) return false;
        }

        return marks >= 3;
    }

    private static bool IsUnderline(ReadOnlySpan<byte> text)
    {
        if (text.At(0) is not ((byte)'=' or (byte)'-')) return false;
        var i = 1;
        while (i < text.Length && text[i] == text[0]) i++;
        while (i < text.Length && IsBlank(text[i])) i++;
        return i >= text.Length || text[i] == '\n';
    }

    // A code span may cross the end of the line, and then the text after it is checked, as in stock.
    private static bool IsTableLine(ReadOnlySpan<byte> text)
    {
        var i = 0;
        while (i < text.Length && IsBlank(text[i])) i++;
        var outer = text.At(i) == '|' ? 1 : 0;
        var marks = 0;
        for (; i < text.Length && text[i] != '\n'; i++)
        {
            if (IsTableMark(text, i)) marks++;
            if (text[i] == '`') i += SkipCodeSpan(text[i..]) - 1;
        }

        while (i > 0 && (IsBlank(text[i - 1]) || text[i - 1] == '\n')) i--;
        if (i > 0 && IsTableMark(text, i - 1)) outer++;

        // Marks that are only the outer ones make no column.
        return marks > 0 && marks - outer + 1 != 0;
    }

    private static bool IsTableMark(ReadOnlySpan<byte> text, int i) =>
        text[i] == '|' && (i == 0 || text[i - 1] != '\\');

    // Unterminated spans: only the marks are skipped.
    private static int SkipCodeSpan(ReadOnlySpan<byte> text)
    {
        var marks = text.IndexOfAnyExcept((byte)'`');
        if (marks < 0) return text.Length;
        var run = 0;
        var i = marks;
        for (; i < text.Length && run < marks; i++) run = text[i] == '`' ? run + 1 : 0;
        return run == marks ? i : marks;
    }

    private static int Indent(ReadOnlySpan<byte> text, int max)
    {
        var i = 0;
        while (i < max && text.At(i) == ' ') i++;
        return i;
    }

    private static int QuotePrefix(ReadOnlySpan<byte> text)
    {
        var i = Indent(text, 3);
        if (text.At(i) != '>') return 0;
        return i + 1 < text.Length && IsBlank(text[i + 1]) ? i + 2 : i + 1;
    }

    private static int CodePrefix(ReadOnlySpan<byte> text) =>
        text.At(0) == '\t' ? 1 : text.Length > 3 && text.StartsWith("    "u8) ? 4 : 0;

    private static int BulletPrefix(ReadOnlySpan<byte> text)
    {
        var i = Indent(text, 3);
        if (i + 1 >= text.Length || text[i] is not ((byte)'*' or (byte)'+' or (byte)'-') || !IsBlank(text[i + 1]))
            return 0;
        i += 2;
        while (i < text.Length && IsBlank(text[i])) i++;
        return i;
    }

    private static int NumberPrefix(ReadOnlySpan<byte> text)
    {
        var i = Indent(text, 3);
        if (!IsDigit(text.At(i))) return 0;
        while (IsDigit(text.At(i))) i++;
        if (i + 1 >= text.Length || text[i] is not ((byte)'.' or (byte)')') || !IsBlank(text[i + 1])) return 0;
        i += 2;
        while (i < text.Length && IsBlank(text[i])) i++;
        return i;
    }

    private static bool IsFence(ReadOnlySpan<byte> text)
    {
        if (text[0] is not ((byte)'`' or (byte)'~')) return false;
        var marks = 1;
        while (marks < text.Length - 3 && text[marks] == text[0]) marks++;
        return marks >= 3 && marks < text.Length - marks;
    }

    private int TakeQuote(ReadOnlySpan<byte> text, int depth)
    {
        var inside = new List<byte>(text.Length);
        var begin = 0;
        var end = 0;
        while (begin < text.Length)
        {
            end = begin + LineLength(text[begin..]);
            var line = text[begin..end];
            var prefix = QuotePrefix(line);
            if (prefix == 0 && EmptyLineLength(line) != 0
                && (end >= text.Length || (QuotePrefix(text[end..]) == 0 && EmptyLineLength(text[end..]) == 0)))
            {
                break;
            }

            inside.AddRange(line[prefix..]);
            begin = end;
        }

        if (depth < DepthMax) Scan(CollectionsMarshal.AsSpan(inside), depth + 1);
        return end;
    }

    private int TakeParagraph(ReadOnlySpan<byte> text)
    {
        int i = 0, end = 0;
        var isHeading = false;
        while (i < text.Length)
        {
            var rest = text[i..];
            end = i + LineLength(rest);
            if (EmptyLineLength(rest) != 0) break;
            if (IsUnderline(rest))
            {
                isHeading = true;
                break;
            }

            if ((i > 0 && text[i] == '#') || IsRule(rest))
            {
                end = i;
                break;
            }

            i = end;
        }

        var body = text[..i].TrimEnd((byte)'\n');
        var lastLine = isHeading ? body.LastIndexOf((byte)'\n') : -1;
        if (lastLine > 0)
        {
            inline(body[..lastLine].TrimEnd((byte)'\n'));
            inline(body[(lastLine + 1)..]);
        }
        else
        {
            inline(body);
        }

        return end;
    }

    private static int CodeBlockLength(ReadOnlySpan<byte> text)
    {
        var begin = 0;
        while (begin < text.Length)
        {
            var rest = text[begin..];
            var line = rest[..LineLength(rest)];
            if (CodePrefix(line) == 0 && EmptyLineLength(line) == 0) break;
            begin += line.Length;
        }

        return begin;
    }

    private int TakeHeading(ReadOnlySpan<byte> text)
    {
        var level = 0;
        while (level < 6 && text.At(level) == '#') level++;
        var begin = level;
        while (begin < text.Length && IsBlank(text[begin])) begin++;
        var lineEnd = begin;
        while (lineEnd < text.Length && text[lineEnd] != '\n') lineEnd++;
        if (begin == level || lineEnd <= begin) return TakeParagraph(text);

        var end = lineEnd;
        while (end > 0 && text[end - 1] == '#') end--;
        while (end > 0 && IsBlank(text[end - 1])) end--;
        if (end <= begin) return TakeParagraph(text);

        inline(text[begin..end]);
        return lineEnd;
    }

    private int TakeList(ReadOnlySpan<byte> text, int depth)
    {
        var position = 0;
        var isBlock = false;
        while (position < text.Length)
        {
            var length = TakeListItem(text[position..], depth, ref isBlock, out var isLast);
            position += length;
            if (length == 0 || isLast) break;
        }

        return position;
    }

    private int TakeListItem(ReadOnlySpan<byte> text, int depth, ref bool isBlock, out bool isLast)
    {
        isLast = false;
        var ownIndent = text.Length > 1 ? Indent(text, Math.Min(3, text.Length - 1)) : 0;
        var begin = BulletPrefix(text);
        if (begin == 0) begin = NumberPrefix(text);
        if (begin == 0) return 0;

        var end = begin + LineLength(text[begin..]);
        var item = new List<byte>(text[begin..end].ToArray());
        var sublist = 0;
        var inEmpty = false;
        var hasInsideEmpty = false;
        begin = end;
        while (begin < text.Length)
        {
            end = begin + LineLength(text[begin..]);
            var line = text[begin..end];
            if (EmptyLineLength(line) != 0)
            {
                inEmpty = true;
                begin = end;
                continue;
            }

            var indent = Indent(line, Math.Min(4, line.Length - 1));
            var column = indent;
            if (line[0] == '\t') (indent, column) = (1, 8);
            var rest = line[indent..];
            if ((BulletPrefix(rest) != 0 && !IsRule(rest)) || NumberPrefix(rest) != 0)
            {
                hasInsideEmpty |= inEmpty;
                if (column == ownIndent) break;
                if (sublist == 0) sublist = item.Count;
            }
            else if (inEmpty && indent < 4 && line[0] != '\t')
            {
                isLast = true;
                break;
            }
            else if (inEmpty)
            {
                item.Add((byte)'\n');
                hasInsideEmpty = true;
            }

            inEmpty = false;
            item.AddRange(rest);
            begin = end;
        }

        isBlock |= hasInsideEmpty;
        var body = CollectionsMarshal.AsSpan(item);
        var split = sublist > 0 && sublist < body.Length ? sublist : body.Length;
        if (depth >= DepthMax) return begin;
        if (isBlock) Scan(body[..split], depth + 1);
        else inline(body[..split]);
        if (split < body.Length) Scan(body[split..], depth + 1);
        return begin;
    }

    private int TakeTable(ReadOnlySpan<byte> text)
    {
        var headEnd = text.IndexOf((byte)'\n');
        if (headEnd < 0)
        {
            TakeRow(text);
            return text.Length;
        }

        var i = headEnd + 1;
        while (i < text.Length && text[i] is (byte)' ' or (byte)'\t' or (byte)'-' or (byte)':' or (byte)'|') i++;
        if (i < text.Length && text[i] == '\n')
        {
            TakeRow(text[..headEnd]);
            i++;
        }
        else
        {
            i = 0;
        }

        while (i < text.Length && IsTableLine(text[i..])) i += TakeRow(text[i..]);
        return i;
    }

    private int TakeRow(ReadOnlySpan<byte> text)
    {
        var i = 0;
        while (i < text.Length && IsBlank(text[i])) i++;
        if (text.At(i) == '|') i++;
        while (i < text.Length)
        {
            var begin = i;
            while (i < text.Length && !IsTableMark(text, i) && text[i] != '\n')
                i += text[i] == '`' ? SkipCodeSpan(text[i..]) : 1;
            inline(text[begin..i]);
            if (i < text.Length && text[i++] == '\n') return i;
        }

        return text.Length;
    }

    private static int HtmlBlockLength(ReadOnlySpan<byte> text)
    {
        var word = 1;
        while (word < text.Length && IsAlnum(text[word])) word++;
        if (word >= text.Length) return 0;
        var tag = FindTag(text[1..word]);
        if (tag is null) return SelfContainedLength(text);

        for (var i = 1; i < text.Length;)
        {
            var close = text[i..].IndexOf("</"u8);
            if (close < 0) return 0;
            i += close;
            var length = ClosingLength(text[i..], tag);
            if (length != 0) return Math.Min(text.Length, i + length);
            i += 2;
        }

        return 0;
    }

    private static string? FindTag(ReadOnlySpan<byte> word)
    {
        foreach (var tag in _blockTags)
            if (IsWord(word, tag)) return tag;
        return null;
    }

    private static bool IsWord(ReadOnlySpan<byte> text, string word)
    {
        if (text.Length != word.Length) return false;
        for (var i = 0; i < word.Length; i++)
            if (char.ToLowerInvariant((char)text[i]) != word[i]) return false;
        return true;
    }

    /// <summary><c>&lt;/tag&gt;</c>, the rest of its line blank, and a blank line after it.</summary>
    private static int ClosingLength(ReadOnlySpan<byte> text, string tag)
    {
        var i = tag.Length + 3;
        if (i > text.Length || !IsWord(text.Slice(2, tag.Length), tag) || text[tag.Length + 2] != '>') return 0;
        for (var line = 0; line < 2; line++)
        {
            if (i >= text.Length) continue;
            var blank = EmptyLineLength(text[i..]);
            if (blank == 0) return 0;
            i += blank;
        }

        return i;
    }

    /// <summary>A comment or a rule, followed by a blank rest of the line.</summary>
    private static int SelfContainedLength(ReadOnlySpan<byte> text)
    {
        var end = -1;
        if (text.Length > 5 && text.StartsWith("<!--"u8))
        {
            var close = text[3..].IndexOf("-->"u8);
            end = close < 0 ? -1 : close + 6;
        }
        else if (text.Length > 4 && IsWord(text.Slice(1, 2), "hr"))
        {
            end = text.IndexOf((byte)'>') + 1;
        }

        if (end <= 0 || end >= text.Length) return 0;
        var blank = EmptyLineLength(text[end..]);
        return blank == 0 ? 0 : Math.Min(text.Length, end + blank);
    }
}
