using EdgeSync.Primitives;

namespace EdgeSync.Net.Quic;

/// <summary>Time that only goes forward, in steps fine enough for round trips within a machine.</summary>
internal sealed class QuicClock(TimeProvider clock)
{
    private readonly Instant _start = Instant.FromDateTime(clock.GetUtcNow());
    private readonly long _stamp = clock.GetTimestamp();

    public Instant Now => _start + clock.GetElapsedTime(_stamp);

    public ITimer CreateTimer(TimerCallback callback) =>
        clock.CreateTimer(callback, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}
