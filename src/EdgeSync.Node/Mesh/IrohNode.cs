using System.Collections.Concurrent;
using EdgeSync.Agent;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Net.Http;
using EdgeSync.Net.Iroh;
using EdgeSync.Net.Quic;
using EdgeSync.Node.Agents;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Mesh;

/// <summary>
/// The iroh endpoint of a node: takes connections of peers that it trusts, answers their exchanges, and joins their
/// brokers to its own. An unknown endpoint gets a refusal at the end of the handshake, and nothing else.
/// </summary>
internal sealed class IrohNode : ISharedEndpoint, IAsyncDisposable
{
    /// <summary>Connections that one peer may have dialled: a few protocols, and old ones that time out.</summary>
    private const int ConnectionsPerPeerMax = 16;

    /// <summary>Streams that one connection may have open.</summary>
    private const int StreamsMax = 16;

    /// <summary>Endpoints of the LAN that are kept for a handler.</summary>
    private const int LanFoundMax = 256;

    private readonly NodeContext _node;
    private readonly IrohSection _settings;
    private readonly SecretKey _key;
    private readonly HandledProtocols? _handled;
    private readonly ConcurrentDictionary<EndpointId, IrohEvent> _lanFound = new();
    private readonly IrohEndpoint _endpoint;
    private readonly PeerConnections _connections;
    private readonly AllowList _allowed;
    private readonly XferStreams _xfer;
    private readonly JoinStreams _joins;
    private readonly RunningTasks _tasks;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _refreshing = new(1);
    private readonly Lock _gate = new();
    private readonly Dictionary<EndpointId, int> _dialledUs = [];
    private volatile IProtocolHandler? _handler;
    private Func<ITunnelledBroker?> _broker = () => null;
    private Func<IReadOnlyList<RepositoryNode>> _repositories = () => [];
    private volatile IReadOnlyDictionary<EndpointId, PeerLink> _links = new Dictionary<EndpointId, PeerLink>();

    private IrohNode(
        NodeSettings settings, NodeContext node, IXferHost server, JoinGate joins, SecretKey key,
        HandledProtocols? handled)
    {
        (_node, _key, _settings, _handled) = (node, key, settings.Iroh, handled);
        _allowed = new AllowList(settings.Iroh);
        _tasks = new RunningTasks(node.Failed, node.Log);
        _xfer = new XferStreams(server, settings.Http.MaxExchanges, node.Log, node.Clock);
        Pairing = new Pairing(node);
        _joins = new JoinStreams(joins, node);
        var options = EndpointSettings.OptionsOf(settings.Iroh, key);
        Records = options.Discovery.Records;
        _endpoint = IrohEndpoint.Start(
            options with
            {
                Alpns =
                [
                    IrohProtocol.Xfer, IrohProtocol.NatsLeaf, IrohProtocol.Pair, IrohProtocol.Join,
                    .. handled?.Alpns ?? [],
                ],
                // Who may use which protocol is decided once more with the protocol.
                Admits = id =>
                    _allowed.Find(id) is not null || Pairing.IsOpen || _joins.IsOpen || _handler?.Admits(id) == true,
                Observer = Observe,
                Limits = q => q with
                {
                    StreamsMax = Math.Max(StreamsMax, handled?.StreamsMax ?? 0),
                    WindowGrowth = MemoryLimit.WindowGrowth,
                },
            },
            SystemEntropy.Instance, node.Clock);
        _connections = new PeerConnections(_endpoint, node.Clock)
        {
            Dialled = c => _tasks.Start(() => ServeStreamsAsync(c)),
        };
        foreach (var peer in _allowed.All)
            if (peer.Address is { } address) _connections.Learn(address);
    }

    public EndpointId Id => _endpoint.Id;

    /// <summary>The ways to this node, as of now.</summary>
    public EndpointAddress Address => _endpoint.Address;

    /// <summary>The same as one word, by which others dial this node.</summary>
    public string Ticket => _endpoint.Ticket;

    public Pairing Pairing { get; }

    IrohEndpoint ISharedEndpoint.Endpoint => _endpoint;

    public IReadOnlyList<Uri> Records { get; }

