using System.Diagnostics.CodeAnalysis;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;

namespace EdgeSync.Iroh.Discovery;

/// <summary>
/// Decides when an endpoint's record is published: on a change, every five minutes, and again after a failure. Knows
/// no clock and no HTTP; one packet is on its way at a time.
/// </summary>
public sealed class PkarrPublisher(SecretKey key)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RetryStep = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryMax = TimeSpan.FromMinutes(1);

    private EndpointInfo? _info;
    private bool _isUnderWay;
    private bool _isChanged;
    private int _failures;
    private ulong _lastTimestamp;
    private Instant _dueAt;

    /// <summary>When a packet is due; null while one is on its way, and before the first record.</summary>
    public Instant? Deadline => _info is null || _isUnderWay ? null : _dueAt;

    /// <summary>The record of now; nothing happens when it is the published one.</summary>
    public void Update(Instant now, EndpointInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        if (_info is not null && _info.ToTexts().SequenceEqual(info.ToTexts())) return;

        (_info, _dueAt, _failures) = (info, now, 0);
        _isChanged = _isUnderWay;
    }

    /// <summary>A packet to publish, if one is due; its end is reported by <see cref="OnFinished"/>.</summary>
    public bool TryTakePacket(Instant now, [NotNullWhen(true)] out SignedPacket? packet)
    {
        packet = null;
        if (Deadline is not { } deadline || now < deadline) return false;

        // Later than the one before, even when the clock went back or has not moved.
        var micros = (ulong)Math.Max(0, now.UnixTicks / TimeSpan.TicksPerMicrosecond);
        _lastTimestamp = Math.Max(micros, _lastTimestamp + 1);
        (_isUnderWay, _isChanged) = (true, false);
        packet = SignedPacket.Sign(key, _lastTimestamp, _info!);
        return true;
    }

    public void OnFinished(Instant now, bool isPublished)
    {
        _isUnderWay = false;
        _failures = isPublished ? 0 : _failures + 1;
        var wait = isPublished ? Interval : TimeSpan.FromTicks(Math.Min(_failures * RetryStep.Ticks, RetryMax.Ticks));
        _dueAt = _isChanged ? now : now + wait;
        _isChanged = false;
    }
}
