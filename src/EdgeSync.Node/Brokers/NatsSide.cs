using System.Net;
using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Exchange;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace EdgeSync.Node.Brokers;

/// <summary>
/// A daemon's place in the NATS network: a broker of its own, joined to others as a leafnode, or else a plain
/// connection to an outside server. Whichever it is, one connection carries all that this node asks and answers; its
/// own messages never come back to it.
/// </summary>
internal sealed class NatsSide : INatsBrokerEvents, IAsyncDisposable
{
    private const string ClientMode = "client";

    private static readonly TimeSpan DialWait = TimeSpan.FromSeconds(3);

    private volatile NatsSection _settings;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly RunningTasks _tasks;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _firstLink = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _nodeId;
    private readonly NatsLinkNews _links;
    private readonly LoginThrottle _logins;
    private NatsServerChild? _child;
    private NatsUplinks? _uplinks;
    private INatsBus? _bus;
    private NatsNetBus? _outside;
    private string? _whyNot;
    private string _clientKey = "";   // of a plain client: server and login
    private NatsAccess? _access;

    private NatsSide(
        NatsSection settings, string nodeId, LoginThrottle logins, ILoggerFactory loggers, TimeProvider clock,
        Action<Exception> failed)
    {
        (_settings, _nodeId, _logins, _loggers, _clock) = (settings, nodeId, logins, loggers, clock);
        _log = loggers.CreateLogger(NodeLog.Category);
        _tasks = new RunningTasks(failed, _log);
        _links = new NatsLinkNews(_tasks, () => UpstreamNames, clock, _stop.Token)
        {
            CameUp = () => _firstLink.TrySetResult()
        };
    }

    /// <summary>What this node publishes, subscribes and asks with.</summary>
    public INatsBus Bus => _bus!;

    /// <summary>Null for a plain client, and beside a supervised server.</summary>
    public NatsBroker? Broker { get; private set; }

    public bool IsConnected => Bus.IsConnected;

    /// <summary>What the agents do with it.</summary>
    public NatsAccess Access => _access!;

    /// <inheritdoc cref="NatsLinkNews.Changed"/>
    public Func<bool, string?, ValueTask>? LinkChanged
    {
        get => _links.Changed;
        set => _links.Changed = value;
    }

    /// <summary>Told when the number of leaf links may have changed.</summary>
    public Action? LeavesChanged { get; set; }

    private ExchangeOptions Exchange => new()
    {
        NodeId = _nodeId,
        MaxPayload = Bus.MaxPayload,
        WholeBytesMax = Math.Min(MemoryLimit.TransferBytesMax, 64 << 20),
        HeldBytesMax = MemoryLimit.TransferBytesMax,
    };

    /// <exception cref="EdgeSyncException">A port is taken, a file is missing, a credential is none.</exception>
    public static async Task<NatsSide> StartAsync(
        NatsSection settings, string nodeId, string stateFolder, LoginThrottle logins, ILoggerFactory loggers,
        TimeProvider clock,
        Action<Exception> failed, CancellationToken cancellationToken)
    {
        var side = new NatsSide(settings, nodeId, logins, loggers, clock, failed);
        try
        {
            await side.OpenAsync(stateFolder, cancellationToken);
            return side;
        }
        catch
        {
            await side.DisposeAsync();
            throw;
        }
    }

    public ITransport OpenTransport(SyncTarget target, ProjectSubjects subjects) =>
        Access.OpenTransport(target, subjects);

    /// <summary>
    /// Takes other hubs, logins and users, as far as that goes while it runs. False: a plain client whose server or
    /// login is another one, which takes another connection.
    /// </summary>
    /// <exception cref="EdgeSyncException">A file is missing, a credential is none; then nothing has
    /// changed.</exception>
    public async Task<bool> TryChangeAsync(NatsSection settings)
    {
        if (Broker is null || _uplinks is null) return _clientKey == NatsUplinks.KeyOf(settings.AllRemotes[0]);

        var options = OptionsOf(settings);
        var join = _uplinks.Prepare(settings.AllRemotes);
        Broker.Reconfigure(options);
        await join();
        _settings = settings;
        return true;
    }

