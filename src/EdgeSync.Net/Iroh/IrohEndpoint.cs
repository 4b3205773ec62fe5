using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Iroh.Discovery;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.PortMapping;
using EdgeSync.Iroh.Relay;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Discovery;
using EdgeSync.Net.Http;
using EdgeSync.Net.PortMapping;
using EdgeSync.Net.Quic;
using EdgeSync.Net.Relay;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;

namespace EdgeSync.Net.Iroh;

/// <summary>
/// An endpoint of iroh 1.x: QUIC over UDP sockets and relays, found and finding others by their ids.
/// <code>
/// QuicHost ── UDP sockets               RelayChoice ──▶ home relay ──▶ ReflexiveAddresses
///          └─ RelayCarrier ── relays    PortMapper ── router
///                                       Address ──▶ peers (NAT traversal), RecordPublisher, LanPeers
///                                       ConnectAsync ◀── PeerLookup
/// </code>
/// </summary>
public sealed class IrohEndpoint : IAsyncDisposable
{
    /// <summary>A connection without content, which every endpoint that accepts any takes: for its paths.</summary>
    public const string PingAlpn = "/edgesync/ping/1";

    /// <summary>Paths and addresses that iroh has for each connection.</summary>
    private const int PathsMax = 8;
    private const int NatAddresses = 32;

    /// <summary>Addresses of this machine that peers receive.</summary>
    private const int DirectMax = 16;

    private static readonly TimeSpan HttpTime = TimeSpan.FromSeconds(10);

    private readonly IrohEndpointOptions _options;
    private readonly Entropy _entropy;
    private readonly TimeProvider _clock;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Of <see cref="_stopping"/>, also when that is disposed of.</summary>
    private readonly CancellationToken _stop;
    private readonly List<Task> _running = [];
    private readonly List<IrohConnection> _connections = [];
    private readonly TaskCompletionSource _online = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly QuicHost _host;
    private readonly HttpClient _http;
    private readonly RelayCarrier _relays;
    private readonly RelayProbe _probe;
    private readonly SemaphoreSlim _changing = new(1);
    private readonly ReflexiveAddresses? _reflexive;
    private readonly PortMapper? _mapper;
    private readonly LanPeers? _lan;
    private readonly PeerLookup _lookup;
    private readonly List<RecordPublisher> _publishers = [];
    private volatile RelaySet _relaySet;
    private volatile RelayChoice? _choice;
    private volatile string? _lanData;
    private IReadOnlyList<IPAddress> _machine;
    private IReadOnlyList<UdpAddress> _seen = [];
    private ReflexiveSource? _seenBy;
    private MappedPort? _mapped;
    private EndpointAddress _address;
    private string? _denial;
    private bool _isDisposed;

    private IrohEndpoint(IrohEndpointOptions options, Entropy entropy, TimeProvider clock)
    {
        (_options, _entropy, _clock) = (options, entropy, clock);
        _stop = _stopping.Token;
        _address = new EndpointAddress(options.Key.Id);
        _machine = LocalAddresses.OfMachine();
        _lanData = options.Discovery.LanData;
        _host = QuicHost.Start(HostOptions(), clock);
        Bound = _host.Bound;
        _http = NewHttp();
        _relaySet = new RelaySet(options.Relays, options.RelayToken, options.UsesPeersRelays);
        _relays = new RelayCarrier(OpenLink, MayUse, OnRelay, clock);
        _probe = new RelayProbe(_http, clock);
        if (options.Bind.Count > 0) _reflexive = new ReflexiveAddresses(_host, _probe, clock, options, OnSeen);

        if (options.PortMapping is { } mapping
            && Bound.FirstOrDefault(b => b.AddressFamily == AddressFamily.InterNetwork) is { } mappable)
            _mapper = new PortMapper(mappable.Port, mapping, NewPrng(), clock, OnMapped);
        _lan = StartLan();
        _lookup = NewLookup();
        foreach (var url in options.Discovery.Records)
            _publishers.Add(new RecordPublisher(
                new PkarrClient(_http, url), options.Key, clock, failure => OnPublished(url, failure)));
    }

    public EndpointId Id => _options.Key.Id;

    /// <summary>How others reach this endpoint now: the home relay, and addresses of this machine.</summary>
    public EndpointAddress Address => Volatile.Read(ref _address);

    /// <summary>The same as one word.</summary>
    public string Ticket => EndpointTicket.Format(Address);

    /// <summary>Where the UDP sockets are bound.</summary>
    public IReadOnlyList<IPEndPoint> Bound { get; }

