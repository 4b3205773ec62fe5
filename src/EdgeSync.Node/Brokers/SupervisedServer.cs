using EdgeSync.Nats;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Brokers;

/// <summary>A nats-server beside this process, started and supervised by it, and a plain connection to it.</summary>
/// <param name="stateFolder">Where the server's configuration and its data are.</param>
internal sealed class SupervisedServer(
    NatsSection settings, string nodeId, string stateFolder, NatsLinkEvents links, ILoggerFactory loggers,
    TimeProvider clock) : INatsServer
{
    private NatsServerChild? _child;
    private OutsideServer? _connection;

    public INatsBus Bus => _connection!.Bus;

    public IEnumerable<KeyValuePair<string, string>> Addresses => _child!.Addresses;

    public IEnumerable<string> UpstreamNames => [];

    public int LeafCount => _child!.LeafCount;

    public NatsLinkStatus LinkStatus => _connection!.LinkStatus with { Mode = "embedded" };

    public BrokerStatus? BrokerStatus => _child!.Status;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _child = await NatsServerChild.StartAsync(
            settings, nodeId, stateFolder, loggers.CreateLogger(NodeLog.Category), clock, cancellationToken);
        _connection = new OutsideServer(
            new NatsNetOptions { Url = _child.ClientUrl, Credentials = _child.Credentials }, nodeId, links, loggers,
            clock);
        await _connection.StartAsync(cancellationToken);
    }

    /// <summary>Its configuration is read at its start only, so that nothing changes while it runs.</summary>
    public Task<bool> TryChangeAsync(NatsSection wanted) => Task.FromResult(true);

    public Task DrainAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<NatsStreamTail?> ReadTailAsync(
        NatsStreamSpec stream, ulong after, int countMax, CancellationToken cancellationToken) =>
        _connection!.ReadTailAsync(stream, after, countMax, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null) await _connection.DisposeAsync();
        if (_child is not null) await _child.DisposeAsync();
    }
}
