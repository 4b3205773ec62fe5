using System.Text;

namespace EdgeSync.Net.Http;

/// <summary>
/// How Kestrel decodes two headers before it parses them.
/// <code>
/// Content-Length digits alone: by itself Kestrel takes a sign, which a proxy in front may read otherwise (RFC 9110
/// §8.6) Host an IPv6 address without its brackets, ::1:8080, as Fossil writes it, gets them (RFC 9110 §7.2)
/// </code>
/// </summary>
internal static class HeaderForms
{
    private static readonly Encoding LengthForm = new HeaderEncoding(DigitsAlone);
    private static readonly Encoding HostForm = new HeaderEncoding(WithBrackets);

    /// <summary>Null: Kestrel's default.</summary>
    public static Encoding? For(string header) =>
        header.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) ? LengthForm
            : header.Equals("Host", StringComparison.OrdinalIgnoreCase) ? HostForm
            : null;

    /// <summary>The host as a standard client writes it.</summary>
    internal static string WithBrackets(string host)
    {
        if (host.Length == 0 || host[0] == '[' || host.AsSpan().Count(':') < 2) return host;

        // Everything before the last colon is the address; after it follows the port.
        var colon = host.LastIndexOf(':');
        return $"[{host[..colon]}]{host[colon..]}";
    }

    // A letter is not a number, so the request is rejected.
    private static string DigitsAlone(string value) => value.AsSpan().ContainsAnyExceptInRange('0', '9') ? "x" : value;

    /// <summary>Latin-1, followed by a conversion of the text.</summary>
    private sealed class HeaderEncoding(Func<string, string> form) : Encoding
    {
        public override int GetCharCount(byte[] bytes, int index, int count) => FormOf(bytes, index, count).Length;

        public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
        {
            var text = FormOf(bytes, byteIndex, byteCount);
            text.CopyTo(0, chars, charIndex, text.Length);
            return text.Length;
        }

        public override int GetByteCount(char[] chars, int index, int count) =>
            Latin1.GetByteCount(chars, index, count);

        public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
            Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

        public override int GetMaxByteCount(int charCount) => charCount;

        public override int GetMaxCharCount(int byteCount) => byteCount + 2;

        private string FormOf(byte[] bytes, int index, int count) => form(Latin1.GetString(bytes, index, count));
    }
}
