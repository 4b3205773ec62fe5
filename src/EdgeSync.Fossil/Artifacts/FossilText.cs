using System.Buffers;
using System.Text;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// The escaping that makes user text one token: <c>\s \n \t \r \v \f \0 \\</c>. Used by artifacts and by the sync
/// protocol alike.
/// </summary>
public static class FossilText
{
    private static readonly SearchValues<byte> Escaped = SearchValues.Create("\0 \n\t\r\v\f\\"u8);

    /// <summary>Appends <paramref name="text"/>, escaped.</summary>
    public static void Encode(ReadOnlySpan<byte> text, IBufferWriter<byte> target)
    {
        while (!text.IsEmpty)
        {
            var plain = text.IndexOfAny(Escaped);
            if (plain < 0)
            {
                target.Write(text);
                return;
            }

            if (plain > 0) target.Write(text[..plain]);
            var pair = target.GetSpan(2);
            pair[0] = (byte)'\\';
            pair[1] = LetterOf(text[plain]);
            target.Advance(2);
            text = text[(plain + 1)..];
        }
    }

    /// <summary>The escaped form as a string, for messages and tests.</summary>
    public static string Encode(string text)
    {
        var buffer = new ArrayBufferWriter<byte>(text.Length + 8);
        Encode(Encoding.UTF8.GetBytes(text), buffer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>True if decoding would change the bytes.</summary>
    public static bool NeedsDecoding(ReadOnlySpan<byte> token) => token.Contains((byte)'\\');

    /// <summary>
    /// Decodes into <paramref name="target"/> (at least as long as the token; may be the same bytes) and returns the
    /// length. An unknown escape gives its letter, a backslash at the end stays: as in stock.
    /// </summary>
    public static int Decode(ReadOnlySpan<byte> token, Span<byte> target)
    {
        var written = 0;
        for (var i = 0; i < token.Length; i++)
        {
            var c = token[i];
            if (c == '\\' && i + 1 < token.Length) c = ByteOf(token[++i]);
            target[written++] = c;
        }

        return written;
    }

    public static byte[] Decode(ReadOnlySpan<byte> token)
    {
        var target = new byte[token.Length];
        return target[..Decode(token, target)];
    }

    private static byte LetterOf(byte plain) => plain switch
    {
        0 => (byte)'0',
        (byte)'\n' => (byte)'n',
        (byte)' ' => (byte)'s',
        (byte)'\t' => (byte)'t',
        (byte)'\r' => (byte)'r',
        (byte)'\v' => (byte)'v',
        (byte)'\f' => (byte)'f',
        _ => plain,
    };

    private static byte ByteOf(byte letter) => letter switch
    {
        (byte)'n' => (byte)'\n',
        (byte)'s' => (byte)' ',
        (byte)'t' => (byte)'\t',
        (byte)'r' => (byte)'\r',
        (byte)'v' => (byte)'\v',
        (byte)'f' => (byte)'\f',
        (byte)'0' => 0,
        _ => letter,
    };
}