    public IReadOnlyList<EndpointAddress> TrustedPeers =>
        [.. _allowed.All.Where(p => p.Id != Id && CanDial(p.Id)).Select(p => p.Address ?? new EndpointAddress(p.Id))];

    internal IrohEndpoint Endpoint => _endpoint;

    internal AllowList Allowed => _allowed;

    internal PeerConnections Connections => _connections;

    internal XferStreams Xfer => _xfer;

    internal IReadOnlyDictionary<EndpointId, PeerLink> Links => _links;

    /// <summary>Starts the endpoint; it serves no peer before <see cref="OpenAsync"/>.</summary>
    /// <param name="server">Answers exchanges.</param>
    /// <param name="joins">Redeems join codes.</param>
    /// <param name="handled">Protocols of another part of the node; null: there is none.</param>
    /// <exception cref="EdgeSyncException">The key cannot be read, or the address not be bound.</exception>
    public static IrohNode Start(
        NodeSettings settings, NodeContext node, IXferHost server, JoinGate joins, HandledProtocols? handled = null)
    {
        var file = EndpointSettings.KeyFileOf(settings.Iroh, settings.Repositories.FirstOrDefault()?.Path ?? "");
        var isFirst = !File.Exists(file);
        var key = EndpointKeyFile.Ensure(file);
        try
        {
            if (isFirst && EndpointSettings.ServersOf(settings.Iroh) is { Count: > 0 } servers)
                node.Log.IrohServers(
                    string.Join(' ', servers),
                    "--iroh-discovery local contacts none; own and --iroh-relay URL name yours");
            var started = new IrohNode(settings, node, server, joins, key, handled);
            node.Iroh = new IrohAccess(started._connections, started.CapabilitiesAt);
            return started;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Serves peers from now on, and joins their brokers.</summary>
    /// <param name="repositories">Those that are open, at any time.</param>
    /// <param name="broker">Ours; null where there is none that can be joined.</param>
    public async Task OpenAsync(
        Func<IReadOnlyList<RepositoryNode>> repositories, Func<ITunnelledBroker?> broker,
        CancellationToken cancellationToken)
    {
        (_repositories, _broker) = (repositories, broker);
        await RefreshAsync(cancellationToken);
        _tasks.Start(AcceptAsync);
        _node.Log.IrohStarted(
            Id.ToString(), Ticket, string.Join(' ', _endpoint.Bound.Select(b => b.ToString())));
    }

    /// <summary>Applies the peers and relays of new settings; the rest of them waits for a restart.</summary>
    /// <exception cref="EdgeSyncException">The token of the relays cannot be read; nothing was changed.</exception>
    public async Task ChangeAsync(IrohSection settings, CancellationToken cancellationToken)
    {
        var options = EndpointSettings.OptionsOf(_settings.With(settings), _key);
        _allowed.SetListed(settings);
        await _endpoint.SetRelaysAsync(
            new RelaySet(options.Relays, options.RelayToken, options.UsesPeersRelays), cancellationToken);
        await RefreshAsync(cancellationToken);
    }

    /// <summary>
    /// Applies what the repositories trust now: connections of peers that are not trusted any more are closed.
    /// </summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _refreshing.WaitAsync(cancellationToken);
        try
        {
            var repositories = _repositories();
            List<RepositoryHost> hosts = [.. repositories.Select(r => r.Host)];
            await _allowed.RefreshAsync(hosts, cancellationToken);
            await _joins.RefreshAsync(hosts, cancellationToken);
            foreach (var connection in _endpoint.Connections)
            {
                if (connection.Alpn is IrohProtocol.Pair or IrohProtocol.Join || IsAllowed(connection)) continue;

                _node.Log.IrohForgotten(connection.Peer.ToString());
                connection.Close(IrohProtocol.NotAllowed, "not allowed");
            }

            foreach (var peer in _allowed.All)
                if (peer.Address is { } address) _connections.Learn(address);
            foreach (var repository in repositories)
                await repository.SetEndpointsAsync([.. TargetsOf(repository)]);
            await SetLinksAsync();
            _handler?.OnTrustChanged();
        }
        finally
        {
            _refreshing.Release();
        }
    }

    /// <summary>The same beside the caller's work: the set of repositories has changed.</summary>
    public void RefreshLater() => _tasks.Start(() => RefreshAsync(_stop.Token));

    public bool IsTrusted(EndpointId peer) => _allowed.Find(peer) is not null;

    public void Attach(IProtocolHandler? handler)
    {
        _handler = handler;
        if (handler is null) return;

        foreach (var found in _lanFound.Values) handler.Observe(found);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var link in _links.Values) await link.DisposeAsync();
        Pairing.Dispose();
        await _endpoint.DisposeAsync();
        await _tasks.DisposeAsync();
        _xfer.Dispose();
        _key.Dispose();
    }

