using EdgeSync.Agent.Peers;
using EdgeSync.Agent.Schedule;
using EdgeSync.Primitives;

namespace EdgeSync.Agent;

/// <summary>Where a repository stands with the others.</summary>
public enum AgentState
{
    /// <summary>
    /// The last exchange with whom it turns to came to its end, and nothing is known that is not here.
    /// </summary>
    InSync,

    Syncing,

    /// <summary>Something is missing, or cannot be known; <see cref="AgentStatus.Reasons"/> say why.</summary>
    Behind,
}

/// <summary>One moment of an agent, for status pages and commands.</summary>
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

    /// <summary>Announced artifacts that are not here yet.</summary>
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
    /// <summary>The last exchange gave it everything that is here, and nothing came here since.</summary>
    public bool HasAll { get; init; }

    /// <summary>Nobody was ever there: that is waiting, and no failure.</summary>
    public bool IsAwaited { get; init; }

    /// <summary>It refuses us, and goes on until a person changes something.</summary>
    public bool NeedsPerson { get; init; }
}

/// <summary>Counters since start.</summary>
public readonly record struct AgentCounts(
    long SyncsStarted, long SyncsFailed, long AnnouncementsSent, long AnnouncementsHeard, long PresencesSent);
