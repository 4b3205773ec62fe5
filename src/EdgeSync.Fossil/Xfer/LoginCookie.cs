using System.Text;

namespace EdgeSync.Fossil.Xfer;

/// <summary>
/// The login card of a client of Fossil 2.27 or later, which is sent beside the message once the server is found to be
/// as new:
/// <code>
///   Cookie: x-f-l-c=login+USER+NONCE+SIGNATURE       a blank is "+", other bytes are %XX
/// </code>
/// The card signs the whole message. A transport without headers puts the card in front of the message, with the same
/// meaning. Spec: www/sync.wiki §3.2, http.c http_build_header, cgi.c cgi_setup_query_string.
/// </summary>
public static class LoginCookie
{
    private const string Name = "x-f-l-c";

    /// <summary>
    /// The card as one line without its end; null if there is none. Two cookies of this name are two cards, which every
    /// server rejects: they are returned as two lines.
    /// </summary>
    public static byte[]? CardIn(string? cookieHeader)
    {
        byte[]? cards = null;
        foreach (var part in (cookieHeader ?? "").Split(';'))
        {
            var pair = part.AsSpan().Trim();
            var equals = pair.IndexOf('=');
            if (equals < 0 || !pair[..equals].TrimEnd().SequenceEqual(Name)) continue;

            var card = Decode(pair[(equals + 1)..].Trim());
            cards = cards is null ? card : [.. cards, (byte)'\n', .. card];
        }

        return cards;
    }

    // Spec: encode.c dehttpize: "%" without two digits stands for itself.
    private static byte[] Decode(ReadOnlySpan<char> value)
    {
        var bytes = Encoding.UTF8.GetBytes(value.ToString());
        var size = 0;
        for (var at = 0; at < bytes.Length; at++)
        {
            var value8 = bytes[at];
            if (value8 == (byte)'+') value8 = (byte)' ';
            else if (value8 == (byte)'%' && at + 2 < bytes.Length && HexOf(bytes[at + 1]) is var high and >= 0
                && HexOf(bytes[at + 2]) is var low and >= 0)
            {
                value8 = (byte)((high << 4) | low);
                at += 2;
            }

            bytes[size++] = value8;
        }

        return bytes[..size];
    }

    private static int HexOf(byte digit) =>
        char.IsAsciiHexDigit((char)digit) ? Convert.ToInt32(((char)digit).ToString(), 16) : -1;
}
