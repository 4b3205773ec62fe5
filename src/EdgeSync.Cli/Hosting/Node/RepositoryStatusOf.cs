using System.Collections.Concurrent;
using EdgeSync.Agent;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Hosting.Node;

/// <summary>An agent's view of things in the words of the status contract.</summary>
internal static class RepositoryStatusOf
{
    public static RepositoryStatus Add(
        RepositoryStatus repository, AgentStatus agent, ConcurrentDictionary<string, TargetTally> tallies, long checkins, TimeProvider clock) => repository with
        {
            Targets = [.. agent.Targets.Select(t => TargetOf(t, tallies, clock))],
            Peers = [.. agent.Peers.Select(p => PeerOf(p, checkins, agent.LinkIsUp))],
            Twin = agent.Twin,
        };

    private static TargetStatus TargetOf(Agent.TargetStatus target, ConcurrentDictionary<string, TargetTally> tallies, TimeProvider clock)
    {
        var counts = tallies.TryGetValue(target.Target.Id, out var tally) ? tally.Counts : default;
        return new TargetStatus
        {
            Target = target.Target.Id,
            State = target.IsRunning ? "syncing" : target.Breaker == BreakerState.Open ? "broken" : target.Failures > 0 ? "waiting" : "idle",
            Behind = target.Reason,
            LastAgreedAt = Time(target.LastOk),
            NextTryAt = target.NextTry is { } next && next > Instant.FromDateTime(clock.GetUtcNow()) ? Time(next) : null,
            LastError = counts.LastError,
            Sessions = counts.Sessions,
            Failures = counts.Failures,
            FailuresInARow = target.Failures,
            ArtifactsSent = counts.ArtifactsSent,
            ArtifactsReceived = counts.ArtifactsReceived,
            WireBytesSent = counts.BytesSent,
            WireBytesReceived = counts.BytesReceived,
        };
    }

    public static PeerStatus PeerOf(PeerRecord peer, long checkins, bool linkIsUp) => new()
    {
        Peer = peer.PeerId,
        Version = peer.Version.Length > 0 ? peer.Version : null,
        Role = peer.IsForeign ? null : peer.Role.ToString().ToLowerInvariant(),
        Route = peer.IsPresent && linkIsUp ? "nats" : null,
        LastSeenAt = Time(peer.LastSeen),
        Lag = peer.LagBehind(checkins),
        Capabilities = peer.Capabilities,
    };

    private static DateTimeOffset? Time(Instant? instant) => instant is { } at ? new DateTimeOffset(at.ToDateTime()) : null;
}
