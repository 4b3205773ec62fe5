using EdgeSync.Agent.Messages;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Announcements;

/// <summary>
/// When to send a heartbeat. Fifty nodes that detect a new one reply spread over a time that grows with their number,
/// once each, however many are new.
/// </summary>
internal sealed class Heartbeat(AgentOptions options, Prng prng)
{
    private const int PeersToldMax = 8;

    private static readonly TimeSpan SettlePause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan HurryPerPeer = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan HurryMin = TimeSpan.FromMilliseconds(50);

    public Instant? Deadline { get; private set; }

    /// <summary>The first heartbeat after a link came up.</summary>
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

    /// <summary>A new peer should receive our presence soon.</summary>
    public void Hurry(Instant now, int peers) => Hurry(now, peers, HurryMin);

    /// <summary>The repository has more than was announced. In a large fleet the next heartbeat is soon
    /// enough.</summary>
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
