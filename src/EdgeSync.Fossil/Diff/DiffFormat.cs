namespace EdgeSync.Fossil.Diff;

/// <summary>How a difference is laid out.</summary>
public enum DiffLayout
{
    /// <summary>A unified diff, which <c>patch</c> reads.</summary>
    Unified,

    /// <summary>Both texts in columns.</summary>
    SideBySide,

    /// <summary>Counts of inserted and deleted lines.</summary>
    Counts,

    /// <summary>The steps themselves, a line each.</summary>
    Steps,
}

/// <summary>What is compared, and how the result is laid out.</summary>
public sealed record DiffFormat
{
    /// <summary>Stock's default, and what <see cref="Context"/> stands for when all of a text shall be shown.</summary>
    public const int ContextDefault = 5, ContextAll = int.MaxValue / 4;

    /// <summary>Stock's limits of a column, in characters.</summary>
    private const int WidthMin = 24, WidthMax = 132;

    public DiffLayout Layout { get; init; }

    public DiffOptions Options { get; init; }

    /// <summary>Unchanged lines around each change.</summary>
    public int Context { get; init; } = ContextDefault;

    /// <summary>Characters of one column side by side.</summary>
    public int Width { get; init; } = WidthOf(80);

    /// <summary>From the newer text to the older one.</summary>
    public bool IsInverted { get; init; }

    /// <summary>Line numbers stand in place of the headers of a unified diff.</summary>
    public bool HasLineNumbers { get; init; }

    /// <summary>Changes are left where they were found.</summary>
    public bool IsUnshifted { get; init; }

    /// <summary>Escape sequences of a terminal colour a unified diff.</summary>
    public bool IsColoured { get; init; }

    /// <summary>Control characters of the texts are shown as <c>\x1b</c>, for a terminal.</summary>
    public bool ShowsControls { get; init; }

    /// <summary>The column that a terminal of so many characters has room for.</summary>
    public static int WidthOf(int terminalWidth)
    {
        const int numberAndMargin = 5 + 2, marker = 3 + 1;
        return (Math.Clamp(terminalWidth, 2 * (WidthMin + numberAndMargin) + marker,
            2 * (WidthMax + numberAndMargin) + marker) - marker) / 2 - numberAndMargin;
    }
}

/// <summary>How many lines differ.</summary>
/// <param name="IsBinary">One side is binary; the counts are meaningless.</param>
public readonly record struct DiffCounts(int Inserted, int Deleted, bool IsBinary);
