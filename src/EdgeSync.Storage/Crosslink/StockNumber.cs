using System.Globalization;
using System.Numerics;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// Times as stock stores them. It writes most of them into SQL as text, and its own formatting keeps 16 digits after
/// arithmetic that is off by a few units: the stored number differs from the day number in the last bits. Rows must be
/// equal, and readers compare times of different tables, so the same arithmetic is used here.
/// </summary>
/// <remarks>
/// Spec: printf.c, %.17g. The arithmetic is that of x87 extended precision (64 bits), which stock uses on x86-64; the
/// constant 0.1 by which it scales has only the 53 bits of a double.
/// </remarks>
internal static class StockNumber
{
    private const int DigitsMax = 16;

    private static readonly double _rounder = MakeRounder();

    /// <summary>The number that stock stores for this one.</summary>
    public static double AsStored(double number)
    {
        if (number < 0) return -AsStored(-number);
        if (number == 0 || !double.IsFinite(number)) return number;

        var value = new Extended(number);
        var exponent = 0;
        while (value.IsAtLeast(1e8)) (value, exponent) = (value.Times(1e-8), exponent + 8);
        while (value.IsAtLeast(10)) (value, exponent) = (value.Times(0.1), exponent + 1);
        while (!value.IsAtLeast(1)) (value, exponent) = (value.Times(10), exponent - 1);
        value = value.Plus(_rounder);
        if (value.IsAtLeast(10)) (value, exponent) = (value.Times(0.1), exponent + 1);

        Span<char> digits = stackalloc char[DigitsMax + 8];
        for (var i = 0; i < DigitsMax; i++)
        {
            var digit = value.IntegerPart;
            digits[i] = (char)('0' + digit);
            value = value.Minus(digit).Times(10);
        }

        digits[DigitsMax] = 'e';
        (exponent - DigitsMax + 1).TryFormat(
            digits[(DigitsMax + 1)..], out var length, default, CultureInfo.InvariantCulture);
        return double.Parse(digits[..(DigitsMax + 1 + length)], NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    private static double MakeRounder()
    {
        var rounder = 0.5;
        for (var i = 0; i < 16; i++) rounder *= 0.1;
        return rounder;
    }

    /// <summary>
    /// A positive number: mantissa × 2^exponent, the mantissa's top bit set; rounds to nearest, ties to even.
    /// </summary>
    private readonly struct Extended
    {
        private readonly ulong _mantissa;
        private readonly int _exponent;

        public Extended(double number)
        {
            var bits = BitConverter.DoubleToUInt64Bits(number);
            var fraction = bits & 0xf_ffff_ffff_ffff;
            var biased = (int)(bits >> 52);
            if (biased != 0) fraction |= 1UL << 52;
            else biased = 1;
            var shift = BitOperations.LeadingZeroCount(fraction);
            _mantissa = fraction << shift;
            _exponent = biased - 1075 - shift;
        }

        private Extended(UInt128 mantissa, int exponent)
        {
            if (mantissa == 0) return;

            var excess = 64 - (int)UInt128.LeadingZeroCount(mantissa);
            if (excess <= 0)
            {
                _mantissa = (ulong)(mantissa << -excess);
                _exponent = exponent + excess;
                return;
            }

            var kept = (ulong)(mantissa >> excess);
            var rest = mantissa & ((UInt128.One << excess) - 1);
            var half = UInt128.One << (excess - 1);
            if (rest > half || (rest == half && (kept & 1) != 0)) kept++;
            if (kept == 0) (kept, excess) = (1UL << 63, excess + 1);   // all ones, rounded up
            (_mantissa, _exponent) = (kept, exponent + excess);
        }

        /// <summary>For numbers below 16.</summary>
        public int IntegerPart => _mantissa == 0 || _exponent < -63 ? 0 : (int)(_mantissa >> -_exponent);

        public bool IsAtLeast(double other)
        {
            var right = new Extended(other);
            return _exponent != right._exponent
                ? _exponent > right._exponent && _mantissa != 0
                : _mantissa >= right._mantissa;
        }

        public Extended Times(double factor)
        {
            var right = new Extended(factor);
            return new Extended((UInt128)_mantissa * right._mantissa, _exponent + right._exponent);
        }

        /// <summary>Adds a much smaller number.</summary>
        public Extended Plus(double small)
        {
            var right = new Extended(small);
            var shift = _exponent - right._exponent;
            if (shift > 63) return this;
            return new Extended(((UInt128)_mantissa << shift) + right._mantissa, right._exponent);
        }

        /// <summary>Subtracts the integer part.</summary>
        public Extended Minus(int integer) =>
            integer == 0 ? this : new Extended(_mantissa - ((ulong)integer << -_exponent), _exponent);
    }
}
