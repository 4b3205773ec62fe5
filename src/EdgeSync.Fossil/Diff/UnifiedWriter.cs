using System.Buffers;

namespace EdgeSync.Fossil.Diff;

/// <summary>Writes a difference as a unified diff, or with the numbers of its lines.</summary>
// Spec: contextDiff in diff.c.
internal sealed class UnifiedWriter(LineDiff diff, DiffFormat format, IBufferWriter<byte> output)
{
    private const string Divider =
        "................................................................................\n";

    private int _from;
    private int _to;
    private bool _hasBlock;

    public void Write()
    {
        var edits = diff.Edits;
        var end = edits.Length;
        while (end > 2 && edits[end - 1] == 0 && edits[end - 2] == 0) end -= 3;
        for (var at = 0; at < end;)
        {
            var count = 1;
            while (edits[at + (count * 3)] > 0 && edits[at + (count * 3)] < format.Context * 2) count++;
            Block(edits.Slice(at, (count * 3) + 1), count);
            at += count * 3;
        }
    }

    // Changes so near to each other that they share their context, and the number of lines copied behind them.
    private void Block(ReadOnlySpan<int> edits, int count)
    {
        var before = Math.Min(edits[0], format.Context);
        var after = Math.Min(edits[count * 3], format.Context);
        _from += edits[0] - before;
        _to += edits[0] - before;
        var (fromCount, toCount) = (before + after, before + after);
        for (var i = 0; i < count; i++)
        {
            var copied = i == 0 ? 0 : edits[i * 3];
            fromCount += copied + edits[(i * 3) + 1];
            toCount += copied + edits[(i * 3) + 2];
        }

        if (format.HasLineNumbers) Separate();
        else Header(fromCount, toCount);

        Copy(before);
        for (var i = 0; i < count; i++)
        {
            if (i > 0) Copy(edits[i * 3]);
            for (var left = edits[(i * 3) + 1]; left > 0; left--, _from++) Line((byte)'-', diff.From, _from, _from, -1);
            for (var left = edits[(i * 3) + 2]; left > 0; left--, _to++) Line((byte)'+', diff.To, _to, -1, _to);
        }

        // The lines behind are those that the next block begins with: they are shown here, and counted there.
        for (var i = 0; i < after; i++) Line((byte)' ', diff.From, _from + i, _from + i, _to + i);
    }

    private void Separate()
    {
        if (_hasBlock) FileDiff.Put(output, Divider);
        _hasBlock = true;
    }

    // A side without lines is at line 0, as patch expects it.
    private void Header(int fromCount, int toCount)
    {
        Colour("\x1b[36m");
        FileDiff.Put(output, $"@@ -{_from + (fromCount > 0 ? 1 : 0)},{fromCount} ");
        FileDiff.Put(output, $"+{_to + (toCount > 0 ? 1 : 0)},{toCount} @@");
        Colour("\x1b[0m");
        output.Write("\n"u8);
    }

    private void Copy(int count)
    {
        for (; count > 0; count--, _from++, _to++) Line((byte)' ', diff.From, _from, _from, _to);
    }

    private void Line(byte mark, DiffText text, int line, int fromNumber, int toNumber)
    {
        if (format.HasLineNumbers)
        {
            FileDiff.Put(output, fromNumber < 0 ? "       " : $"{fromNumber + 1,6} ");
            FileDiff.Put(output, toNumber < 0 ? "        " : $"{toNumber + 1,6}  ");
        }

        if (mark != ' ') Colour(mark == '-' ? "\x1b[31m" : "\x1b[32m");
        output.Write([mark]);
        FileDiff.PutLine(output, text.Line(line), format);
        if (mark != ' ') Colour("\x1b[0m");
        output.Write("\n"u8);
    }

    private void Colour(string sequence)
    {
        if (format.IsColoured) FileDiff.Put(output, sequence);
    }
}
