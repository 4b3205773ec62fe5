using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Net.Http;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Web;
using EdgeSync.Primitives;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeSync.IntegrationTests.Net;

/// <summary>A server on loopback with a scripted host, and raw sockets to it.</summary>
internal sealed class TestServer : IXferHost, INodeStatusSource, IAsyncDisposable
{
    private WebServer? _server;

    public ConcurrentQueue<XferHttpRequest> Requests { get; } = [];

    public ConcurrentQueue<XferHttpLogEntry> Log { get; } = [];

    /// <summary>Answers; by default the request's own bytes.</summary>
    public Func<XferHttpRequest, CancellationToken, ValueTask<XferHttpReply>> Answer { get; set; } =
        (request, _) => ValueTask.FromResult(new XferHttpReply(200, request.ContentType, request.Body.ToArray()));

    public IReadOnlyList<NodeCheck> Checks { get; set; } = [new NodeCheck("repository", CheckState.Ok)];

    public int Port { get; private set; }

    public PeerUrl Url => PeerUrl.Parse($"http://127.0.0.1:{Port}/some/path");

    public static async Task<TestServer> StartAsync(Func<WebServerOptions, WebServerOptions>? change = null)
    {
        var server = new TestServer();
        var options = new WebServerOptions { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] };
        server._server = await WebServer.StartAsync(
            change?.Invoke(options) ?? options, server, server.Map,
            TimeProvider.System, TestContext.Current!.Execution.CancellationToken);
        server.Port = new Uri(server._server.Addresses[0]).Port;
        return server;
    }

    public IReadOnlyList<string> Addresses => _server!.Addresses;

    /// <summary>Connections that the server has taken or refused; a client's connect ends before that.</summary>
    public long ConnectionsSeen => _server!.ConnectionsSeen;

    public Task StopAsync(CancellationToken cancellationToken) => _server!.StopAsync(cancellationToken);

    /// <summary>Sends bytes and answers all that comes back until the server closes.</summary>
    public async Task<string> RawAsync(string request, bool halfClose = false)
    {
        var token = TestContext.Current!.Execution.CancellationToken;
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, Port, token);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), token);
        if (halfClose) socket.Client.Shutdown(SocketShutdown.Send);
        using var reply = new MemoryStream();
        try
        {
            await stream.CopyToAsync(reply, token);
        }
        catch (IOException)
        {
            // A server may reset a connection that it refuses; what came before counts.
        }

        return Encoding.Latin1.GetString(reply.ToArray());
    }

    public ValueTask<XferHttpReply> ExchangeAsync(XferHttpRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue(request with { Body = request.Body.ToArray() });
        return Answer(request, cancellationToken);
    }

    public ValueTask<NodeStatus> SnapshotAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(new NodeStatus
        {
            Node = "test",
            Role = "leaf",
            StartedAt = DateTimeOffset.UnixEpoch,
            Now = DateTimeOffset.UnixEpoch,
            Checks = Checks,
            Repositories = [],
            Addresses = new Dictionary<string, string>(),
        });

    void IXferHost.Log(in XferHttpLogEntry entry) => Log.Enqueue(entry);

    private void Map(IEndpointRouteBuilder app)
    {
        new OperationsEndpoints(this, new MetricStore(), () => new HttpSection()).Map(app);
        app.MapPost("/length", async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            await context.Response.WriteAsync($"{body.Length}");
        });
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}
