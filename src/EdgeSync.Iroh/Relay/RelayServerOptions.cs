namespace EdgeSync.Iroh.Relay;

/// <summary>Times and limits of a relay; the times are iroh's.</summary>
public sealed record RelayServerOptions
{
    /// <summary>Connections, authenticated or not.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>Connections of one id that wait behind the active one; the oldest is closed.</summary>
    public int InactivePerIdMax { get; init; } = 4;

    /// <summary>Frames that wait for one client; more are dropped.</summary>
    public int QueuedFramesMax { get; init; } = 512;

    /// <summary>Bytes that wait for one client; more are dropped.</summary>
    public int QueuedBytesMax { get; init; } = 1 << 20;

    /// <summary>Destinations of one client that get <c>EndpointGone</c> when it disconnects.</summary>
    public int PeersMax { get; init; } = 4096;

    /// <summary>Bytes a second that one client may send; null: any.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>Bytes that a client may send at once before the rate applies; null: one second's.</summary>
    public long? BurstBytes { get; init; }

    /// <summary>From the connection to the end of the login.</summary>
    public TimeSpan LoginTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Without a message from a client for so long it is pinged; up to a quarter more by chance.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(16);

    /// <summary>A client that sends nothing for so long after a ping is closed.</summary>
    public TimeSpan PongTimeout { get; init; } = TimeSpan.FromSeconds(15);
}
