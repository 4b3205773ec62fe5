using System.Text;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Storage.Search;

/// <summary>
/// The search of stock's command line: entries of the timeline whose comments hold all words, the more of them in a
/// row the better. No index is needed.
/// </summary>
// Spec: search_match and search_cmd in search.c.
public static class CommentSearch
{
    private const int TermsMax = 8;

    /// <summary>The best first; the newer of two that are equally good.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="pattern">Words; one with a star behind it is the beginning of a word.</param>
    /// <param name="isComplete">Also those that are much worse than the best.</param>
    public static IReadOnlyList<DetailedEntry> Find(Repository repository, string pattern, bool isComplete)
    {
        var terms = TermsOf(Encoding.UTF8.GetBytes(pattern));
        var found = new List<(DetailedEntry Entry, int Score)>();
        using var select = repository.Database.Prepare(
            """
            SELECT blob.rid, uuid, datetime(event.mtime), coalesce(ecomment,comment),
                   EXISTS(SELECT 1 FROM private WHERE private.rid=blob.rid)
              FROM event JOIN blob ON blob.rid=event.objid ORDER BY event.mtime DESC
            """);
        while (select.Step())
        {
            var score = Score(terms, select.Bytes(3));
            if (score == 0) continue;

            var text = select.Text(3) ?? "";
            found.Add((new DetailedEntry(
                select.Record(0), select.Artifact(1), select.Text(2) ?? "", text, 0, 0, null, "ci", text, "", "",
                select.Boolean(4)), score));
        }

        var least = isComplete || found.Count == 0 ? 0 : found.Max(f => f.Score) / 3;
        return [
            .. found.Where(f => isComplete || f.Score > least).OrderByDescending(f => f.Score)
                .ThenByDescending(f => f.Entry.Date, StringComparer.Ordinal).Select(f => f.Entry)];
    }

    private static List<(byte[] Word, bool IsPrefix)> TermsOf(byte[] pattern)
    {
        var terms = new List<(byte[], bool)>();
        for (var at = 0; at < pattern.Length && terms.Count < TermsMax;)
        {
            if (!IsWord(pattern[at]))
            {
                at++;
                continue;
            }

            var end = at;
            while (end < pattern.Length && IsWord(pattern[end])) end++;
            terms.Add((pattern[at..end], end < pattern.Length && pattern[end] == '*'));
            at = end;
        }

        return terms;
    }

    // Each term counts as many as stand in a row up to it; all must be there.
    private static int Score(List<(byte[] Word, bool IsPrefix)> terms, ReadOnlySpan<byte> text)
    {
        Span<int> matches = stackalloc int[TermsMax];
        Span<int> lastWords = stackalloc int[TermsMax];
        matches.Clear();
        lastWords.Fill(-1);
        var word = 1;
        for (var at = 0; at < text.Length; at++)
        {
            if (!IsWord(text[at])) continue;

            word++;
            var end = at;
            while (end < text.Length && IsWord(text[end])) end++;
            for (var j = 0; j < terms.Count; j++)
            {
                if (!Fits(terms[j], text[at..end])) continue;

                lastWords[j] = word;
                var row = 1;
                while (j - row >= 0 && matches[j - row] > 0 && lastWords[j - row] == word - row) row++;
                for (var i = 0; i < row; i++) matches[j - i] = Math.Max(matches[j - i], row);
                break;
            }

            at = end;
        }

        var score = 1;
        for (var j = 0; j < terms.Count; j++) score *= matches[j];
        return score;
    }

    private static bool Fits((byte[] Word, bool IsPrefix) term, ReadOnlySpan<byte> word) =>
        word.Length >= term.Word.Length && (term.IsPrefix || word.Length == term.Word.Length)
        && Ascii.EqualsIgnoreCase(word[..term.Word.Length], term.Word);

    private static bool IsWord(byte b) => b >= 0x80 || b == '_' || char.IsAsciiLetterOrDigit((char)b);
}
