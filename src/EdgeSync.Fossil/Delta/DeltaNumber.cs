using System.Numerics;

namespace EdgeSync.Fossil.Delta;

/// <summary>The numbers of a delta: base 64, most significant digit first, no padding.</summary>
internal static class DeltaNumber
{
    /// <summary>Digits of the largest 32-bit number.</summary>
    public const int DigitsMax = 6;

    private static ReadOnlySpan<byte> Digits => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"u8;

    // 255 marks other bytes.
    private static ReadOnlySpan<byte> Values =>
    [
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 255, 255, 255, 255, 255,
        255, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
        25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 255, 255, 255, 255, 36,
        255, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
        52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 255, 255, 255, 63, 255,
    ];

    /// <summary>How many digits <see cref="Write"/> needs.</summary>
    public static int CountDigits(uint value) => (BitOperations.Log2(value | 1) / 6) + 1;

    /// <summary>Writes the number; returns the number of digits.</summary>
    public static int Write(uint value, Span<byte> target)
    {
        var count = CountDigits(value);
        var digits = Digits;
        for (var i = count - 1; i >= 0; i--, value >>= 6) target[i] = digits[(int)(value & 63)];
        return count;
    }

    /// <summary>
    /// Reads the number at <paramref name="position"/> and advances past its digits. Any other byte ends it.
    /// </summary>
    // Differs from Fossil: stock reads "no digit" as zero, ignores the top bit of every byte, and lets numbers wrap at
    // 32 bits. No encoder writes any of these, and each hides a damaged delta.
    public static DeltaFaultKind TryRead(ReadOnlySpan<byte> text, ref int position, out uint value)
    {
        var values = Values;
        ulong sum = 0;
        var i = position;
        for (; (uint)i < (uint)text.Length; i++)
        {
            var c = text[i];
            if (c > 127 || values[c] == 255) break;
            sum = (sum << 6) | values[c];
            if (sum > uint.MaxValue)
            {
                value = 0;
                return DeltaFaultKind.NumberTooLarge;
            }
        }

        value = (uint)sum;
        if (i == position) return i == text.Length ? DeltaFaultKind.Truncated : DeltaFaultKind.NumberMissing;

        position = i;
        return DeltaFaultKind.None;
    }
}
