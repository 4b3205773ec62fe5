namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// The wrapper that PGP (and SSH, from stock 2.26) puts around a signed manifest. It is removed, never verified, as in
/// stock.
/// </summary>
public static class ClearSign
{
    /// <summary>
    /// The text between the first blank line and the signature; all of the text if it is not wrapped.
    /// </summary>
    public static Range InnerRange(ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith("-----BEGIN PGP SIGNED MESSAGE-----"u8)
            && !text.StartsWith("-----BEGIN SSH SIGNED MESSAGE-----"u8))
            return Range.All;

        var start = FindAfterBlankLine(text, 34);
        if (start < 0) return Range.All;

        var inner = text[start..];
        var end = Math.Max(
            inner.LastIndexOf("\n-----BEGIN PGP SIGNATURE"u8),
            inner.LastIndexOf("\n-----BEGIN SSH SIGNATURE"u8));
        return start..(end < 0 ? text.Length : start + end + 1);
    }

    private static int FindAfterBlankLine(ReadOnlySpan<byte> text, int from)
    {
        for (var i = from; i < text.Length; i++)
        {
            if (text[i - 1] == '\n' && (text[i - 2] == '\n' || (text[i - 2] == '\r' && text[i - 3] == '\n'))) return i;
        }

        return -1;
    }
}
