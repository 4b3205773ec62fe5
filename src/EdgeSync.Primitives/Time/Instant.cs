namespace EdgeSync.Primitives;

/// <summary>A moment, given to a core by its shell. Counted in ticks of 100 ns from 1970-01-01 UTC.</summary>
public readonly record struct Instant(long UnixTicks) : IComparable<Instant>
{
    private const double JulianDayOfUnixEpoch = 2440587.5;

    public static Instant FromUnixSeconds(long seconds) => new(seconds * TimeSpan.TicksPerSecond);

    public static Instant FromUnixMilliseconds(long milliseconds) => new(milliseconds * TimeSpan.TicksPerMillisecond);

    public static Instant FromDateTime(DateTimeOffset moment) => new(moment.UtcTicks - DateTime.UnixEpoch.Ticks);

    /// <summary>From a Julian day, rounded to the millisecond as SQLite does.</summary>
    public static Instant FromJulianDay(double julianDay) =>
        FromUnixMilliseconds((long)Math.Round((julianDay - JulianDayOfUnixEpoch) * 86_400_000.0));

    public long UnixSeconds => Math.DivRem(UnixTicks, TimeSpan.TicksPerSecond) is var (q, r) && r < 0 ? q - 1 : q;

    public long UnixMilliseconds =>
        Math.DivRem(UnixTicks, TimeSpan.TicksPerMillisecond) is var (q, r) && r < 0 ? q - 1 : q;

    /// <summary>
    /// The Julian day as SQLite computes it: milliseconds as an integer, divided by 86,400,000 last. Rows that stock
    /// Fossil wrote compare equal, bit for bit.
    /// </summary>
    public double JulianDay => (UnixMilliseconds + 210_866_760_000_000L) / 86_400_000.0;

    /// <summary>
    /// Years before 1 and after 9999 (artifacts may name them) become the first and the last representable moment.
    /// </summary>
    public DateTime ToDateTime()
    {
        var ticks = Math.Clamp(
            UnixTicks, -DateTime.UnixEpoch.Ticks, DateTime.MaxValue.Ticks - DateTime.UnixEpoch.Ticks);
        return new DateTime(DateTime.UnixEpoch.Ticks + ticks, DateTimeKind.Utc);
    }

    /// <summary>The earlier of two deadlines; null is none.</summary>
    public static Instant? Earlier(Instant? one, Instant? other) =>
        one is null ? other : other is null || one < other ? one : other;

    public int CompareTo(Instant other) => UnixTicks.CompareTo(other.UnixTicks);

    public static Instant operator +(Instant left, TimeSpan right) => new(left.UnixTicks + right.Ticks);

    public static Instant operator -(Instant left, TimeSpan right) => new(left.UnixTicks - right.Ticks);

    public static TimeSpan operator -(Instant left, Instant right) => new(left.UnixTicks - right.UnixTicks);

    public static bool operator <(Instant left, Instant right) => left.UnixTicks < right.UnixTicks;

    public static bool operator >(Instant left, Instant right) => left.UnixTicks > right.UnixTicks;

    public static bool operator <=(Instant left, Instant right) => left.UnixTicks <= right.UnixTicks;

    public static bool operator >=(Instant left, Instant right) => left.UnixTicks >= right.UnixTicks;

    public override string ToString() =>
        ToDateTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
