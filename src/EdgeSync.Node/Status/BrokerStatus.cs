namespace EdgeSync.Node.Status;

public sealed record BrokerStatus
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
