using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Connections;

/// <summary>What a connection is made with. Windows bound its memory.</summary>
/// <param name="Key">The endpoint's key.</param>
/// <param name="Alpn">Protocols, the favourite first; not empty.</param>
public sealed record QuicOptions(Ed25519Key Key, IReadOnlyList<byte[]> Alpn)
{
    /// <summary>Bytes of the ids that lead packets to this endpoint.</summary>
    public int LocalIdBytes { get; init; } = 8;

    /// <summary>Silence after which a connection is gone; zero means never.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Silence after which a PING is sent; zero means never.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes that may arrive on all streams before they are read, at first.</summary>
    public int ConnectionWindow { get; init; } = 8 << 20;

    /// <summary>Bytes that may arrive on one stream before they are read, at first.</summary>
    public int StreamWindow { get; init; } = 1_250_000;

    /// <summary>
    /// Bytes by which windows and send buffers of all connections of an endpoint may grow, where round trips are long:
    /// a stream moves a window in each of them. 0: they do not grow.
    /// </summary>
    public int WindowGrowth { get; init; } = 64 << 20;

    /// <summary>
    /// Bytes that are kept for a stream until they are acknowledged; 256 KiB where there are many streams.
    /// </summary>
    public int StreamSendBuffer { get; init; } = 1 << 20;

    /// <summary>Streams of each direction that the peer may have open.</summary>
    public int StreamsMax { get; init; } = 100;

    /// <summary>Bytes of datagrams that wait to be sent, and as many that wait to be read.</summary>
    public int DatagramBuffer { get; init; } = 256 * 1024;

    /// <summary>The UDP payload of a jumbo frame (9000 bytes) over IPv6; loopback carries it.</summary>
    public const int JumboPayload = 8952;

    /// <summary>
    /// Bytes of the largest UDP payload that is taken, and sought when sending: what Ethernet carries, or
    /// <see cref="JumboPayload"/>.
    /// </summary>
    public int MaxUdpPayload { get; init; } = 1452;

    /// <summary>The round trip that is assumed before there is a sample.</summary>
    public TimeSpan InitialRtt { get; init; } = TimeSpan.FromMilliseconds(333);

    /// <summary>How long an acknowledgement may wait.</summary>
    public TimeSpan MaxAckDelay { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>Paths that may be open at once; 1 is without multipath. It needs <see cref="LocalIdBytes"/>.</summary>
    public int PathsMax { get; init; } = 1;

    /// <summary>Whether multipath is offered: packets without ids lead to no path.</summary>
    internal bool OffersMultipath => PathsMax > 1 && LocalIdBytes > 0;

    /// <summary>Addresses of the peer that are stored and probed; 0 is without NAT traversal. At most 63.</summary>
    public int NatAddresses { get; init; }

    /// <summary>
    /// Whether a peer that asks for it is told the address that its datagrams come from, again when it changes
    /// (draft-ietf-quic-address-discovery).
    /// </summary>
    public bool ReportsAddresses { get; init; }

    /// <summary>Whether the peer is asked for that: <see cref="QuicConnection.ObservedAddress"/>.</summary>
    public bool AsksForAddress { get; init; }

    /// <summary>Silence after which a direct path is given up, if there is another one.</summary>
    public TimeSpan PathIdle { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Silence after which a relayed path is given up, if there is another one.</summary>
    public TimeSpan RelayedPathIdle { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether packets are marked ECT(0) as long as the route shows that marks arrive.</summary>
    public bool UsesEcn { get; init; } = true;

    /// <summary>What is left of <see cref="WindowGrowth"/>; null before there is an endpoint.</summary>
    internal WindowBudget? Growth { get; init; }

    /// <summary>
    /// The servers that are dialled show a certificate of X.509, and clients nothing; null: both sides show raw keys.
    /// </summary>
    public ServerTrust? ServerTrust { get; init; }

    /// <summary>
    /// Shown to clients that do not offer raw public keys, and that stay without a key then; null: they are refused.
    /// Its owner keeps it.
    /// </summary>
    public TlsCertificate? Certificate { get; init; }
}
