using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Client;

/// <summary>When TLS begins.</summary>
public enum TlsMode : byte
{
    /// <summary>When the URL says <c>tls</c> or the server asks for it.</summary>
    Auto,

    /// <summary>Whenever the server offers it.</summary>
    Prefer,

    /// <summary>Always, after INFO.</summary>
    Require,

    /// <summary>Before INFO (<c>handshake_first</c>, servers from 2.10.4 on).</summary>
    Implicit,

    /// <summary>Never; a server that insists is not used.</summary>
    Disable,
}

/// <summary>What the client decides by. Names follow NATS.Net where it has the same thing.</summary>
public record NatsClientOptions
{
    /// <summary>One or more URLs with commas between, see <see cref="NatsServer.Parse"/>.</summary>
    public string Url { get; init; } = "nats://127.0.0.1:4222";

    /// <summary>Shown by the server's monitoring.</summary>
    public string Name { get; init; } = "EdgeSync";

    /// <summary>Own messages come back to own subscriptions.</summary>
    public bool Echo { get; init; } = true;

    /// <summary>Used when the URL of a server carries none.</summary>
    public NatsCredentials Credentials { get; init; } = NatsCredentials.None;

    public TlsMode TlsMode { get; init; }

    public string InboxPrefix { get; init; } = "_INBOX";

    /// <summary>From dialing to the first PONG. Longer than the two seconds of other clients, for links of half a second a round trip.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan PingInterval { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>So many pings in silence, and the link is given up.</summary>
    public int MaxPingOut { get; init; } = 2;

    /// <summary>The first pause once every server was tried; it doubles from there.</summary>
    public TimeSpan ReconnectWaitMin { get; init; } = TimeSpan.FromMilliseconds(500);

    public TimeSpan ReconnectWaitMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Up to so much is added before each attempt, so that a herd does not come back in one instant.</summary>
    public TimeSpan ReconnectJitter { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Attempts without success before the connection is closed for good; negative: never.</summary>
    public int MaxReconnectRetry { get; init; } = -1;

    /// <summary>
    /// Refusals by one server in a row before the connection is closed for good; negative: never. Other clients stop at the second;
    /// a node that nobody attends goes on, because an account can be mended at the server too.
    /// </summary>
    public int MaxAuthRefusals { get; init; } = -1;

    /// <summary>Also the first attempt is repeated. Otherwise the connection is closed when no server took it.</summary>
    public bool RetryOnInitialConnect { get; init; }

    /// <summary>A link that lived so long ends the growth of pauses.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Servers are tried in the order given, not shuffled.</summary>
    public bool NoRandomize { get; init; }

    /// <summary>Servers that others tell of are not used.</summary>
    public bool IgnoreDiscoveredServers { get; init; }

    /// <summary>While connected, a publisher waits when so many bytes wait for the socket.</summary>
    public int SendBufferBytesMax { get; init; } = 4 << 20;

    /// <summary>While not connected, publishing fails when so many bytes wait for a server.</summary>
    public int ReconnectBufferBytesMax { get; init; } = 8 << 20;

    /// <summary>Requests under way at one time.</summary>
    public int MaxPendingRequests { get; init; } = 65_536;

    /// <summary>What is accepted from a server.</summary>
    public WireLimits Limits { get; init; } = WireLimits.OfServers;
}
