namespace EdgeSync.Iroh.Relay;

/// <summary>Times and limits of a client's connection to a relay; the defaults are iroh's.</summary>
public sealed record RelayClientOptions
{
    /// <summary>Kept for ever, and reconnected when lost: the relay that others find this endpoint at.</summary>
    public bool IsHome { get; init; } = true;

    /// <summary>Without a datagram to send for so long, a connection that is not the home relay's is closed.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>From the begin of a connection to the login's end.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Without a message from the relay for so long, it is pinged.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For the first answer to a ping, and for any at most.</summary>
    public TimeSpan PongTimeoutMax { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan PongTimeoutMin { get; init; } = TimeSpan.FromSeconds(0.5);

    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromMilliseconds(10);

    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(16);

    /// <summary>Datagrams that waited for a connection so long are dropped: what they carry was sent again.</summary>
    public TimeSpan QueuedFor { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Frames of datagrams that may wait.</summary>
    public int QueuedMax { get; init; } = 512;
}
