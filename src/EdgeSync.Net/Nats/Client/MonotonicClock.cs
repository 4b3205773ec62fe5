using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>The time for cores that run on deadlines: begins at the wall clock and never jumps with it.</summary>
internal sealed class MonotonicClock(TimeProvider time)
{
    private readonly Instant _begin = Instant.FromDateTime(time.GetUtcNow());
    private readonly long _beginTimestamp = time.GetTimestamp();

    public TimeProvider Time => time;

    public Instant Now => _begin + time.GetElapsedTime(_beginTimestamp);
}
