namespace EdgeSync.Node.Web.Pages;

/// <summary>
/// The work that one request may cause: bytes of contents read, and lines shown. What is beyond it is
/// left out, and the page says so.
/// </summary>
internal sealed class PageBudget
{
    /// <summary>Of one file that is shown or compared.</summary>
    public const int FileBytesMax = 1 << 20;

    /// <summary>Of one text that is compared: the time for short lines grows faster than their number.</summary>
    public const int TextLinesMax = 100_000;

    private const int BytesMax = 4 << 20, LinesMax = 10_000;

    private long _bytes = BytesMax;
    private int _lines = LinesMax;

    public bool HasLines => _lines > 0;

    /// <summary>True when contents of these sizes may be read; then they count.</summary>
    public bool TryRead(params ReadOnlySpan<long> sizes)
    {
        long sum = 0;
        foreach (var size in sizes)
        {
            if (size > FileBytesMax) return false;

            sum += size;
        }

        if (sum > _bytes || !HasLines) return false;

        _bytes -= sum;
        return true;
    }

    /// <summary>Lines of a text.</summary>
    public static int LinesOf(ReadOnlySpan<byte> text) => text.Count((byte)'\n') + 1;

    /// <summary>So many of the lines may be shown.</summary>
    public int Take(int lines)
    {
        var taken = Math.Min(lines, _lines);
        _lines -= taken;
        return taken;
    }
}
