using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Quic;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;

namespace EdgeSync.Net.Iroh;

/// <summary>A connection to an endpoint, whichever way its packets go.</summary>
public sealed class IrohConnection
{
    private readonly Func<UdpAddress, RelayUrl?> _relayOf;

    internal IrohConnection(HostConnection quic, Func<UdpAddress, RelayUrl?> relayOf)
    {
        (Quic, _relayOf) = (quic, relayOf);
        Peer = new EndpointId(quic.PeerKey.Span);
        Alpn = System.Text.Encoding.UTF8.GetString(quic.Alpn.Span);
    }

    /// <summary>Who is connected, proved by the handshake.</summary>
    public EndpointId Peer { get; }

    /// <summary>The protocol that was agreed on.</summary>
    public string Alpn { get; }

    /// <summary>The peer has dialled.</summary>
    public bool IsIncoming => Quic.IsServer;

    /// <summary>The same in terms of QUIC.</summary>
    public HostConnection Quic { get; }

    /// <summary>The open paths; the one that data goes on comes first.</summary>
    public IReadOnlyList<IrohPath> Paths =>
        [.. Quic.Paths.OrderByDescending(p => p.IsSelected).ThenBy(p => p.Id).Select(PathOf)];

    /// <summary>The path that data goes on; null once the connection is over.</summary>
    public IrohPath? Route => Paths is [{ IsSelected: true } selected, ..] ? selected : null;

    /// <summary>
    /// Ends when another path is used, or one was opened, validated or given up, and with the connection. To miss
    /// nothing: take it, look at the paths, then wait for it.
    /// </summary>
    public Task PathsChanged => Quic.PathsChanged;

    /// <summary>From the begin of the connection until a direct path was used; null before.</summary>
    public TimeSpan? TimeToDirect => Quic.TimeToDirect;

    /// <summary>Bytes of the largest datagram that can be sent now.</summary>
    public int DatagramMax => Quic.DatagramMax;

    /// <summary>Ends when the connection is over, with the reason; never fails.</summary>
    public Task<CloseReason> Closed => Quic.Closed;

    /// <summary>Opens a stream, and waits until the peer allows it. The peer learns of it by its first bytes.</summary>
    /// <exception cref="QuicClosedException">The connection is over.</exception>
    public ValueTask<HostStream> OpenStreamAsync(
        bool isUnidirectional = false, CancellationToken cancellationToken = default) =>
        Quic.OpenStreamAsync(isUnidirectional, cancellationToken);

    /// <summary>The next stream that the peer has opened, of either direction.</summary>
    /// <exception cref="QuicClosedException">The connection is over.</exception>
    public ValueTask<HostStream> AcceptStreamAsync(CancellationToken cancellationToken = default) =>
        Quic.AcceptStreamAsync(cancellationToken);

    /// <summary>Sends a datagram, which may be lost; false when it is too large, or the connection is over.</summary>
    public bool TrySendDatagram(ReadOnlySpan<byte> bytes) => Quic.TrySendDatagram(bytes);

    /// <summary>The oldest datagram that has come; one reader at a time.</summary>
    /// <param name="target">What does not fit is lost.</param>
    /// <exception cref="QuicClosedException">The connection is over.</exception>
    public ValueTask<int> ReceiveDatagramAsync(Memory<byte> target, CancellationToken cancellationToken = default) =>
        Quic.ReceiveDatagramAsync(target, cancellationToken);

    /// <summary>Waits until data goes on a direct path.</summary>
    /// <exception cref="QuicClosedException">The connection is over.</exception>
    public async Task WaitDirectAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var changed = PathsChanged;
            if (Closed.IsCompleted) throw new QuicClosedException(await Closed);
            if (Route is { IsRelayed: false }) return;
            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Closes with a code and a text.</summary>
    public void Close(ulong code, string reason) => Quic.Close(code, reason);

    private IrohPath PathOf(QuicPathInfo path)
    {
        var relay = path.IsRelayed ? _relayOf(path.Tuple.Remote) : null;
        return new IrohPath(
            relay?.Text ?? path.Tuple.Remote.ToString(), path.IsRelayed, path.IsSelected, path.IsValidated,
            path.SmoothedRtt, path.Mtu, path.CongestionWindow, path.PacketsLost, path.BytesSent, path.BytesReceived);
    }
}
