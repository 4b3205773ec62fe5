using EdgeSync.Node.Can;
using EdgeSync.Node.Mesh;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Status;

namespace EdgeSync.Node.Daemon;

/// <summary>Puts the status of a daemon together from its parts.</summary>
/// <param name="addresses">Where it listens, by what.</param>
internal sealed class NodeStatusSource(
    string nodeId, string role, TimeProvider clock, NodeRepositories repositories, NodeNetwork network,
    NodeReload reload, Func<IrohNode?> iroh, Func<CanService?> assets,
    Func<IReadOnlyDictionary<string, string>> addresses) : INodeStatusSource
{
    private readonly DateTimeOffset _startedAt = clock.GetUtcNow();

    public async ValueTask<NodeStatus> SnapshotAsync(CancellationToken cancellationToken)
    {
        var open = repositories.All;
        var statuses = await Task.WhenAll(open.Select(r => r.StatusAsync(cancellationToken)));
        var link = network.Nats?.LinkStatus;
        var checks = await RepositoryHealth.CheckAsync([.. open.Select(r => r.Host)], cancellationToken);
        var endpoint = iroh() is { } node ? IrohStatusOf.Read(node) : null;
        var store = await AssetsStatusOf.ReadAsync(assets(), cancellationToken);
        return new NodeStatus
        {
            Node = nodeId,
            Role = role,
            StartedAt = _startedAt,
            Now = clock.GetUtcNow(),
            Checks =
            [
                .. checks, .. repositories.Copies.Checks, .. NodeChecks.OfNats(link, statuses),
                .. NodeChecks.OfIroh(endpoint), .. NodeChecks.OfAssets(store), .. NodeChecks.OfFolders(open),
                .. NodeChecks.OfNames(statuses),
            ],
            Repositories = [.. statuses, .. repositories.Copies.Status],
            Nats = link,
            Broker = network.Nats?.BrokerStatus,
            Iroh = endpoint,
            Assets = store,
            Bridge = network.Bridge is { } bridge ? await bridge.StatusAsync(cancellationToken) : [],
            Addresses = addresses(),
            Configuration = reload.Configuration,
        };
    }
}
