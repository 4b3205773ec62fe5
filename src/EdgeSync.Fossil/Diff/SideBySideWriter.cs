using System.Buffers;

namespace EdgeSync.Fossil.Diff;

/// <summary>Writes both texts in columns, changed lines beside each other.</summary>
// Spec: formatDiff and DiffBuilderSbs in diff.c.
internal sealed class SideBySideWriter(LineDiff diff, DiffFormat format, IBufferWriter<byte> output)
{
    private readonly LineAlignment _alignment = new(diff.From, diff.To, format.Options.IgnoresSpace);

    private int _from;
    private int _to;
    private int _fromShown;
    private int _toShown;

    public void Write()
    {
        var edits = diff.Edits;
        var context = format.Context;
        var end = edits.Length;
        while (end > 2 && edits[end - 1] == 0 && edits[end - 2] == 0) end -= 3;
        for (var at = 0; at < end;)
        {
            var count = 1;
            while (edits[at + (count * 3)] > 0 && edits[at + (count * 3)] < context * 2) count++;
            Before(edits[at], isFirst: at == 0);
            Block(edits.Slice(at, (count * 3) + 1), count);
            at += count * 3;

            var after = Math.Min(edits[at], context);
            for (var i = 0; i < after; i++) Common(_from + i);
        }
    }

    // The last lines of what is unchanged; what is left out is marked where it is more than the context.
    private void Before(int copied, bool isFirst)
    {
        var skipped = Math.Max(0, copied - format.Context);
        _from += skipped;
        _to += skipped;
        var hidden = isFirst ? skipped : skipped - format.Context;
        if (hidden > 0 && hidden < format.Context)
        {
            for (var i = 0; i < hidden; i++) Common(_from + i - hidden);
        }
        else if (hidden > 0)
        {
            if (_fromShown > 0 || _toShown > 0) FileDiff.Put(output, new string('.', (format.Width * 2) + 16) + "\n");
            _fromShown += hidden;
            _toShown += hidden;
        }

        Copy(copied - skipped);
    }

    private void Block(ReadOnlySpan<int> edits, int count)
    {
        for (var i = 0; i < count; i++)
        {
            if (i > 0) Copy(edits[i * 3]);
            var (deleted, inserted) = (edits[(i * 3) + 1], edits[(i * 3) + 2]);
            for (; i < count - 1 && IsSmallGap(edits[(i * 3)..], deleted, inserted); i++)
            {
                deleted += edits[(i * 3) + 3] + edits[(i * 3) + 4];
                inserted += edits[(i * 3) + 3] + edits[(i * 3) + 5];
            }

            foreach (var alignment in _alignment.Of(_from, deleted, _to, inserted)) Row(alignment);
        }
    }

    private static bool IsSmallGap(ReadOnlySpan<int> edits, int deleted, int inserted)
    {
        var gap = edits[3];
        return (long)(deleted + edits[4] + gap) * (inserted + edits[5] + gap) <= LineAlignment.PairsMax
            && (gap <= 2 || gap <= (edits[1] + edits[2] + edits[4] + edits[5]) / 8);
    }

    private void Row(Alignment alignment)
    {
        switch (alignment)
        {
            case Alignment.Delete:
                Left(_from++);
                output.Write(" <\n"u8);
                break;
            case Alignment.Insert:
                FileDiff.Put(output, new string(' ', 6 + 1 + format.Width) + $" > {++_toShown,6} ");
                Column(diff.To.Line(_to++), 0);
                output.Write("\n"u8);
                break;
            case Alignment.Change when diff.From.IsSame(_from, diff.To, _to):
                Common(_from++);
                _to++;
                break;
            case Alignment.Change:
            default:
                Left(_from++);
                FileDiff.Put(output, $" | {++_toShown,6} ");
                Column(diff.To.Line(_to++), 0);
                output.Write("\n"u8);
                break;
        }
    }

    private void Copy(int count)
    {
        for (; count > 0; count--, _from++, _to++) Common(_from);
    }

    private void Common(int line)
    {
        Left(line);
        FileDiff.Put(output, $"   {++_toShown,6} ");
        Column(diff.From.Line(line), 0);
        output.Write("\n"u8);
    }

    private void Left(int line)
    {
        FileDiff.Put(output, $"{++_fromShown,6} ");
        Column(diff.From.Line(line), format.Width);
    }

    // Characters count, not bytes: a byte that goes on with one widens the column.
    private void Column(ReadOnlySpan<byte> line, int min)
    {
        var max = format.Width;
        var length = 0;
        for (; length < max && length < line.Length; length++)
        {
            if ((line[length] & 0xc0) != 0x80) continue;

            min++;
            max++;
        }

        FileDiff.PutLine(output, line[..length], format);
        if (min > length) FileDiff.Put(output, new string(' ', min - length));
    }
}
