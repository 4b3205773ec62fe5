using System.Collections.Concurrent;
using System.Net;
using EdgeSync.Nats;
using EdgeSync.Nats.Broker;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Brokers;

/// <summary>The broker of the node's own process, joined to the configured hubs as a leafnode.</summary>
/// <param name="logins">Counts failed logins.</param>
internal sealed class EmbeddedBroker(
    NatsSection settings, string nodeId, LoginThrottle logins, NatsLinkEvents links, ILogger log, TimeProvider clock)
    : INatsServer, INatsBrokerEvents, ITunnelledBroker
{
    private readonly ConcurrentDictionary<TunnelLink, bool> _tunnels = new();

    private NatsBroker? _broker;
    private NatsUplinks? _uplinks;
    private INatsBus? _bus;

    public INatsBus Bus => _bus!;

    public IEnumerable<string> UpstreamNames =>
        [.. _uplinks?.Names ?? [], .. _tunnels.Keys.Select(t => t.UpName).OfType<string>()];

    public int LeafCount => Broker.LeafCount;

    public IEnumerable<KeyValuePair<string, string>> Addresses
    {
        get
        {
            (string, Uri?)[] all = [
                ("nats", Broker.ClientUrl), ("nats-leaf", Broker.LeafUrl), ("websocket", Broker.WebSocketUrl),
                ("monitor", Broker.MonitoringUrl)];
            return all.Where(a => a.Item2 is not null)
                .Select(a => new KeyValuePair<string, string>(a.Item1, a.Item2!.OriginalString.TrimEnd('/')));
        }
    }

    public NatsLinkStatus LinkStatus
    {
        get
        {
            var uplinks = _uplinks!.Status;
            if (uplinks.Count == 0)
                return new NatsLinkStatus
                {
                    Mode = "embedded",
                    State = Bus.IsConnected ? "connected" : "connecting",
                    ServerName = nodeId,
                    ServerVersion = BrokerOptions.ProtocolVersion,
                    Reconnects = Math.Max(0, links.Ups - 1),
                };

            var first = uplinks.FirstOrDefault(l => l.IsUp) ?? uplinks[0];
            return new NatsLinkStatus
            {
                Mode = "leafnode",
                State = first.State,
                Url = first.Url,
                ServerName = first.ServerName,
                ServerVersion = first.ServerVersion,
                Reconnects = first.Reconnects,
                LastError = first.LastError,
                Links = uplinks,
            };
        }
    }

    public BrokerStatus? BrokerStatus
    {
        get
        {
            var totals = Broker.Totals;
            return new BrokerStatus
            {
                Kind = "embedded",
                ServerName = nodeId,
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
    }

    private NatsBroker Broker => _broker!;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        IPEndPoint? ListenOn(int? port) => port is { } number
            ? new IPEndPoint(ListenAddress.AddressOf(settings.Bind) ?? IPAddress.Loopback, number)
            : null;

        _broker = await NatsBroker.StartAsync(
            new NatsBrokerOptions
            {
                Broker = OptionsOf(settings),
                ClientListen = ListenOn(settings.ClientPort),
                LeafListen = ListenOn(settings.LeafPort),
                WebSocketListen = ListenOn(settings.WebsocketPort),
                WebSocketOrigins = settings.WebsocketOrigins.Count == 0 ? null : settings.WebsocketOrigins,
                WebSocketCompression = settings.WebsocketCompression,
                MonitoringListen = ListenOn(settings.MonitorPort),
                Tls = NatsLogins.ServerTlsOf(settings.ServeTls),
                Logins = logins,
                Entropy = SystemEntropy.Instance,
            },
            clock, this, cancellationToken);
        _bus = _broker.OpenLocal(nodeId);
        _uplinks = new NatsUplinks(_broker, log, clock, links.Post);
        await _uplinks.Prepare(settings.AllRemotes)();
    }

    public async Task<bool> TryChangeAsync(NatsSection wanted)
    {
        var options = OptionsOf(wanted);
        var join = _uplinks!.Prepare(wanted.AllRemotes);
        Broker.Reconfigure(options);
        await join();
        return true;
    }

    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        await Broker.EnterLameDuckAsync();
        await Broker.WaitUntilDrainedAsync(cancellationToken);
    }

    public Task<NatsStreamTail?> ReadTailAsync(
        NatsStreamSpec stream, ulong after, int countMax, CancellationToken cancellationToken) =>
        Broker.ReadTailAsync(stream, after, countMax, cancellationToken);

    public void OnConnected(BrokerConnection connection) =>
        log.NatsClientConnected(connection.Origin.Address, connection.Origin.Kind);

    public void OnClosed(BrokerConnection connection) =>
        log.NatsClientClosed(connection.Origin.Address, connection.CloseReason);

    public void OnRefused(string remote, string why) => log.NatsClientRefused(remote, why);

    public Task ServeLeafAsync(Stream stream, string name) => Broker.ServeLeafAsync(stream, name);

    public TunnelLink AddTunnel(string name, Func<CancellationToken, ValueTask<Stream>> open)
    {
        // Those that ended are removed here: nothing else needs them.
        foreach (var ended in _tunnels.Keys.Where(t => t.IsLeft)) _tunnels.TryRemove(ended, out _);
        var tunnel = new TunnelLink(Broker, name, open, links.Post, log);
        _tunnels[tunnel] = true;
        return tunnel;
    }

    public async ValueTask DisposeAsync()
    {
        if (_uplinks is not null) await _uplinks.DisposeAsync();
        if (_broker is not null) await _broker.DisposeAsync();
    }

    private BrokerOptions OptionsOf(NatsSection section)
    {
        var options = BrokerMemory.Limit(new BrokerOptions
        {
            ServerName = nodeId,
            Users = NatsLogins.UsersOf(section.Users),
            Token = Secrets.Read(section.Token, section.TokenFile),
            PayloadBytesMax = section.MaxPayload,
        });
        return section.PendingMax is { } pendingMax ? options with { TotalPendingBytesMax = pendingMax } : options;
    }
}
