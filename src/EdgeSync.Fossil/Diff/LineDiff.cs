namespace EdgeSync.Fossil.Diff;

/// <summary>
/// The difference of two texts: which lines are copied, deleted and inserted, as stock's diff finds them. A long common
/// run near the middle is looked for, then the same is done before and behind it. The result is not always the shortest
/// one, but takes linear memory, and near linear time for common texts.
/// </summary>
/// <remarks>
/// The worst case is quadratic: texts that repeat a few lines over and over. Runs of lines are compared as vectors of
/// integers: two files of 100,000 equal lines between different ones take seconds, where stock takes a minute.
/// </remarks>
// Spec: diff_all, diff_step and likelyNotIndentChngArtifact in diff.c.
public sealed class LineDiff
{
    private readonly int[] _edits;

    private LineDiff(DiffText from, DiffText to, int[] edits) => (From, To, _edits) = (from, to, edits);

    public DiffText From { get; }

    public DiffText To { get; }

    /// <summary>Triples: lines to copy, to delete, to insert; the last one is zero.</summary>
    public ReadOnlySpan<int> Edits => _edits;

    /// <summary>Lines of <see cref="To"/> alone.</summary>
    public int Inserted => Sum(2);

    /// <summary>Lines of <see cref="From"/> alone.</summary>
    public int Deleted => Sum(1);

    /// <summary>The texts have lines, and all of them are the same.</summary>
    internal bool IsOneCopy => _edits.Length == 6 && _edits[1] == 0 && _edits[2] == 0;

    /// <param name="from">The older text.</param>
    /// <param name="to">The newer one, read with the same options.</param>
    /// <param name="shifts">
    /// Moves what is inserted or deleted, where it can be moved, to begin or end at blank lines.
    /// </param>
    public static LineDiff Compute(DiffText from, DiffText to, bool shifts = true)
    {
        var classes = new LineClasses(to, from.Count);
        var fromClasses = classes.Of(from, isKept: true);
        var edits = Compute(from, to, fromClasses, classes.To);
        if (shifts && !IsCopy(edits)) LineShift.Apply(edits, from, to, fromClasses, classes.To);
        return new LineDiff(from, to, edits);
    }

    internal static int[] Compute(DiffText from, DiffText to, int[] fromClasses, int[] toClasses)
    {
        // What both begin and end with is carved off; the end first.
        var (fromEnd, toEnd) = (from.Count, to.Count);
        while (fromEnd > 0 && toEnd > 0 && fromClasses[fromEnd - 1] == toClasses[toEnd - 1]) (fromEnd, toEnd) =
            (fromEnd - 1, toEnd - 1);
        var start = fromClasses.AsSpan(0, fromEnd).CommonPrefixLength(toClasses.AsSpan(0, toEnd));

        var edits = new EditList();
        if (start > 0) edits.Append(start, 0, 0);
        if (fromEnd > start || toEnd > start)
            new Steps(from, to, fromClasses, toClasses, edits).Run(start, fromEnd, start, toEnd);
        if (fromEnd < from.Count) edits.Append(from.Count - fromEnd, 0, 0);
        return edits.Finish();
    }

    private static bool IsCopy(int[] edits) => edits.Length == 6 && edits[1] == 0 && edits[2] == 0;

    private int Sum(int column)
    {
        var sum = 0;
        for (var i = column; i < _edits.Length; i += 3) sum += _edits[i];
        return sum;
    }

    /// <summary>Divide and conquer with a stack of its own: the depth does not use the thread's stack.</summary>
    private sealed class Steps(DiffText from, DiffText to, int[] fromClasses, int[] toClasses, EditList edits)
    {
        private const int CertainLength = 5;

        // A copy of some lines, or ranges to be compared (Copied is 0).
        private readonly Stack<(int Copied, int FromStart, int FromEnd, int ToStart, int ToEnd)> _ahead = new();

        // Made for the first ranges, which hold all others.
        private LineMatcher? _matcher;

        public void Run(int fromStart, int fromEnd, int toStart, int toEnd)
        {
            _ahead.Push((0, fromStart, fromEnd, toStart, toEnd));
            while (_ahead.TryPop(out var next))
            {
                if (next.Copied > 0) edits.Append(next.Copied, 0, 0);
                else Step(next.FromStart, next.FromEnd, next.ToStart, next.ToEnd);
            }
        }

        private void Step(int fromStart, int fromEnd, int toStart, int toEnd)
        {
            var (deleted, inserted) = (Math.Max(0, fromEnd - fromStart), Math.Max(0, toEnd - toStart));
            if (deleted == 0 || inserted == 0)
            {
                if (deleted + inserted > 0) edits.Append(0, deleted, inserted);
                return;
            }

            _matcher ??= new LineMatcher(from, to, fromClasses, toClasses, fromStart, fromEnd);
            var match = _matcher.Find(fromStart, fromEnd, toStart, toEnd);
            if (match.Length > CertainLength || (match.Length > 0 && !IsByIndent(match, fromStart, fromEnd)))
            {
                _ahead.Push((0, match.FromEnd, fromEnd, match.ToEnd, toEnd));
                _ahead.Push((match.Length, 0, 0, 0, 0));
                _ahead.Push((0, fromStart, match.FromStart, toStart, match.ToStart));
            }
            else
            {
                edits.Append(0, deleted, inserted);
            }
        }

        // After a change of indentation a few braces are equal by chance: pairing them would tear the change apart. A
        // short run counts when it is a seventh of all, or has a line of more than one character that occurs nowhere
        // else in the range.
        private bool IsByIndent(LineMatch match, int fromStart, int fromEnd)
        {
            if (match.Length * 7L >= fromEnd - fromStart) return false;

            for (var i = match.FromStart; i < match.FromEnd; i++)
            {
                var line = from.Core(i);
                if (line.Length > 1 && !Occurs(line, fromStart, match.FromStart)
                    && !Occurs(line, match.FromEnd, fromEnd)) return false;
            }

            return true;
        }

        private bool Occurs(ReadOnlySpan<byte> core, int start, int end)
        {
            for (var i = start; i < end; i++)
                if (from.Core(i).SequenceEqual(core)) return true;
            return false;
        }
    }
}
