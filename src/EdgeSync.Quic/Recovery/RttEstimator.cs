namespace EdgeSync.Quic.Recovery;

/// <summary>Round-trip time of a route. Spec: RFC 9002 §5.</summary>
internal sealed class RttEstimator(TimeSpan initial)
{
    /// <summary>The clock that is assumed (RFC 9002 §6.1.2).</summary>
    public static readonly TimeSpan Granularity = TimeSpan.FromMilliseconds(1);

    public bool HasSample { get; private set; }

    public TimeSpan Latest { get; private set; } = initial;

    public TimeSpan Min { get; private set; } = initial;

    public TimeSpan Smoothed { get; private set; } = initial;

    public TimeSpan Variance { get; private set; } = initial / 2;

    /// <summary>Takes a sample.</summary>
    /// <param name="ackDelay">The delay in the ACK frame, capped at the peer's maximum by the caller.</param>
    public void Add(TimeSpan latest, TimeSpan ackDelay)
    {
        Latest = latest;
        if (!HasSample)
        {
            HasSample = true;
            (Min, Smoothed, Variance) = (latest, latest, latest / 2);
            return;
        }

        Min = latest < Min ? latest : Min;
        var adjusted = latest >= Min + ackDelay ? latest - ackDelay : latest;
        var deviation = (Smoothed - adjusted).Duration();
        Variance = ((Variance * 3) + deviation) / 4;
        Smoothed = ((Smoothed * 7) + adjusted) / 8;
    }

    /// <summary>The probe timeout without backoff (RFC 9002 §6.2.1).</summary>
    public TimeSpan Pto(TimeSpan maxAckDelay) => Smoothed + Max(Variance * 4, Granularity) + maxAckDelay;

    /// <summary>How long after a later packet's arrival a packet counts as lost (RFC 9002 §6.1.2).</summary>
    public TimeSpan LossDelay() => Max(Max(Latest, Smoothed) * 9 / 8, Granularity);

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
