namespace EdgeSync.Node.Status;

/// <summary>
/// The sync state of a repository, or of one of its peers. The words are those of <c>edgesync status --json</c>.
/// </summary>
public enum SyncState
{
    /// <summary>Both sides have the same artifacts.</summary>
    InSync,

    /// <summary>A session is running.</summary>
    Syncing,

    /// <summary>One side has artifacts that the other lacks.</summary>
    Behind,

    /// <summary>It was present, and is not now; its state is unknown.</summary>
    Away,

    /// <summary>
    /// It rejects this node until the operator changes something. Of a repository: a Fossil server of the settings
    /// does, or a node does and no other peer is in sync.
    /// </summary>
    Refused,

    /// <summary>No session so far.</summary>
    Unknown,

    /// <summary>The first copy is not complete yet.</summary>
    Cloning,

    /// <summary>No other node has appeared yet.</summary>
    Alone,

    /// <summary>No daemon runs for the repository.</summary>
    NotRunning,
}

/// <summary>The words of <see cref="SyncState"/>.</summary>
internal static class SyncStates
{
    public static string WordOf(SyncState state) => state switch
    {
        SyncState.InSync => "in_sync",
        SyncState.Syncing => "syncing",
        SyncState.Behind => "behind",
        SyncState.Away => "away",
        SyncState.Refused => "refused",
        SyncState.Cloning => "cloning",
        SyncState.Alone => "alone",
        SyncState.NotRunning => "not_running",
        _ => "unknown",
    };
}

/// <summary>One peer of a repository.</summary>
/// <param name="Peer">A node's name, or the address of a Fossil server.</param>
/// <param name="Route"><c>nats</c>, <c>http</c> or <c>iroh</c>; null while there is none.</param>
/// <param name="Since">In sync: the last session that ended so. Away: the last presence.</param>
/// <param name="Reason">Null only when it is in sync.</param>
public sealed record PeerVerdict(
    string Peer, SyncState State, string? Route, DateTimeOffset? Since, string? Reason, string? Hint);

