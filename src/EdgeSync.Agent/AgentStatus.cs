using EdgeSync.Agent.Peers;
using EdgeSync.Agent.Schedule;
using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>The sync state of a repository.</summary>
public enum AgentState
{
    /// <summary>
    /// The last session with its present target completed, and no known artifact is missing.
    /// </summary>
    InSync,

    Syncing,

    /// <summary>Something is missing, or the state is unknown; <see cref="AgentStatus.Reasons"/> has the
    /// reasons.</summary>
    Behind,
}

/// <summary>The state of an agent at one moment, for status pages and commands.</summary>
public sealed record AgentStatus
{
    public required string NodeId { get; init; }

    public NodeRole Role { get; init; }

    public AgentState State { get; init; }

    /// <summary>Sentences; never empty when <see cref="State"/> is <see cref="AgentState.Behind"/>.</summary>
    public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>True while NATS is connected.</summary>
    public bool LinkIsUp { get; init; }

    /// <summary>The hub in use.</summary>
    public string? Hub { get; init; }

    /// <summary>The sentence about another node that uses our node id; null if there is none.</summary>
    public string? DuplicateNodeId { get; init; }

    public Instant? LastSync { get; init; }

    public IReadOnlyList<TargetStatus> Targets { get; init; } = [];

    public IReadOnlyList<PeerRecord> Peers { get; init; } = [];

    /// <summary>Announced artifacts that are missing here.</summary>
    public int Wanted { get; init; }

    public AgentCounts Counts { get; init; }
}

/// <summary>One target's state.</summary>
public sealed record TargetStatus(
    SyncTarget Target,
    bool IsRunning,
    BreakerState Breaker,
    int Failures,
    Instant? LastOk,
    Instant? NextTry,
    string? Reason)
{
    /// <summary>When the last session began; null before the first.</summary>
    public Instant? LastTry { get; init; }

    /// <summary>The last session sent it everything, and nothing has changed since.</summary>
    public bool HasAll { get; init; }

    /// <summary>No peer has ever been present: that is waiting, and not a failure.</summary>
    public bool IsAwaited { get; init; }

    /// <summary>It rejects this node until the operator changes something.</summary>
    public bool NeedsPerson { get; init; }
}

/// <summary>Counters since start.</summary>
public readonly record struct AgentCounts(
    long SyncsStarted, long SyncsFailed, long AnnouncementsSent, long AnnouncementsHeard, long PresencesSent);
