namespace EdgeSync.Fossil.Xfer;

/// <summary>Numbers as cards write them: decimal digits only, no sign, no leading plus.</summary>
internal static class XferNumber
{
    /// <summary>
    /// One or more digits that fit in 63 bits. Differs from Fossil, which lets 32-bit sizes wrap around; a number too
    /// large is rejected here.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> token, out long value)
    {
        value = 0;
        if (token.Length is 0 or > 19) return false;

        foreach (var b in token)
        {
            var digit = b - '0';
            if ((uint)digit > 9) return false;
            if (value > (long.MaxValue - digit) / 10) return false;
            value = value * 10 + digit;
        }

        return true;
    }

    /// <summary>As C's <c>atoi</c> reads a version: the leading digits, 0 without any.</summary>
    public static int ParseLeading(ReadOnlySpan<byte> token)
    {
        var value = 0L;
        foreach (var b in token)
        {
            var digit = b - '0';
            if ((uint)digit > 9 || value > int.MaxValue) break;
            value = value * 10 + digit;
        }

        return (int)Math.Min(value, int.MaxValue);
    }
}
