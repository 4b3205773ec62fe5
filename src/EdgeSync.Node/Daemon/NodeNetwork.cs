using EdgeSync.Node.Agents;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Settings;

namespace EdgeSync.Node.Daemon;

/// <summary>
/// The NATS host of a node and the bridge over it. Both are replaced when a plain client changes its server.
/// </summary>
/// <param name="repositories">Those that are open now; links are reported to them.</param>
internal sealed class NodeNetwork(
    NodeContext node, NodeLog logs, Func<IReadOnlyList<RepositoryNode>> repositories) : IAsyncDisposable
{
    /// <summary>Null without NATS.</summary>
    public NatsHost? Nats { get; private set; }

    /// <summary>Null where nothing is bridged.</summary>
    public BridgeNode? Bridge { get; private set; }

    public async Task StartAsync(NodeSettings settings, CancellationToken cancellationToken)
    {
        if (!settings.HasNats) return;

        var members = settings.Nats.Members ? BrokerMembers.Read(settings.Repositories, node.Clock) : [];
        Nats = await OpenAsync(settings, BrokerMembers.AddTo(settings.Nats, members), cancellationToken);
        Nats.LinkChanged = OnLinkAsync;
    }

    public void StartBridge(BridgeSection settings)
    {
        if (settings.Projects.Count > 0 && Nats is not null)
            Bridge = BridgeNode.Start(settings, Nats.Access, node);
    }

    /// <summary>Applies hubs, logins and users of the broker; a plain client is connected to its new server.</summary>
    /// <param name="wantedRepositories">Those that are open after the change.</param>
    public async Task ChangeAsync(
        NodeSettings settings, IReadOnlyList<RepositoryNode> wantedRepositories, CancellationToken cancellationToken)
    {
        var wanted = BrokerMembers.AddTo(
            settings.Nats, settings.Nats.Members ? await MembersAsync(wantedRepositories, cancellationToken) : []);
        if (Nats is not { } old || await old.TryChangeAsync(wanted)) return;

        var fresh = await OpenAsync(settings, wanted, cancellationToken);
        (old.LinkChanged, fresh.LinkChanged) = (null, OnLinkAsync);
        Nats = fresh;
        foreach (var repository in wantedRepositories) await repository.RejoinAsync(fresh);
        if (Bridge is not null)
        {
            await Bridge.DisposeAsync();
            Bridge = BridgeNode.Start(settings.Bridge, fresh.Access, node);
        }

        await old.DisposeAsync();
    }

    /// <summary>Applies the users of the repositories to the broker: joined machines may use it.</summary>
    public async Task ChangeMembersAsync(NatsSection settings)
    {
        if (settings.Members && Nats is not null)
            await Nats.TryChangeAsync(
                BrokerMembers.AddTo(settings, await MembersAsync(repositories(), CancellationToken.None)));
    }

    /// <summary>Before the repositories are closed.</summary>
    public async ValueTask StopBridgeAsync()
    {
        if (Bridge is not null) await Bridge.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Nats is not null) await Nats.DisposeAsync();
    }

    private Task<NatsHost> OpenAsync(
        NodeSettings settings, NatsSection section, CancellationToken cancellationToken) => NatsHost.StartAsync(
        section, node.NodeId, settings.Node.DataDir ?? Path.Combine(NodePaths.StateFolder, node.NodeId),
        node.Logins.Throttle, logs, node.Clock, node.Failed, cancellationToken);

    private async ValueTask OnLinkAsync(bool isUp, string? upstream)
    {
        foreach (var repository in repositories()) await repository.OnLinkAsync(isUp, upstream);
        if (isUp) Bridge?.OnLinkUp();
    }

    private static async Task<IReadOnlyList<NatsUser>> MembersAsync(
        IReadOnlyList<RepositoryNode> repositories, CancellationToken cancellationToken)
    {
        var members = new List<NatsUser>();
        foreach (var repository in repositories)
            members.AddRange(await repository.Host.Readers.RunAsync(BrokerMembers.Of, cancellationToken));
        return members;
    }
}
