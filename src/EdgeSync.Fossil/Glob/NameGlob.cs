namespace EdgeSync.Fossil.Glob;

/// <summary>
/// The globs of <c>ignore-glob</c>: <c>*</c> is any text, slashes too, <c>?</c> one character, <c>[a-z]</c> and
/// <c>[^a-z]</c> one of a set. A pattern that matches a folder covers everything below it. Spec: www/globs.wiki.
/// Patterns stand between commas and white space; one that holds these is quoted, by either quotation mark.
/// </summary>
public sealed class NameGlob
{
    private readonly string[] _patterns;

    /// <param name="lists">Patterns, with commas or white space between them.</param>
    public NameGlob(params IEnumerable<string> lists) => _patterns =
        [.. lists.SelectMany(Split).Select(p => p.TrimEnd('/')).Where(p => p.Length > 0)];

    private NameGlob(string[] patterns) => _patterns = patterns;

    /// <summary>Fits what either of the two fits.</summary>
    public static NameGlob Any(NameGlob one, NameGlob other) => new((string[])[.. one._patterns, .. other._patterns]);

    /// <summary>The patterns of a list, as they are written. Spec: glob_create in glob.c.</summary>
    public static IEnumerable<string> Split(string list)
    {
        for (var at = 0; at < list.Length;)
        {
            if (list[at] == ',' || char.IsWhiteSpace(list[at]))
            {
                at++;
                continue;
            }

            var quote = list[at] is '\'' or '"' ? list[at] : '\0';
            if (quote != 0) at++;
            var end = at;
            while (end < list.Length
                && (quote != 0 ? list[end] != quote : list[end] != ',' && !char.IsWhiteSpace(list[end]))) end++;
            if (end > at) yield return list[at..end];
            at = end + 1;
        }
    }

    /// <summary>Which of the patterns fits a whole text first, counted from 0; -1 when none does.</summary>
    public int IndexOf(string text) => Array.FindIndex(_patterns, p => Fits(p, text));

    /// <summary>A path with slashes, from the top of the folder.</summary>
    public bool Matches(string path)
    {
        for (var end = path.IndexOf('/', StringComparison.Ordinal); end >= 0; end = path.IndexOf('/', end + 1))
        {
            if (MatchesWhole(path.AsSpan(0, end))) return true;
        }

        return MatchesWhole(path);
    }

    /// <summary>As stock matches what goes into an archive: a folder's name does not cover what is in it.</summary>
    public bool MatchesWhole(ReadOnlySpan<char> path)
    {
        foreach (var pattern in _patterns)
        {
            if (Fits(pattern, path)) return true;
        }

        return false;
    }

    // One star is kept at a time: going back to an earlier one cannot help.
    private static bool Fits(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        int p = 0, t = 0, starPattern = -1, starText = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (starPattern, starText) = (++p, t);
            }
            else if (p < pattern.Length && TakesOne(pattern, p, text[t], out var next))
            {
                (p, t) = (next, t + 1);
            }
            else if (starPattern >= 0)
            {
                (p, t) = (starPattern, ++starText);
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }

    private static bool TakesOne(ReadOnlySpan<char> pattern, int at, char c, out int next)
    {
        next = at + 1;
        if (pattern[at] == '?') return true;
        if (pattern[at] != '[') return pattern[at] == c;

        var isNegated = next < pattern.Length && pattern[next] == '^';
        if (isNegated) next++;
        var isIn = false;
        for (var first = next; next < pattern.Length && (pattern[next] != ']' || next == first); next++)
        {
            if (next + 2 < pattern.Length && pattern[next + 1] == '-' && pattern[next + 2] != ']')
            {
                isIn |= c >= pattern[next] && c <= pattern[next + 2];
                next += 2;
            }
            else
            {
                isIn |= c == pattern[next];
            }
        }

        if (next == pattern.Length) return false;   // never closed: matches nothing
        next++;
        return isIn != isNegated;
    }
}
