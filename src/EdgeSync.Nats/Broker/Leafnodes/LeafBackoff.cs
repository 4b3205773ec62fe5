using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// When to reconnect to a hub. All leaves of a hub lose it at the same moment; with equal pauses they would reconnect
/// together and overload it again. So each pause is drawn, grows while attempts fail, and starts small after a link
/// that lasted.
/// </summary>
internal sealed class LeafBackoff(LeafnodeRemote remote, Prng prng)
{
    /// <summary>How often the long pause is doubled at most.</summary>
    private const int RefusalDoublingsMax = 2;

    private int _failures;
    private int _refusals;

    /// <summary>
    /// The pause before the next attempt, after a link that lasted <paramref name="lived"/> (zero: it never came up).
    /// </summary>
    public TimeSpan Next(TimeSpan lived)
    {
        if (lived >= remote.StableAfter) Reset();

        var grown = remote.ReconnectWait.Ticks * Math.Pow(2, Math.Min(_failures, 30));
        _failures++;
        return Spread(Math.Min(grown, remote.ReconnectWaitMax.Ticks));
    }

    /// <summary>
    /// A loop or a rejection persists: a long pause, spread so that several ends do not collide again.
    /// </summary>
    public TimeSpan AfterRefusal()
    {
        var doubled = remote.RefusedWait * (1 << Math.Min(_refusals, RefusalDoublingsMax));
        _refusals++;
        return doubled * (1 + prng.NextDouble() / 3);
    }

    /// <summary>The situation has changed: earlier failures do not count.</summary>
    public void Reset() => _failures = _refusals = 0;

    /// <summary>Between two addresses of the same hub.</summary>
    public TimeSpan Short() => Spread(remote.ReconnectWait.Ticks / 4.0);

    private TimeSpan Spread(double ticks) => TimeSpan.FromTicks((long)(ticks * (0.5 + prng.NextDouble() / 2)));
}
