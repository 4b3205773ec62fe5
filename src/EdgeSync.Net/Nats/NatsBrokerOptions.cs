using System.Net;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>The ports and users of a broker. A port of 0 takes a free one; null is not opened.</summary>
public sealed record NatsBrokerOptions
{
    /// <summary>Users, limits, names.</summary>
    public required BrokerOptions Broker { get; init; }

    /// <summary>
    /// Connections of one address (of IPv6, of a network of 64 bits) to all ports together; null: half of all.
    /// </summary>
    public int? ConnectionsPerAddressMax { get; init; }

    /// <summary>For clients; usually port 4222.</summary>
    public IPEndPoint? ClientListen { get; init; }

    /// <summary>For leaf links; usually port 7422.</summary>
    public IPEndPoint? LeafListen { get; init; }

    /// <summary>For clients in browsers, and leaf links through a web server.</summary>
    public IPEndPoint? WebSocketListen { get; init; }

    /// <summary>For <c>/varz</c> and its like; usually port 8222.</summary>
    public IPEndPoint? MonitoringListen { get; init; }

    /// <summary>Of the client, leaf and WebSocket ports; null leaves them in clear.</summary>
    public NatsBrokerTls? Tls { get; init; }

    /// <summary>The options of leaf links.</summary>
    public LeafnodeOptions Leafnodes { get; init; } = new();

    /// <summary>
    /// Web pages of these origins may connect; null for those of the same host and port.
    /// </summary>
    public IReadOnlyList<string>? WebSocketOrigins { get; init; }

    /// <summary>Messages to WebSocket clients that offer it are compressed (permessage-deflate).</summary>
    public bool WebSocketCompression { get; init; }

    /// <summary>
    /// The account of failed logins, if shared with other ports of the process; null: the broker's own.
    /// </summary>
    public LoginThrottle? Logins { get; init; }

    /// <summary>For nonces, and the seed of all other random numbers.</summary>
    public required Entropy Entropy { get; init; }
}

/// <summary>The TLS certificate of a broker.</summary>
public sealed record NatsBrokerTls
{
    /// <summary>With its private key; the chain follows.</summary>
    public required X509Certificate2 Certificate { get; init; }

    public X509Certificate2Collection Chain { get; init; } = [];

    /// <summary>Client certificates must be signed by one of these; null requires none.</summary>
    public X509Certificate2Collection? ClientAuthorities { get; init; }

    /// <summary>The handshake precedes INFO. Clients have to be configured so too.</summary>
    public bool HandshakeFirst { get; init; }

    /// <summary>
    /// With <see cref="HandshakeFirst"/>: a client that is silent for this time gets INFO in clear, then the handshake.
    /// Zero: never.
    /// </summary>
    public TimeSpan HandshakeFallback { get; init; }

    /// <summary>How long a handshake may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(2);
}