    /// <summary>Where the broker listens, by what.</summary>
    public IEnumerable<KeyValuePair<string, string>> Addresses()
    {
        if (_child is not null) return _child.Addresses;
        if (Broker is null) return [];

        (string, Uri?)[] all = [
            ("nats", Broker.ClientUrl), ("nats-leaf", Broker.LeafUrl), ("websocket", Broker.WebSocketUrl),
            ("monitor", Broker.MonitoringUrl)];
        return all.Where(a => a.Item2 is not null)
            .Select(a => new KeyValuePair<string, string>(a.Item1, a.Item2!.OriginalString.TrimEnd('/')));
    }

    /// <summary>The nodes at the other ends of our uplinks.</summary>
    public IEnumerable<string> UpstreamNames => _uplinks?.Names ?? [];

    public int LeafCount => Broker?.LeafCount ?? _child?.LeafCount ?? 0;

    public NatsLinkStatus LinkStatus()
    {
        if (_uplinks is { Any: true })
        {
            var links = _uplinks.Status;
            var first = links.FirstOrDefault(l => l.IsUp) ?? links[0];
            return new NatsLinkStatus
            {
                Mode = "leafnode",
                State = first.State,
                Url = first.Url,
                ServerName = first.ServerName,
                ServerVersion = first.ServerVersion,
                Reconnects = first.Reconnects,
                LastError = first.LastError,
                Links = links,
            };
        }

        var isOpen = IsConnected;
        return new NatsLinkStatus
        {
            Mode = Broker is not null || _child is not null ? "embedded" : "client",
            State = isOpen ? "connected" : _links.Ups > 0 ? "reconnecting" : "connecting",
            Url = _outside?.Server,
            ServerName = Broker is null ? _outside!.ServerName : _nodeId,
            ServerVersion = Broker is null ? _outside!.ServerVersion : BrokerOptions.ProtocolVersion,
            Reconnects = Math.Max(0, _links.Ups - 1),
            LastError = isOpen ? null : _outside?.LastFailure,
        };
    }

    public BrokerStatus? BrokerStatus()
    {
        if (_child is not null) return _child.Status;
        if (Broker is null) return null;

        var totals = Broker.Totals;
        return new BrokerStatus
        {
            Kind = "embedded",
            ServerName = _nodeId,
            Connections = Broker.ClientCount,
            LeafNodes = Broker.LeafCount,
            Subscriptions = totals.Subscriptions,
            MessagesIn = totals.MessagesIn,
            MessagesOut = totals.MessagesOut,
            BytesIn = totals.BytesIn,
            BytesOut = totals.BytesOut,
            SlowConsumers = totals.SlowConsumers,
        };
    }

    public void OnConnected(BrokerConnection connection) =>
        _log.NatsClientConnected(connection.Origin.Address, connection.Origin.Kind);

    public void OnClosed(BrokerConnection connection)
    {
        _log.NatsClientClosed(connection.Origin.Address, connection.CloseReason);
        if (connection.Origin.Kind == ConnectionKind.Leaf) LeavesChanged?.Invoke();
    }

    public void OnRefused(string remote, string why) => _log.NatsClientRefused(remote, why);

    /// <summary>Gives the first link a moment, so that whoever starts right behind it finds its peers.</summary>
    public async Task WaitForLinkAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _firstLink.Task.WaitAsync(DialWait, _clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Why not is logged where it is known; attempts go on.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        await _tasks.DisposeAsync();
        if (_uplinks is not null) await _uplinks.DisposeAsync();
        if (_outside is not null) await _outside.DisposeAsync();
        if (Broker is not null) await Broker.DisposeAsync();
        if (_child is not null) await _child.DisposeAsync();
        _stop.Dispose();
    }

