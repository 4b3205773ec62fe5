using System.Net;
using System.Net.Security;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.PortMapping;
using EdgeSync.Net.Relay;
using EdgeSync.Quic.Connections;

namespace EdgeSync.Net.Iroh;

/// <summary>What an <see cref="IrohEndpoint"/> is made with.</summary>
/// <param name="Key">Who it is; its owner keeps it, longer than the endpoint.</param>
public sealed record IrohEndpointOptions(SecretKey Key)
{
    /// <summary>Protocols that are accepted; empty: the endpoint dials only.</summary>
    public IReadOnlyList<string> Alpns { get; init; } = [];

    /// <summary>Where UDP sockets are bound, port 0 for any free one. Empty: datagrams go by relays alone.</summary>
    public IReadOnlyList<IPEndPoint> Bind { get; init; } = [new(IPAddress.Any, 0), new(IPAddress.IPv6Any, 0)];

    /// <summary>Relays to choose the home relay from: the nearest one. Empty: no relay is used.</summary>
    public IReadOnlyList<RelayUrl> Relays { get; init; } = [];

    /// <summary>Presented to relays; null: none.</summary>
    public string? RelayToken { get; init; }

    /// <summary>
    /// Whether relays are connected to that peers name, and that are not among <see cref="Relays"/>.
    /// </summary>
    public bool UsesPeersRelays { get; init; } = true;

    /// <summary>Instead of the system's check of a relay's certificate; null: the system's.</summary>
    public RemoteCertificateValidationCallback? CertificateCheck { get; init; }

    /// <summary>
    /// The UDP port at which relays with TLS, and without an address service of ours, are asked for this endpoint's
    /// outer address (QUIC address discovery); null: they are not.
    /// </summary>
    public int? DiscoveryPort { get; init; } = IrohRelayOptions.DiscoveryPort;

    /// <summary>Whether <see cref="IrohEndpoint.Address"/> has addresses of this machine.</summary>
    public bool SharesDirect { get; init; } = true;

    /// <summary>How a router is asked to map the port of the IPv4 socket; null: none is asked.</summary>
    public PortMapperOptions? PortMapping { get; init; }

    public IrohDiscovery Discovery { get; init; } = IrohDiscovery.None;

    /// <summary>
    /// Who may connect; null: everyone. Others are closed with code 403 after the handshake, before they can open a
    /// stream or learn an address. Called under a lock: it must not wait.
    /// </summary>
    public Func<EndpointId, bool>? Admits { get; init; }

    /// <summary>Whether every client must prove its address by a Retry.</summary>
    public bool AlwaysRetries { get; init; }

    /// <summary>Called with each event, possibly under a lock: it must not wait.</summary>
    public Action<IrohEvent>? Observer { get; init; }

    /// <summary>Limits of each connection, put over those that iroh has.</summary>
    public Func<QuicOptions, QuicOptions>? Limits { get; init; }
}