    // Those that can be dialled; the others sync with us.
    private IEnumerable<EndpointId> TargetsOf(RepositoryNode repository) =>
        from peer in _allowed.All
        where (peer.IsListed || peer.Address is not null)
            && peer.Id != Id && peer.Capabilities.ContainsKey(repository.Host.FilePath)
        orderby peer.Id
        select peer.Id;

    private async Task SetLinksAsync()
    {
        var present = _links;
        var wanted = _broker() is null ? [] : _allowed.All.Select(p => p.Id).Where(id => id != Id).ToHashSet();
        var next = new Dictionary<EndpointId, PeerLink>();
        foreach (var id in wanted)
        {
            var role = CanDial(id) ? _node.Role : NodeRole.Hub;
            next[id] = present.GetValueOrDefault(id) is { } same && same.Role == role
                ? same
                : new PeerLink(_broker()!, _connections, id, role, _node.Clock);
        }

        _links = next;
        foreach (var (id, link) in present)
            if (next.GetValueOrDefault(id) != link) await link.DisposeAsync();
    }

    // A peer without a known way is not dialled, except by its present connection.
    private bool CanDial(EndpointId id) => _allowed.Find(id) is { } peer && (peer.IsListed || peer.Address is not null);

    private string? CapabilitiesAt(string origin, string file)
    {
        const string Prefix = "iroh:";
        if (!origin.StartsWith(Prefix, StringComparison.Ordinal)) return null;

        // Not trusted any more, or not at this repository: no rights at all.
        return EndpointId.TryParse(origin.AsSpan(Prefix.Length), out var id)
            ? _allowed.Find(id)?.Capabilities.GetValueOrDefault(file) ?? ""
            : null;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var connection = await _endpoint.AcceptAsync(_stop.Token);
                _tasks.Start(() => ServeAsync(connection));
            }
        }
        catch (System.Threading.Channels.ChannelClosedException)
        {
            // The endpoint has ended.
        }
    }

    private async Task ServeAsync(IrohConnection connection)
    {
        if (connection.Alpn == IrohProtocol.Pair)
        {
            await Pairing.ServeAsync(connection, () => RefreshAsync(_stop.Token), _stop.Token);
            return;
        }

        if (connection.Alpn == IrohProtocol.Join)
        {
            await _joins.ServeAsync(connection, _stop.Token);
            return;
        }

        if (IsForHandler(connection))
        {
            PassToHandler(connection);
            return;
        }

        if (_allowed.Find(connection.Peer) is not { } peer)
        {
            // Admitted while a code is valid, or for the protocols of the handler.
            Refuse(connection);
            return;
        }

        if (!TryCount(connection.Peer))
        {
            connection.Close(IrohProtocol.Busy, "too many connections");
            return;
        }

        try
        {
            _node.Log.IrohConnected(
                connection.Peer.ToString(), peer.Name, connection.Alpn, connection.Route?.Address);
            _connections.Add(connection);
            if (connection.Alpn == IrohProtocol.Xfer)
                foreach (var repository in _repositories()) repository.OnEndpointReachable(connection.Peer);
            if (_links.GetValueOrDefault(connection.Peer) is { } link) link.DialNow();
            await ServeStreamsAsync(connection);
        }
        finally
        {
            Uncount(connection.Peer);
        }
    }

    private async Task ServeStreamsAsync(IrohConnection connection)
    {
        try
        {
            while (true)
            {
                var stream = await connection.AcceptStreamAsync(_stop.Token);
                if (stream.IsUnidirectional)
                {
                    stream.StopReading(IrohProtocol.Malformed);
                    await stream.DisposeAsync();
                    continue;
                }

                _tasks.Start(() => ServeStreamAsync(connection, stream));
            }
        }
        catch (QuicClosedException)
        {
            // The connection is over.
        }
    }

    private Task ServeStreamAsync(IrohConnection connection, HostStream stream)
    {
        var peer = connection.Peer;
        if (connection.Alpn == IrohProtocol.NatsLeaf)
        {
            if (_links.GetValueOrDefault(peer) is { } link) return link.ServeAsync(stream);

            stream.Reset(IrohProtocol.NotFound);
            return stream.DisposeAsync().AsTask();
        }

        return _xfer.AnswerAsync(
            stream,
            new XferPeer(
                PeerLink.NameOf(peer), file => _allowed.Find(peer)?.Capabilities.GetValueOrDefault(file)),
            _stop.Token);
    }

    private bool IsForHandler(IrohConnection connection) =>
        _handled is { } protocols && protocols.Alpns.Contains(connection.Alpn);

    private bool IsAllowed(IrohConnection connection) =>
        IsForHandler(connection)
            ? _handler?.Admits(connection.Peer) == true
            : _allowed.Find(connection.Peer) is not null;

    private void PassToHandler(IrohConnection connection)
    {
        if (_handler is not { } handler) connection.Close(IrohProtocol.Unavailable, "later");
        else if (handler.Admits(connection.Peer)) handler.Accept(connection);
        else Refuse(connection);
    }

    private void Refuse(IrohConnection connection)
    {
        LogRefusal(connection.Peer);
        connection.Close(IrohProtocol.NotAllowed, "not allowed");
    }

    private void LogRefusal(EndpointId peer) =>
        _node.Log.IrohRefused(peer.ToString(), "it is not trusted here", $"edgesync peers trust {peer}");

    private bool TryCount(EndpointId peer)
    {
        lock (_gate)
        {
            var count = _dialledUs.GetValueOrDefault(peer);
            if (count >= ConnectionsPerPeerMax) return false;

            _dialledUs[peer] = count + 1;
            return true;
        }
    }

    private void Uncount(EndpointId peer)
    {
        lock (_gate)
        {
            if (--_dialledUs[peer] == 0) _dialledUs.Remove(peer);
        }
    }

    // Under a lock of the endpoint: only recorded.
    private void Observe(IrohEvent happened)
    {
        if (_handled is not null) ObserveForHandler(happened);
        switch (happened.Kind)
        {
            case IrohEventKind.NotAdmitted when happened.Peer is { } peer:
                LogRefusal(peer);
                break;
            case IrohEventKind.RelayOnline:
                _node.Log.IrohRelay(happened.Relay?.Text ?? "");
                break;
            case IrohEventKind.RelayDenied:
                _node.Log.IrohRelayDenied(happened.Relay?.Text ?? "", happened.Text);
                break;
            case IrohEventKind.PortMapped when happened.Mapped is { } mapped:
                _node.Log.IrohPortMapped(
                    mapped.Protocol, mapped.External.ToString(), (long)mapped.Lifetime.TotalSeconds);
                break;
            case IrohEventKind.PortNotMapped when happened.Text is { Length: > 0 } reason:
                _node.Log.IrohPortNotMapped(reason);
                break;
            case IrohEventKind.PublishFailed:
                _node.Log.IrohPublishFailed(happened.Text);
                break;
        }
    }

    // The LAN reports an endpoint once, perhaps before the handler is attached.
    private void ObserveForHandler(IrohEvent happened)
    {
        if (happened is { Kind: IrohEventKind.PeerFound, Peer: { } found }
            && (_lanFound.Count < LanFoundMax || _lanFound.ContainsKey(found))) _lanFound[found] = happened;
        if (happened is { Kind: IrohEventKind.PeerLost, Peer: { } lost }) _lanFound.TryRemove(lost, out _);
        _handler?.Observe(happened);
    }
}
