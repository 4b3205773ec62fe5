using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Nats.Broker.Monitoring;
using EdgeSync.Net.Nats.Leafnodes;
using EdgeSync.Net.Nats.Transports;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>
/// A NATS server inside this process: clients over TCP, TLS, WebSocket and in process; leaf links; monitoring.
/// </summary>
public sealed class NatsBroker : IAsyncDisposable
{
    private static readonly TimeSpan DrainedLook = TimeSpan.FromMilliseconds(100);

    private readonly NatsBrokerOptions _options;
    private readonly INatsBrokerEvents? _events;
    private readonly BrokerDriver _driver;
    private readonly Acceptor _acceptor;
    private readonly ConcurrentDictionary<LeafnodeHandle, bool> _remotes = new();
    private readonly TimeProvider _clock;
    private readonly ConnectionAdmission _admission;
    private readonly List<Listener> _listeners = [];
    private readonly ConcurrentDictionary<long, Task> _served = new();
    private MonitoringServer? _monitoring;
    private long _lastServed;
    private bool _isStopped;

    private NatsBroker(NatsBrokerOptions options, TimeProvider clock, INatsBrokerEvents? events)
    {
        _options = options;
        _events = events;
        var seed = new byte[sizeof(ulong)];
        options.Entropy.Fill(seed);
        var core = new BrokerCore(
            options.Broker, options.Entropy, new Prng(BitConverter.ToUInt64(seed)),
            Instant.FromDateTime(clock.GetUtcNow()), options.Logins);
        core.OpenLeafnodes(options.Leafnodes);
        _clock = clock;
        _driver = new BrokerDriver(core, clock);
        _acceptor = new Acceptor(options, _driver);
        _admission = new ConnectionAdmission(
            options.Broker.ConnectionsMax, options.ConnectionsPerAddressMax
            ?? Math.Max(1, options.Broker.ConnectionsMax / 2));
    }

    /// <summary>
    /// Such as <c>nats://127.0.0.1:4222</c>, with the assigned port; null when the port is not open.
    /// </summary>
    public Uri? ClientUrl { get; private set; }

    /// <summary>Such as <c>nats-leaf://127.0.0.1:7422</c>.</summary>
    public Uri? LeafUrl { get; private set; }

    /// <summary>Such as <c>ws://127.0.0.1:8080</c>.</summary>
    public Uri? WebSocketUrl { get; private set; }

    /// <summary>Such as <c>http://127.0.0.1:8222</c>.</summary>
    public Uri? MonitoringUrl => _monitoring?.Url;

    /// <summary>Open connections of clients, including those of this process.</summary>
    public int ClientCount => _driver.Call((core, _) => core.ClientCount);

    /// <summary>Open leaf links, accepted and solicited.</summary>
    public int LeafCount => _driver.Call((core, _) => core.LeafCount);

    /// <summary>Totals since the start.</summary>
    public BrokerTotals Totals => _driver.Call((core, _) => core.CurrentTotals);

