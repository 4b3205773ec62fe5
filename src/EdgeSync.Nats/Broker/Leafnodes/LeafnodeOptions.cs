namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>The options of this broker's leaf links, accepted and solicited.</summary>
public sealed record LeafnodeOptions
{
    /// <summary>
    /// Our cluster's name. Null: the server's own name, so that two edges never share one by accident.
    /// </summary>
    public string? Cluster { get; init; }

    /// <summary>
    /// Addresses announced to leaves as alternatives. Empty is right behind address translation and tunnels.
    /// </summary>
    public IReadOnlyList<string> AnnouncedUrls { get; init; } = [];

    /// <summary>The oldest server version that may join, "2.9.0", or null for any.</summary>
    public string? MinimumVersion { get; init; }

    /// <summary>How long a new link may take to authenticate.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a link may be silent before it is pinged.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>After so many pings without any byte in reply the link is closed.</summary>
    public int UnansweredPingsMax { get; init; } = 2;

    /// <summary>
    /// Interest that one link may register, besides its share of the memory for subscriptions. Interest beyond it is
    /// rejected, the link stays.
    /// </summary>
    public int InterestMax { get; init; } = 1_000_000;

    /// <summary>
    /// Bytes that may wait for a slow link. Beyond it the link is closed and counted as a slow consumer: the waiting
    /// bytes are lost, interest is sent completely when the link comes back, and other connections are not slowed down.
    /// </summary>
    public long PendingBytesMax { get; init; } = 64 * 1024 * 1024;
}