/// <summary>
/// The sync state of a repository: is it in sync, with which peers, by which route, since when; and if not, why, and
/// what to try. Derived from a status alone, so that every command and page agrees.
/// </summary>
/// <param name="Since">The last agreement with any peer.</param>
public sealed record SyncVerdict(
    SyncState State, DateTimeOffset? Since, string? Reason, string? Hint, IReadOnlyList<PeerVerdict> Peers)
{
    /// <summary>Peers that are in sync.</summary>
    public int InSyncCount => Peers.Count(p => p.State == SyncState.InSync);

    /// <param name="repository">One repository of <paramref name="node"/>.</param>
    /// <param name="node">The daemon of the repository.</param>
    public static SyncVerdict Of(RepositoryStatus repository, NodeStatus node)
    {
        if (repository.State == "cloning") return Cloning(repository, node);

        List<PeerVerdict> peers =
        [
            .. repository.Peers.Select(p => OfPeer(p, repository, node)),
            .. repository.Targets.Where(t => IsHttp(t)).Select(OfServer),
        ];
        var since = repository.Targets.Max(t => t.LastAgreedAt);
        if (peers.FirstOrDefault(p => IsDecisive(p, peers)) is { } refused)
            return new SyncVerdict(SyncState.Refused, since, $"{refused.Peer}: {refused.Reason}", refused.Hint, peers);
        if (repository.Wanted > 0)
            return new SyncVerdict(
                SyncState.Behind, since, $"{repository.Wanted} announced artifacts have not arrived yet", null, peers);
        if (peers.FirstOrDefault(p => p.State is SyncState.Behind) is { } behind)
            return new SyncVerdict(SyncState.Behind, since, $"{behind.Peer}: {behind.Reason}", behind.Hint, peers);
        if (peers.FirstOrDefault(p => p.State is SyncState.Syncing) is { } syncing)
            return new SyncVerdict(SyncState.Syncing, since, $"{syncing.Peer}: {syncing.Reason}", null, peers);
        if (peers.Any(p => p.State == SyncState.InSync))
            return new SyncVerdict(SyncState.InSync, since, null, null, peers);
        if (peers.FirstOrDefault(p => p.State is SyncState.Away) is { } away)
            return new SyncVerdict(
                SyncState.Away, since, peers.Count == 1 ? $"{away.Peer}: {away.Reason}" : "every peer is away",
                away.Hint, peers);

        return peers.Count > 0
            ? new SyncVerdict(
                SyncState.Unknown, since, "no exchange came to its end yet", $"edgesync sync now {repository.Path}",
                peers)
            : Alone(node);
    }

    // The settings name a server: its rejection is for the operator, whatever other peers do. Nodes appear on the
    // network by themselves, and one of them that rejects this one changes nothing while another one is in sync.
    private static bool IsDecisive(PeerVerdict peer, IReadOnlyList<PeerVerdict> peers) =>
        peer.State == SyncState.Refused && (peer.Route == "http" || !peers.Any(p => p.State == SyncState.InSync));

    private static SyncVerdict Cloning(RepositoryStatus repository, NodeStatus node)
    {
        var check = node.Checks.FirstOrDefault(c => c.Name == "cloning:" + repository.Name);
        return new SyncVerdict(
            SyncState.Cloning, null, check?.Detail ?? "the first copy is on its way", check?.Hint, []);
    }

    private static SyncVerdict Alone(NodeStatus node) => node.Nats is { State: not "connected" } link
        ? new SyncVerdict(SyncState.Away, null, WhyDown(link), HintFor(link), [])
        : new SyncVerdict(
            SyncState.Alone, null, "no other node with the project has come yet",
            "edgesync join CODE, on another machine", []);

    private static PeerVerdict OfPeer(PeerStatus peer, RepositoryStatus repository, NodeStatus node)
    {
        var target = repository.Targets.FirstOrDefault(t => t.Target == "nats:" + peer.Peer);
        if (peer.Route is null)
        {
            var link = node.Nats is { State: not "connected" } down ? down : null;
            return new PeerVerdict(
                peer.Peer, SyncState.Away, null, peer.LastSeenAt, link is null ? "it does not answer" : WhyDown(link),
                link is null ? $"edgesync status, on {peer.Peer}" : HintFor(link));
        }

        if (target is { NeedsPerson: true }) return Refused(peer.Peer, peer.Route, target);
        if (target is { FailuresInARow: > 0 })
            return new PeerVerdict(
                peer.Peer, SyncState.Behind, peer.Route, target.LastAgreedAt, target.LastError ?? target.Behind
                ?? "the last exchange failed", "edgesync sync now");

        return peer.Lag switch
        {
            0 =>
                new PeerVerdict(
                    peer.Peer, SyncState.InSync, peer.Route, target?.LastAgreedAt ?? peer.LastSeenAt, null, null),
            > 0 when target is { State: "syncing" } =>
                new PeerVerdict(
                    peer.Peer, SyncState.Syncing, peer.Route, target.LastAgreedAt, "an exchange runs", null),
            > 0 and var lag => new PeerVerdict(
                peer.Peer, SyncState.Behind, peer.Route, target?.LastAgreedAt, $"{lag} check-ins apart",
                $"edgesync sync now {repository.Path}"),
            _ => target?.LastAgreedAt is { } at
                ? new PeerVerdict(peer.Peer, SyncState.InSync, peer.Route, at, null, null)
                : new PeerVerdict(
                    peer.Peer, SyncState.Unknown, peer.Route, null, "no exchange came to its end yet",
                    $"edgesync sync now {repository.Path}"),
        };
    }

    private static PeerVerdict OfServer(TargetStatus target)
    {
        var address = target.Target["http:".Length..];
        var isIroh = address.StartsWith("iroh:", StringComparison.Ordinal);
        var route = isIroh ? "iroh" : "http";
        if (target.NeedsPerson)
            return isIroh
                ? Refused(address, route, target) with { Hint = "edgesync peers trust ID, on the other machine" }
                : Refused(address, route, target);
        if (target.FailuresInARow > 0)
            return new PeerVerdict(
                address, SyncState.Away, null, target.LastAgreedAt, target.LastError ?? target.Behind
                ?? "it does not answer", "edgesync doctor");
        if (target.LastAgreedAt is null)
            return new PeerVerdict(
                address, target.State == "syncing" ? SyncState.Syncing : SyncState.Unknown, route, null,
                "no exchange came to its end yet", "edgesync sync now");

        return new PeerVerdict(address, SyncState.InSync, route, target.LastAgreedAt, null, null);
    }

    private static PeerVerdict Refused(string peer, string route, TargetStatus target) => new(
        peer, SyncState.Refused, route, target.LastAgreedAt, target.LastError
        ?? "it refuses us", "edgesync repo user list, on the other machine");

    private static bool IsHttp(TargetStatus target) => target.Target.StartsWith("http:", StringComparison.Ordinal);

    private static string WhyDown(NatsLinkStatus link) =>
        $"{link.Url ?? "NATS"} is not reachable: "
            + $"{(string.IsNullOrEmpty(link.LastError) ? "no answer yet" : link.LastError)}";

    private static string? HintFor(NatsLinkStatus link) =>
        link.Url is { } url ? $"edgesync doctor --nats {url}" : "edgesync doctor";
}