    /// <exception cref="EdgeSyncException">An address is in use or not local.</exception>
    public static async Task<NatsBroker> StartAsync(
        NatsBrokerOptions options, TimeProvider clock, INatsBrokerEvents? events, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var broker = new NatsBroker(options, clock, events);
        try
        {
            broker.Listen();
            if (options.MonitoringListen is { } monitoring)
                broker._monitoring = await MonitoringServer.StartAsync(
                    monitoring, broker._driver, broker.DescribeSelf, cancellationToken);
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client inside this process, without socket, protocol or login; it ends with the broker.</summary>
    /// <param name="name">For reports.</param>
    public INatsBus OpenLocal(string name) => new LocalBus(_driver, name);

    /// <summary>
    /// The messages of a stream beyond our leaf links after a sequence, the newest <paramref name="countMax"/> of them;
    /// nothing for 0. A missing stream is created. Null: the server has no JetStream, or its reply was incomplete.
    /// </summary>
    public async Task<NatsStreamTail?> ReadTailAsync(
        NatsStreamSpec spec, ulong after, int countMax, CancellationToken cancellationToken)
    {
        await using var connection = new NATS.Client.Core.NatsConnection(NATS.Client.Core.NatsOpts.Default with
        {
            Name = "stream reader",
            TlsOpts = new NATS.Client.Core.NatsTlsOpts { Mode = NATS.Client.Core.TlsMode.Disable },
            SocketConnectionFactory = new InProcessSocketFactory(ConnectInProcess),
        });
        return await NatsStreams.ReadTailAsync(connection, spec, after, countMax, cancellationToken);
    }

    /// <summary>
    /// Connects to a hub as its leaf, and again whenever the link is lost, until the handle is disposed or the broker
    /// stops.
    /// </summary>
    /// <exception cref="EdgeSyncException">An address cannot be read.</exception>
    public LeafnodeHandle AddRemote(LeafnodeRemote remote, LeafnodeDialing? dialing = null)
    {
        remote.Check();
        ObjectDisposedException.ThrowIf(_isStopped, this);
        var dialer = new LeafnodeDialer(
            _driver, remote, dialing ?? new LeafnodeDialing(), pump => Track(ServeAsync(pump)));
        var handle = new LeafnodeHandle(dialer, left => _remotes.TryRemove(left, out _));
        _remotes[handle] = true;
        return handle;
    }

    /// <summary>
    /// Serves a leaf over a stream that the caller has accepted and identified: it needs no login. Ends with the link.
    /// </summary>
    /// <param name="stream">Disposing it must end its reads and writes; disposed at the end.</param>
    /// <param name="name">The other side, for display.</param>
    public Task ServeLeafAsync(Stream stream, string name)
    {
        ObjectDisposedException.ThrowIf(_isStopped, this);
        var origin = new ConnectionOrigin { Kind = ConnectionKind.Leaf, Address = name, IsTrusted = true };
        return Track(ServeAsync(new BrokerPump(_driver, new StreamTransport(stream), origin)));
    }

    /// <summary>Replaces the users and the bound for waiting output.</summary>
    /// <exception cref="EdgeSyncException">The options can never work; nothing has changed.</exception>
    public void Reconfigure(BrokerOptions options) => _driver.Call((core, now) =>
    {
        core.Reconfigure(options, now);
        return true;
    });

    /// <summary>
    /// Accepts no new connections, sends clients elsewhere, and closes them one after the other. Returns at once.
    /// </summary>
    public async Task EnterLameDuckAsync()
    {
        await StopListeningAsync();
        _driver.Call((core, now) =>
        {
            core.EnterLameDuck(now);
            return true;
        });
    }

    /// <summary>Completes when, in lame duck mode, no connection of others is left.</summary>
    public async Task WaitUntilDrainedAsync(CancellationToken cancellationToken)
    {
        while (!_driver.Call((core, _) => core.IsDrained))
            await Task.Delay(DrainedLook, _clock, cancellationToken);
    }

    /// <summary>Closes everything; output written before is still sent to connections that read it.</summary>
    public async Task StopAsync()
    {
        if (_isStopped) return;

        _isStopped = true;
        await StopListeningAsync();
        foreach (var handle in _remotes.Keys) await handle.DisposeAsync();
        do
        {
            _driver.Call((core, now) =>
            {
                core.Shutdown(now);
                return true;
            });
            await Task.WhenAll(_served.Values);
        }
        while (!_served.IsEmpty);

        await _driver.StopChecking();
        if (_monitoring is not null) await _monitoring.DisposeAsync();
        _driver.Dispose();
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    // The broker reads what is written to the output.
    private ClientSide ConnectInProcess()
    {
        var (toBroker, toClient) = (new Pipe(PipeOptionsOf), new Pipe(PipeOptionsOf));
        var transport = new PipeTransport(toBroker.Reader, toClient.Writer);
        var origin = new ConnectionOrigin
        {
            Kind = ConnectionKind.Client,
            Transport = ConnectionTransport.InProcess,
            Address = "in-process"
        };
        Track(ServeAsync(new BrokerPump(_driver, transport, origin)));
        return new ClientSide(toClient.Reader, toBroker.Writer);
    }

    private static PipeOptions PipeOptionsOf { get; } = new(useSynchronizationContext: false);

    private void Listen()
    {
        if (_options.ClientListen is { } client)
            ClientUrl = UrlOf(
                _options.Tls is null ? "nats" : "tls", Open(client, s => ServeSocketAsync(s, ConnectionKind.Client)));
        if (_options.LeafListen is { } leaf)
            LeafUrl = UrlOf("nats-leaf", Open(leaf, s => ServeSocketAsync(s, ConnectionKind.Leaf)));
        if (_options.WebSocketListen is { } web)
            WebSocketUrl = UrlOf(_options.Tls is null ? "ws" : "wss", Open(web, ServeWebSocketAsync));
    }

    private ServerFacts DescribeSelf() => new()
    {
        Host = ClientUrl?.Host ?? "",
        Port = ClientUrl?.Port ?? 0,
        LeafHost = LeafUrl?.Host ?? "",
        LeafPort = LeafUrl?.Port ?? 0,
        WebSocketHost = WebSocketUrl?.Host ?? "",
        WebSocketPort = WebSocketUrl?.Port ?? 0,
        TlsTimeoutSeconds = _options.Tls?.Timeout.TotalSeconds ?? 0,
    };

    private IPEndPoint Open(IPEndPoint endpoint, Func<Socket, Task> serve)
    {
        var listener = Listener.Start(endpoint, socket => Track(serve(socket)));
        _listeners.Add(listener);
        return listener.Endpoint;
    }

    private async Task StopListeningAsync()
    {
        foreach (var listener in _listeners) await listener.DisposeAsync();
        _listeners.Clear();
    }

    private Task ServeSocketAsync(Socket socket, ConnectionKind kind) =>
        ServeAcceptedAsync(socket, () => _acceptor.AcceptAsync(socket, kind));

    private Task ServeWebSocketAsync(Socket socket) =>
        ServeAcceptedAsync(socket, () => _acceptor.AcceptWebSocketAsync(socket));

    private async Task ServeAcceptedAsync(Socket socket, Func<Task<BrokerPump>> accept)
    {
        if (socket.RemoteEndPoint is not IPEndPoint remote)
        {
            socket.Dispose();   // closed before it was served
            return;
        }

        var member = new BrokerAdmittedConnection(_driver, socket);
        if (!_admission.TryAdmit(remote.Address, member))
        {
            await RefuseAsync(socket);
            _events?.OnRefused(remote.ToString(), "maximum connections exceeded");
            return;
        }

        try
        {
            await ServeMemberAsync(socket, remote, member, accept);
        }
        finally
        {
            _admission.Release(remote.Address, member);
        }
    }

    // Spec: the texts of nats-server. In clear, also where TLS would follow: it begins in clear there too.
    private static async Task RefuseAsync(Socket socket)
    {
        try
        {
            await socket.SendAsync("-ERR 'maximum connections exceeded'\r\n"u8.ToArray());
        }
        catch (SocketException)
        {
            // closed already
        }

        socket.Dispose();
    }

    private async Task ServeMemberAsync(
        Socket socket, IPEndPoint remote, BrokerAdmittedConnection member, Func<Task<BrokerPump>> accept)
    {
        BrokerPump pump;
        try
        {
            pump = await accept();
        }
        catch (Exception e) when (
            e is IOException or SocketException or AuthenticationException or OperationCanceledException
            or InvalidDataException or ObjectDisposedException)
        {
            socket.Dispose();
            _events?.OnRefused(
                remote.ToString(), e is OperationCanceledException ? "the handshake took too long" : e.Message);
            return;
        }

        member.OnServed(pump);
        await ServeAsync(pump);
    }

    private async Task ServeAsync(BrokerPump pump)
    {
        _events?.OnConnected(pump.Connection);
        await pump.RunAsync();
        _events?.OnClosed(pump.Connection);
    }

    /// <summary>Tasks that serve a connection are awaited when the broker stops.</summary>
    private Task Track(Task serving)
    {
        if (serving.IsCompleted) return serving;

        var key = Interlocked.Increment(ref _lastServed);
        _served[key] = serving;
        return ForgetAsync(serving, key);
    }

    private async Task ForgetAsync(Task serving, long key)
    {
        try
        {
            await serving;
        }
        finally
        {
            _served.TryRemove(key, out _);
        }
    }

    private static Uri UrlOf(string scheme, IPEndPoint endpoint) => new($"{scheme}://{endpoint}");

    private sealed record ClientSide(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
