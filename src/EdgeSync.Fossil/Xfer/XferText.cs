using System.Text;

namespace EdgeSync.Fossil.Xfer;

/// <summary>
/// Text as one token: white space, backslash and NUL are written with a backslash ("fossilized"). Spec:
/// www/fileformat.wiki §2.2, encode.c.
/// </summary>
internal static class XferText
{
    private const string Letters = "s\\fnrtv0";
    private const string Characters = " \\\f\n\r\t\v\0";

    public static void Encode(ReadOnlySpan<byte> text, XferWriter writer)
    {
        Span<byte> pair = stackalloc byte[2];
        pair[0] = (byte)'\\';
        while (!text.IsEmpty)
        {
            var plain = text.IndexOfAny(Special);
            if (plain < 0) plain = text.Length;
            writer.Raw(text[..plain]);
            if (plain == text.Length) return;

            pair[1] = (byte)Letters[Characters.IndexOf((char)text[plain], StringComparison.Ordinal)];
            writer.Raw(pair);
            text = text[(plain + 1)..];
        }
    }

    /// <summary>
    /// Undoes <see cref="Encode"/>; an unknown letter after a backslash stands for itself, bad UTF-8 is replaced.
    /// </summary>
    public static string Decode(ReadOnlySpan<byte> token)
    {
        if (token.IndexOf((byte)'\\') < 0) return Encoding.UTF8.GetString(token);

        var bytes = new byte[token.Length];
        var size = 0;
        for (var i = 0; i < token.Length; i++)
        {
            var b = token[i];
            if (b == (byte)'\\' && i + 1 < token.Length)
            {
                var letter = Letters.IndexOf((char)token[++i], StringComparison.Ordinal);
                b = letter >= 0 ? (byte)Characters[letter] : token[i];
            }

            bytes[size++] = b;
        }

        return Encoding.UTF8.GetString(bytes.AsSpan(0, size));
    }

    private static readonly System.Buffers.SearchValues<byte> Special =
        System.Buffers.SearchValues.Create(" \\\f\n\r\t\v\0"u8);
}
