using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// Detects the end of a burst: much output waited for the receivers, and for a moment now hardly any does.
/// </summary>
internal sealed class BurstWatch(long burstBytes)
{
    private const long QuietBytes = 1024 * 1024;
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(1);

    private bool _isBurst;

    /// <summary>When to check whether it stayed quiet; null without a burst, or during one.</summary>
    public Instant? Deadline { get; private set; }

    public void Observe(long pendingBytes, Instant now)
    {
        if (pendingBytes > burstBytes) _isBurst = true;
        if (!_isBurst) return;

        if (pendingBytes > QuietBytes) Deadline = null;
        else Deadline ??= now + QuietTime;
    }

    /// <summary>True once for each burst that is over.</summary>
    public bool OnDeadline(Instant now)
    {
        if (Deadline is not { } deadline || now < deadline) return false;

        (_isBurst, Deadline) = (false, null);
        return true;
    }
}
