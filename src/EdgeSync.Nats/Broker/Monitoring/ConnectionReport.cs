using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>One connection, as <c>/connz</c> lists it. Null fields are omitted.</summary>
public sealed record ConnectionReport
{
    public required ulong Cid { get; init; }

    public required string Kind { get; init; }

    public required string Type { get; init; }

    public required string Ip { get; init; }

    public required int Port { get; init; }

    public required DateTime Start { get; init; }

    public required DateTime LastActivity { get; init; }

    public DateTime? Stop { get; init; }

    public string? Reason { get; init; }

    public string? Rtt { get; init; }

    public required string Uptime { get; init; }

    public required string Idle { get; init; }

    public required long PendingBytes { get; init; }

    public required long InMsgs { get; init; }

    public required long OutMsgs { get; init; }

    public required long InBytes { get; init; }

    public required long OutBytes { get; init; }

    public required int Subscriptions { get; init; }

    public string? Name { get; init; }

    public string? Lang { get; init; }

    public string? Version { get; init; }

    public string? TlsVersion { get; init; }

    public string? TlsCipherSuite { get; init; }

    /// <summary>Only on request.</summary>
    public string? AuthorizedUser { get; init; }

    public string? Account { get; init; }

    public IReadOnlyList<string>? SubscriptionsList { get; init; }

    public IReadOnlyList<SubscriptionReport>? SubscriptionsListDetail { get; init; }

    /// <summary>For sorting and for the choice of users; not written.</summary>
    internal string User { get; init; } = "";

    internal TimeSpan IdleTime { get; init; }
}

/// <summary>One subscription, as <c>/connz?subs=detail</c> and <c>/subsz?subs=1</c> list it.</summary>
public sealed record SubscriptionReport
{
    public string? Account { get; init; }

    public required string Subject { get; init; }

    public string? Qgroup { get; init; }

    public required string Sid { get; init; }

    public required long Msgs { get; init; }

    public long? Max { get; init; }

    public required ulong Cid { get; init; }
}

/// <summary>One leaf link, as <c>/leafz</c> lists it.</summary>
public sealed record LeafReport
{
    public required string Name { get; init; }

    /// <summary>The other side is our hub.</summary>
    public required bool IsSpoke { get; init; }

    public required string Account { get; init; }

    public required string Ip { get; init; }

    public required int Port { get; init; }

    public string? Rtt { get; init; }

    public required long InMsgs { get; init; }

    public required long OutMsgs { get; init; }

    public required long InBytes { get; init; }

    public required long OutBytes { get; init; }

    public required int Subscriptions { get; init; }

    public IReadOnlyList<string>? SubscriptionsList { get; init; }

    internal static LeafReport Of(LeafLink link, bool withSubscriptions) => new()
    {
        Name = link.Name,
        IsSpoke = link is ILeafLink { IsToHub: true },
        Account = ConnectionReports.Account,
        Ip = link.Origin.Address,
        Port = link.Origin.Port,
        Rtt = link.RoundTrip is { } roundTrip ? GoText.OfDuration(roundTrip) : null,
        InMsgs = link.Counters.InMessages,
        OutMsgs = link.Counters.OutMessages,
        InBytes = link.Counters.InBytes,
        OutBytes = link.Counters.OutBytes,
        Subscriptions = link.SubscriptionCount,
        SubscriptionsList = withSubscriptions ? ConnectionReports.SubjectsOf(link) : null,
    };
}
