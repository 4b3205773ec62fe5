using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Net;

/// <summary>A server on loopback with a scripted host, and raw sockets to it.</summary>
internal sealed class TestServer : IXferHttpHost, IAsyncDisposable
{
    private XferHttpServer? _server;

    public ConcurrentQueue<XferHttpRequest> Requests { get; } = [];

    public ConcurrentQueue<XferHttpLogEntry> Log { get; } = [];

    /// <summary>Answers; by default the request's own bytes.</summary>
    public Func<XferHttpRequest, CancellationToken, ValueTask<XferHttpReply>> Answer { get; set; } =
        (request, _) => ValueTask.FromResult(new XferHttpReply(200, request.ContentType, request.Body.ToArray()));

    public Readiness Readiness { get; set; } = new([("repository", null)]);

    public int Port { get; private set; }

    public PeerUrl Url => PeerUrl.Parse($"http://127.0.0.1:{Port}/some/path");

    public static async Task<TestServer> StartAsync(Func<XferHttpServerOptions, XferHttpServerOptions>? change = null)
    {
        var server = new TestServer();
        var options = new XferHttpServerOptions { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] };
        server._server = await XferHttpServer.StartAsync(
            change?.Invoke(options) ?? options, server, TimeProvider.System, TestContext.Current!.Execution.CancellationToken);
        server.Port = new Uri(server._server.Addresses[0]).Port;
        return server;
    }

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

    public ValueTask<Readiness> CheckReadinessAsync(CancellationToken cancellationToken) => ValueTask.FromResult(Readiness);

    public string Describe(string host, bool isHttps) => $"clone {host}";

    void IXferHttpHost.Log(in XferHttpLogEntry entry) => Log.Enqueue(entry);

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}
