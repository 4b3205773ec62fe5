using EdgeSync.Iroh.Endpoints;
using EdgeSync.Quic;

namespace EdgeSync.Iroh.Relay;

public enum RelayEventKind
{
    None,

    /// <summary>The relay has accepted the login.</summary>
    Online,

    /// <summary>Datagrams of a peer.</summary>
    Datagrams,

    /// <summary>A peer that datagrams were exchanged with has left the relay: a hint, no more.</summary>
    PeerGone,

    /// <summary>See <see cref="RelayEvent.Status"/>; from older relays a text.</summary>
    Status,

    /// <summary>The relay will go away; the client reconnects by itself.</summary>
    Restarting,

    /// <summary>The relay refuses this client; the text is the reason.</summary>
    Denied,

    /// <summary>The relay does not follow the protocol; the connection closes.</summary>
    Broken,
}

/// <summary>What one message of a relay means. It refers to the bytes of the message.</summary>
public readonly ref struct RelayEvent
{
    public RelayEventKind Kind { get; init; }

    public EndpointId Peer { get; init; }

    public EcnMark Ecn { get; init; }

    /// <summary>Bytes of each datagram but the last; 0 when there is one.</summary>
    public int SegmentBytes { get; init; }

    /// <summary>One datagram, or several of the same size.</summary>
    public ReadOnlySpan<byte> Datagrams { get; init; }

    public RelayStatus Status { get; init; }

    public string Text { get; init; }
}
