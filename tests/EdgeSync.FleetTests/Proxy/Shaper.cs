using EdgeSync.Primitives;

namespace EdgeSync.FleetTests.Proxy;

/// <summary>
/// Decides when bytes that enter one direction of a link come out at its other end. All connections of a link share it,
/// as they share the wire.
/// </summary>
/// <remarks>
/// A TCP proxy cannot lose a segment: the stream must stay whole. What a program behind a lossy link sees is that
/// everything behind the lost segment waits until it was sent again. So a lost segment comes out one retransmission
/// later, twice that when it is lost again, and nothing overtakes it. Without a clock: time is an argument.
/// </remarks>
internal sealed class Shaper(Prng prng)
{
    public const int SegmentBytes = 1448;

    private static readonly TimeSpan RetransmissionMin = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RetransmissionMax = TimeSpan.FromSeconds(6);

    private TimeSpan _freeAt;

    public LinkProfile Profile { get; set; } = LinkProfile.Direct;

    /// <summary>On top of what the profile takes.</summary>
    public TimeSpan ExtraDelay { get; set; }

    /// <summary>When bytes that are sent now come out; never before those that one stream sent earlier.</summary>
    public TimeSpan ComesOutAt(TimeSpan now, int byteCount, TimeSpan streamLast)
    {
        _freeAt = (_freeAt > now ? _freeAt : now) + Profile.BusyFor(byteCount);
        var arrival = _freeAt + Profile.OneWay + ExtraDelay + Retransmissions(byteCount);
        return arrival > streamLast ? arrival : streamLast;
    }

    /// <summary>How much later than the wire is free; a sender that is far ahead should wait.</summary>
    public TimeSpan Backlog(TimeSpan now) => _freeAt > now ? _freeAt - now : TimeSpan.Zero;

    private TimeSpan Retransmissions(int byteCount)
    {
        if (Profile.Loss <= 0) return TimeSpan.Zero;

        var worst = TimeSpan.Zero;
        for (var left = byteCount; left > 0; left -= SegmentBytes)
        {
            var wait = TimeSpan.Zero;
            var again = Profile.RoundTrip > RetransmissionMin ? Profile.RoundTrip : RetransmissionMin;
            while (prng.Chance(Profile.Loss) && wait < RetransmissionMax)
            {
                wait += again;
                again *= 2;
            }

            if (wait > worst) worst = wait;
        }

        return worst;
    }
}
