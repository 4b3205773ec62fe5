using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace EdgeSync.Primitives;

/// <summary>
/// Bytes as text, five bits a character from the highest on, without padding (RFC 4648 §6). Each text is written by
/// exactly one sequence of bytes: what is left over of the last character must be zero.
/// </summary>
public sealed class Base32Coding
{
    private const string LowerCase = "abcdefghijklmnopqrstuvwxyz234567";
    private const string ZBase32 = "ybndrfg8ejkmcpqxot1uwisza345h769";

    private readonly string _alphabet;

    private Base32Coding(string alphabet) => _alphabet = alphabet;

    /// <summary>The alphabet of RFC 4648 in lower case.</summary>
    public static Base32Coding Rfc4648 { get; } = new(LowerCase);

    /// <summary>z-base-32, the alphabet of pkarr's names.</summary>
    public static Base32Coding Z { get; } = new(ZBase32);

    public string Encode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(((bytes.Length * 8) + 4) / 5);
        var (bits, count) = (0, 0);
        foreach (var value in bytes)
        {
            bits = (bits << 8) | value;
            for (count += 8; count >= 5; count -= 5) text.Append(_alphabet[(bits >> (count - 5)) & 31]);
            bits &= 0xFF;
        }

        if (count > 0) text.Append(_alphabet[(bits << (5 - count)) & 31]);
        return text.ToString();
    }

    /// <summary>False for a character outside the alphabet, and for a text that no encoder writes.</summary>
    public bool TryDecode(ReadOnlySpan<char> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        var decoded = new byte[text.Length * 5 / 8];
        var (bits, count, at) = (0, 0, 0);
        foreach (var c in text)
        {
            var value = _alphabet.IndexOf(c, StringComparison.Ordinal);
            if (value < 0) return false;

            bits = ((bits << 5) | value) & 0xFFF;
            count += 5;
            if (count < 8) continue;

            count -= 8;
            decoded[at++] = (byte)(bits >> count);
            bits &= (1 << count) - 1;
        }

        if (count >= 5 || bits != 0) return false;

        bytes = decoded;
        return true;
    }
}
