using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.PortMapping;
using EdgeSync.Net.Quic;
using EdgeSync.Quic.Connections;

namespace EdgeSync.Net.Iroh;

public enum IrohEventKind
{
    /// <summary>A client's first packet came.</summary>
    Incoming,

    /// <summary>A client's handshake failed.</summary>
    HandshakeFailed,

    /// <summary>A client was refused: <see cref="IrohEndpointOptions.Admits"/>.</summary>
    NotAdmitted,

    /// <summary>Another home relay was chosen.</summary>
    RelayChosen,

    /// <summary>A relay has accepted the login.</summary>
    RelayOnline,

    /// <summary>A relay refuses this endpoint; the text says why.</summary>
    RelayDenied,

    /// <summary><see cref="IrohEndpoint.Observed"/> has changed.</summary>
    Observed,

    /// <summary>The router has mapped a port: <see cref="IrohEvent.Mapped"/>.</summary>
    PortMapped,

    /// <summary>The router maps no port, or no longer; the text says why, where that is known.</summary>
    PortNotMapped,

    /// <summary><see cref="IrohEndpoint.Address"/> has changed.</summary>
    AddressChanged,

    /// <summary>The record was published, or was not, for the reason in the text.</summary>
    Published,
    PublishFailed,

    /// <summary>An endpoint of the LAN came, changed or fell silent.</summary>
    PeerFound,
    PeerLost,

    /// <summary>Nothing can be announced on the LAN, for the reason in the text.</summary>
    LanFailed,
}

/// <summary>What happened at an endpoint.</summary>
/// <param name="Relay">Of events of relays.</param>
/// <param name="Peer">Of events of peers.</param>
/// <param name="Text">Why; or where to.</param>
/// <param name="Connection">Of a client.</param>
/// <param name="Failure">Of its handshake.</param>
public sealed record IrohEvent(
    IrohEventKind Kind, RelayUrl? Relay = null, EndpointId? Peer = null, string? Text = null,
    HostConnection? Connection = null, CloseReason? Failure = null)
{
    /// <summary>Of <see cref="IrohEventKind.PortMapped"/>.</summary>
    public MappedPort? Mapped { get; init; }

    /// <summary>Of <see cref="IrohEventKind.PeerFound"/>: what the endpoint announces of itself.</summary>
    public EndpointInfo? Found { get; init; }
}
