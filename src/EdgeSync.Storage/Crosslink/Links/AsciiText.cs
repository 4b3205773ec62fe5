namespace EdgeSync.Storage.Crosslink.Links;

/// <summary>Character classes of C's "POSIX" locale.</summary>
internal static class AsciiText
{
    public static bool IsSpace(byte c) => c is (byte)' ' or (>= 9 and <= 13);

    public static bool IsBlank(byte c) => c is (byte)' ' or (byte)'\t';

    public static bool IsAlpha(byte c) => char.IsAsciiLetter((char)c);

    public static bool IsDigit(byte c) => char.IsAsciiDigit((char)c);

    public static bool IsAlnum(byte c) => char.IsAsciiLetterOrDigit((char)c);

    /// <summary>The byte at <paramref name="index"/>, or NUL past the end, as in a C string.</summary>
    public static byte At(this ReadOnlySpan<byte> text, int index) =>
        (uint)index < (uint)text.Length ? text[index] : (byte)0;

    /// <summary>The text up to its first NUL.</summary>
    public static ReadOnlySpan<byte> ToNul(ReadOnlySpan<byte> text)
    {
        var nul = text.IndexOf((byte)0);
        return nul < 0 ? text : text[..nul];
    }
}
