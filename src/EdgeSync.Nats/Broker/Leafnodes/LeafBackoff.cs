using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// When to dial a hub again. All leaves of a hub lose it at the same moment; were they to come back after the same
/// pause, the hub would fall again. So each pause is drawn, grows while dialling fails, and starts afresh after a link
/// that lasted.
/// </summary>
internal sealed class LeafBackoff(LeafnodeRemote remote, Prng prng)
{
    /// <summary>The long pause is doubled so often at most.</summary>
    private const int RefusalDoublingsMax = 2;

    private int _failures;
    private int _refusals;

    /// <summary>
    /// The pause before the next try, after a link that lived for <paramref name="lived"/> (zero: it never came up).
    /// </summary>
    public TimeSpan Next(TimeSpan lived)
    {
        if (lived >= remote.StableAfter) Reset();

        var grown = remote.ReconnectWait.Ticks * Math.Pow(2, Math.Min(_failures, 30));
        _failures++;
        return Spread(Math.Min(grown, remote.ReconnectWaitMax.Ticks));
    }

    /// <summary>
    /// A loop or a refusal does not go away by itself: a long pause, spread so that several ends do not meet again.
    /// </summary>
    public TimeSpan AfterRefusal()
    {
        var doubled = remote.RefusedWait * (1 << Math.Min(_refusals, RefusalDoublingsMax));
        _refusals++;
        return doubled * (1 + prng.NextDouble() / 3);
    }

    /// <summary>Things have changed: what failed before says nothing any more.</summary>
    public void Reset() => _failures = _refusals = 0;

    /// <summary>Between two addresses of the same hub.</summary>
    public TimeSpan Short() => Spread(remote.ReconnectWait.Ticks / 4.0);

    private TimeSpan Spread(double ticks) => TimeSpan.FromTicks((long)(ticks * (0.5 + prng.NextDouble() / 2)));
}
