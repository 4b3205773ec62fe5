using System.Text.Json.Serialization;

namespace EdgeSync.Node.Status;

/// <summary>
/// The state of a daemon (leaf, hub or bridge) at one moment: the source of <c>/status</c>, <c>/metrics</c> and
/// <c>/readyz</c>, and of the commands on the control socket. A written contract (docs/status.md): fields are only ever
/// added, absent values are omitted, nothing in it is secret.
/// </summary>
internal sealed record NodeStatus
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

/// <summary>The result of one check of a daemon or of <c>doctor</c>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CheckState>))]
internal enum CheckState
{
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>Works, but needs attention: readiness stays.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    [JsonStringEnumMemberName("failed")]
    Failed,
}

/// <param name="Name">One word, such as <c>repository</c>; two of a kind carry their subject:
/// <c>repository:site.fossil</c>.</param>
/// <param name="Detail">The result, in one line. A state other than ok without a reason is a bug.</param>
/// <param name="Hint">What to try.</param>
internal sealed record NodeCheck(string Name, CheckState State, string? Detail = null, string? Hint = null)
{
    public static NodeCheck Of(string name, string? fault) =>
        new(name, fault is null ? CheckState.Ok : CheckState.Failed, fault);
}

/// <summary>One repository of a node, and its peers.</summary>
internal sealed record RepositoryStatus
{
    /// <summary>Short, unique in the process: the label in metrics.</summary>
    public required string Name { get; init; }

    public required string Path { get; init; }

    public string? ProjectCode { get; init; }

    public string? ProjectName { get; init; }

    /// <summary><c>cloning</c> until its first copy is complete; absent afterwards.</summary>
    public string? State { get; init; }

    public bool IsReadOnly { get; init; }

    public long FileBytes { get; init; }

    public long Checkins { get; init; }

    public DateTimeOffset? LastCheckinAt { get; init; }

    /// <summary>The targets of this repository, each with its own state.</summary>
    public IReadOnlyList<TargetStatus> Targets { get; init => field = value ?? []; } = [];

    /// <summary>Other nodes of this project.</summary>
    public IReadOnlyList<PeerStatus> Peers { get; init => field = value ?? []; } = [];

    public FolderWatchStatus? Watch { get; init; }

    /// <summary>Another node with this node's id, as a sentence; null when there is none.</summary>
    public string? DuplicateNodeId { get; init; }

    /// <summary>The same under its old name, for one version.</summary>
    public string? Twin
    {
        get => DuplicateNodeId;
        init => DuplicateNodeId ??= value;
    }

    /// <summary>Announced artifacts that have not arrived yet.</summary>
    public int Wanted { get; init; }
}

/// <summary>A peer that this node syncs with on its own schedule.</summary>
internal sealed record TargetStatus
{
    /// <summary>
    /// Such as <c>nats</c>, <c>nats:hub-1</c> or <c>https://example.org/project</c>; never with a password.
    /// </summary>
    public required string Target { get; init; }

    /// <summary>
    /// <c>idle</c>, <c>syncing</c>, <c>waiting</c> (back-off), <c>broken</c> (circuit open) or <c>disabled</c>.
    /// </summary>
    public required string State { get; init; }

    /// <summary>Why it is not in sync; null when it is. "Behind" without a reason is a bug.</summary>
    public string? Behind { get; init; }

    public DateTimeOffset? LastAgreedAt { get; init; }

    public DateTimeOffset? LastTriedAt { get; init; }

    public DateTimeOffset? NextTryAt { get; init; }

    public string? LastError { get; init; }

    public long Sessions { get; init; }

    public long Failures { get; init; }

    public int FailuresInARow { get; init; }

    /// <summary>It rejects this node until the operator changes something: a login, or the project.</summary>
    public bool NeedsPerson { get; init; }

    public long ArtifactsSent { get; init; }

    public long ArtifactsReceived { get; init; }

    public long WireBytesSent { get; init; }

