namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>What this broker promises and demands on its leaf links, whoever opened them.</summary>
public sealed record LeafnodeOptions
{
    /// <summary>
    /// Our cluster's name. Null: the server's own name, so that two edges never share one by accident.
    /// </summary>
    public string? Cluster { get; init; }

    /// <summary>
    /// Addresses that leaves may dial as well. Empty is right behind address translation and tunnels.
    /// </summary>
    public IReadOnlyList<string> AnnouncedUrls { get; init; } = [];

    /// <summary>The oldest server version that may join, "2.9.0", or null for any.</summary>
    public string? MinimumVersion { get; init; }

    /// <summary>How long a new link may take to say who it is.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a link may be silent before it is asked whether it lives.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>So many questions without any byte in answer end the link.</summary>
    public int UnansweredPingsMax { get; init; } = 2;

    /// <summary>
    /// Interest that one link may register, besides its share of the memory for subscriptions. What goes beyond is
    /// refused, the link stays.
    /// </summary>
    public int InterestMax { get; init; } = 1_000_000;

    /// <summary>
    /// Bytes that may wait for a slow link. Beyond it the link is closed and counted as a slow consumer: what waits is
    /// lost, interest is sent whole when the link comes back, and nobody else is slowed down meanwhile.
    /// </summary>
    public long PendingBytesMax { get; init; } = 64 * 1024 * 1024;
}
