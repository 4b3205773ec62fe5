namespace EdgeSync.Node.Status;

public sealed record BridgeProjectStatus
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