    public long WireBytesReceived { get; init; }
}

/// <summary>Another node, by its presence.</summary>
internal sealed record PeerStatus
{
    public required string Peer { get; init; }

    public string? Version { get; init; }

    public string? Role { get; init; }

    /// <summary>The route: <c>nats</c>, or an address.</summary>
    public string? Route { get; init; }

    public DateTimeOffset? LastSeenAt { get; init; }

    /// <summary>Check-ins that only one of the two nodes has, as far as known.</summary>
    public long? Lag { get; init; }

    public IReadOnlyList<string> Capabilities { get; init => field = value ?? []; } = [];
}

internal sealed record NatsLinkStatus
{
    /// <summary><c>leafnode</c>, <c>client</c> or <c>embedded</c> (no outside server).</summary>
    public required string Mode { get; init; }

    /// <summary><c>connected</c>, <c>connecting</c>, <c>reconnecting</c> or <c>closed</c>.</summary>
    public required string State { get; init; }

    /// <summary>Without user and password.</summary>
    public string? Url { get; init; }

    public string? ServerName { get; init; }

    public string? ServerVersion { get; init; }

    public double? RoundTripMilliseconds { get; init; }

    public long Reconnects { get; init; }

    public string? LastError { get; init; }

    /// <summary>Each hub of the broker; the fields above are those of the first one that is connected.</summary>
    public IReadOnlyList<NatsUplinkStatus> Links { get; init => field = value ?? []; } = [];
}

/// <summary>One hub that the broker joins.</summary>
/// <param name="State">As of <see cref="NatsLinkStatus"/>.</param>
/// <param name="Url">Without user and password.</param>
internal sealed record NatsUplinkStatus(
    string Url, string State, string? ServerName, string? ServerVersion, long Reconnects, string? LastError)
{
    public bool IsUp => State == "connected";
}

internal sealed record BrokerStatus
{
    /// <summary><c>embedded</c> or <c>nats-server</c>.</summary>
    public required string Kind { get; init; }

    public string? ServerName { get; init; }

    public int Connections { get; init; }

    public int LeafNodes { get; init; }

    public long Subscriptions { get; init; }

    public long MessagesIn { get; init; }

    public long MessagesOut { get; init; }

    public long BytesIn { get; init; }

    public long BytesOut { get; init; }

    public long SlowConsumers { get; init; }

    /// <summary>Restarts of a supervised server.</summary>
    public long Restarts { get; init; }
}

internal sealed record BridgeProjectStatus
{
    public required string ProjectCode { get; init; }

    /// <summary>Without user and password.</summary>
    public required string Upstream { get; init; }

    /// <summary><c>serving</c>, <c>failing</c> or <c>broken</c> (circuit open).</summary>
    public required string State { get; init; }

    public long Requests { get; init; }

    public long Errors { get; init; }

    public string? LastError { get; init; }

    public DateTimeOffset? LastAnsweredAt { get; init; }
}

/// <summary>A check-out folder whose changes are committed automatically.</summary>
/// <param name="State"><c>watching</c>, <c>settling</c> (changes, waiting for quiet), <c>committing</c> or
/// <c>failed</c>.</param>
/// <param name="Warning">Files that are not committed although the others are, such as a named pipe or an unreadable
/// file.</param>
internal sealed record FolderWatchStatus(
    string Folder, string State, DateTimeOffset? LastCommitAt = null, string? LastError = null,
    [property: JsonPropertyOrder(1)] long Commits = 0, string? Warning = null)
{
    /// <summary>The last error concerns some files; the others are committed.</summary>
    internal bool IsPartial { get; init; }
}

internal sealed record ConfigurationStatus(string? File, DateTimeOffset LoadedAt, string? RefusedBecause = null);

/// <summary>The source of a daemon's status. May be called from several threads, and must return within
/// moments.</summary>
internal interface INodeStatusSource
{
    ValueTask<NodeStatus> SnapshotAsync(CancellationToken cancellationToken);
}
