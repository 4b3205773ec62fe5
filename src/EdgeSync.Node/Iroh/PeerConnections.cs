using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Iroh;

/// <summary>
/// Connections of an endpoint to its peers: one for each peer and protocol, dialled when a stream is needed and used in
/// both directions, whichever side dialled it. Thread-safe.
/// </summary>
internal sealed class PeerConnections(IrohEndpoint endpoint, TimeProvider clock)
{
    /// <summary>A handshake over a relay takes a few seconds at worst.</summary>
    private static readonly TimeSpan DialTimeMax = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly Dictionary<(EndpointId Peer, string Protocol), Task<IrohConnection>> _connections = [];
    private readonly Dictionary<EndpointId, EndpointAddress> _addresses = [];

    /// <summary>Our id.</summary>
    public EndpointId Id => endpoint.Id;

    /// <summary>Called with each connection that was dialled: the peer may open streams on it too.</summary>
    public Action<IrohConnection>? Dialled { get; set; }

    /// <summary>Takes note of the ways to a peer; an id alone does not replace them.</summary>
    public void Learn(EndpointAddress address)
    {
        if (address.IsEmpty) return;
        lock (_gate) _addresses[address.Id] = address;
    }

    /// <summary>
    /// A peer has dialled us: its connection is used from now on. It may have lost the one before by a restart.
    /// </summary>
    public void Add(IrohConnection connection)
    {
        lock (_gate) _connections[(connection.Peer, connection.Alpn)] = Task.FromResult(connection);
    }

    /// <summary>Opens a stream, over the present connection or a new one.</summary>
    /// <exception cref="EdgeSyncException">The peer cannot be reached, or refuses.</exception>
    public async Task<HostStream> OpenStreamAsync(
        EndpointId peer, string protocol, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(peer, protocol, cancellationToken);
        try
        {
            return await connection.OpenStreamAsync(cancellationToken: cancellationToken);
        }
        catch (QuicClosedException e) when (e.Reason.Code != IrohProtocol.NotAllowed)
        {
            // It ended since: once more, over a new one.
            Forget(peer, protocol, connection);
            connection = await ConnectAsync(peer, protocol, cancellationToken);
            return await connection.OpenStreamAsync(cancellationToken: cancellationToken);
        }
    }

    /// <summary>The connection to a peer, dialled if there is none.</summary>
    /// <exception cref="EdgeSyncException">The peer cannot be reached, or refuses.</exception>
    public async Task<IrohConnection> ConnectAsync(
        EndpointId peer, string protocol, CancellationToken cancellationToken)
    {
        var key = (peer, protocol);
        Task<IrohConnection>? dial;
        lock (_gate)
        {
            if (!_connections.TryGetValue(key, out dial) || IsOver(dial))
                _connections[key] = dial = Seen(DialAsync(peer, protocol));
        }

        return await dial.WaitAsync(cancellationToken);
    }

    /// <summary>A failure with its reason: that a peer does not know us needs a person.</summary>
    public EdgeSyncException Explain(EndpointId peer, QuicClosedException e) =>
        e.Reason.Code == IrohProtocol.NotAllowed
            ? new EdgeSyncException(
                ErrorKind.Denied, $"endpoint {peer.ToShortString()} does not know this one, {Id}",
                $"on the other machine: edgesync peers trust {Id}", e)
            : e;

    private async Task<IrohConnection> DialAsync(EndpointId peer, string protocol)
    {
        await Task.Yield();   // the caller holds a lock
        EndpointAddress? address;
        lock (_gate) address = _addresses.GetValueOrDefault(peer);
        using var patience = new CancellationTokenSource(DialTimeMax, clock);
        try
        {
            var connection = address is null
                ? await endpoint.ConnectAsync(peer, protocol, patience.Token)
                : await endpoint.ConnectAsync(address, protocol, patience.Token);
            Dialled?.Invoke(connection);
            return connection;
        }
        catch (OperationCanceledException e)
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable,
                $"endpoint {peer.ToShortString()} did not answer within {DialTimeMax.TotalSeconds:0} s", null, e);
        }
    }

    /// <summary>Who waits for a dial may give up before it fails.</summary>
    private static Task<IrohConnection> Seen(Task<IrohConnection> dial)
    {
        _ = dial.ContinueWith(
            static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return dial;
    }

    private void Forget(EndpointId peer, string protocol, IrohConnection connection)
    {
        lock (_gate)
        {
            if (_connections.TryGetValue((peer, protocol), out var present)
                && present.IsCompletedSuccessfully && present.Result == connection)
                _connections.Remove((peer, protocol));
        }
    }

    private static bool IsOver(Task<IrohConnection> dial) =>
        dial.IsFaulted || dial.IsCanceled || (dial.IsCompletedSuccessfully && dial.Result.Closed.IsCompleted);
}
