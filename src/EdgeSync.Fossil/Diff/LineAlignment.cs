namespace EdgeSync.Fossil.Diff;

/// <summary>What becomes of the next lines of a changed block.</summary>
internal enum Alignment : byte
{
    Delete = 1,
    Insert = 2,
    Change = 3,
}

/// <summary>
/// Which deleted line became which inserted one: Wagner's edit distance, where a change costs by how unlike the lines
/// are. A large block is first divided, at lines that differ in white space alone or that are most alike.
/// </summary>
// Spec: diffBlockAlignment and its helpers in diff.c.
internal sealed class LineAlignment(DiffText from, DiffText to, bool ignoresSpace)
{
    /// <summary>Pairs of lines up to which every pair is looked at.</summary>
    public const int PairsMax = 1225;

    private const int InsertCost = 50;
    private const int SimilarMax = 90;
    private const int CertainRun = 5;

    private readonly List<Alignment> _result = [];

    /// <summary>Aligns lines of both texts.</summary>
    public IReadOnlyList<Alignment> Of(int fromStart, int fromCount, int toStart, int toCount)
    {
        _result.Clear();
        Align(fromStart, fromCount, toStart, toCount);
        return _result;
    }

    private void Align(int fromStart, int fromCount, int toStart, int toCount)
    {
        if (fromCount == 0 || toCount == 0)
        {
            Repeat(Alignment.Insert, toCount);
            Repeat(Alignment.Delete, fromCount);
        }
        else if ((long)fromCount * toCount <= PairsMax)
        {
            ByDistance(fromStart, fromCount, toStart, toCount);
        }
        else if (ignoresSpace || !TryAtEqualText(fromStart, fromCount, toStart, toCount))
        {
            AtMostAlike(fromStart, fromCount, toStart, toCount);
        }
    }

    private bool TryAtEqualText(int fromStart, int fromCount, int toStart, int toCount)
    {
        var (left, right) = (from.WithoutSpace(fromStart, fromCount), to.WithoutSpace(toStart, toCount));
        var classes = new LineClasses(right, fromCount);
        var match = new LineMatcher(left, right, classes.Of(left, isKept: true), classes.To, 0, left.Count)
            .Find(0, fromCount, 0, toCount);
        if (match.Length < CertainRun) return false;

        Align(fromStart, match.FromStart, toStart, match.ToStart);
        Repeat(Alignment.Change, match.Length);
        Align(fromStart + match.FromEnd, fromCount - match.FromEnd, toStart + match.ToEnd, toCount - match.ToEnd);
        return true;
    }

    private void AtMostAlike(int fromStart, int fromCount, int toStart, int toCount)
    {
        var isFromBig = fromCount > toCount;
        var (big, bigStart, bigCount) = isFromBig ? (from, fromStart, fromCount) : (to, toStart, toCount);
        var (small, smallStart, smallCount) = isFromBig ? (to, toStart, toCount) : (from, fromStart, fromCount);
        var bigCut = bigCount / 2;
        var smallCut = smallCount / 2;
        var best = int.MaxValue;
        for (var i = 0; i < smallCount; i++)
        {
            var score = LineSimilarity.Score(big.Core(bigStart + bigCut), small.Core(smallStart + i))
                + (Math.Abs(i - (smallCount / 2)) * 2);
            if (score < best) (best, smallCut) = (score, i);
        }

        var (fromCut, toCut) = isFromBig ? (bigCut, smallCut) : (smallCut, bigCut);
        Align(fromStart, fromCut, toStart, toCut);
        Align(fromStart + fromCut, fromCount - fromCut, toStart + toCut, toCount - toCut);
    }

    private void ByDistance(int fromStart, int fromCount, int toStart, int toCount)
    {
        var width = toCount + 1;
        var ways = new Alignment[(fromCount + 1) * width];
        var costs = new int[width];
        for (var i = 1; i <= toCount; i++) (ways[i], costs[i]) = (Alignment.Insert, i * InsertCost);
        for (var j = 1; j <= fromCount; j++)
        {
            var diagonal = costs[0];
            costs[0] += InsertCost;
            ways[j * width] = Alignment.Delete;
            for (var i = 1; i <= toCount; i++)
            {
                var (cost, way) = costs[i - 1] > costs[i]
                    ? (costs[i] + InsertCost, Alignment.Delete)
                    : (costs[i - 1] + InsertCost, Alignment.Insert);
                if (cost > diagonal)
                {
                    var score = LineSimilarity.Score(from.Core(fromStart + j - 1), to.Core(toStart + i - 1));
                    if ((score <= SimilarMax || i == j) && cost > diagonal + score)
                        (cost, way) = (diagonal + score, Alignment.Change);
                }

                diagonal = costs[i];
                costs[i] = cost;
                ways[(j * width) + i] = way;
            }
        }

        WalkBack(ways, fromCount, toCount);
    }

    private void WalkBack(Alignment[] ways, int fromCount, int toCount)
    {
        var start = _result.Count;
        for (var (j, i) = (fromCount, toCount); i + j > 0;)
        {
            var way = ways[(j * (toCount + 1)) + i];
            _result.Add(way);
            if (way != Alignment.Insert) j--;
            if (way != Alignment.Delete) i--;
        }

        _result.Reverse(start, _result.Count - start);
    }

    private void Repeat(Alignment alignment, int count)
    {
        for (; count > 0; count--) _result.Add(alignment);
    }
}
