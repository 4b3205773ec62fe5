using EdgeSync.Agent;
using EdgeSync.Agent.Bridge;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Nats.Exchange;
using EdgeSync.Net.Http;
using EdgeSync.Node.Agents;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>A NATS server that belongs to no node: only a broker.</summary>
internal sealed class FleetServer(Fleet fleet, string name, Prng prng)
{
    public string Name => name;

    public FleetBroker? Broker { get; private set; }

    public void Start() => Broker = new FleetBroker(name, fleet.Clock, () => fleet.Clock.Now, prng.Fork());

    public void Kill()
    {
        Broker?.Die();
        Broker = null;
    }
}

/// <summary>A Fossil server: a repository behind HTTP, without announcements.</summary>
internal sealed class FleetWebServer(Fleet fleet, FleetNode repository, FleetLink link)
{
    public const string Url = "http://server/";

    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);

    public FleetNode Repository => repository;

    public FleetLink Link => link;

    public bool IsDown { get; set; }

    /// <summary>One request and its reply, both framed.</summary>
    /// <exception cref="EdgeSyncException">The server cannot be reached, the connection broke, or nothing
    /// comes.</exception>
    public async Task<(byte[] Body, XferContentType Type)> PostAsync(
        ReadOnlyMemory<byte> body, SimProcess process, CancellationToken cancellationToken)
    {
        using var silence = new CancellationTokenSource(SilenceMax, process.Time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
        try
        {
            return await TravelAsync(body, process.Time, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EdgeSyncException(ErrorKind.Unavailable, "the server does not answer");
        }
    }

    private async Task<(byte[] Body, XferContentType Type)> TravelAsync(
        ReadOnlyMemory<byte> body, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (IsDown || link.IsCut)
        {
            await Task.Delay(link.Profile.OneWay * 2, clock, cancellationToken);
            throw new EdgeSyncException(
                ErrorKind.Unavailable, "connection refused", null,
                new HttpRequestException(HttpRequestError.ConnectionError));
        }

        await Task.Delay(link.Delay(body.Length), clock, cancellationToken);
        if (link.IsStalled[0]) await Task.Delay(Timeout.Infinite, cancellationToken);
        if (IsDown || link.IsCut) throw Broken();

        var reply = Serve(body);
        await Task.Delay(link.Delay(reply.Body.Length), clock, cancellationToken);
        if (link.IsStalled[1]) await Task.Delay(Timeout.Infinite, cancellationToken);
        return link.IsCut ? throw Broken() : reply;
    }

    private (byte[] Body, XferContentType Type) Serve(ReadOnlyMemory<byte> body)
    {
        if (XferFrame.TryDecode(XferEncoding.Zlib, body, 1 << 26, out var request) != XferFrameFault.None)
            throw Broken();

        using var reply = new PooledBytes();
        var outcome = new ServerHandler(
            repository.Repository.Store, new ServerOptions()).Handle(repository.Now, request, "web", reply);
        fleet.Note($"{repository.Name} serves web: {outcome.Operation} {outcome.Changed} {outcome.ArtifactsReceived}");
        var encoding = outcome.MustBePlain ? XferEncoding.Plain : XferEncoding.Zlib;
        using var framed = new PooledBytes();
        XferFrame.Encode(encoding, reply.Written.Span, framed, System.IO.Compression.CompressionLevel.Fastest);
        return (
            framed.Written.ToArray(),
            encoding == XferEncoding.Plain ? XferContentType.Uncompressed : XferContentType.Compressed);
    }

    private static EdgeSyncException Broken() => new(ErrorKind.Unavailable, "the connection broke");
}

/// <summary>Sessions with the web server: the socket's part of the shipped HTTP transport.</summary>
internal sealed class FleetHttpTransport(FleetWebServer server, SimProcess process, string target) : ITransport
{
    public string Route => "http";

    public string Target => target;

    public string? Responder => null;

    public long WireBytesSent { get; private set; }

    public long WireBytesReceived { get; private set; }

    public Action? Progressed { get; set; }

    public async Task<TransportReply> ExchangeAsync(
        ReadOnlyMemory<byte> message, bool mayStream, CancellationToken cancellationToken)
    {
        using var body = new PooledBytes();
        XferFrame.Encode(XferEncoding.Zlib, message.Span, body);
        WireBytesSent += body.Length;
        var (reply, type) = await server.PostAsync(body.Written.ToArray(), process, cancellationToken);
        WireBytesReceived += reply.Length;
        Progressed?.Invoke();
        return new TransportReply(
            MessageFrame.Decode(
                type == XferContentType.Uncompressed ? XferEncoding.Plain : XferEncoding.Zlib, reply, target));
    }

    public void Dispose()
    {
    }
}

/// <summary>The shipped bridge, between the web server and a broker.</summary>
internal sealed class FleetBridge
{
    private readonly SimProcess _process;
    private readonly Fleet _fleet;
    private readonly BridgeNode _bridge;

    public FleetBridge(Fleet fleet, FleetWebServer server, FleetLink link, Func<FleetBroker?> broker, Prng prng)
    {
        _fleet = fleet;
        var process = _process = fleet.NewProcess(() => TimeSpan.Zero);
        var entropy = new SeededEntropy(prng.NextUInt64());
        var node = fleet.ContextOf("bridge", NodeRole.Hub, process, entropy);
        Client = new FleetWireClient("bridge", process, fleet.Clock, link, broker, prng.Fork())
        {
            Delivered = (message, isForAny) =>
            {
                if (isForAny && message.ReplyTo is { } replyTo) fleet.OnAnswered(replyTo, this);
            },
        };
        var links = new NatsLinkEvents(
            new RunningTasks(fleet.Fail, node.Log), () => [], process.Time, CancellationToken.None);
        Client.LinkChanged = isUp => links.Post(isUp, null);
        Client.Start();
        var nats = new NatsAccess(
            Client, () => new ExchangeOptions { NodeId = "bridge", PartBytes = 16 << 10 }, links, process.Time, entropy,
            node.Log);
        BridgeNode? bridge = null;
        process.Run(
            () => bridge = BridgeNode.Start(
                [new BridgedProject(fleet.Subjects, new Upstream(server, process), new ProbeOptions())], nats, node));
        _bridge = bridge!;
        links.Changed = (isUp, _) =>
        {
            if (isUp) _bridge.OnLinkUp();
            return ValueTask.CompletedTask;
        };
    }

    public FleetClient Client { get; }

    public void Stop(Action ended) => _process.Run(() => new RunningTasks(_fleet.Fail, _fleet.Log).Start(async () =>
    {
        await _bridge.DisposeAsync();
        Client.Close();
        ended();
    }));

    private sealed class Upstream(FleetWebServer server, SimProcess process) : IUpstreamServer
    {
        public string Url => FleetWebServer.Url;

        public async Task<(ReadOnlyMemory<byte> Reply, XferContentType Type)> PostAsync(
            XferContentType type, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
        {
            var (body, replyType) = await server.PostAsync(request, process, cancellationToken);
            return (body, replyType);
        }

        public void Dispose()
        {
        }
    }
}