    private async Task OpenAsync(string stateFolder, CancellationToken cancellationToken)
    {
        if (_settings.Server is not null)
        {
            _child = await NatsServerChild.StartAsync(_settings, _nodeId, stateFolder, _log, _clock, cancellationToken);
            await ConnectAsync(
                new NatsNetOptions { Url = _child.ClientUrl, Credentials = _child.Credentials }, cancellationToken);
        }
        else if (_settings.IsClient)
        {
            var addresses = _settings.Urls.Select(
                u => NatsAddress.TryParse(
                    u, out var address, out var fault) ? address : throw new EdgeSyncException(ErrorKind.Usage,
                    fault)).ToList();
            _clientKey = NatsUplinks.KeyOf(_settings.AllRemotes[0]);
            foreach (var address in addresses) _log.NatsConnecting(address.ToString(), ClientMode);
            await ConnectAsync(NatsLogins.ClientOf(_settings, addresses), cancellationToken);
        }
        else
        {
            await OpenEmbeddedAsync(cancellationToken);
        }
    }

    private async Task OpenEmbeddedAsync(CancellationToken cancellationToken)
    {
        Broker = await NatsBroker.StartAsync(
            new NatsBrokerOptions
            {
                Broker = OptionsOf(_settings),
                ClientListen = EndpointOf(_settings.ClientPort),
                LeafListen = EndpointOf(_settings.LeafPort),
                WebSocketListen = EndpointOf(_settings.WebsocketPort),
                WebSocketCompression = _settings.WebsocketCompression,
                MonitoringListen = EndpointOf(_settings.MonitorPort),
                Tls = NatsLogins.ServerTlsOf(_settings.ServeTls),
                Logins = _logins,
                Entropy = SystemEntropy.Instance,
            },
            _clock, this, cancellationToken);
        _bus = Broker.OpenLocal(_nodeId);
        _access = AccessOf(_bus);
        if (_settings.AllRemotes.Count == 0) _firstLink.TrySetResult();
        _uplinks = new NatsUplinks(Broker, _log, _clock, _links.Post);
        await _uplinks.Prepare(_settings.AllRemotes)();
    }

    private BrokerOptions OptionsOf(NatsSection settings)
    {
        var options = BrokerMemory.Limit(new BrokerOptions
        {
            ServerName = _nodeId,
            Users = NatsLogins.UsersOf(settings.Users),
            Token = Secrets.Read(settings.Token, settings.TokenFile),
            PayloadBytesMax = settings.MaxPayload,
        });
        return settings.PendingMax is { } pendingMax ? options with { TotalPendingBytesMax = pendingMax } : options;
    }

    private IPEndPoint? EndpointOf(int? port) =>
        port is { } number
        ? new IPEndPoint(ListenAddress.AddressOf(_settings.Bind) ?? IPAddress.Loopback, number)
        : null;

    private async Task ConnectAsync(NatsNetOptions options, CancellationToken cancellationToken)
    {
        _bus = _outside = new NatsNetBus(
            options with { Name = _nodeId, Happened = OnEvent, Loggers = _loggers }, _clock);
        _access = AccessOf(_bus);
        await _outside.StartAsync(cancellationToken);
    }

    private void OnEvent(NatsNetEvent e)
    {
        switch (e.Kind)
        {
            case NatsNetEventKind.Connected:
                _links.Post(isUp: true, null);
                _log.NatsConnected(e.Server, e.Text, ClientMode);
                break;
            case NatsNetEventKind.Disconnected:
                _log.NatsDisconnected(e.Server, e.Text, ClientMode);
                _links.Post(isUp: false, null);
                break;
            case NatsNetEventKind.ConnectFailed:
                // Each reason once, not with each attempt: a wrong password stays wrong.
                _log.NatsUnreachable(
                    Interlocked.Exchange(ref _whyNot, e.Text) == e.Text ? LogLevel.Debug : LogLevel.Warning, e.Server,
                    e.Text, null, NatsHint.For(e.Server, e.Text));
                break;
            default:
                _log.NatsNotice(e.Server, e.Text);
                break;
        }
    }

    private NatsAccess AccessOf(INatsBus bus) => new(bus, () => Exchange, _links, _clock, SystemEntropy.Instance, _log)
    {
        TailReader = (stream, after, countMax, cancellationToken) =>
            Broker?.ReadTailAsync(stream, after, countMax, cancellationToken)
            ?? _outside!.ReadTailAsync(stream, after, countMax, cancellationToken),
    };
}
