using EdgeSync.Nats.Keys;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// A hub that this broker joins as a leaf: its addresses, our credentials, and the timeouts.
/// </summary>
public sealed record LeafnodeRemote
{
    /// <summary>A name for display (logs, status); by default the first address without its credentials.</summary>
    public string? Name { get; init; }

    /// <summary>
    /// Addresses of one hub or of the servers of one cluster: <c>nats-leaf</c>, <c>nats</c>, <c>tls</c>, <c>ws</c> or
    /// <c>wss</c>, tried in this order.
    /// </summary>
    public required IReadOnlyList<string> Urls { get; init; }

    /// <summary>Sent unchanged; a user part in the address is used when all are null.</summary>
    public NatsCredentials Credentials { get; init; } = NatsCredentials.None;

    /// <summary>Roles swap: we solicit, but act as the hub of the other side.</summary>
    public bool IsHub { get; init; }

    /// <summary>
    /// Requests the hub not to announce the interest of other leaves: many leaves that only use the hub stay quiet.
    /// </summary>
    public bool Isolate { get; init; }

    /// <summary>Subjects not received over this link.</summary>
    public IReadOnlyList<string> DenyImports { get; init; } = [];

    /// <summary>Subjects never sent over this link.</summary>
    public IReadOnlyList<string> DenyExports { get; init; } = [];

    /// <summary>
    /// Also connect to the addresses that the hub announces, after the configured ones. Off behind address translation
    /// and tunnels.
    /// </summary>
    public bool UseAnnouncedUrls { get; init; } = true;

    /// <summary>
    /// CONNECT precedes the hub's first line: on a stream that the hub sees with its first bytes only. Without TLS, and
    /// without credentials that answer a nonce.
    /// </summary>
    public bool SpeaksFirst { get; init; }

    /// <summary>Until a stream to the hub is open, TLS included.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Until the hub's first line arrives. Real servers wait one second, which is too short for slow links.
    /// </summary>
    public TimeSpan FirstInfoTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Until the hub has replied to our CONNECT, when it announced a reply.</summary>
    public TimeSpan ConnectInfoTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The first pause after a lost link; each further one is twice as long, and every one is drawn from its upper
    /// half.
    /// </summary>
    public TimeSpan ReconnectWait { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>No pause is longer than this, except the one after a loop was found.</summary>
    public TimeSpan ReconnectWaitMax { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A link that lasted this long resets its pauses.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// The pause after a loop, a cluster of our own name, or denied permissions: a quick retry would not help. Up to a
    /// third is added by chance.
    /// </summary>
    public TimeSpan RefusedWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <exception cref="EdgeSyncException">An address cannot be read, or there is none.</exception>
    public void Check()
    {
        if (Urls.Count == 0)
            throw new EdgeSyncException(
                ErrorKind.Usage, "a leafnode remote has no address",
                "name at least one, such as nats-leaf://hub.example:7422");

        foreach (var text in Urls)
            if (!LeafUrl.TryParse(text, out _))
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"invalid leafnode address '{text}'",
                    "write nats-leaf://, nats://, tls://, ws:// or wss:// and host:port");
    }

    /// <summary>For display: the name, or the first address without user and password.</summary>
    public string DisplayName => Name ?? LeafUrl.WithoutCredentials(Urls[0]);
}
