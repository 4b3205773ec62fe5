using System.Text;

namespace EdgeSync.Fossil.Checkout;

/// <summary>Something about a file that is about to be committed.</summary>
/// <param name="Text">What it contains, in stock's words.</param>
/// <param name="Setting">The setting that would allow it, in stock's words; empty for none.</param>
/// <param name="IsConvertible">It can be made plain text.</param>
public readonly record struct FileWarning(string Text, string Setting, bool IsConvertible)
{
    /// <summary>The file is larger than the setting <c>large-file-size</c>.</summary>
    public static FileWarning Oversize { get; } = new("oversize", "", false);
}

/// <summary>
/// What may be wrong with a file that is about to be committed: line ends, encoding, binary data.
/// Spec: commit_warning in checkin.c.
/// </summary>
public static class CommitWarning
{
    // What Windows' Latin has in place of the controls 0x80 to 0x9f; the other bytes are their own code points.
    private const string WindowsLatin =
        "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f"
        + "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

    /// <summary>Null without a warning.</summary>
    /// <param name="content">Of the file.</param>
    /// <param name="allowsLineEnds">The file is one of <c>crlf-glob</c>.</param>
    /// <param name="allowsBinary">The file is one of <c>binary-glob</c>.</param>
    /// <param name="allowsEncoding">The file is one of <c>encoding-glob</c>.</param>
    public static FileWarning? Of(
        ReadOnlySpan<byte> content, bool allowsLineEnds, bool allowsBinary, bool allowsEncoding)
    {
        var look = TextLook.Of(content);
        if (look.IsBinary)
            return allowsBinary ? null : new FileWarning(
                look.HasNul ? "binary data" : "long lines", "\"binary-glob\" setting", false);

        var ends = look.EndsInWords;
        if (look.IsUtf16 && ends is not null)
            return allowsLineEnds && allowsEncoding ? null : new FileWarning(
                $"{ends} and Unicode", "\"crlf-glob\" and \"encoding-glob\" settings", true);

        if (look.IsInvalidUtf8 || look.IsUtf16)
            return allowsEncoding ? null : new FileWarning(
                look.IsUtf16 ? "Unicode" : "invalid UTF-8", "\"encoding-glob\" setting", true);

        return ends is null || allowsLineEnds ? null : new FileWarning(ends, "\"crlf-glob\" setting", true);
    }

    /// <summary>As UTF-8 with single line feeds: what the answer "convert" makes of a file.</summary>
    public static byte[] Convert(ReadOnlySpan<byte> content)
    {
        var look = TextLook.Of(content);
        var text = look.IsUtf16 ? Utf16(content, look)
            : look.IsInvalidUtf8 ? Latin(content) : null;
        var bytes = text is null ? content.ToArray() : Encoding.UTF8.GetBytes(text);
        return look.HasCr ? WithLineFeeds(bytes) : bytes;
    }

    // The mark stays, as that of UTF-8.
    private static string Utf16(ReadOnlySpan<byte> content, TextLook look) =>
        (look.IsReversed == BitConverter.IsLittleEndian ? Encoding.BigEndianUnicode : Encoding.Unicode)
            .GetString(content);

    private static string Latin(ReadOnlySpan<byte> content)
    {
        var text = new StringBuilder(content.Length);
        foreach (var c in content) text.Append(c is >= 0x80 and <= 0x9f ? WindowsLatin[c - 0x80] : (char)c);
        return text.ToString();
    }

    private static byte[] WithLineFeeds(byte[] text)
    {
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\r') text[length++] = text[i];
            else if (i + 1 == text.Length || text[i + 1] != '\n') text[length++] = (byte)'\n';
        }

        return text[..length];
    }
}
