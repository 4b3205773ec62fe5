using System.Buffers;
using System.Globalization;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// Dates as SQLite's <c>julianday()</c> reads them, because stock passes every D and E card to it: a date with or
/// without a time, a time alone (of 2000-01-01), a zone, a Julian day number, <c>now</c>. Millisecond precision.
/// </summary>
/// <remarks>
/// <code>
/// date  = [-]YYYY-MM-DD | [-]YYYY-MM-DD (T|blank)* time | time | "now" | number
/// time  = HH:MM[:SS[.F+]] blank* [Z | (+|-)HH:MM] blank*
/// </code>
/// Spec: date.c of SQLite 3.41; days are not checked against the month (31 February is 3 March).
/// </remarks>
public static class DateText
{
    /// <summary>Length of what <see cref="Write(Instant, Span{byte})"/> writes.</summary>
    public const int Length = 23;

    private const long MillisecondsMax = 464_269_060_799_999;   // 9999-12-31T23:59:59.999
    private const long JulianMillisecondsOfUnixEpoch = 210_866_760_000_000;

    /// <param name="text">The token.</param>
    /// <param name="now">What <c>now</c> means; null rejects it.</param>
    /// <param name="date">To the millisecond.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, Instant? now, out Instant date)
    {
        date = default;
        long milliseconds;
        if (!TryParseDate(text, out milliseconds) && !TryParseTime(text, JulianOf(2000, 1, 1), out milliseconds))
        {
            if (Ascii.EqualsIgnoreCase(text, "now"u8))
            {
                if (now is not { } moment) return false;
                milliseconds = moment.UnixMilliseconds + JulianMillisecondsOfUnixEpoch;
            }
            else if (!TryParseNumber(text, out milliseconds))
            {
                return false;
            }
        }

        if (milliseconds is < 0 or > MillisecondsMax) return false;

        date = Instant.FromUnixMilliseconds(milliseconds - JulianMillisecondsOfUnixEpoch);
        return true;
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, Instant?, out Instant)"/>
    public static bool TryParse(string text, Instant? now, out Instant date) =>
        TryParse(Encoding.UTF8.GetBytes(text), now, out date);

    /// <summary>Writes <c>YYYY-MM-DDTHH:MM:SS.SSS</c>, as D cards have it; returns 23.</summary>
    public static int Write(Instant date, Span<byte> target) => WriteParts(date, target, withFraction: true);

    /// <summary>Writes <c>YYYY-MM-DDTHH:MM:SS</c>, as E cards have it; returns 19.</summary>
    public static int WriteSeconds(Instant date, Span<byte> target) => WriteParts(date, target, withFraction: false);

    public static string Format(Instant date)
    {
        Span<byte> text = stackalloc byte[Length];
        Write(date, text);
        return Encoding.ASCII.GetString(text);
    }

    private static int WriteParts(Instant date, Span<byte> target, bool withFraction)
    {
        var moment = date.ToDateTime();
        WriteNumber(target, moment.Year, 4);
        WriteNumber(target[5..], moment.Month, 2);
        WriteNumber(target[8..], moment.Day, 2);
        WriteNumber(target[11..], moment.Hour, 2);
        WriteNumber(target[14..], moment.Minute, 2);
        WriteNumber(target[17..], moment.Second, 2);
        (target[4], target[7], target[10], target[13], target[16]) =
            ((byte)'-', (byte)'-', (byte)'T', (byte)':', (byte)':');
        if (!withFraction) return 19;

        target[19] = (byte)'.';
        WriteNumber(target[20..], moment.Millisecond, 3);
        return Length;
    }

    private static void WriteNumber(Span<byte> target, int value, int digits)
    {
        for (var i = digits - 1; i >= 0; i--, value /= 10) target[i] = (byte)('0' + (value % 10));
    }

    private static bool TryParseDate(ReadOnlySpan<byte> text, out long milliseconds)
    {
        milliseconds = 0;
        var isNegative = text is [(byte)'-', ..];
        if (isNegative) text = text[1..];
        if (text.Length < 10 || text[4] != '-' || text[7] != '-' ||
            !TryDigits(text, 4, 9999, out var year) || !TryDigits(text[5..], 2, 12, out var month) ||
            !TryDigits(text[8..], 2, 31, out var day) || month == 0 || day == 0)
        {
            return false;
        }

        // Before -4713 there is no Julian day; SQLite then has no date at all.
        if (isNegative) year = -year;
        text = text[10..];
        while (!text.IsEmpty && (IsBlank(text[0]) || text[0] == 'T')) text = text[1..];

        var midnight = year < -4713 ? long.MinValue / 2 : JulianOf(year, month, day);
        if (!text.IsEmpty) return TryParseTime(text, midnight, out milliseconds);

        milliseconds = midnight;
        return true;
    }

