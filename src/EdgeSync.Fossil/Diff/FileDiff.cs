using System.Buffers;
using System.Globalization;
using System.Text;

namespace EdgeSync.Fossil.Diff;

/// <summary>Compares two contents and writes the difference as stock does.</summary>
// Spec: text_diff in diff.c.
public static class FileDiff
{
    public const string BinaryNotice = "cannot compute difference between binary files\n";

    private const string SpaceNotice = "whitespace changes only\n";

    // Longer tables of lines are not kept for the next file.
    private const int LinesKeptMax = 16 * 1024;

    [ThreadStatic]
    private static DiffLine[]?[]? _rooms;

    /// <summary>Appends the difference; nothing for equal texts.</summary>
    public static DiffCounts Write(
        ReadOnlyMemory<byte> from, ReadOnlyMemory<byte> to, DiffFormat format, IBufferWriter<byte> output)
    {
        if (format.IsInverted) (from, to) = (to, from);
        var rooms = _rooms ??= new DiffLine[]?[2];
        if (DiffText.Of(from, format.Options, like: null, rooms[0]) is not { } left
            || DiffText.Of(to, format.Options, like: left, rooms[1]) is not { } right)
        {
            Put(output, BinaryNotice);
            return new DiffCounts(0, 0, IsBinary: true);
        }

        if (Math.Max(left.Count, right.Count) <= LinesKeptMax) (rooms[0], rooms[1]) = (left.Lines, right.Lines);
        var diff = LineDiff.Compute(left, right, !format.IsUnshifted);
        if (format.Options.IgnoresSpace && diff.IsOneCopy)
        {
            Put(output, SpaceNotice);
            return default;
        }

        var counts = new DiffCounts(diff.Inserted, diff.Deleted, IsBinary: false);
        switch (format.Layout)
        {
            case DiffLayout.Counts:
                if (counts.Inserted + counts.Deleted > 0) Put(output, $"{counts.Inserted,10} {counts.Deleted,10}");
                break;
            case DiffLayout.Steps:
                PutSteps(diff.Edits, output);
                break;
            case DiffLayout.SideBySide:
                new SideBySideWriter(diff, format, output).Write();
                break;
            case DiffLayout.Unified:
            default:
                new UnifiedWriter(diff, format, output).Write();
                break;
        }

        return counts;
    }

    internal static void Put(IBufferWriter<byte> output, FormattableString text) =>
        Put(output, text.ToString(CultureInfo.InvariantCulture));

    internal static void Put(IBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);

    /// <summary>A line of a text.</summary>
    internal static void PutLine(IBufferWriter<byte> output, ReadOnlySpan<byte> line, DiffFormat format)
    {
        if (!format.ShowsControls || !line.ContainsAnyExceptInRange((byte)' ', (byte)'~'))
        {
            output.Write(line);
            return;
        }

        foreach (var c in line)
        {
            if (c is >= (byte)' ' and not 127 or (byte)'\t') output.Write([c]);
            else Put(output, $"\\x{c:x2}");
        }
    }

    private static void PutSteps(ReadOnlySpan<int> edits, IBufferWriter<byte> output)
    {
        for (; edits[0] != 0 || edits[1] != 0 || edits[2] != 0; edits = edits[3..])
            Put(output, $" copy {edits[0],6}  delete {edits[1],6}  insert {edits[2],6}\n");
    }
}
