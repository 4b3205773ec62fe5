using EdgeSync.Agent.Messages;
using EdgeSync.Agent.Schedule;
using EdgeSync.Nats.Exchange;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Brokers;

/// <summary>
/// A daemon's connection to the NATS network: a broker of its own, joined to others as a leafnode, a supervised
/// nats-server, or a plain connection to an outside server. In each case one connection carries all requests and
/// replies of this node; its own messages are not delivered to it.
/// </summary>
internal sealed class NatsHost : IAsyncDisposable
{
    private static readonly TimeSpan DialWait = TimeSpan.FromSeconds(3);

    private readonly string _nodeId;
    private readonly TimeProvider _clock;
    private readonly RunningTasks _tasks;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _firstLink = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly NatsLinkEvents _links;
    private INatsServer? _server;
    private NatsAccess? _access;

    private NatsHost(string nodeId, ILogger log, TimeProvider clock, Action<Exception> failed)
    {
        (_nodeId, _clock) = (nodeId, clock);
        _tasks = new RunningTasks(failed, log);
        _links = new NatsLinkEvents(_tasks, () => _server?.UpstreamNames ?? [], clock, _stop.Token)
        {
            CameUp = () => _firstLink.TrySetResult()
        };
    }

    /// <summary>The access of the agents.</summary>
    public NatsAccess Access => _access!;

    /// <inheritdoc cref="NatsLinkEvents.Changed"/>
    public Func<bool, string?, ValueTask>? LinkChanged
    {
        get => _links.Changed;
        set => _links.Changed = value;
    }

    /// <inheritdoc cref="INatsServer.Addresses"/>
    public IEnumerable<KeyValuePair<string, string>> Addresses => Server.Addresses;

    public int LeafCount => Server.LeafCount;

    public NatsLinkStatus LinkStatus => Server.LinkStatus;

    /// <inheritdoc cref="INatsServer.BrokerStatus"/>
    public BrokerStatus? BrokerStatus => Server.BrokerStatus;

    /// <summary>For links over other transports; null where the broker is not ours.</summary>
    public ITunnelledBroker? Tunnels => _server as ITunnelledBroker;

    private INatsServer Server => _server!;

    /// <param name="stateFolder">Where a supervised server keeps its data.</param>
    /// <param name="logins">Counts failed logins.</param>
    /// <param name="failed">Called with a bug of ours that must end the process.</param>
    /// <exception cref="EdgeSyncException">A port is in use, a file is missing, a credential is malformed.</exception>
    public static async Task<NatsHost> StartAsync(
        NatsSection settings, string nodeId, string stateFolder, LoginThrottle logins, ILoggerFactory loggers,
        TimeProvider clock, Action<Exception> failed, CancellationToken cancellationToken)
    {
        var log = loggers.CreateLogger(NodeLog.Category);
        var host = new NatsHost(nodeId, log, clock, failed);
        try
        {
            var links = host._links;
            host._server = settings.Server is not null
                ? new SupervisedServer(settings, nodeId, stateFolder, links, loggers, clock)
                : settings.IsClient
                ? new OutsideServer(settings, nodeId, links, loggers, clock)
                : new EmbeddedBroker(settings, nodeId, logins, links, log, clock);
            await host._server.StartAsync(cancellationToken);
            if (host._server is EmbeddedBroker && settings.AllRemotes.Count == 0) host._firstLink.TrySetResult();
            host._access = host.AccessOf(host._server, log);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public ITransport OpenTransport(SyncTarget target, ProjectSubjects subjects) =>
        Access.OpenTransport(target, subjects);

    /// <inheritdoc cref="INatsServer.TryChangeAsync"/>
    public Task<bool> TryChangeAsync(NatsSection settings) => Server.TryChangeAsync(settings);

    /// <inheritdoc cref="INatsServer.DrainAsync"/>
    public Task DrainAsync(CancellationToken cancellationToken) => Server.DrainAsync(cancellationToken);

    /// <summary>Waits a moment for the first link, so that sessions at startup find their peers.</summary>
    public async Task WaitForLinkAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _firstLink.Task.WaitAsync(DialWait, _clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            // The reason is logged elsewhere; attempts continue.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        await _tasks.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
        _stop.Dispose();
    }

    private NatsAccess AccessOf(INatsServer server, ILogger log) => new(
        server.Bus, () => ExchangeLimits(server), _links, _clock, SystemEntropy.Instance, log)
    {
        TailReader = server.ReadTailAsync,
    };

    // By the largest message that the server accepts now.
    private ExchangeOptions ExchangeLimits(INatsServer server) => new()
    {
        NodeId = _nodeId,
        MaxPayload = server.Bus.MaxPayload,
        WholeBytesMax = Math.Min(MemoryLimit.TransferBytesMax, 64 << 20),
        HeldBytesMax = MemoryLimit.TransferBytesMax,
    };
}
