namespace EdgeSync.Primitives;

/// <summary>Lower-case hex as the formats write it; upper case is not accepted.</summary>
public static class LowerHex
{
    // 0xff marks every other byte.
    private static ReadOnlySpan<byte> Values =>
    [
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 10, 11, 12, 13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    ];

    /// <summary>True if every byte is one of <c>0-9a-f</c>.</summary>
    public static bool IsHex(ReadOnlySpan<byte> text) =>
        text.IndexOfAnyExcept(System.Buffers.SearchValues.Create("0123456789abcdef"u8)) < 0;

    /// <summary>Decodes 2·n digits into n bytes; <c>false</c> (target undefined) at the first other byte.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> hex, Span<byte> target)
    {
        if (hex.Length % 2 != 0 || target.Length < hex.Length / 2) return false;

        // Digits are below 16 and the mark is 255, so one test at the end finds any bad byte.
        var values = Values;
        var seen = 0;
        for (var i = 0; i < hex.Length / 2; i++)
        {
            int high = hex[2 * i], low = hex[(2 * i) + 1];
            if ((high | low) > 0x7f) return false;
            int h = values[high], l = values[low];
            seen |= h | l;
            target[i] = (byte)((h << 4) | l);
        }

        return seen < 16;
    }

    /// <summary>Writes two digits a byte; the target must hold 2·n bytes.</summary>
    public static void Encode(ReadOnlySpan<byte> bytes, Span<byte> target)
    {
        var digits = "0123456789abcdef"u8;
        for (var i = 0; i < bytes.Length; i++)
        {
            target[2 * i] = digits[bytes[i] >> 4];
            target[(2 * i) + 1] = digits[bytes[i] & 15];
        }
    }
}
