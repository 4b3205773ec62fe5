using EdgeSync.Agent.Messages;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Announcements;

/// <summary>
/// When to give a heartbeat. Fifty nodes that meet a new one answer it spread over a moment that grows with their
/// number, each once, however many came.
/// </summary>
internal sealed class Heartbeat(AgentOptions options, Prng prng)
{
    private const int PeersToldMax = 8;

    private static readonly TimeSpan SettlePause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan HurryPerPeer = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan HurryMin = TimeSpan.FromMilliseconds(50);

    public Instant? Deadline { get; private set; }

    /// <summary>The first sign after a link came up.</summary>
    public PresenceState Join(Instant now)
    {
        Next(now);
        return PresenceState.Join;
    }

    public PresenceState Next(Instant now)
    {
        Deadline = now + (options.HeartbeatInterval * (0.9 + (0.1 * prng.NextDouble())));
        return PresenceState.Alive;
    }

    /// <summary>Somebody new should know of us soon.</summary>
    public void Hurry(Instant now, int peers) => Hurry(now, peers, HurryMin);

    /// <summary>We hold more than we have said. In a large fleet the next heartbeat is soon enough.</summary>
    public void OnMoved(Instant now, int peers)
    {
        if (peers <= PeersToldMax) Hurry(now, peers, SettlePause);
    }

    private void Hurry(Instant now, int peers, TimeSpan pauseMin)
    {
        var at = now + pauseMin + (HurryPerPeer * peers * prng.NextDouble());
        if (Deadline is null || at < Deadline) Deadline = at;
    }
}
