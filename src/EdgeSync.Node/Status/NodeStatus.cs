namespace EdgeSync.Node.Status;

/// <summary>
/// The state of a daemon (leaf, hub or bridge) at one moment: the source of <c>/status</c>, <c>/metrics</c> and
/// <c>/readyz</c>, and of the commands on the control socket. A written contract (docs/status.md): fields are only ever
/// added, absent values are omitted, nothing in it is secret.
/// </summary>
public sealed record NodeStatus
{
    /// <summary>The stable name of this node.</summary>
    public required string Node { get; init; }

    /// <summary><c>leaf</c>, <c>hub</c> or <c>bridge</c>.</summary>
    public required string Role { get; init; }

    public string Version { get; init; } = BuildInfo.Version;

    public string Commit { get; init; } = BuildInfo.Commit;

    public int ProcessId { get; init; } = Environment.ProcessId;

    public required DateTimeOffset StartedAt { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>The checks that decide the readiness of <c>/readyz</c>.</summary>
    public IReadOnlyList<NodeCheck> Checks { get; init => field = value ?? []; } = [];

    public IReadOnlyList<RepositoryStatus> Repositories { get; init => field = value ?? []; } = [];

    /// <summary>The connection to the NATS network; null when NATS is off.</summary>
    public NatsLinkStatus? Nats { get; init; }

    /// <summary>The broker in this process, or the supervised server; null when there is none.</summary>
    public BrokerStatus? Broker { get; init; }

    /// <summary>The iroh endpoint; null without one.</summary>
    public IrohStatus? Iroh { get; init; }

    /// <summary>The asset store; null without one.</summary>
    public AssetsStatus? Assets { get; init; }

    /// <summary>The projects of a bridge; empty elsewhere.</summary>
    public IReadOnlyList<BridgeProjectStatus> Bridge { get; init => field = value ?? []; } = [];

    /// <summary>
    /// Listening addresses by kind: <c>http</c>, <c>nats</c>, <c>nats-leaf</c>, <c>websocket</c>, <c>monitor</c>.
    /// </summary>
    public IReadOnlyDictionary<string,
        string> Addresses
    { get; init => field = value ?? new Dictionary<string, string>(); } = new Dictionary<string,
        string>();

    /// <summary>The configuration in force: when it was read, and why a later one was rejected.</summary>
    public ConfigurationStatus? Configuration { get; init; }

    public bool Ready => Checks.All(c => c.State != CheckState.Failed);
}

public sealed record ConfigurationStatus(string? File, DateTimeOffset LoadedAt, string? RefusedBecause = null);

/// <summary>The source of a daemon's status. May be called from several threads, and must return within
/// moments.</summary>
internal interface INodeStatusSource
{
    ValueTask<NodeStatus> SnapshotAsync(CancellationToken cancellationToken);
}
