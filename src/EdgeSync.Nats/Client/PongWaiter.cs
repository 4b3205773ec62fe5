namespace EdgeSync.Nats.Client;

/// <summary>Who waits for a PONG.</summary>
internal enum PongFor : byte
{
    /// <summary>The link: it says that the server took our CONNECT.</summary>
    Handshake,

    /// <summary>Nobody: any byte would have done.</summary>
    KeepAlive,

    /// <summary>A user, by his token.</summary>
    Caller,

    /// <summary>A subscription whose last message is in front of it.</summary>
    Drain,
}

/// <summary>One for each PING that is out, in order: a PONG answers the oldest.</summary>
internal readonly record struct PongWaiter(PongFor For)
{
    public long Token { get; init; }

    public ClientSubscription? Subscription { get; init; }
}