    /// <summary>The addresses of its sockets on this machine.</summary>
    public IReadOnlyList<UdpAddress> Local
    {
        get
        {
            using (_lock.EnterScope()) return [.. LocalAddresses.Of(Bound, _machine)];
        }
    }

    /// <summary>
    /// The addresses that this endpoint's datagrams come from, as the home relay sees them; empty when it tells none.
    /// </summary>
    public IReadOnlyList<UdpAddress> Observed
    {
        get
        {
            using (_lock.EnterScope()) return _seen;
        }
    }

    /// <summary>Who told <see cref="Observed"/>; null: nobody.</summary>
    public ReflexiveSource? ObservedBy
    {
        get
        {
            using (_lock.EnterScope()) return _seenBy;
        }
    }

    /// <summary>The port that a router has mapped for this endpoint; null: none.</summary>
    public MappedPort? Mapped
    {
        get
        {
            using (_lock.EnterScope()) return _mapped;
        }
    }

    /// <summary>The home relay; null while none is chosen.</summary>
    public IrohRelayState? Relay => _relays.Home is { } link
        ? new IrohRelayState(
            link.Url, link.State == RelayClientState.Online, link.RoundTrip, Volatile.Read(ref _denial))
        : null;

    /// <summary>Connections that are open.</summary>
    public IReadOnlyList<IrohConnection> Connections
    {
        get
        {
            using (_lock.EnterScope()) return [.. _connections];
        }
    }

    /// <summary>Endpoints that announce themselves on the LAN.</summary>
    public IReadOnlyList<EndpointAddress> LanPeers => _lan?.All ?? [];

    /// <summary>Binds the sockets and begins; relays and services are connected to in the background.</summary>
    /// <exception cref="EdgeSyncException">An address cannot be bound.</exception>
    public static IrohEndpoint Start(IrohEndpointOptions options, Entropy entropy, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(entropy);
        ArgumentNullException.ThrowIfNull(clock);
        var endpoint = new IrohEndpoint(options, entropy, clock);
        endpoint.Begin();
        return endpoint;
    }

    /// <summary>Waits until the home relay is connected; at once when there is none.</summary>
    /// <exception cref="EdgeSyncException">The relay refuses this endpoint.</exception>
    public Task OnlineAsync(CancellationToken cancellationToken) =>
        _relaySet.Urls.Count == 0 ? Task.CompletedTask : _online.Task.WaitAsync(cancellationToken);

    /// <summary>
    /// Dials a peer at all its addresses and relays at once; the first that answers is used, and better ones later.
    /// Services are asked for more addresses meanwhile.
    /// </summary>
    /// <exception cref="QuicClosedException">The peer does not answer, or refuses.</exception>
    /// <exception cref="EdgeSyncException">No address of the peer answers.</exception>
    public Task<IrohConnection> ConnectAsync(
        EndpointAddress peer, string alpn, CancellationToken cancellationToken) =>
        ConnectAsync(peer, [alpn], cancellationToken);

