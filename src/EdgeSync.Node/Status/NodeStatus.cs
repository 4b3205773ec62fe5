using System.Text.Json.Serialization;

namespace EdgeSync.Node.Status;

/// <summary>
/// What a daemon (leaf, hub or bridge) knows of itself at one moment: the ground of <c>/status</c>, <c>/metrics</c> and
/// <c>/readyz</c>, and of the commands that ask over the control socket. A written contract (docs/status.md): fields
/// are only ever added, absent values are left out, nothing in it is secret.
/// </summary>
internal sealed record NodeStatus
{
    /// <summary>The stable name that peers know this node by.</summary>
    public required string Node { get; init; }

    /// <summary><c>leaf</c>, <c>peer</c>, <c>hub</c> or <c>bridge</c>.</summary>
    public required string Role { get; init; }

    public string Version { get; init; } = BuildInfo.Version;

    public string Commit { get; init; } = BuildInfo.Commit;

    public int ProcessId { get; init; } = Environment.ProcessId;

    public required DateTimeOffset StartedAt { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>Everything that decides whether this node does its work, the readiness of <c>/readyz</c>.</summary>
    public IReadOnlyList<NodeCheck> Checks { get; init => field = value ?? []; } = [];

    public IReadOnlyList<RepositoryStatus> Repositories { get; init => field = value ?? []; } = [];

    /// <summary>The connection to the outside; null when NATS is off.</summary>
    public NatsLinkStatus? Nats { get; init; }

    /// <summary>The broker in this process, or the server that we supervise; null when there is none.</summary>
    public BrokerStatus? Broker { get; init; }

    /// <summary>What a bridge carries; empty elsewhere.</summary>
    public IReadOnlyList<BridgeProjectStatus> Bridge { get; init => field = value ?? []; } = [];

    /// <summary>
    /// Where it listens, by what: <c>http</c>, <c>nats</c>, <c>nats-leaf</c>, <c>websocket</c>, <c>monitor</c>.
    /// </summary>
    public IReadOnlyDictionary<string,
        string> Addresses
    { get; init => field = value ?? new Dictionary<string, string>(); } = new Dictionary<string,
        string>();

    /// <summary>The configuration that is in force: when it was read, and why a later one was refused.</summary>
    public ConfigurationStatus? Configuration { get; init; }

    public bool Ready => Checks.All(c => c.State != CheckState.Failed);
}

/// <summary>How one check of a daemon or of <c>doctor</c> came out.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CheckState>))]
internal enum CheckState
{
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>Works, but somebody should look: readiness stays.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    [JsonStringEnumMemberName("failed")]
    Failed,
}

/// <param name="Name">One word, such as <c>repository</c>; two of a kind carry what they are about:
/// <c>repository:site.fossil</c>.</param>
/// <param name="Detail">What was found, in one line. A state other than ok without a reason is a bug.</param>
/// <param name="Hint">What to do about it.</param>
internal sealed record NodeCheck(string Name, CheckState State, string? Detail = null, string? Hint = null)
{
    public static NodeCheck Of(string name, string? fault) =>
        new(name, fault is null ? CheckState.Ok : CheckState.Failed, fault);
}

/// <summary>One repository of a node, and whom it agrees with.</summary>
internal sealed record RepositoryStatus
{
    /// <summary>Short, unique in the process: the label in metrics.</summary>
    public required string Name { get; init; }

    public required string Path { get; init; }

    public string? ProjectCode { get; init; }

    public string? ProjectName { get; init; }

    /// <summary><c>cloning</c> while its first copy is waited for; absent afterwards.</summary>
    public string? State { get; init; }

    public bool IsReadOnly { get; init; }

    public long FileBytes { get; init; }

    public long Checkins { get; init; }

    public DateTimeOffset? LastCheckinAt { get; init; }

    /// <summary>Wherever this repository syncs to, each with its own state.</summary>
    public IReadOnlyList<TargetStatus> Targets { get; init => field = value ?? []; } = [];

    /// <summary>Other nodes that are known to hold this project.</summary>
    public IReadOnlyList<PeerStatus> Peers { get; init => field = value ?? []; } = [];

    public FolderWatchStatus? Watch { get; init; }

    /// <summary>Another node that goes by our name, in a sentence; null when there is none.</summary>
    public string? DuplicateNodeId { get; init; }

    /// <summary>The same under its old name, for one version.</summary>
    public string? Twin
    {
        get => DuplicateNodeId;
        init => DuplicateNodeId ??= value;
    }

    /// <summary>Announced artifacts that have not come yet.</summary>
    public int Wanted { get; init; }
}

/// <summary>Somebody that a repository syncs with, by our own doing.</summary>
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

    /// <summary>Why it is not in step; null when it is. "Behind" without a reason is a bug.</summary>
    public string? Behind { get; init; }

    public DateTimeOffset? LastAgreedAt { get; init; }

    public DateTimeOffset? LastTriedAt { get; init; }

    public DateTimeOffset? NextTryAt { get; init; }

    public string? LastError { get; init; }

    public long Sessions { get; init; }

    public long Failures { get; init; }

    public int FailuresInARow { get; init; }

    /// <summary>It refuses us, and goes on until a person changes something: a login, or the project.</summary>
    public bool NeedsPerson { get; init; }

    public long ArtifactsSent { get; init; }

    public long ArtifactsReceived { get; init; }

    public long WireBytesSent { get; init; }

    public long WireBytesReceived { get; init; }
}

/// <summary>Another node, as its presence tells.</summary>
internal sealed record PeerStatus
{
    public required string Peer { get; init; }

    public string? Version { get; init; }

    public string? Role { get; init; }

    /// <summary>How it is reached: <c>nats</c>, an address.</summary>
    public string? Route { get; init; }

    public DateTimeOffset? LastSeenAt { get; init; }

    /// <summary>Check-ins that one of us has and the other lacks, as far as is known.</summary>
    public long? Lag { get; init; }

    public IReadOnlyList<string> Capabilities { get; init => field = value ?? []; } = [];
}

internal sealed record NatsLinkStatus
{
    /// <summary><c>leafnode</c>, <c>client</c> or <c>embedded</c> (no outside at all).</summary>
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

    /// <summary>Each hub that the broker is joined to; the fields above are those of the first that is up.</summary>
    public IReadOnlyList<NatsUplinkStatus> Links { get; init => field = value ?? []; } = [];
}

/// <summary>One hub that the broker is joined to, or wants to be.</summary>
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

    /// <summary>How often a supervised server had to be started again.</summary>
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

/// <summary>A check-out folder that is committed by itself.</summary>
/// <param name="State"><c>watching</c>, <c>settling</c> (changes, waiting for quiet), <c>committing</c> or
/// <c>failed</c>.</param>
/// <param name="Warning">What is not committed although the rest is, such as a named pipe or a file that cannot be
/// read.</param>
internal sealed record FolderWatchStatus(
    string Folder, string State, DateTimeOffset? LastCommitAt = null, string? LastError = null,
    [property: JsonPropertyOrder(1)] long Commits = 0, string? Warning = null)
{
    /// <summary>The last error is about some files; the others are committed.</summary>
    internal bool IsPartial { get; init; }
}

internal sealed record ConfigurationStatus(string? File, DateTimeOffset LoadedAt, string? RefusedBecause = null);

/// <summary>Who knows how a daemon does. May be asked from several threads, and must answer within moments.</summary>
internal interface INodeStatusSource
{
    ValueTask<NodeStatus> SnapshotAsync(CancellationToken cancellationToken);
}
