namespace EdgeSync.Fossil.Diff;

/// <summary>
/// Equal lines of two texts: <c>FromStart..FromEnd</c> of one, as many from <c>ToStart</c> of the other.
/// </summary>
internal readonly record struct LineMatch(int FromStart, int FromEnd, int ToStart, int ToEnd)
{
    public int Length => FromEnd - FromStart;
}

/// <summary>
/// Finds a long run of equal lines, near the middle where there are several: by hashing in linear time as a rule, by
/// trying every pair where that finds none in short ranges.
/// </summary>
// Spec: longestCommonSequence and optimalLCS in diff.c; which run is found decides what the diff looks like.
internal sealed class LineMatcher
{
    private const int CutoffMax = 64;
    private const long PairsMax = 2500;

    private readonly int[] _from;
    private readonly int[] _to;
    private readonly int _start;

    // Of lines of _from: one more than the first line of _to in its bucket; of one that _to lacks, less than 0, how
    // many lines are in that bucket.
    private readonly int[] _first;
    private readonly DiffLine[] _toLines;

    /// <param name="from">The lines on the left.</param>
    /// <param name="to">The lines on the right, at least one.</param>
    /// <param name="fromClasses">Their numbers by <see cref="LineClasses"/>.</param>
    /// <param name="toClasses">As before.</param>
    /// <param name="fromStart">The first line on the left that is ever asked for.</param>
    /// <param name="fromEnd">Behind the last such line.</param>
    public LineMatcher(
        DiffText from, DiffText to, int[] fromClasses, int[] toClasses, int fromStart, int fromEnd)
    {
        (_from, _to, _toLines, _start) = (fromClasses, toClasses, to.Lines, fromStart);
        _first = new int[fromEnd - fromStart];
        var (buckets, lengths, lines) = (to.Buckets, to.BucketLengths, from.Lines);
        for (var i = 0; i < _first.Length; i++)
        {
            var bucket = (int)(lines[fromStart + i].Hash % (ulong)buckets.Length);
            var isAbsent = (uint)fromClasses[fromStart + i] >= (uint)to.Count;
            _first[i] = isAbsent ? -lengths[bucket] : buckets[bucket];
        }
    }

    /// <summary>The run; an empty one when there is none.</summary>
    public LineMatch Find(int fromStart, int fromEnd, int toStart, int toEnd)
    {
        var best = new LineMatch(fromStart, fromStart, toStart, toStart);
        for (var cutoff = 4; ;)
        {
            best = FindByHash(fromStart, fromEnd, toStart, toEnd, cutoff, best, out var isCut);
            if (best.Length > 0 || !isCut || (cutoff *= 4) > CutoffMax) break;
        }

        return best.Length == 0 && (long)(fromEnd - fromStart) * (toEnd - toStart) < PairsMax
            ? FindByPairs(fromStart, fromEnd, toStart, toEnd)
            : best;
    }

    // A candidate scores by its length, and among equal ones by its place: near the middle, with little skew.
    private LineMatch FindByHash(
        int fromStart, int fromEnd, int toStart, int toEnd, int cutoff, LineMatch best, out bool isCut)
    {
        isCut = false;
        long span = fromEnd - fromStart + (toEnd - toStart);
        var middle = (fromEnd + fromStart) / 2;
        var bestScore = -10000L;
        var previous = best;
        for (var i = fromStart; i < fromEnd; i++)
        {
            var j = _first[i - _start];
            if (j <= 0)
            {
                // A walk through the bucket finds nothing; what counts is whether it would be cut.
                isCut |= -j > cutoff + 1;
                continue;
            }

            for (var seen = 0; j > 0 && (j - 1 < toStart || j >= toEnd || _from[i] != _to[j - 1]);)
            {
                if (seen++ > cutoff)
                {
                    j = 0;
                    isCut = true;
                    break;
                }

                j = _toLines[j - 1].Next;
            }

            if (j == 0 || IsWithin(best, i, j) || IsWithin(previous, i, j)) continue;

            var found = Grow(fromStart, fromEnd, toStart, toEnd, i, j - 1);
            long skew = Math.Abs(found.FromStart - fromStart - (found.ToStart - toStart));
            long distance = Math.Abs((found.FromStart + found.FromEnd) / 2 - middle);
            var score = found.Length * span - (skew + distance);
            if (score > bestScore) (bestScore, best) = (score, found);
            else if (found.FromEnd > previous.FromEnd) previous = found;
        }

        return best;
    }

    private static bool IsWithin(LineMatch match, int from, int to) =>
        from < match.FromEnd && to >= match.ToStart && to < match.ToEnd;

    private LineMatch Grow(int fromStart, int fromEnd, int toStart, int toEnd, int from, int to)
    {
        var back = CommonSuffix.Length<int>(
            _from.AsSpan(fromStart, from - fromStart), _to.AsSpan(toStart, to - toStart));
        var on = _from.AsSpan(from + 1, fromEnd - from - 1).CommonPrefixLength(_to.AsSpan(to + 1, toEnd - to - 1));
        return new LineMatch(from - back, from + 1 + on, to - back, to + 1 + on);
    }

    private LineMatch FindByPairs(int fromStart, int fromEnd, int toStart, int toEnd)
    {
        var (length, bestFrom, bestTo) = (0, fromStart, toStart);
        for (var i = fromStart; i < fromEnd - length; i++)
        {
            for (var j = toStart; j < toEnd - length; j++)
            {
                if (_from[i] != _to[j] || (length > 0 && _from[i + length] != _to[j + length])) continue;

                var run = _from.AsSpan(i, fromEnd - i).CommonPrefixLength(_to.AsSpan(j, toEnd - j));
                if (run > length) (length, bestFrom, bestTo) = (run, i, j);
            }
        }

        return new LineMatch(bestFrom, bestFrom + length, bestTo, bestTo + length);
    }
}
