namespace EdgeSync.Node.Status;

/// <summary>Another node, by its presence.</summary>
public sealed record PeerStatus
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
