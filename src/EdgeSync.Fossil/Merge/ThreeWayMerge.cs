using System.Buffers;
using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Diff;

namespace EdgeSync.Fossil.Merge;

/// <summary>A text made of two others.</summary>
/// <param name="Content">With conflict markers where both changed the same lines.</param>
/// <param name="Conflicts">How many such places there are.</param>
public sealed record MergedText(ReadOnlyMemory<byte> Content, int Conflicts);

/// <summary>
/// Applies to one text what another has changed since their common ancestor, line by line, with the result and the
/// markers that stock writes. Memory grows with the texts, not with their product.
/// <code>
/// ancestor  a b c d     local    a X c d     other    a b c Y     merged   a X c Y
/// ancestor  a b c       local    a X c       other    a Z c       merged   a (marked: X, b, Z) c     one conflict
/// </code>
/// </summary>
// Spec: blob_merge in merge3.c.
public static class ThreeWayMerge
{
    private static ReadOnlySpan<byte> ByteOrderMark => [0xef, 0xbb, 0xbf];

    /// <summary>Null when one of them is binary.</summary>
    public static MergedText? Merge(
        ReadOnlyMemory<byte> ancestor, ReadOnlyMemory<byte> local, ReadOnlyMemory<byte> other)
    {
        if (DiffText.Of(ancestor, default) is not { } pivot || DiffText.Of(local, default) is not { } mine
            || DiffText.Of(other, default) is not { } theirs) return null;

        var run = new Run(pivot, mine, theirs, HasCrLf(local.Span) && HasCrLf(other.Span));
        if (local.Span.StartsWith(ByteOrderMark) && other.Span.StartsWith(ByteOrderMark)) run.Write(ByteOrderMark);
        return run.Merge();
    }

    // Spec: contains_crlf in merge3.c, which looks at the first line that ends.
    private static bool HasCrLf(ReadOnlySpan<byte> text)
    {
        var end = text.Length < 2 ? -1 : text[1..].IndexOf((byte)'\n');
        return end >= 0 && text[end] == '\r';
    }

    private sealed class Run(DiffText pivot, DiffText mine, DiffText theirs, bool usesCrLf)
    {
        // Triples of lines to copy, delete and insert, and a triple of zeroes at the end.
        private readonly int[] _mineEdits = LineDiff.Compute(pivot, mine).Edits.ToArray();
        private readonly int[] _theirEdits = LineDiff.Compute(pivot, theirs).Edits.ToArray();
        private readonly ArrayBufferWriter<byte> _output = new();
        private LineCursor _pivot = new(pivot);
        private LineCursor _mine = new(mine);
        private LineCursor _theirs = new(theirs);
        private int _conflicts;

        public void Write(ReadOnlySpan<byte> bytes) => _output.Write(bytes);

        public MergedText Merge()
        {
            int m = 0, t = 0;
            while (!IsEnd(_mineEdits, m) && !IsEnd(_theirEdits, t))
            {
                Step(ref m, ref t);
                if (HasMore(_mineEdits, m) && IsEnd(_mineEdits, m)) m += 3;
                if (HasMore(_theirEdits, t) && IsEnd(_theirEdits, t)) t += 3;
            }

            // Where one of them has ended, the other may still insert.
            if (!IsEnd(_mineEdits, m)) _mine.Copy(_mineEdits[m + 2], _output);
            else if (!IsEnd(_theirEdits, t)) _theirs.Copy(_theirEdits[t + 2], _output);
            return new MergedText(_output.WrittenMemory, _conflicts);
        }

        private void Step(ref int m, ref int t)
        {
            var mine = _mineEdits.AsSpan(m);
            var theirs = _theirEdits.AsSpan(t);
            if (mine[0] > 0 && theirs[0] > 0)
            {
                var count = Math.Min(mine[0], theirs[0]);
                _pivot.Copy(count, _output);
                _mine.Skip(count);
                _theirs.Skip(count);
                mine[0] -= count;
                theirs[0] -= count;
            }
            else if (mine[0] >= theirs[1] && mine[0] > 0 && theirs[1] + theirs[2] > 0)
            {
                Take(ref _theirs, ref _mine, theirs, mine);
                t += 3;
            }
            else if (theirs[0] >= mine[1] && theirs[0] > 0 && mine[1] + mine[2] > 0)
            {
                Take(ref _mine, ref _theirs, mine, theirs);
                m += 3;
            }
            else if (mine[..3].SequenceEqual(theirs[..3]) && LineCursor.AreSame(_mine, _theirs, mine[2]))
            {
                _pivot.Skip(mine[1]);
                _mine.Copy(mine[2], _output);
                _theirs.Skip(theirs[2]);
                m += 3;
                t += 3;
            }
            else
            {
                Conflict(ref m, ref t);
            }
        }

