using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Records;

/// <summary>
/// Makes the stamps of a store: the time of day, never less than what was written before. A write is later than the
/// value that it replaces, whatever any clock says; so a clock that was wrong by years is wrong for the fields that
/// were written by it, and only until they are written again.
/// </summary>
/// <remarks>
/// A stamp that is far ahead of this store's clock does not move it, and when the store's own clock goes back the
/// clock goes with it: a jump of years lasts as long as the jump.
/// </remarks>
public sealed class HybridClock(StoreId store)
{
    private const int CounterBits = 16;

    /// <summary>How far ahead of the time of day the clock may be moved.</summary>
    private static readonly TimeSpan AheadMax = TimeSpan.FromMinutes(10);

    private ulong _last;

    /// <summary>The store whose writes are stamped.</summary>
    public StoreId Store => store;

    /// <summary>The stamp of a write of now.</summary>
    /// <param name="wall">The time of day.</param>
    /// <param name="replaced">The stamp of the value that is replaced.</param>
    public Stamp Next(Instant wall, Stamp replaced)
    {
        var time = TimeOf(wall);
        if (_last <= TimeOf(wall + AheadMax)) time = Math.Max(time, _last + 1);
        _last = time;
        return new Stamp(time > replaced.Time ? time : replaced.Time + 1, store);
    }

    /// <summary>A stamp of another store was seen: what is written from now on is later.</summary>
    public void Observe(Instant wall, Stamp seen)
    {
        if (seen.Time > _last && seen.Time <= TimeOf(wall + AheadMax)) _last = seen.Time;
    }

    private static ulong TimeOf(Instant wall) => (ulong)Math.Max(0, wall.UnixMilliseconds) << CounterBits;
}
