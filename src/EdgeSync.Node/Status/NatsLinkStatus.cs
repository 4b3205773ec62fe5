namespace EdgeSync.Node.Status;

public sealed record NatsLinkStatus
{
    /// <summary><c>leafnode</c>, <c>client</c> or <c>embedded</c> (no outside server).</summary>
    public required string Mode { get; init; }

    /// <summary><c>connected</c>, <c>connecting</c>, <c>reconnecting</c> or <c>closed</c>.</summary>
    public required string State { get; init; }

    /// <summary>Without user and password.</summary>
    public string? Url { get; init; }

    public string? ServerName { get; init; }

    public string? ServerVersion { get; init; }

    public long Reconnects { get; init; }

    public string? LastError { get; init; }

    /// <summary>Each hub of the broker; the fields above are those of the first one that is connected.</summary>
    public IReadOnlyList<NatsUplinkStatus> Links { get; init => field = value ?? []; } = [];
}

/// <summary>One hub that the broker joins.</summary>
/// <param name="State">As of <see cref="NatsLinkStatus"/>.</param>
/// <param name="Url">Without user and password.</param>
public sealed record NatsUplinkStatus(
    string Url, string State, string? ServerName, string? ServerVersion, long Reconnects, string? LastError)
{
    public bool IsUp => State == "connected";
}
