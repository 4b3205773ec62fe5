using System.Collections.Concurrent;
using EdgeSync.Agent;
using EdgeSync.Agent.Peers;
using EdgeSync.Agent.Schedule;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using TargetStatus = EdgeSync.Node.Status.TargetStatus;

namespace EdgeSync.Node.Repositories;

/// <summary>An agent's state in the words of the status contract.</summary>
internal static class RepositoryStatusOf
{
    public static RepositoryStatus Add(
        RepositoryStatus repository, AgentStatus agent, ConcurrentDictionary<string, TargetTally> tallies,
        long checkins, TimeProvider clock) => repository with
        {
            Targets = [.. agent.Targets.Select(t => TargetOf(t, tallies, clock))],
            Peers = [
                .. agent.Peers.Select(
                    p => PeerOf(
                        p, checkins, agent.LinkIsUp, agent.Targets.FirstOrDefault(t => t.Target.PeerId == p.PeerId)))],
            DuplicateNodeId = agent.DuplicateNodeId,
            Wanted = agent.Wanted,
        };

    /// <summary>Those that the last daemon of the repository stored; none of them is reachable.</summary>
    public static IReadOnlyList<PeerStatus> RememberedPeers(Repository repository) =>
        [.. PeerTable.ReadPeers(repository).Select(p => PeerOf(p, checkins: 0, linkIsUp: false))];

    /// <summary>The iroh endpoints that a repository trusts, without their connections.</summary>
    public static IReadOnlyList<IrohPeerStatus> TrustedPeers(Repository repository) =>
    [
        .. repository.TrustedPeers.List().Select(p => new IrohPeerStatus
        {
            EndpointId = p.Id,
            Name = p.Name.Length > 0 ? p.Name : null,
            Origin = "trusted",
            Capabilities = new Dictionary<string, string> { [RepositoryHost.NameOf(repository.Path)] = p.Capabilities },
            Route = "none",
        }),
    ];

    private static TargetStatus TargetOf(
        Agent.TargetStatus target, ConcurrentDictionary<string, TargetTally> tallies, TimeProvider clock)
    {
        var counts = tallies.TryGetValue(target.Target.Id, out var tally) ? tally.Counts : default;
        return new TargetStatus
        {
            Target = target.Target.Id,
            State = target.IsRunning
            ? "syncing"
            : target.IsAwaited ? "idle"
            : target.Breaker == BreakerState.Open ? "broken"
            : target.Failures > 0 ? "waiting"
            : "idle",
            Behind = target.IsAwaited ? "no other node with the project has come yet" : target.Reason,
            LastAgreedAt = Time(target.LastOk),
            LastTriedAt = Time(target.LastTry),
            NextTryAt = target.NextTry is { } next && next > Instant.FromDateTime(clock.GetUtcNow())
            ? Time(next)
            : null,
            LastError = counts.LastError,
            NeedsPerson = target.NeedsPerson,
            Sessions = counts.Sessions,
            Failures = counts.Failures,
            FailuresInARow = target.Failures,
            ArtifactsSent = counts.ArtifactsSent,
            ArtifactsReceived = counts.ArtifactsReceived,
            WireBytesSent = counts.BytesSent,
            WireBytesReceived = counts.BytesReceived,
        };
    }

    /// <param name="target">The sessions with it, if any.</param>
    private static PeerStatus PeerOf(
        PeerRecord peer, long checkins, bool linkIsUp, Agent.TargetStatus? target = null) =>
        new()
        {
            Peer = peer.PeerId,
            Version = peer.Version.Length > 0 ? peer.Version : null,
            Role = peer.IsForeign ? null : peer.IsBridge ? "bridge" : RoleOf(peer.Role),
            Route = peer.IsPresent && linkIsUp ? "nats" : null,
            LastSeenAt = Time(peer.LastSeen),
            Lag = HasAll(peer, target) ? 0 : peer.LagBehind(checkins),
            Capabilities = peer.Capabilities,
        };

    // A session since the peer's last presence knows more than the count there. A bridge announces no count: its lag is
    // that of the server behind it, known from our own sessions only.
    private static bool HasAll(PeerRecord peer, Agent.TargetStatus? target) =>
        target is { HasAll: true, LastOk: { } ended } && (peer.IsBridge || ended > peer.LastSeen);

    // As in the node's own /status: "peer" is how a leaf behaves, not its role.
    private static string RoleOf(NodeRole role) => role == NodeRole.Hub ? "hub" : "leaf";

    private static DateTimeOffset? Time(Instant? instant) =>
        instant is { } at ? new DateTimeOffset(at.ToDateTime()) : null;
}