    /// <summary>The same with several protocols, the favourite first; the peer chooses.</summary>
    public async Task<IrohConnection> ConnectAsync(
        EndpointAddress peer, IReadOnlyList<string> alpns, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(alpns);
        if (peer.Id == Id) throw new EdgeSyncException(ErrorKind.Usage, "an endpoint does not dial itself");

        var known = Join(peer, _lan?.Find(peer.Id));
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop);
        var looking = _lookup.FindAsync(peer.Id, ending.Token);
        try
        {
            return Track(await DialAsync(known, looking, [.. alpns.Select(Encoding.UTF8.GetBytes)], ending.Token));
        }
        catch (OperationCanceledException e) when (_stop.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new EdgeSyncException(ErrorKind.Unavailable, "the endpoint was closed while it dialled", null, e);
        }
        finally
        {
            await ending.CancelAsync();
            await looking.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default);
        }
    }

    /// <summary>Dials a peer that is looked up by its id.</summary>
    /// <exception cref="QuicClosedException">The peer does not answer, or refuses.</exception>
    /// <exception cref="EdgeSyncException">No service knows it.</exception>
    public Task<IrohConnection> ConnectAsync(EndpointId peer, string alpn, CancellationToken cancellationToken) =>
        ConnectAsync(new EndpointAddress(peer), alpn, cancellationToken);

    /// <summary>Where a peer is, as services know it; null: none does.</summary>
    public Task<EndpointAddress?> ResolveAsync(EndpointId id, CancellationToken cancellationToken) =>
        _lookup.FindAsync(id, cancellationToken);

    /// <summary>The next connection of a client that is admitted.</summary>
    /// <exception cref="System.Threading.Channels.ChannelClosedException">The endpoint is closed.</exception>
    public async ValueTask<IrohConnection> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var connection = Track(await _host.AcceptAsync(cancellationToken));
            // Nothing is exchanged on it: its paths are what the peer wants to know of.
            if (connection.Alpn != PingAlpn) return connection;
        }
    }

    /// <summary>
    /// Interfaces or addresses may have changed: paths, relays and addresses are tested at once. The endpoint finds out
    /// by itself where the system tells.
    /// </summary>
    public void NetworkChanged()
    {
        var machine = LocalAddresses.OfMachine();
        UdpAddress[] gone;
        using (_lock.EnterScope())
        {
            if (_isDisposed) return;
            gone = [.. _machine.Except(machine).Select(a => UdpAddress.From(a, 0))];
            Volatile.Write(ref _machine, machine);
        }

        _host.OnNetworkChange(gone);
        _relays.OnNetworkChange();
        _mapper?.OnNetworkChange();
        _choice?.OnNetworkChange();
        _reflexive?.OnNetworkChange();
        UpdateAddress();
    }

    /// <summary>
    /// Uses these relays from now on, and leaves others at once; connections go on over the ways that they have left.
    /// </summary>
    public async Task SetRelaysAsync(RelaySet relays, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(relays);
        await _changing.WaitAsync(cancellationToken);
        try
        {
            if (_isDisposed) return;
            if (_choice is { } choice) await choice.DisposeAsync();
            var hasNewToken = relays.Token != _relaySet.Token;
            _relaySet = relays;
            await _relays.LeaveAsync(url => !hasNewToken && MayUse(url), relays.Urls.Contains);
            if (relays.Urls.Count == 0) _reflexive?.Ask(null);
            UpdateAddress();
            ChooseRelay();
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Announces this from now on, instead of <see cref="IrohDiscovery.LanData"/>; null: nothing.</summary>
    public void SetLanData(string? data)
    {
        _lanData = data;
        _lan?.Announce(new EndpointInfo(Address) { UserData = data });
    }

    /// <summary>Closes all connections with code 0, waits until the peers had time to learn of it, and ends.</summary>
    public Task CloseAsync() => EndAsync(_host.CloseAsync);

    /// <summary>Closes all connections, each with one packet that says so, and ends.</summary>
    public ValueTask DisposeAsync() => new(EndAsync(() => _host.DisposeAsync().AsTask()));

    private async Task EndAsync(Func<Task> endHost)
    {
        using (_lock.EnterScope())
        {
            if (_isDisposed) return;
            _isDisposed = true;
        }

        NetworkChange.NetworkAddressChanged -= OnAddressesChanged;
        NetworkChange.NetworkAvailabilityChanged -= OnAddressesChanged;
        await _stopping.CancelAsync();
        await _changing.WaitAsync();
        if (_choice is { } choice) await choice.DisposeAsync();
        _changing.Release();
        foreach (var task in _running) await task.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default);
        await endHost();
        await _relays.DisposeAsync();
        if (_lan is not null) await _lan.DisposeAsync();
        _http.Dispose();
        _stopping.Dispose();
    }

    private QuicHostOptions HostOptions()
    {
        IEnumerable<string> alpns = [.. _options.Alpns, PingAlpn];
        var quic = new QuicOptions(_options.Key.Key, [.. alpns.Select(Encoding.UTF8.GetBytes)])
        {
            PathsMax = PathsMax,
            NatAddresses = NatAddresses,
            MaxUdpPayload = QuicOptions.JumboPayload,
        };
        return new QuicHostOptions(_options.Limits?.Invoke(quic) ?? quic, _entropy)
        {
            Bind = _options.Bind,
            Accepts = _options.Alpns.Count > 0,
            AlwaysRetries = _options.AlwaysRetries,
            Admits = _options.Admits is null ? null : IsAdmitted,
            Observer = OnHandshake,
        };
    }

    private HttpClient NewHttp()
    {
        var handler = new SocketsHttpHandler
        {
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        };
        handler.SslOptions.RemoteCertificateValidationCallback = _options.CertificateCheck;
        return HttpConnections.Client(handler, HttpTime);
    }

    private Prng NewPrng()
    {
        Span<byte> seed = stackalloc byte[sizeof(ulong)];
        _entropy.Fill(seed);
        return new Prng(BitConverter.ToUInt64(seed));
    }

    private LanPeers? StartLan()
    {
        if (!_options.Discovery.Lan) return null;
        try
        {
            return new LanPeers(Id, _options.Discovery, NewPrng(), Tell, _clock);
        }
        catch (EdgeSyncException e)
        {
            // The rest works without.
            Tell(new IrohEvent(IrohEventKind.LanFailed, Text: e.Message));
            return null;
        }
    }

    private PeerLookup NewLookup()
    {
        var discovery = _options.Discovery;
        var names = discovery.Origins.Count == 0
            ? null
            : new TxtResolver(discovery.NameServers ?? TxtResolver.ServersOfMachine(), _entropy, _clock);
        return new PeerLookup(
            [.. discovery.Records.Select(url => new PkarrClient(_http, url))], discovery.Origins, names, _lan);
    }

    private void Begin()
    {
        _relays.Attach(_host);
        UpdateAddress();
        ChooseRelay();
        if (_mapper is not null) _running.Add(_mapper.RunAsync(_stop));
        if (_reflexive is not null) _running.Add(_reflexive.RunAsync(_stop));
        foreach (var publisher in _publishers) _running.Add(publisher.RunAsync(_stop));
        if (_options.Bind.Count == 0) return;
        NetworkChange.NetworkAddressChanged += OnAddressesChanged;
        // An interface that got its address before it was up has it only from then on.
        NetworkChange.NetworkAvailabilityChanged += OnAddressesChanged;
    }

    private void ChooseRelay()
    {
        var relays = _relaySet.Urls;
        _choice = relays.Count == 0 ? null : new RelayChoice(relays, _probe, NewPrng(), _clock, OnHome);
        _choice?.Start();
    }

    // Told for each renewal of an address, too.
    private void OnAddressesChanged(object? sender, EventArgs e)
    {
        if (!LocalAddresses.OfMachine().SequenceEqual(Volatile.Read(ref _machine))) NetworkChanged();
    }

    private async Task<HostConnection> DialAsync(
        EndpointAddress known, Task<EndpointAddress?> looking, byte[][] alpns, CancellationToken cancellationToken)
    {
        if (WaysTo(known).Count == 0) return await DialFoundAsync(known, await looking, alpns, cancellationToken);

        using var losing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var first = _host.ConnectAsync(known.Id.ToArray(), WaysTo(known), alpns, losing.Token);
        await Task.WhenAny(first, looking);
        EndpointAddress? found;
        try
        {
            if (first.IsCompletedSuccessfully || !HasMore(known, found = await looking)) return await first;
        }
        catch
        {
            DialRace.Abandon(first, GiveUp);
            throw;
        }

        var second = _host.ConnectAsync(known.Id.ToArray(), WaysTo(Join(known, found)), alpns, losing.Token);
        return await DialRace.FirstAsync(first, second, losing, GiveUp);
    }

    private static void GiveUp(HostConnection connection) => connection.Close(0, "");

    private Task<HostConnection> DialFoundAsync(
        EndpointAddress known, EndpointAddress? found, byte[][] alpns, CancellationToken cancellationToken)
    {
        var ways = WaysTo(Join(known, found));
        if (ways.Count > 0) return _host.ConnectAsync(known.Id.ToArray(), ways, alpns, cancellationToken);
        var relays = Join(known, found).Relays;
        throw new EdgeSyncException(
            ErrorKind.Unavailable,
            relays.Count > 0
                ? $"endpoint {known.Id.ToShortString()} is at the relay {relays[0]}, which is not one of ours"
                : $"no address of endpoint {known.Id.ToShortString()} is known");
    }

    private bool HasMore(EndpointAddress known, EndpointAddress? found) =>
        found is not null && WaysTo(found).Except(WaysTo(known)).Any();

    private IReadOnlyList<UdpAddress> WaysTo(EndpointAddress peer)
    {
        IEnumerable<UdpAddress> direct = _options.Bind.Count > 0 ? peer.Direct : [];
        var relayed = peer.Relays.Select(r => _relays.AddressOf(r, peer.Id)).OfType<UdpAddress>();
        return [.. direct, .. relayed];
    }

    private static EndpointAddress Join(EndpointAddress one, EndpointAddress? other) => other is null
        ? one
        : new EndpointAddress(one.Id, one.Relays.Concat(other.Relays), one.Direct.Concat(other.Direct));

    private IrohConnection Track(HostConnection quic)
    {
        var connection = new IrohConnection(quic, address => _relays.RelayOf(address));
        using (_lock.EnterScope()) _connections.Add(connection);
        _ = quic.Closed.ContinueWith(
            _ =>
            {
                using (_lock.EnterScope()) _connections.Remove(connection);
            },
            TaskScheduler.Default);
        return connection;
    }

    private RelayLink OpenLink(RelayUrl url, bool isHome, IRelayReceiver receiver) => new(
        url, _options.Key,
        new RelayLinkOptions
        {
            Token = _relaySet.Token,
            CertificateCheck = _options.CertificateCheck,
            Client = new RelayClientOptions { IsHome = isHome },
        },
        receiver, NewPrng(), _clock);

    private bool MayUse(RelayUrl relay) => _relaySet is var ours && (ours.UsesPeers || ours.Urls.Contains(relay));

    private void OnHome(RelayUrl relay)
    {
        _relays.SetHome(relay);
        Tell(new IrohEvent(IrohEventKind.RelayChosen, relay));
        _reflexive?.Ask(relay);
        UpdateAddress();
    }

    private void OnRelay(RelayUrl relay, RelayEventKind kind, string text)
    {
        var isHome = _relays.Home?.Url == relay;
        switch (kind)
        {
            case RelayEventKind.Online:
                Tell(new IrohEvent(IrohEventKind.RelayOnline, relay));
                if (!isHome) return;
                Volatile.Write(ref _denial, null);
                _online.TrySetResult();
                return;
            case RelayEventKind.Denied:
                Tell(new IrohEvent(IrohEventKind.RelayDenied, relay, Text: text));
                if (!isHome) return;
                Volatile.Write(ref _denial, text);
                var failure = new EdgeSyncException(ErrorKind.Denied, $"the relay {relay} refuses: {text}");
                if (_online.TrySetException(failure)) _ = _online.Task.Exception;
                return;
        }
    }

    private void OnSeen(IReadOnlyList<UdpAddress> addresses, ReflexiveSource? source)
    {
        using (_lock.EnterScope()) (_seen, _seenBy) = (addresses, source);
        UpdateAddress();
        Tell(new IrohEvent(IrohEventKind.Observed, Text: string.Join(' ', addresses)));
    }

    private void OnMapped(MappedPort? mapped, string refusal)
    {
        using (_lock.EnterScope()) _mapped = mapped;
        UpdateAddress();
        Tell(new IrohEvent(mapped is null ? IrohEventKind.PortNotMapped : IrohEventKind.PortMapped, Text: refusal)
        {
            Mapped = mapped,
        });
    }

    private void OnPublished(Uri url, string? failure) => Tell(failure is null
        ? new IrohEvent(IrohEventKind.Published, Text: url.Host)
        : new IrohEvent(IrohEventKind.PublishFailed, Text: failure));

    /// <summary>Puts together where this endpoint is, and tells it to whom it concerns when it has changed.</summary>
    private void UpdateAddress()
    {
        EndpointAddress address;
        UdpAddress[] direct;
        using (_lock.EnterScope())
        {
            if (_isDisposed) return;
            IEnumerable<UdpAddress> mapped = _mapped is { } port ? [port.External] : [];
            direct =
                [.. LocalAddresses.Of(Bound, _machine).Concat(_seen).Concat(mapped).Distinct().Take(DirectMax)];
            var home = _relays.Home;
            address = new EndpointAddress(Id, home is null ? [] : [home.Url], _options.SharesDirect ? direct : []);
            if (address.Relays.SequenceEqual(_address.Relays) && address.Direct.SequenceEqual(_address.Direct)) return;
            Volatile.Write(ref _address, address);
        }

        if (_options.SharesDirect) _host.SetCandidates(direct);
        var info = new EndpointInfo(address);
        _lan?.Announce(info with { UserData = _lanData });
        Publish(_options.Discovery.PublishesDirect ? info : info.WithoutAddresses());
        Tell(new IrohEvent(IrohEventKind.AddressChanged, Text: address.ToString()));
    }

    private void Publish(EndpointInfo info)
    {
        // Before there is a way to this endpoint, the record of an earlier start may still be right.
        if (info.Address.IsEmpty) return;
        foreach (var publisher in _publishers) publisher.Update(info);
    }

    private bool IsAdmitted(HostConnection connection)
    {
        var peer = new EndpointId(connection.PeerKey.Span);
        if (_options.Admits!(peer)) return true;
        Tell(new IrohEvent(IrohEventKind.NotAdmitted, Peer: peer, Connection: connection));
        return false;
    }

    private void OnHandshake(HandshakeEvent happened) => Tell(new IrohEvent(
        happened.Failure is null ? IrohEventKind.Incoming : IrohEventKind.HandshakeFailed,
        Connection: happened.Connection, Failure: happened.Failure));

    private void Tell(IrohEvent happened) => _options.Observer?.Invoke(happened);
}
