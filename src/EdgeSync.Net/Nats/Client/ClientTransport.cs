using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using EdgeSync.Nats.Client;

namespace EdgeSync.Net.Nats;

/// <summary>A stream of NATS bytes to a server, whatever carries it.</summary>
internal abstract class ClientTransport : IAsyncDisposable
{
    public bool IsSecure { get; protected set; }

    /// <summary>0 at the end.</summary>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> target, CancellationToken cancellationToken);

    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Makes TLS on the open stream.</summary>
    public virtual Task UpgradeAsync(SslClientAuthenticationOptions options, CancellationToken cancellationToken) =>
        throw new NotSupportedException("TLS cannot begin in the middle of this transport.");

    public abstract ValueTask DisposeAsync();

    /// <summary>Opens what the URL of a server says.</summary>
    public static async ValueTask<ClientTransport> DialAsync(NatsServer server, NatsOpts opts, CancellationToken cancellationToken)
    {
        if (opts.ConnectInProcess is not null) return new ClientPipeTransport(await opts.ConnectInProcess(cancellationToken));
        if (server.IsWebSocket) return await ClientWebSocketTransport.DialAsync(server, opts.Tls, cancellationToken);

        var transport = await ClientTcpTransport.DialAsync(server, cancellationToken);
        if (opts.TlsMode != TlsMode.Implicit) return transport;

        try
        {
            await transport.UpgradeAsync(opts.Tls.ToAuthentication(server.TlsName), cancellationToken);
            return transport;
        }
        catch
        {
            await transport.DisposeAsync();
            throw;
        }
    }

    /// <summary>What any of them throws when the network or the peer fails.</summary>
    public static bool IsFailure(Exception e) => e is SocketException or IOException or WebSocketException
        or System.Security.Authentication.AuthenticationException or ObjectDisposedException or HttpRequestException or InvalidOperationException
        or OperationCanceledException;
}

/// <summary>TCP, and TLS over it.</summary>
internal sealed class ClientTcpTransport : ClientTransport
{
    private Stream _stream;

    private ClientTcpTransport(Stream stream) => _stream = stream;

    public static async ValueTask<ClientTcpTransport> DialAsync(NatsServer server, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(server.Host, server.Port, cancellationToken);
            return new ClientTcpTransport(new NetworkStream(socket, ownsSocket: true));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public override ValueTask<int> ReceiveAsync(Memory<byte> target, CancellationToken cancellationToken) =>
        _stream.ReadAsync(target, cancellationToken);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        _stream.WriteAsync(bytes, cancellationToken);

    public override async Task UpgradeAsync(SslClientAuthenticationOptions options, CancellationToken cancellationToken)
    {
        var secure = new SslStream(_stream, leaveInnerStreamOpen: false);
        _stream = secure;
        await secure.AuthenticateAsClientAsync(options, cancellationToken);
        IsSecure = true;
    }

    public override ValueTask DisposeAsync() => _stream.DisposeAsync();
}

/// <summary>NATS bytes as a stream inside the frames of a WebSocket.</summary>
internal sealed class ClientWebSocketTransport : ClientTransport
{
    private readonly ClientWebSocket _socket;
    private readonly HttpMessageInvoker _invoker;

    private ClientWebSocketTransport(ClientWebSocket socket, HttpMessageInvoker invoker, bool isSecure) =>
        (_socket, _invoker, IsSecure) = (socket, invoker, isSecure);

    public static async ValueTask<ClientWebSocketTransport> DialAsync(
        NatsServer server, NatsTlsOpts tls, CancellationToken cancellationToken)
    {
        var isSecure = server.Scheme == NatsScheme.SecureWebSocket;
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (isSecure) handler.SslOptions = tls.ToAuthentication(server.TlsName);
        var invoker = new HttpMessageInvoker(handler);
        var socket = new ClientWebSocket();
        try
        {
            var url = new Uri($"{(isSecure ? "wss" : "ws")}://{server.Address}{server.Path}");
            await socket.ConnectAsync(url, invoker, cancellationToken);
            return new ClientWebSocketTransport(socket, invoker, isSecure);
        }
        catch
        {
            socket.Dispose();
            invoker.Dispose();
            throw;
        }
    }

    public override async ValueTask<int> ReceiveAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _socket.ReceiveAsync(target, cancellationToken);
            if (read.MessageType == WebSocketMessageType.Close) return 0;
            if (read.Count > 0) return read.Count;   // an empty frame is not the end
        }
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        _socket.SendAsync(bytes, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);

    public override ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _invoker.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>A broker in the same process.</summary>
internal sealed class ClientPipeTransport : ClientTransport
{
    private readonly IDuplexPipe _pipe;

    // Nothing leaves the process: TLS would protect nobody.
    public ClientPipeTransport(IDuplexPipe pipe) => (_pipe, IsSecure) = (pipe, true);

    public override async ValueTask<int> ReceiveAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        var read = await _pipe.Input.ReadAsync(cancellationToken);
        var taken = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, target.Length));
        taken.CopyTo(target.Span);
        var count = (int)taken.Length;
        _pipe.Input.AdvanceTo(taken.End);
        return count;
    }

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var flushed = await _pipe.Output.WriteAsync(bytes, cancellationToken);
        if (flushed.IsCompleted) throw new IOException("the broker closed the pipe");
    }

    public override async ValueTask DisposeAsync()
    {
        await _pipe.Input.CompleteAsync();
        await _pipe.Output.CompleteAsync();
    }
}