    private static bool TryParseTime(ReadOnlySpan<byte> text, long midnight, out long milliseconds)
    {
        milliseconds = 0;
        if (text.Length < 5 || text[2] != ':' || !TryDigits(text, 2, 24, out var hour) ||
            !TryDigits(text[3..], 2, 59, out var minute))
        {
            return false;
        }

        text = text[5..];
        var seconds = 0.0;
        if (text is [(byte)':', ..])
        {
            if (!TryDigits(text[1..], 2, 59, out var whole)) return false;
            text = text[3..];
            seconds = whole;
            if (text.Length >= 2 && text[0] == '.' && IsDigit(text[1]))
            {
                // The same double arithmetic as SQLite, so that the last millisecond agrees.
                double fraction = 0, scale = 1;
                for (text = text[1..]; !text.IsEmpty && IsDigit(text[0]); text = text[1..])
                {
                    fraction = (fraction * 10.0) + text[0] - '0';
                    scale *= 10.0;
                }

                seconds += fraction / scale;
            }
        }

        if (!TryParseZone(text, out var zoneMinutes)) return false;

        milliseconds = midnight + (hour * 3_600_000L) + (minute * 60_000L) + ToMilliseconds(seconds)
            - (zoneMinutes * 60_000L);
        return true;
    }

    // An endless row of digits makes the fraction infinity over infinity; C's conversion of that is the smallest long.
    private static long ToMilliseconds(double seconds) =>
        double.IsNaN(seconds) ? long.MinValue / 2 : (long)((seconds * 1000) + RoundingOfSeconds);

    private static readonly SearchValues<byte> NumberBytes = SearchValues.Create("0123456789+-.eE"u8);

    private const double RoundingOfSeconds = 0.5;

    private static bool TryParseZone(ReadOnlySpan<byte> text, out int minutes)
    {
        minutes = 0;
        text = SkipBlanks(text);
        if (text.IsEmpty) return true;

        switch (text[0])
        {
            case (byte)'Z' or (byte)'z':
                return SkipBlanks(text[1..]).IsEmpty;

            case (byte)'+' or (byte)'-':
                var sign = text[0] == '-' ? -1 : 1;
                text = text[1..];
                if (text.Length < 5 || text[2] != ':' || !TryDigits(text, 2, 14, out var hours) ||
                    !TryDigits(text[3..], 2, 59, out minutes))
                {
                    return false;
                }

                minutes = sign * ((hours * 60) + minutes);
                return SkipBlanks(text[5..]).IsEmpty;

            default:
                return false;
        }
    }

    /// <summary>A Julian day number, as sqlite3AtoF would read one.</summary>
    private static bool TryParseNumber(ReadOnlySpan<byte> text, out long milliseconds)
    {
        milliseconds = 0;
        text = SkipBlanks(text);
        while (!text.IsEmpty && IsBlank(text[^1])) text = text[..^1];
        if (text.IsEmpty || !(IsDigit(text[^1]) || text[^1] == '.') || text.ContainsAnyExcept(NumberBytes))
            return false;

        var unsigned = text[0] is (byte)'+' or (byte)'-' ? text[1..] : text;
        if (unsigned.IsEmpty
            || !(IsDigit(unsigned[0]) || (unsigned.Length > 1 && unsigned[0] == '.' && IsDigit(unsigned[1]))))
            return false;
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var day)) return false;
        if (day is not (>= 0.0 and < 5_373_484.5)) return false;

        milliseconds = (long)((day * 86_400_000.0) + 0.5);
        return true;
    }

    /// <summary>Milliseconds of the Julian epoch to midnight of a day of the proleptic Gregorian calendar.</summary>
    private static long JulianOf(int year, int month, int day)
    {
        if (month <= 2)
        {
            year--;
            month += 12;
        }

        // C's integer division, which rounds to zero also for years before 0.
        var century = year / 100;
        var gregorian = 2 - century + (century / 4);
        var daysOfYears = 36525 * (year + 4716) / 100;
        var daysOfMonths = 306001 * (month + 1) / 10000;
        return (long)((daysOfYears + daysOfMonths + day + gregorian - 1524.5) * 86_400_000);
    }

    private static bool TryDigits(ReadOnlySpan<byte> text, int count, int max, out int value)
    {
        value = 0;
        if (text.Length < count) return false;

        for (var i = 0; i < count; i++)
        {
            if (!IsDigit(text[i])) return false;
            value = (value * 10) + text[i] - '0';
        }

        return value <= max;
    }

    private static ReadOnlySpan<byte> SkipBlanks(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty && IsBlank(text[0])) text = text[1..];
        return text;
    }

    private static bool IsBlank(byte c) => c is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');

    private static bool IsDigit(byte c) => c is >= (byte)'0' and <= (byte)'9';
}
