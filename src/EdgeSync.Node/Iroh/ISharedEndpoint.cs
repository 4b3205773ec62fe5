using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Iroh;

namespace EdgeSync.Node.Iroh;

/// <summary>The endpoint of a node, for another part of it with protocols of its own (ADR 90).</summary>
internal interface ISharedEndpoint
{
    IrohEndpoint Endpoint { get; }

    /// <summary>pkarr relays of the node's settings.</summary>
    IReadOnlyList<Uri> Records { get; }

    /// <summary>The peers that the node trusts, with the ways to them as far as they are known.</summary>
    IReadOnlyList<EndpointAddress> TrustedPeers { get; }

    /// <summary>Whether the node trusts a peer. Does not wait.</summary>
    bool IsTrusted(EndpointId peer);

    /// <summary>Sets the handler, and reports to it what was found on the LAN so far; null: none.</summary>
    void Attach(IProtocolHandler? handler);
}

/// <summary>Another part of the node, which serves connections of its own protocols at the endpoint.</summary>
internal interface IProtocolHandler
{
    /// <summary>Whether a peer may connect with its protocols. Called under a lock: it must not wait.</summary>
    bool Admits(EndpointId peer);

    /// <summary>Serves a connection with one of its protocols, whose peer is admitted.</summary>
    void Accept(IrohConnection connection);

    /// <summary>An event of the endpoint, possibly under a lock: it must not wait.</summary>
    void Observe(IrohEvent happened);

    /// <summary>The node trusts other peers than before.</summary>
    void OnTrustChanged();
}

/// <summary>What an endpoint has to allow for a handler, from its start.</summary>
/// <param name="Alpns">Protocols.</param>
/// <param name="StreamsMax">Streams that one connection may have open.</param>
internal sealed record HandledProtocols(IReadOnlyList<string> Alpns, int StreamsMax);
