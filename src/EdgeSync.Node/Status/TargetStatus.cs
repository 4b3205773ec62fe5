namespace EdgeSync.Node.Status;

/// <summary>A peer that this node syncs with on its own schedule.</summary>
public sealed record TargetStatus
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

    /// <summary>When the last session ended without a difference.</summary>
    public DateTimeOffset? LastAgreedAt { get; init; }

    /// <summary>When the last session began; null before the first.</summary>
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
