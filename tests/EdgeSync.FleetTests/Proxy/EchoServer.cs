using System.Net;
using System.Net.Sockets;

namespace EdgeSync.FleetTests.Proxy;

/// <summary>Sends back what it gets, on any number of connections; something for a cable to lead to.</summary>
internal sealed class EchoServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _accepting;

    public EchoServer()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(EchoAsync(await _listener.AcceptSocketAsync(_ending.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task EchoAsync(Socket socket)
    {
        using (socket)
            try
            {
                var buffer = new byte[16_384];
                while (await socket.ReceiveAsync(buffer, _ending.Token) is > 0 and var count)
                    await socket.SendAsync(buffer.AsMemory(0, count), _ending.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // The peer went away, or the test is over.
            }
    }
}
