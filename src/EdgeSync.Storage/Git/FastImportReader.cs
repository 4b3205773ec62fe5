using System.Globalization;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Git;

/// <summary>
/// Reads the format of <c>git fast-export</c>, one command at a time. Names and paths are bytes: each is one character
/// of a string (Latin-1) until it is used.
/// </summary>
// Spec: git-fast-import(1); git_fast_import in import.c.
internal sealed class FastImportReader(Stream source) : IDisposable
{
    private const int LineBytesMax = 1 << 20;

    private readonly BufferedStream _source = new(source, 1 << 16);
    private readonly MemoryStream _line = new();
    private string? _ahead;
    private long _lineNumber;
    private int _pushedBack = -1;

    /// <summary>The next command; null at the end.</summary>
    /// <exception cref="EdgeSyncException">The stream is not of the format.</exception>
    public FastImportCommand? Read()
    {
        while (NextLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#') continue;
            if (line == "blob") return ReadBlob();
            if (TryRest(line, "commit ", out var reference)) return ReadCommit(reference);
            if (TryRest(line, "tag ", out var tag)) return ReadTag(tag);
            if (TryRest(line, "reset ", out reference)) return new ResetCommand(reference, Optional("from "));
            if (TryRest(line, "progress ", out var text)) return new ProgressCommand(Text(text));
            if (line == "done") return null;
            if (line == "checkpoint" || line.StartsWith("feature ", StringComparison.Ordinal)
                || line.StartsWith("option ", StringComparison.Ordinal)) continue;

            throw Fault(line);
        }

        return null;
    }

