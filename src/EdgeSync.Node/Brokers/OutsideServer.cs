using EdgeSync.Nats;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace EdgeSync.Node.Brokers;

/// <summary>A plain connection to an outside NATS server.</summary>
internal sealed class OutsideServer : INatsServer
{
    private const string ClientMode = "client";

    private readonly NatsLinkEvents _links;
    private readonly ILogger _log;
    private readonly NatsNetBus _bus;
    private readonly string? _key;   // server and login; null: never another one
    private readonly IReadOnlyList<NatsAddress> _addresses = [];
    private string? _lastConnectError;

    /// <exception cref="EdgeSyncException">An address, a file or a credential is malformed.</exception>
    public OutsideServer(
        NatsSection settings, string nodeId, NatsLinkEvents links, ILoggerFactory loggers, TimeProvider clock)
        : this(NatsLogins.ClientOf(settings, AddressesOf(settings)), nodeId, links, loggers, clock)
    {
        _key = NatsUplinks.KeyOf(settings.AllRemotes[0]);
        _addresses = AddressesOf(settings);
    }

    public OutsideServer(
        NatsNetOptions options, string nodeId, NatsLinkEvents links, ILoggerFactory loggers, TimeProvider clock)
    {
        (_links, _log) = (links, loggers.CreateLogger(NodeLog.Category));
        _bus = new NatsNetBus(options with { Name = nodeId, Happened = OnEvent, Loggers = loggers }, clock);
    }

    public INatsBus Bus => _bus;

    public IEnumerable<KeyValuePair<string, string>> Addresses => [];

    public IEnumerable<string> UpstreamNames => [];

    public int LeafCount => 0;

    public NatsLinkStatus LinkStatus
    {
        get
        {
            var isOpen = _bus.IsConnected;
            return new NatsLinkStatus
            {
                Mode = ClientMode,
                State = isOpen ? "connected" : _links.Ups > 0 ? "reconnecting" : "connecting",
                Url = _bus.Server,
                ServerName = _bus.ServerName,
                ServerVersion = _bus.ServerVersion,
                Reconnects = Math.Max(0, _links.Ups - 1),
                LastError = isOpen ? null : _bus.LastFailure,
            };
        }
    }

    public BrokerStatus? BrokerStatus => null;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var address in _addresses) _log.NatsConnecting(address.ToString(), ClientMode);
        await _bus.StartAsync(cancellationToken);
    }

    public Task<bool> TryChangeAsync(NatsSection wanted) =>
        Task.FromResult(_key is null || _key == NatsUplinks.KeyOf(wanted.AllRemotes[0]));

    public Task DrainAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<NatsStreamTail?> ReadTailAsync(
        NatsStreamSpec stream, ulong after, int countMax, CancellationToken cancellationToken) =>
        _bus.ReadTailAsync(stream, after, countMax, cancellationToken);

    public ValueTask DisposeAsync() => _bus.DisposeAsync();

    private static List<NatsAddress> AddressesOf(NatsSection settings) => [.. settings.Urls.Select(AddressOf)];

    private static NatsAddress AddressOf(string url) => NatsAddress.TryParse(url, out var address, out var fault)
        ? address
        : throw new EdgeSyncException(ErrorKind.Usage, fault);

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
                var isKnown = Interlocked.Exchange(ref _lastConnectError, e.Text) == e.Text;
                _log.NatsUnreachable(
                    isKnown ? LogLevel.Debug : LogLevel.Warning, e.Server, e.Text, null,
                    NatsHint.For(e.Server, e.Text));
                break;
            default:
                _log.NatsNotice(e.Server, e.Text);
                break;
        }
    }
}
