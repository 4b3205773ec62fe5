using System.Net.WebSockets;
using EdgeSync.Nats.Broker.Leafnodes;

namespace EdgeSync.Net.Nats;

/// <summary>
/// NATS bytes inside the frames of a WebSocket that we opened, as a stream. Frames may cut them anywhere.
/// </summary>
internal sealed class WebSocketStream(WebSocket socket) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

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

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

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