        // A change of one of them lies where the other has changed nothing.
        private void Take(ref LineCursor from, ref LineCursor still, Span<int> edit, Span<int> copy)
        {
            _pivot.Skip(edit[1]);
            still.Skip(edit[1]);
            from.Copy(edit[2], _output);
            copy[0] -= edit[1];
        }

        private void Conflict(ref int m, ref int t)
        {
            _conflicts++;
            var size = 1;
            while (!EndsAtCopy(_mineEdits, m, size) || !EndsAtCopy(_theirEdits, t, size)) size++;

            Mark(ConflictMarker.Begin, _mine.Line);
            m = CopySide(ref _mine, _mineEdits, m, size);
            Mark(ConflictMarker.Ancestor, _pivot.Line);
            _pivot.Copy(size, _output);
            Mark(ConflictMarker.Merged, _theirs.Line);
            t = CopySide(ref _theirs, _theirEdits, t, size);
            Mark(ConflictMarker.End, 0);
        }

        // Whether going on by so many lines of the ancestor ends in lines that are copied.
        private static bool EndsAtCopy(int[] edits, int at, int size)
        {
            for (; size > 0 && !IsEnd(edits, at); at += 3)
            {
                if (edits[at] >= size) return true;
                size -= edits[at];
                if (edits[at + 1] > size) return false;
                size -= edits[at + 1];
            }

            return true;
        }

        // The lines that stand for so many of the ancestor.
        private int CopySide(ref LineCursor side, int[] edits, int at, int size)
        {
            while (size > 0 && !IsEnd(edits, at))
            {
                if (edits[at] >= size)
                {
                    side.Copy(size, _output);
                    edits[at] -= size;
                    break;
                }

                side.Copy(edits[at], _output);
                side.Copy(edits[at + 2], _output);
                size -= edits[at] + edits[at + 1];
                at += 3;
            }

            return at;
        }

        private void Mark(ReadOnlySpan<byte> marker, int line)
        {
            EndLine();
            _output.Write(marker);
            if (line > 0) _output.Write(Encoding.ASCII.GetBytes(string.Create(
                CultureInfo.InvariantCulture, $" (line {line})")));
            EndLine();
        }

        private void EndLine()
        {
            if (_output.WrittenCount == 0 || _output.WrittenSpan[^1] == '\n') return;

            _output.Write(usesCrLf ? "\r\n"u8 : "\n"u8);
        }

        private static bool IsEnd(int[] edits, int at) => edits[at] == 0 && edits[at + 1] == 0 && edits[at + 2] == 0;

        private static bool HasMore(int[] edits, int at) => at + 3 < edits.Length;
    }

    /// <summary>Goes through the lines of a text; a line has its end with it.</summary>
    private struct LineCursor(DiffText text)
    {
        private int _at;

        /// <summary>Of the next line, from 1.</summary>
        public int Line { get; private set; } = 1;

        public void Copy(int lines, IBufferWriter<byte> output)
        {
            var start = _at;
            Skip(lines);
            output.Write(text.Span[start.._at]);
        }

        public void Skip(int lines)
        {
            Line += lines;
            for (; lines > 0 && _at < text.Span.Length; lines--)
            {
                var end = text.Span[_at..].IndexOf((byte)'\n');
                _at = end < 0 ? text.Span.Length : _at + end + 1;
            }
        }

        public static bool AreSame(LineCursor one, LineCursor other, int lines)
        {
            var (oneStart, otherStart) = (one._at, other._at);
            one.Skip(lines);
            other.Skip(lines);
            return one.Since(oneStart).SequenceEqual(other.Since(otherStart));
        }

        private readonly ReadOnlySpan<byte> Since(int start) => text.Span[start.._at];
    }
}
