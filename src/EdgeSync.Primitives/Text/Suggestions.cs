namespace EdgeSync.Primitives;

/// <summary>"Did you mean": the known word nearest to an unknown one.</summary>
public static class Suggestions
{
    /// <summary>Null when no word is near enough.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        var distanceMax = Math.Max(1, word.Trim('-').Length / 3);
        return known.Where(k => Distance(word, k) <= distanceMax).OrderBy(k => Distance(word, k)).FirstOrDefault();
    }

    /// <summary><c>; did you mean 'timeline'?</c>, or nothing.</summary>
    public static string Question(string? suggestion) => suggestion is null ? "" : $"; did you mean {suggestion}?";

    // Damerau's distance: letters added, omitted, replaced or swapped.
    private static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) rows[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) rows[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                var best = Math.Min(Math.Min(rows[i - 1, j] + 1, rows[i, j - 1] + 1), rows[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2]
                    && a[i - 2] == b[j - 1]) best = Math.Min(best, rows[i - 2, j - 2] + 1);
                rows[i, j] = best;
            }
        }

        return rows[a.Length, b.Length];
    }
}
