namespace EdgeSync.Nats.Keys;

/// <summary>RFC 4648 base 32, upper case, no padding.</summary>
internal static class Base32
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = stackalloc char[(bytes.Length * 8 + 4) / 5];
        for (var i = 0; i < text.Length; i++)
        {
            var bit = i * 5;
            var pair = bytes[bit / 8] << 8;
            if (bit / 8 + 1 < bytes.Length) pair |= bytes[bit / 8 + 1];
            text[i] = Alphabet[(pair >> (11 - bit % 8)) & 31];
        }

        return new string(text);
    }

    /// <summary>False unless the text holds exactly so many bytes and no stray bit.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        if (text.Length != (bytes.Length * 8 + 4) / 5) return false;

        var (bits, count, at) = (0, 0, 0);
        foreach (var c in text)
        {
            var value = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (value < 0) return false;

            bits = (bits << 5) | value;
            count += 5;
            if (count < 8) continue;

            count -= 8;
            bytes[at++] = (byte)(bits >> count);
            bits &= (1 << count) - 1;
        }

        return bits == 0;
    }
}

/// <summary>CRC-16/XMODEM: polynomial 0x1021, begins with 0.</summary>
internal static class Crc16
{
    public static ushort Of(ReadOnlySpan<byte> bytes)
    {
        var crc = 0;
        foreach (var b in bytes)
        {
            crc ^= b << 8;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
        }

        return (ushort)crc;
    }
}

/// <summary>Base 64 as signatures are written: the URL alphabet without padding; the plain one is read too.</summary>
internal static class Base64Text
{
    public static string EncodeUrl(ReadOnlySpan<byte> bytes) =>
        Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    public static bool TryDecode(string text, Span<byte> bytes)
    {
        var plain = text.TrimEnd('=').Replace('-', '+').Replace('_', '/');
        if (plain.Length > 4 * bytes.Length) return false;

        plain = plain.PadRight((plain.Length + 3) / 4 * 4, '=');
        return Convert.TryFromBase64String(plain, bytes, out var count) && count == bytes.Length;
    }
}
