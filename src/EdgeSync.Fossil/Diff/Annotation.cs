namespace EdgeSync.Fossil.Diff;

/// <summary>
/// Which version brought each line of a text: the text is compared with one older version after another, newest first,
/// and a line that a version lacks came with the version before it. The text is cut and filed once.
/// </summary>
// Spec: annotation_start and annotation_step in diff.c.
public sealed class Annotation
{
    private readonly DiffText _text;
    private readonly LineClasses _classes;
    private readonly int[] _versions;
    private int _left;

    // The version before, with its numbers: the next one has most of its lines.
    private DiffText _older;
    private int[] _olderClasses;

    // Arrays of the version before that one, for the next.
    private DiffLine[] _lineRoom = [];
    private int[] _classRoom = [];

    private Annotation(DiffText text)
    {
        (_text, _left) = (text, text.Count);
        _classes = new LineClasses(text, others: 0);
        _versions = new int[text.Count];
        _versions.AsSpan().Fill(-1);
        (_older, _olderClasses) = (text, _classes.To);
    }

    public int LineCount => _text.Count;

    /// <summary>Every line has a version: older ones change nothing any more.</summary>
    public bool IsComplete => _left == 0;

    /// <returns>Null for a binary text.</returns>
    public static Annotation? Of(ReadOnlyMemory<byte> text, DiffOptions options) =>
        DiffText.Of(text, options) is { } lines ? new Annotation(lines) : null;

    public ReadOnlySpan<byte> Line(int index) => _text.Line(index);

    /// <summary>The version that brought a line; -1 while it is in all versions seen.</summary>
    public int VersionOf(int index) => _versions[index];

    /// <summary>Compares with an older version; a binary one is passed over.</summary>
    /// <param name="older">Its text, which stays as it is until a later one is used.</param>
    /// <param name="version">The number of the version that follows it.</param>
    /// <returns>True when the text is used, and the one before it not any more.</returns>
    public bool Step(ReadOnlyMemory<byte> older, int version)
    {
        if (IsComplete || DiffText.Of(older, _text.Options, _older, _lineRoom) is not { } from) return false;

        var classes = _classes.Of(from, _olderClasses.AsSpan(0, _older.Count), _classRoom);
        (_lineRoom, _classRoom) = _older == _text ? ([], []) : (_older.Lines, _olderClasses);
        (_older, _olderClasses) = (from, classes);
        var edits = LineDiff.Compute(from, _text, _olderClasses, _classes.To);
        for (int at = 0, line = 0; at < edits.Length; at += 3)
        {
            line += edits[at];
            for (var end = line + edits[at + 2]; line < end; line++)
            {
                if (_versions[line] >= 0) continue;

                _versions[line] = version;
                _left--;
            }
        }

        return true;
    }
}
