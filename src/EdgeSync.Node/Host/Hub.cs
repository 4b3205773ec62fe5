using EdgeSync.Agent;
using EdgeSync.Node.Settings;

namespace EdgeSync.Node.Host;

/// <summary>A hub: a repository that leaves and stock <c>fossil</c> sync with, and their NATS broker.</summary>
public sealed record HubOptions
{
    /// <summary>The file; an empty repository is created where it is missing.</summary>
    public required string Repository { get; init; }

    /// <summary>40 hex digits that a new repository gets, and an old one must have; null: random.</summary>
    public string? ProjectCode { get; init; }

    /// <summary>Address and port for HTTP; port 0 takes a free one.</summary>
    public string Listen { get; init; } = "127.0.0.1:0";

    /// <summary>Address of the broker's ports; null: no broker, HTTP alone.</summary>
    public string? NatsBind { get; init; } = "127.0.0.1";

    /// <summary>Port for leafnodes, 7422 by convention; 0 takes a free one.</summary>
    public int LeafPort { get; init; }

    /// <summary>Port for NATS clients, 4222 by convention; 0 takes a free one.</summary>
    public int ClientPort { get; init; }

    /// <summary>Port for NATS clients over WebSocket, as in browsers; 0 takes a free one, null opens none.</summary>
    public int? WebSocketPort { get; init; }

    /// <summary>
    /// What <c>nobody</c> may do, in Fossil's letters, such as <c>gio</c>; null or empty leaves it as it is.
    /// </summary>
    public string? NobodyCapabilities { get; init; }

    /// <summary>Changes anything else of the settings (docs/configuration.md), called once before the start.</summary>
    public Action<NodeSettings>? Configure { get; init; }

    /// <summary>Log, verbosity and clock.</summary>
    public NodeHostOptions Host { get; init; } = new();
}

/// <summary>
/// A hub inside another program, from its start until it is disposed: <see cref="NodeHost"/> for one repository that
/// others join.
/// </summary>
public sealed class Hub : IAsyncDisposable
{
    private readonly string _path;

    private Hub(NodeHost node, string path) => (Node, _path) = (node, path);

    /// <summary>The node, with all of its addresses and its state.</summary>
    public NodeHost Node { get; }

    /// <summary>Completes when the repository is open.</summary>
    public Task Ready => Node.Ready;

    /// <summary>The repository, to read, to commit to, to watch, and to add users to.</summary>
    public HostedRepository Repository => Node.Repository(_path);

    /// <summary>For <c>fossil clone</c>, and for the peers of a leaf.</summary>
    public string HttpUrl => Node.Addresses["http"];

    /// <summary>For NATS clients; null without a broker.</summary>
    public string? NatsUrl => Node.Addresses.GetValueOrDefault("nats");

    /// <summary>For the NATS addresses of a leaf; null without a broker.</summary>
    public string? LeafnodeUrl => Node.Addresses.GetValueOrDefault("nats-leaf");

    /// <summary>For NATS clients in browsers; null where no port for them is open.</summary>
    public string? WebSocketUrl => Node.Addresses.GetValueOrDefault("websocket");

    /// <summary>Starts the hub; when this returns, its ports listen.</summary>
    /// <inheritdoc cref="NodeHost.StartAsync" path="/exception"/>
    public static async Task<Hub> StartAsync(HubOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var settings = new NodeSettings
        {
            Http = { Listen = options.Listen },
            Nats =
            {
                Enabled = options.NatsBind is not null,
                Role = NodeRole.Hub,
                Bind = options.NatsBind ?? "127.0.0.1",
                LeafPort = options.NatsBind is null ? null : options.LeafPort,
                ClientPort = options.NatsBind is null ? null : options.ClientPort,
                WebsocketPort = options.NatsBind is null ? null : options.WebSocketPort,
            },
            Hub = { NobodyCaps = options.NobodyCapabilities },
            Repositories = [new RepositorySettings { Path = options.Repository, ProjectCode = options.ProjectCode }],
        };
        options.Configure?.Invoke(settings);
        var node = await NodeHost.StartAsync(settings, options.Host with { IsHub = true }, cancellationToken);
        return new Hub(node, options.Repository);
    }

    /// <inheritdoc cref="NodeHost.DisposeAsync"/>
    public ValueTask DisposeAsync() => Node.DisposeAsync();
}
