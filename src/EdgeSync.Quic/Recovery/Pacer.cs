using EdgeSync.Primitives;

namespace EdgeSync.Quic.Recovery;

/// <summary>
/// Spreads a window over its round trip, with a burst of ten datagrams. Spec: RFC 9002 §7.7.
/// </summary>
internal sealed class Pacer
{
    private const double Gain = 1.25;
    private const int BurstDatagrams = 10;

    /// <summary>Timers of shells are no finer; a fast route sends this much at once.</summary>
    private static readonly TimeSpan BurstTime = TimeSpan.FromMilliseconds(2);

    private double _tokens = double.NaN;
    private Instant _refilled;

    /// <summary>When a datagram may be sent; now or earlier means at once.</summary>
    public Instant NextSend(Instant now, int bytes, long window, TimeSpan rtt, int datagramBytes)
    {
        var rate = Gain * window / Math.Max(rtt.Ticks, 1);   // bytes a tick
        var burst = Math.Max(BurstDatagrams * (double)datagramBytes, rate * BurstTime.Ticks);
        if (double.IsNaN(_tokens)) (_tokens, _refilled) = (burst, now);
        _tokens = Math.Min(burst, _tokens + (rate * Math.Max(0, (now - _refilled).Ticks)));
        _refilled = now;
        return _tokens >= bytes ? now : now + TimeSpan.FromTicks((long)Math.Ceiling((bytes - _tokens) / rate));
    }

    public void OnSent(int bytes) => _tokens -= bytes;
}
