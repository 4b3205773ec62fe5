using EdgeSync.Node.Agents;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Daemon;

/// <summary>The checks of a node's status that concern several parts: network, folders, names.</summary>
internal static class NodeChecks
{
    public static IEnumerable<NodeCheck> OfNats(NatsLinkStatus? link, IReadOnlyList<RepositoryStatus> repositories)
    {
        if (link is not { Mode: not "embedded" }) return [];
        if (link.State != "connected") return [Check(CheckState.Failed, link.Url, link.LastError)];
        if (SilentServer(link, repositories) is { } silent)
        {
            var detail = $"{link.ServerName} does not answer: {silent.LastError}";
            return [new NodeCheck("nats", CheckState.Failed, detail, NatsHint.For(link.Url, silent.LastError))];
        }

        return link.Links.FirstOrDefault(l => !l.IsUp) is { } other
            ? [Check(CheckState.Warning, other.Url, other.LastError)]
            : [new NodeCheck("nats", CheckState.Ok)];
    }

    /// <summary>A relay that refuses us is a warning: peers may still be reached directly.</summary>
    public static IEnumerable<NodeCheck> OfIroh(IrohStatus? iroh) => iroh switch
    {
        null => [],
        { RelayDenial: { } denial } =>
        [
            new NodeCheck(
                "iroh", CheckState.Warning, $"the relay {iroh.Relay} refuses this endpoint: {denial}",
                "name another relay, or its token: --iroh-relay URL --iroh-relay-token-file FILE"),
        ],
        _ => [new NodeCheck("iroh", CheckState.Ok)],
    };

    /// <summary>
    /// A full disk refuses uploads. What is corrupt, and a question of the mirror, leave all the rest working.
    /// </summary>
    public static IEnumerable<NodeCheck> OfAssets(AssetsStatus? assets)
    {
        if (assets is null) yield break;

        if (assets.Error is { } error)
            yield return new NodeCheck(
                "assets", CheckState.Failed, $"the asset store in {assets.Folder} cannot be read: {error}",
                "check the disk");
        else if (assets.DiskFree < assets.DiskReserve)
            yield return new NodeCheck(
                "assets", CheckState.Failed,
                $"the disk of {assets.Folder} has {DisplayText.Bytes(assets.DiskFree)} free and keeps "
                    + $"{DisplayText.Bytes(assets.DiskReserve)}: uploads are refused",
                "free some space, or lower assets.disk_reserve_mb");
        else if (assets.Corrupted > 0)
            yield return new NodeCheck(
                "assets", CheckState.Warning, $"{assets.Corrupted} of {assets.Assets} assets are corrupted or missing",
                assets.Mirror is null ? "put the same files again" : "a store of the mirror that has them");
        else
            yield return new NodeCheck("assets", CheckState.Ok);

        if (assets.Mirror is not { } mirror) yield break;

        yield return mirror.Questions is [var question, ..]
            ? new NodeCheck(
                "assets-mirror", CheckState.Warning, $"the mirror of assets waits for a decision: {question}",
                $"edgesync can answer {question} --yes, if it is meant")
            : new NodeCheck("assets-mirror", CheckState.Ok);
    }

    public static IEnumerable<NodeCheck> OfFolders(IEnumerable<RepositoryNode> repositories)
    {
        foreach (var repository in repositories)
            if (repository.FolderCheck is { } check) yield return check;
    }

    public static IEnumerable<NodeCheck> OfNames(IEnumerable<RepositoryStatus> repositories) =>
        repositories.Select(r => r.DuplicateNodeId).FirstOrDefault(t => t is not null) is { } twin
            ? [new NodeCheck("name", CheckState.Warning, twin, NatsHint.AnotherName)]
            : [];

    // A link whose other end is frozen is up until its pings are missed; an exchange with that node fails sooner.
    private static TargetStatus? SilentServer(NatsLinkStatus link, IReadOnlyList<RepositoryStatus> repositories) =>
        repositories.SelectMany(r => r.Targets).FirstOrDefault(t =>
            t.Target == $"nats:{link.ServerName}" && t.FailuresInARow > 0
            && t.LastError?.Contains("no reply", StringComparison.Ordinal) == true);

    private static NodeCheck Check(CheckState state, string? url, string? error)
    {
        var reason = string.IsNullOrEmpty(error) ? "no answer yet" : error;
        return new NodeCheck(
            "nats", state, $"{url ?? "the server"} is not reachable: {reason}", NatsHint.For(url, error));
    }
}
