using EdgeSync.Primitives;

namespace EdgeSync.Agent.Peers;

/// <summary>
/// How many new node ids are accepted: a fleet that starts at once, then a few each second. Node ids are not
/// authenticated over NATS, so without a bound one sender could be twenty thousand peers. Real ones are received again
/// with their next heartbeat.
/// </summary>
internal sealed class NameBudget
{
    internal const int Burst = 256;
    internal const double PerSecond = 4;

    private double _left = Burst;
    private Instant? _countedAt;

    public bool TryTake(Instant now)
    {
        if (_countedAt is { } before && now > before)
            _left = Math.Min(Burst, _left + ((now - before).TotalSeconds * PerSecond));
        if (_countedAt is null || now > _countedAt) _countedAt = now;
        if (_left < 1) return false;

        _left--;
        return true;
    }
}
