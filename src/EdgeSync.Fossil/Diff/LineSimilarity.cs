namespace EdgeSync.Fossil.Diff;

/// <summary>
/// How unlike two lines are, from 0 (equal but for the white space around) to 100: by the longest run of characters
/// that they share, of the first 250.
/// </summary>
// Spec: match_dline in diff.c, whose order of search (and where it gives up) is kept.
internal static class LineSimilarity
{
    private const int LengthMax = 250;
    private const byte None = 255;
    private const int OneIsEmpty = 68;

    public static int Score(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (left.Length > LengthMax) left = left[..LengthMax];
        if (right.Length > LengthMax) right = right[..LengthMax];
        var average = (left.Length + right.Length) / 2;
        if (average == 0) return 0;

        var shorter = Math.Min(left.Length, right.Length);
        if (shorter == 0) return OneIsEmpty;
        if (left.SequenceEqual(right)) return 0;

        var prefix = left.CommonPrefixLength(right);
        var best = prefix > 5 && prefix > shorter / 2 ? Math.Min(prefix * 3 / 2, average - 2) : 0;
        best = LongestRun(left, right, best);
        return 5 + (best >= average ? 0 : (average - best) * 95 / average);
    }

    // Positions count from 1, as those of stock's tables.
    private static int LongestRun(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, int best)
    {
        Span<byte> first = stackalloc byte[256];
        Span<byte> next = stackalloc byte[LengthMax + 2];
        first.Fill(None);
        for (var i = right.Length; i > 0; i--)
        {
            next[i] = first[right[i - 1]];
            first[right[i - 1]] = (byte)i;
        }

        for (var i = 1; i <= left.Length - best; i++)
        {
            for (int j = first[left[i - 1]];
                 j < right.Length - best && left.Slice(i - 1, best).SequenceEqual(right.Slice(j - 1, best));
                 j = next[j])
            {
                var run = left[(i - 1)..].CommonPrefixLength(right[(j - 1)..]);
                if (run > best) best = run;
            }
        }

        return best;
    }
}
