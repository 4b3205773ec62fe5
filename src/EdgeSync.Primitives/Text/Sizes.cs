using System.Globalization;

namespace EdgeSync.Primitives;

/// <summary>
/// Amounts of memory as systemd writes them: <c>64M</c>, <c>1G</c>, <c>512K</c>, plain bytes; powers of 1,024.
/// </summary>
public static class Sizes
{
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var digits = text.AsSpan().TrimEnd("KMGkmgiB");
        var shift = text.AsSpan(digits.Length) switch
        {
            "" => 0,
            "K" or "k" or "KiB" => 10,
            "M" or "m" or "MiB" => 20,
            "G" or "g" or "GiB" => 30,
            _ => -1,
        };
        if (shift < 0 || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number > long.MaxValue >> shift)
            return false;

        bytes = number << shift;
        return true;
    }
}
