using System.Net;
using System.Net.Sockets;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>Accepts TCP connections on one address and serves each in a task of its own.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly Func<Socket, Task> _serve;
    private readonly Task _accepting;

    private Listener(Socket socket, Func<Socket, Task> serve)
    {
        _socket = socket;
        _serve = serve;
        Endpoint = (IPEndPoint)socket.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    /// <summary>With the assigned port.</summary>
    public IPEndPoint Endpoint { get; }

    /// <param name="endpoint">Where to listen.</param>
    /// <param name="serve">Owns the socket until it completes. Does not throw.</param>
    /// <exception cref="EdgeSyncException">The address is in use or not local.</exception>
    public static Listener Start(IPEndPoint endpoint, Func<Socket, Task> serve)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // "Every address" means IPv4 as well, as it does for HTTP.
            if (endpoint.Address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.Bind(endpoint);
            socket.Listen(512);
            return new Listener(socket, serve);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw ListenFault.Of(endpoint.ToString(), e);
        }
    }

    /// <summary>No new connections. Existing ones continue.</summary>
    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var accepted = await _socket.AcceptAsync();
                accepted.NoDelay = true;
                _ = Task.Run(() => _serve(accepted));   // the broker counts and awaits what it serves
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e) when (
                e.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted)
            {
                return;
            }
            catch (SocketException)
            {
                // A connection failed before it was accepted, or file handles have run out: accept again.
                await Task.Delay(TimeSpan.FromMilliseconds(20));
            }
        }
    }
}
