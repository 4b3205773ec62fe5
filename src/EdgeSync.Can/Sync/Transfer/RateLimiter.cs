using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Transfer;

/// <summary>
/// Bytes per second, with a burst of one second. What is taken may be more than there is: the debt is waited for.
/// </summary>
public sealed class RateLimiter
{
    private long? _bytesPerSecond;
    private double _available;
    private Instant _at;

    /// <summary>Null: no limit.</summary>
    public long? BytesPerSecond => _bytesPerSecond;

    public void SetLimit(Instant now, long? bytesPerSecond)
    {
        if (bytesPerSecond == _bytesPerSecond) return;

        (_bytesPerSecond, _at) = (bytesPerSecond, now);
        _available = bytesPerSecond ?? 0;
    }

    /// <summary>Whether something may be taken now.</summary>
    public bool IsOpen(Instant now)
    {
        Refill(now);
        return _bytesPerSecond is null || _available > 0;
    }

    /// <summary>When it opens; null without a limit, or when it is open.</summary>
    public Instant? OpensAt(Instant now)
    {
        if (IsOpen(now)) return null;

        var seconds = ((-_available) + 1) / _bytesPerSecond!.Value;
        return now + TimeSpan.FromSeconds(Math.Min(seconds, 60)) + TimeSpan.FromMilliseconds(1);
    }

    public void Take(Instant now, int bytes)
    {
        Refill(now);
        if (_bytesPerSecond is not null) _available -= bytes;
    }

    private void Refill(Instant now)
    {
        if (_bytesPerSecond is { } rate && now > _at)
            _available = Math.Min(rate, _available + ((now - _at).TotalSeconds * rate));
        _at = now;
    }
}

/// <summary>Which limit holds at which time of day.</summary>
/// <param name="Usual">Bytes per second outside of the hours; null: no limit.</param>
/// <param name="Hours">The first that contains the time holds.</param>
public sealed record LimitPlan(long? Usual, IReadOnlyList<LimitHours> Hours)
{
    /// <param name="minuteOfDay">0 to 1439, in local time.</param>
    public long? At(int minuteOfDay)
    {
        foreach (var hours in Hours)
        {
            if (hours.Contains(minuteOfDay)) return hours.BytesPerSecond;
        }

        return Usual;
    }
}

/// <summary>Hours of a day, which may go over midnight.</summary>
/// <param name="FromMinute">Of the day.</param>
/// <param name="ToMinute">Of the day, exclusive.</param>
/// <param name="BytesPerSecond">Null: no limit.</param>
public sealed record LimitHours(int FromMinute, int ToMinute, long? BytesPerSecond)
{
    internal bool Contains(int minute) => FromMinute <= ToMinute
        ? minute >= FromMinute && minute < ToMinute
        : minute >= FromMinute || minute < ToMinute;
}
