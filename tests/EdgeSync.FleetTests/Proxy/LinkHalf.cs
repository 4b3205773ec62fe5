namespace EdgeSync.FleetTests.Proxy;

/// <summary>One direction of a link: its gate, its shape, and what went through.</summary>
internal sealed class LinkHalf(Shaper shaper)
{
    private const long Unlimited = long.MaxValue;

    private readonly Lock _lock = new();
    private long _bytes;
    private long _untilReset = Unlimited;

    public Latch Latch { get; } = new();

    /// <summary>Bytes that came out at the other end since the beginning.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    public void Shape(LinkProfile profile)
    {
        lock (_lock) shaper.Profile = profile;
    }

    public void Delay(TimeSpan extra)
    {
        lock (_lock) shaper.ExtraDelay = extra;
    }

    public void ResetAfter(int byteCount)
    {
        lock (_lock) _untilReset = byteCount;
    }

    public void ForgetReset()
    {
        lock (_lock) _untilReset = Unlimited;
    }

    public TimeSpan ComesOutAt(TimeSpan now, int byteCount, TimeSpan streamLast)
    {
        lock (_lock) return shaper.ComesOutAt(now, byteCount, streamLast);
    }

    public TimeSpan Backlog(TimeSpan now)
    {
        lock (_lock) return shaper.Backlog(now);
    }

    /// <summary>
    /// How many of the bytes may pass; fewer than all means that the connections are to be reset after them.
    /// </summary>
    public int Admit(int byteCount)
    {
        lock (_lock)
        {
            if (_untilReset == Unlimited) return byteCount;
            var admitted = (int)Math.Min(_untilReset, byteCount);
            _untilReset = admitted < byteCount ? Unlimited : _untilReset - admitted;
            return admitted;
        }
    }

    public void Count(int byteCount) => Interlocked.Add(ref _bytes, byteCount);
}
