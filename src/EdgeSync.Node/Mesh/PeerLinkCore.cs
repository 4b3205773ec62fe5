using EdgeSync.Agent;
using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Node.Mesh;

/// <summary>
/// What one side of the link between two brokers decides (<see cref="SolicitRule"/>), as the streams come and go. It
/// knows no clock: times are spans since any begin. One caller at a time.
/// <para>
/// A link that ends soon is one that the brokers do not want: it closes a circle of links. Then this side pauses,
/// longer each time. Otherwise the two sides would open it by turns, each without the pause that the other one keeps.
/// </para>
/// </summary>
/// <param name="role">Of this node.</param>
/// <param name="own">Its id.</param>
/// <param name="now">The link has been down since then.</param>
/// <typeparam name="TStream">A stream that the peer has opened.</typeparam>
internal sealed class PeerLinkCore<TStream>(NodeRole role, EndpointId own, EndpointId peer, TimeSpan now)
    where TStream : class
{
    /// <summary>A link that lasts so long is one to stay.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(32);

    private TimeSpan _linklessSince = now;
    private TimeSpan _solicitsFrom = now;
    private TimeSpan _pause = PauseMin;
    private TimeSpan _acceptedAt;
    private TimeSpan? _openedAt;

    /// <summary>The stream of the peer that is served; null: none.</summary>
    public TStream? Accepted { get; private set; }

    /// <summary>Whether this side opens streams.</summary>
    public bool Solicits(TimeSpan now) =>
        now >= _solicitsFrom && SolicitRule.Solicits(role, own, peer, Accepted is not null, now - _linklessSince);

    /// <summary>
    /// After which time <see cref="Solicits"/> may become true by itself; null: it is true, or becomes so only by a
    /// change. To miss nothing: ask both with the same <paramref name="now"/>.
    /// </summary>
    public TimeSpan? SolicitsIn(TimeSpan now)
    {
        if (role == NodeRole.Hub || Accepted is not null) return null;

        var patient = role == NodeRole.Peer && peer < own ? _linklessSince + SolicitRule.Patience : TimeSpan.Zero;
        var from = _solicitsFrom > patient ? _solicitsFrom : patient;
        return from > now ? from - now : null;
    }

    /// <summary>The peer has opened a stream.</summary>
    /// <param name="older">The one before, which the peer has lost: to be closed.</param>
    /// <returns>False: it is to be refused, because ours stays.</returns>
    public bool TryAccept(TStream stream, TimeSpan now, out TStream? older)
    {
        older = Accepted;
        if (SolicitRule.Refuses(own, peer, now - _openedAt)) return false;

        (Accepted, _acceptedAt) = (stream, now);
        return true;
    }

    /// <summary>A stream of ours is open.</summary>
    /// <returns>False: it is to be closed, because the peer's came meanwhile.</returns>
    public bool TryOpen(TimeSpan now)
    {
        if (Accepted is not null) return false;

        _openedAt = now;
        return true;
    }

    /// <summary>Our stream has ended.</summary>
    public void OnOpenedEnded(TimeSpan now)
    {
        if (_openedAt is { } since) Pause(since, now);
        _openedAt = null;
    }

    /// <summary>A stream of the peer has ended.</summary>
    /// <returns>False: a newer one had replaced it.</returns>
    public bool OnAcceptedEnded(TStream stream, TimeSpan now)
    {
        if (Accepted != stream) return false;

        (Accepted, _linklessSince) = (null, now);
        Pause(_acceptedAt, now);
        return true;
    }

    private void Pause(TimeSpan since, TimeSpan now)
    {
        if (now - since >= Settled)
        {
            _pause = PauseMin;
            return;
        }

        _solicitsFrom = now + _pause;
        _pause = _pause * 2 < PauseMax ? _pause * 2 : PauseMax;
    }
}
