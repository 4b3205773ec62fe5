using System.Net.WebSockets;
using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.Net.Nats.Leafnodes;

/// <summary>
/// NATS bytes inside the frames of a WebSocket that we opened, as a stream. Frames may cut them anywhere.
/// </summary>
internal sealed class WebSocketStream(WebSocket socket) : AsyncStream
{
    /// <summary>
    /// Connects, through a proxy if the environment has one, up to the hub's first line.
    /// </summary>
    /// <exception cref="IOException">It was rejected.</exception>
    public static async Task<WebSocketStream> ConnectAsync(
        Uri url, string path, LeafnodeDialing dialing, CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = LeafnodeStreams.OptionsFor(url, dialing.Tls),
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            UseProxy = dialing.OpenStream is null,
        };
        if (dialing.OpenStream is { } open) handler.ConnectCallback = (_, token) => open(url, token);
        using var invoker = new HttpMessageInvoker(handler, disposeHandler: false);
        var socket = new ClientWebSocket();
        socket.Options.KeepAliveInterval = TimeSpan.Zero;   // the protocol inside has pings of its own
        try
        {
            // Without user and password: the hub gets the login in CONNECT.
            await socket.ConnectAsync(
                new UriBuilder(url.Scheme, url.IdnHost, LeafUrl.PortOf(url), path).Uri, invoker, cancellationToken);
            return new WebSocketStream(socket);
        }
        catch (WebSocketException e)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw new IOException(ReasonOf(e), e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var result = await socket.ReceiveAsync(buffer, cancellationToken);
            if (result.MessageType == WebSocketMessageType.Close) return 0;
            if (result.Count > 0) return result.Count;
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            socket.Abort();
            socket.Dispose();
        }

        base.Dispose(disposing);
    }

    // Its own message is generic; the fault of address, proxy or certificate is in the inner exception.
    private static string ReasonOf(Exception e)
    {
        var inner = e;
        while (inner is WebSocketException or HttpRequestException && inner.InnerException is { } deeper)
            inner = deeper;
        return inner is WebSocketException ? $"the WebSocket was refused: {inner.Message}" : inner.Message;
    }
}
