namespace EdgeSync.Fossil.Diff;

/// <summary>
/// Moves insertions and deletions that could as well stand a line higher or lower to where they begin and end with
/// short lines, blank ones at best: a function that is added shows whole, not torn at a brace.
/// </summary>
// Spec: diff_optimize in diff.c.
internal static class LineShift
{
    public static void Apply(int[] edits, DiffText from, DiffText to, int[] fromClasses, int[] toClasses)
    {
        var (fromLine, toLine) = (0, 0);
        for (var at = 0; at + 3 < edits.Length; at += 3)
        {
            var (deleted, inserted) = (edits[at + 1], edits[at + 2]);
            fromLine += edits[at];
            toLine += edits[at];
            var moved = (deleted, inserted) switch
            {
                (0, > 0) => Insertion(edits.AsSpan(at), fromLine, toLine, inserted, from, to, fromClasses, toClasses),
                ( > 0, 0) => Deletion(edits.AsSpan(at), fromLine, deleted, from, fromClasses),
                _ => 0,
            };
            fromLine += moved + deleted;
            toLine += moved + inserted;
        }
    }

    private static int Insertion(
        Span<int> edits, int fromLine, int toLine, int count, DiffText from, DiffText to, int[] fromClasses,
        int[] toClasses)
    {
        var moved = 0;
        for (; edits[0] > 0; Move(edits, -1, ref moved))
        {
            var (top, bottom) = (fromLine + moved - 1, toLine + moved + count - 1);
            if (fromClasses[top] != toClasses[bottom] || top + 1 >= from.Count
                || Length(from, top + 1) + Length(to, bottom) <= Length(from, top) + Length(to, bottom - 1)) break;
        }

        for (; edits[3] > 0; Move(edits, +1, ref moved))
        {
            var (top, bottom) = (toLine + moved, toLine + moved + count);
            if (toClasses[top] != toClasses[bottom]
                || Length(to, top) + Length(to, bottom - 1) <= Length(to, top + 1) + Length(to, bottom)) break;
        }

        return moved;
    }

    private static int Deletion(Span<int> edits, int fromLine, int count, DiffText from, int[] fromClasses)
    {
        var moved = 0;
        for (; edits[0] > 0; Move(edits, -1, ref moved))
        {
            var (top, bottom) = (fromLine + moved - 1, fromLine + moved + count - 1);
            if (fromClasses[top] != fromClasses[bottom]
                || Length(from, top + 1) + Length(from, bottom) <= Length(from, top) + Length(from, bottom - 1)) break;
        }

        for (; edits[3] > 0; Move(edits, +1, ref moved))
        {
            var (top, bottom) = (fromLine + moved, fromLine + moved + count);
            // As stock: the first line counts on both sides here, which prefers the lower place.
            if (fromClasses[top] != fromClasses[bottom] || Length(from, bottom - 1) <= Length(from, bottom)) break;
        }

        return moved;
    }

    private static void Move(Span<int> edits, int by, ref int moved)
    {
        edits[0] += by;
        edits[3] -= by;
        moved += by;
    }

    private static int Length(DiffText text, int line) => text.Lines[line].Length;
}
