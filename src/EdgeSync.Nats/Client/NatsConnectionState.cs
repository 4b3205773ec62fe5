namespace EdgeSync.Nats.Client;

/// <summary>Where a connection stands. Names follow NATS.Net.</summary>
public enum NatsConnectionState : byte
{
    /// <summary>Never opened, or closed for good.</summary>
    Closed,

    /// <summary>Opening for the first time.</summary>
    Connecting,

    Open,

    /// <summary>The link is gone and will come back.</summary>
    Reconnecting,
}

/// <summary>What became of a publish.</summary>
public enum PublishResult : byte
{
    Accepted,

    /// <summary>The socket does not keep up: try again when output was taken.</summary>
    WouldBlock,

    /// <summary>No server, and the buffer for that time is full.</summary>
    BufferFull,

    /// <summary>More than the server's max_payload.</summary>
    TooLarge,

    /// <summary>As many requests are under way as may be.</summary>
    TooManyRequests,

    Closed,
}
