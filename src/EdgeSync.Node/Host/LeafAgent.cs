using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Host;

/// <summary>A leaf: one repository that is kept in step with its peers.</summary>
public sealed record LeafAgentOptions
{
    /// <summary>The file; it is cloned from <see cref="CloneFrom"/> where it is missing.</summary>
    public required string Repository { get; init; }

    /// <summary>Address that a missing repository is cloned from; null: it must exist.</summary>
    public string? CloneFrom { get; init; }

    /// <summary>Addresses of Fossil servers and nodes to sync with, by HTTP, ssh or iroh.</summary>
    public IReadOnlyList<string> Peers { get; init; } = [];

    /// <summary>
    /// NATS servers to join, <c>nats-leaf://host:7422</c> or <c>nats://host:4222</c>: with one, commits of others are
    /// here within a moment.
    /// </summary>
    public IReadOnlyList<string> NatsUrls { get; init; } = [];

    /// <summary>Login on the peers; null: the one in their addresses, or nobody.</summary>
    public string? User { get; init; }

    /// <summary>File whose first line is the password of <see cref="User"/>.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>Name among the peers; null: one made of the machine's.</summary>
    public string? Name { get; init; }

    /// <summary>Changes anything else of the settings (docs/configuration.md), called once before the start.</summary>
    public Action<NodeSettings>? Configure { get; init; }

    /// <summary>Log, verbosity and clock.</summary>
    public NodeHostOptions Host { get; init; } = new();
}

/// <summary>
/// A leaf inside another program, from its start until it is disposed: <see cref="NodeHost"/> for one repository.
/// </summary>
public sealed class LeafAgent : IAsyncDisposable
{
    private readonly string _path;

    private LeafAgent(NodeHost node, string path) => (Node, _path) = (node, path);

    /// <summary>The node, with its addresses and its state.</summary>
    public NodeHost Node { get; }

    /// <summary>Completes when the repository is open: at once, or after its first copy.</summary>
    public Task Ready => Node.Ready;

    /// <summary>The repository, to read, to commit to, and to watch. Only when <see cref="Ready"/>.</summary>
    /// <exception cref="EdgeSyncException">NotFound: the first copy has not come yet.</exception>
    public HostedRepository Repository => Node.Repository(_path);

    /// <summary>Starts the leaf; when this returns, it is open or being cloned.</summary>
    /// <inheritdoc cref="NodeHost.StartAsync" path="/exception"/>
    public static async Task<LeafAgent> StartAsync(LeafAgentOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var settings = new NodeSettings
        {
            Node = { Name = options.Name },
            Nats = { Enabled = options.NatsUrls.Count > 0, Urls = [.. options.NatsUrls] },
            Repositories =
            [
                new RepositorySettings
                {
                    Path = options.Repository,
                    CloneFrom = options.CloneFrom,
                    Peers = [.. options.Peers],
                    User = options.User,
                    PasswordFile = options.PasswordFile,
                },
            ],
        };
        options.Configure?.Invoke(settings);
        var node = await NodeHost.StartAsync(settings, options.Host with { IsHub = false }, cancellationToken);
        return new LeafAgent(node, options.Repository);
    }

    /// <summary>Syncs with every peer now. A session that fails is a result; the leaf retries it on its own.</summary>
    /// <returns>One result for each peer; empty without one.</returns>
    public Task<IReadOnlyList<SyncNowResult>> SyncAsync(CancellationToken cancellationToken) =>
        Node.SyncAsync(_path, cancellationToken);

    /// <summary>Whether the repository is in step with its peers, and if not, why and what to try.</summary>
    public async Task<SyncVerdict> VerdictAsync(CancellationToken cancellationToken)
    {
        var status = await Node.StatusAsync(cancellationToken);
        return SyncVerdict.Of(status.Repositories[0], status);
    }

    /// <inheritdoc cref="NodeHost.DisposeAsync"/>
    public ValueTask DisposeAsync() => Node.DisposeAsync();
}
