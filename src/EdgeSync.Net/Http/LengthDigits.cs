using System.Text;

namespace EdgeSync.Net.Http;

/// <summary>
/// How Kestrel is to read <c>Content-Length</c>: digits alone. It parses what this decodes, and by itself takes a sign,
/// which a proxy in front may read otherwise. Spec: RFC 9110 §8.6.
/// </summary>
internal sealed class LengthDigits : Encoding
{
    private static readonly LengthDigits s_instance = new();

    /// <summary>Null: as Kestrel does.</summary>
    public static Encoding? For(string header) => header.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) ? s_instance : null;

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        // A letter is no number, so the request is refused.
        for (var i = 0; i < byteCount; i++)
            chars[charIndex + i] = bytes[byteIndex + i] is >= (byte)'0' and <= (byte)'9' ? (char)bytes[byteIndex + i] : 'x';
        return byteCount;
    }

    public override int GetByteCount(char[] chars, int index, int count) => count;

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        ASCII.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetCharCount(byte[] bytes, int index, int count) => count;

    public override int GetMaxByteCount(int charCount) => charCount;

    public override int GetMaxCharCount(int byteCount) => byteCount;
}
