using System.Buffers;
using System.Collections.Frozen;

namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// Colours of source code: comments, texts, numbers and words of the language, which the ending of a file's name names.
/// Each line is read once from its begin to its end; what is long or large has no colours.
/// </summary>
internal sealed class CodeColours
{
    /// <summary>Files that have colours at most, in characters.</summary>
    public const int LengthMax = 256 * 1024;

    private const int LineMax = 2000, WordMax = 24;

    private static readonly SearchValues<char> WordLetters = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    private static readonly CodeColours CLike = new(
        "//", "/*", "*/", "\"'`",
        """
        abstract as async await base bool boolean break byte case catch char class const constexpr continue default
        defer delete do double else enum export extends extern false final finally fn for foreach func function go goto
        if impl implements import in int interface internal is let lock long match mod mut namespace new nil null
        nullptr object operator out override package private protected pub public readonly record ref return sealed
        self short signed sizeof static string struct super switch template this throw trait true try type typedef
        typeof typename union unsafe unsigned use using var virtual void volatile where while with yield
        """);

    private static readonly CodeColours HashLike = new(
        "#", null, null, "\"'",
        """
        and as assert async await begin break case class continue def del do done elif else elsif end esac except
        export false finally fi for from function global if import in is lambda local module nil None nonlocal not or
        pass raise require rescue return self set shift then true True False try unless until while with yield
        """);

    private static readonly CodeColours Sql = new(
        "--", "/*", "*/", "'\"",
        """
        add all alter and as asc begin between by case check commit create default delete desc distinct drop else end
        exists foreign from full group having if in index inner insert into is join key left like limit not null on or
        order outer primary references replace rollback select set table then trigger union unique update using values
        view when where with
        """, ignoresCase: true);

    private readonly string _lineComment;
    private readonly string? _commentBegin, _commentEnd;
    private readonly string _quotes;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _words;

    private CodeColours(
        string lineComment, string? commentBegin, string? commentEnd, string quotes, string words,
        bool ignoresCase = false)
    {
        (_lineComment, _commentBegin, _commentEnd, _quotes) = (lineComment, commentBegin, commentEnd, quotes);
        _words = words.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)
            .ToFrozenSet(ignoresCase ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal)
            .GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The colours for a file of this name; null for none.</summary>
    public static CodeColours? For(string name) => Path.GetExtension(name).ToLowerInvariant() switch
    {
        ".c" or ".h" or ".cc" or ".cpp" or ".hpp" or ".cs" or ".java" or ".js" or ".mjs" or ".ts" or ".tsx" or ".go"
            or ".rs" or ".swift" or ".kt" or ".scala" or ".dart" or ".m" or ".php" or ".json" or ".css" or ".zig"
            => CLike,
        ".py" or ".sh" or ".bash" or ".rb" or ".pl" or ".yml" or ".yaml" or ".toml" or ".tcl" or ".test" or ".cmake"
            or ".conf" or ".ini" => HashLike,
        ".sql" => Sql,
        _ => null,
    };

    /// <summary>Adds one line.</summary>
    /// <param name="colours">Null adds it as it is.</param>
    /// <param name="isComment">The line before ended in a comment, and whether this one does.</param>
    public static void Write(HtmlPage html, ReadOnlySpan<char> line, CodeColours? colours, ref bool isComment)
    {
        if (colours is null || line.Length > LineMax) html.Add($"{line}");
        else colours.Write(html, line, ref isComment);
    }

    private void Write(HtmlPage html, ReadOnlySpan<char> line, ref bool isComment)
    {
        var plain = 0;   // what has no colour begins here
        for (var at = 0; at < line.Length;)
        {
            var rest = line[at..];
            var (kind, length) = isComment ? (Kind.Comment, CommentLength(rest, 0, ref isComment))
                : Next(rest, ref isComment);
            if (kind != Kind.Plain)
            {
                if (at > plain) html.Add($"{line[plain..at]}");
                Add(html, kind, rest[..length]);
                plain = at + length;
            }

            at += length;
        }

        if (plain < line.Length) html.Add($"{line[plain..]}");
    }

    private (Kind Kind, int Length) Next(ReadOnlySpan<char> rest, ref bool isComment)
    {
        var c = rest[0];
        if (rest.StartsWith(_lineComment)) return (Kind.Comment, rest.Length);
        if (_commentBegin is { } begin && rest.StartsWith(begin))
            return (Kind.Comment, CommentLength(rest, begin.Length, ref isComment));
        if (_quotes.Contains(c, StringComparison.Ordinal)) return (Kind.Text, TextLength(rest));
        if (!WordLetters.Contains(c)) return (Kind.Plain, 1);

        var length = rest.IndexOfAnyExcept(WordLetters);
        if (length < 0) length = rest.Length;
        var kind = char.IsAsciiDigit(c) ? Kind.Number
            : length <= WordMax && _words.Contains(rest[..length]) ? Kind.Word
            : Kind.Plain;
        return (kind, length);
    }

    private int CommentLength(ReadOnlySpan<char> rest, int from, ref bool isComment)
    {
        var end = rest[from..].IndexOf(_commentEnd!);
        isComment = end < 0;
        return end < 0 ? rest.Length : from + end + _commentEnd!.Length;
    }

    // To the same quote, or the end of the line.
    private static int TextLength(ReadOnlySpan<char> rest)
    {
        for (var i = 1; i < rest.Length; i++)
        {
            if (rest[i] == '\\') i++;
            else if (rest[i] == rest[0]) return i + 1;
        }

        return rest.Length;
    }

    private static void Add(HtmlPage html, Kind kind, ReadOnlySpan<char> text)
    {
        switch (kind)
        {
            case Kind.Comment: html.Add($"<span class=\"c\">{text}</span>"); break;
            case Kind.Text: html.Add($"<span class=\"s\">{text}</span>"); break;
            case Kind.Number: html.Add($"<span class=\"n\">{text}</span>"); break;
            case Kind.Word: html.Add($"<span class=\"k\">{text}</span>"); break;
            default: html.Add($"{text}"); break;
        }
    }

    private enum Kind : byte
    {
        Plain,
        Comment,
        Text,
        Number,
        Word,
    }
}
