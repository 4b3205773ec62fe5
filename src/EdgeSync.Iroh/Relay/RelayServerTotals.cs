namespace EdgeSync.Iroh.Relay;

/// <summary>Counts of a relay since its start, but for the first two, which are of now.</summary>
public readonly record struct RelayServerTotals
{
    public int ConnectionCount { get; init; }

    /// <summary>Ids with a connection.</summary>
    public int EndpointCount { get; init; }

    public long AcceptedCount { get; init; }

    public long AuthenticatedCount { get; init; }

    /// <summary>Logins that were refused: a wrong signature, or not allowed.</summary>
    public long DeniedCount { get; init; }

    /// <summary>Connections whose id connected again elsewhere.</summary>
    public long ReplacedCount { get; init; }

    /// <summary>Connections closed for what they sent, or for silence.</summary>
    public long FaultCount { get; init; }

    /// <summary>Frames of datagrams that were passed on, and their bytes.</summary>
    public long ForwardedCount { get; init; }

    public long ForwardedBytes { get; init; }

    /// <summary>Frames to ids that are not connected.</summary>
    public long UnknownCount { get; init; }

    /// <summary>Frames to clients that read too slowly.</summary>
    public long OverflowCount { get; init; }

    /// <summary>Times that reading from a client was delayed by the rate limit.</summary>
    public long RateLimitedCount { get; init; }
}
