using System.Buffers;
using System.Text;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// File names as text. A name is bytes, mostly UTF-8; old check-ins and Linux folders also hold others. Each byte that
/// is not part of UTF-8 is written as <c>\xHH</c>, so that different names are different texts and each text converts
/// back to its bytes:
/// <code>
/// bytes        text
/// caf c3 a9    café
/// caf e8       caf\xe8
/// a\b          a\b           a backslash stays itself,
/// a\x41        a\x5cx41      except before what reads as such an escape
/// </code>
/// </summary>
public static class PathText
{
    private const string Digits = "0123456789abcdef";

    public static string Of(ReadOnlySpan<byte> name)
    {
        if (System.Text.Unicode.Utf8.IsValid(name) && name.IndexOf("\\x"u8) < 0) return Encoding.UTF8.GetString(name);

        var text = new StringBuilder(name.Length + 16);
        while (!name.IsEmpty)
        {
            var isWhole = Rune.DecodeFromUtf8(name, out var rune, out var size) == OperationStatus.Done;
            if (isWhole && !IsEscape(name)) text.Append(rune.ToString());
            else
                foreach (var octet in name[..size])
                    text.Append("\\x").Append(Digits[octet >> 4]).Append(Digits[octet & 15]);
            name = name[size..];
        }

        return text.ToString();
    }

    public static byte[] ToBytes(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (!text.Contains("\\x", StringComparison.Ordinal)) return bytes;

        var length = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            if (!IsEscape(bytes.AsSpan(i)))
            {
                bytes[length++] = bytes[i];
                continue;
            }

            bytes[length++] = (byte)((Value(bytes[i + 2]) << 4) | Value(bytes[i + 3]));
            i += 3;
        }

        return bytes[..length];
    }

    private static bool IsEscape(ReadOnlySpan<byte> at) =>
        at.Length >= 4 && at[0] == '\\' && at[1] == 'x' && Value(at[2]) >= 0 && Value(at[3]) >= 0;

    private static int Value(byte digit) => Digits.IndexOf((char)digit, StringComparison.Ordinal);
}