    /// <summary>The bytes of a name as the text that they are.</summary>
    public static string Text(string latin) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(latin));

    /// <summary>Ends the source too.</summary>
    public void Dispose()
    {
        _line.Dispose();
        _source.Dispose();
    }

    private BlobCommand ReadBlob()
    {
        var mark = Optional("mark ");
        Optional("original-oid ");
        return new BlobCommand(mark, Data(NextLine()));
    }

    private CommitCommand ReadCommit(string reference)
    {
        var mark = Optional("mark ");
        Optional("original-oid ");
        var author = Optional("author ") is { } a ? Person(a) : (GitPerson?)null;
        var committer = Optional("committer ") is { } c ? Person(c) : (GitPerson?)null;
        Optional("gpgsig ");
        Optional("encoding ");
        var message = Data(NextLine());
        var from = Optional("from ");
        var merges = new List<string>();
        while (Optional("merge ") is { } merge) merges.Add(merge);

        var changes = new List<TreeChangeCommand>();
        while (Ahead() is { } line && TryReadChange(line, out var change))
            if (change is { } known) changes.Add(known);
        return new CommitCommand(reference, mark, author, committer, message, from, merges, changes);
    }

    private TagCommand ReadTag(string name)
    {
        Optional("mark ");
        var from = Optional("from ");
        Optional("original-oid ");
        var tagger = Optional("tagger ") is { } t ? Person(t) : (GitPerson?)null;
        return new TagCommand(name, from, tagger, Data(NextLine()));
    }

    // Properties of other programs and notes are read, and left out.
    private bool TryReadChange(string line, out TreeChangeCommand? change)
    {
        change = null;
        if (line.Length == 0 || line[0] == '#')
        {
            // A blank line ends a commit.
            NextLine();
            return line.Length > 0;
        }

        if (line == "deleteall")
        {
            change = new TreeChangeCommand('*', "", null, null, "", "");
        }
        else if (line.StartsWith("M ", StringComparison.Ordinal))
        {
            var words = line.Split(' ', 4);
            if (words.Length < 4) throw Fault(line);

            NextLine();
            var isInline = words[2] == "inline";
            change = new TreeChangeCommand(
                'M', words[1], isInline ? null : words[2], isInline ? Data(NextLine()) : null, Whole(words[3]), "");
            return true;
        }
        else if (line.StartsWith("D ", StringComparison.Ordinal))
        {
            change = new TreeChangeCommand('D', "", null, null, Whole(line[2..]), "");
        }
        else if (line.StartsWith("C ", StringComparison.Ordinal) || line.StartsWith("R ", StringComparison.Ordinal))
        {
            var rest = line[2..];
            var from = First(ref rest, line);
            change = new TreeChangeCommand(line[0], "", null, null, from, Whole(rest));
        }
        else if (!line.StartsWith("property ", StringComparison.Ordinal)
            && !line.StartsWith("N ", StringComparison.Ordinal))
        {
            return false;
        }

        NextLine();
        return true;
    }

    private string First(ref string rest, string line)
    {
        var end = rest is ['"', ..] ? EndOfQuoted(rest) + 1 : rest.IndexOf(' ', StringComparison.Ordinal);
        if (end <= 0 || end >= rest.Length) throw Fault(line);

        var first = Whole(rest[..end]);
        rest = rest[(end + 1)..];
        return first;
    }

    private static int EndOfQuoted(string text)
    {
        var at = 1;
        while (at < text.Length && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
        return at;
    }

    private static string Whole(string path)
    {
        if (path is not ['"', .., '"']) return path;

        var plain = new StringBuilder(path.Length);
        for (var i = 1; i < path.Length - 1; i++)
        {
            if (path[i] != '\\')
            {
                plain.Append(path[i]);
                continue;
            }

            i++;
            if (i + 2 < path.Length && path[i] is >= '0' and <= '3')
            {
                plain.Append((char)(((path[i] - '0') << 6) | ((path[i + 1] - '0') << 3) | (path[i + 2] - '0')));
                i += 2;
                continue;
            }

            plain.Append(path[i] switch
            {
                'a' => '\a',
                'b' => '\b',
                't' => '\t',
                'n' => '\n',
                'v' => '\v',
                'f' => '\f',
                'r' => '\r',
                var other => other,
            });
        }

        return plain.ToString();
    }

    private GitPerson Person(string text)
    {
        var end = text.LastIndexOf('>');
        if (end < 0) throw Fault(text);

        var digits = text[(end + 1)..].Trim().Split(' ')[0];
        return new GitPerson(
            Text(text[..(end + 1)].TrimStart()),
            long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var s) ? s : 0);
    }

    private byte[] Data(string? line)
    {
        if (line is null || !TryRest(line, "data ", out var text)) throw Fault(line ?? "end of file");
        if (text.StartsWith("<<", StringComparison.Ordinal)) return Delimited(text[2..]);
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size)) throw Fault(line);

        var data = new byte[size];
        var read = _source.ReadAtLeast(data, size, throwOnEndOfStream: false);
        if (read < size)
            throw new EdgeSyncException(ErrorKind.Usage, $"short read: got {read} of {size} bytes");

        // The line end behind the data is optional.
        var behind = _source.ReadByte();
        if (behind != '\n') _pushedBack = behind;
        return data;
    }

    private byte[] Delimited(string delimiter)
    {
        using var data = new MemoryStream();
        while (NextLine() is { } line && line != delimiter) data.Write([.. Encoding.Latin1.GetBytes(line), (byte)'\n']);
        return data.ToArray();
    }

    private string? Optional(string keyword)
    {
        if (Ahead() is not { } line || !TryRest(line, keyword, out var rest)) return null;

        NextLine();
        return rest;
    }

    private static bool TryRest(string line, string keyword, out string rest)
    {
        rest = line.StartsWith(keyword, StringComparison.Ordinal) ? line[keyword.Length..] : "";
        return rest.Length > 0;
    }

    private string? Ahead() => _ahead ??= NextLine();

    private string? NextLine()
    {
        if (_ahead is { } ahead)
        {
            _ahead = null;
            return ahead;
        }

        _line.SetLength(0);
        _lineNumber++;
        var octet = _pushedBack >= 0 ? _pushedBack : _source.ReadByte();
        _pushedBack = -1;
        for (; octet >= 0 && octet != '\n'; octet = _source.ReadByte())
        {
            if (_line.Length == LineBytesMax) throw Fault("a line without end");
            _line.WriteByte((byte)octet);
        }

        if (octet < 0 && _line.Length == 0) return null;

        var line = Encoding.Latin1.GetString(_line.GetBuffer(), 0, (int)_line.Length);
        return line.EndsWith('\r') ? line[..^1] : line;
    }

    private EdgeSyncException Fault(string line) => new(
        ErrorKind.Usage, $"bad fast-import line: [{(line.Length > 100 ? line[..100] : line)}] (line {_lineNumber})",
        "a stream of git fast-export; edgesync repo import --help");
}
