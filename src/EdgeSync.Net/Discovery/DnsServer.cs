using System.Net;
using System.Net.Sockets;
using EdgeSync.Iroh.Dns;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Discovery;

/// <summary>The UDP and TCP ports of a <see cref="DnsOrigin"/>.</summary>
internal sealed class DnsServer : IAsyncDisposable
{
    private const int DatagramBytesMax = 4096;
    private const int StreamsMax = 64;

    private static readonly TimeSpan StreamTimeout = TimeSpan.FromSeconds(5);

    private readonly Func<ReadOnlyMemory<byte>, bool, byte[]?> _answer;
    private readonly Socket _datagrams;
    private readonly Socket _streams;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _room = new(StreamsMax);
    private readonly Task _running;

    private DnsServer(Func<ReadOnlyMemory<byte>, bool, byte[]?> answer, Socket datagrams, Socket streams)
    {
        (_answer, _datagrams, _streams) = (answer, datagrams, streams);
        _running = Task.WhenAll(ServeDatagramsAsync(), AcceptAsync());
    }

    /// <summary>Where it listens, with the assigned port; the same for both.</summary>
    public IPEndPoint Address => (IPEndPoint)_datagrams.LocalEndPoint!;

    /// <param name="listen">Port 0 picks a free one.</param>
    /// <param name="answer">A query, and whether it came over TCP; null answers nothing.</param>
    /// <exception cref="EdgeSyncException">The address is in use or not local.</exception>
    public static DnsServer Start(IPEndPoint listen, Func<ReadOnlyMemory<byte>, bool, byte[]?> answer)
    {
        var streams = new Socket(listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        var datagrams = new Socket(listen.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            streams.Bind(listen);
            streams.Listen();
            datagrams.Bind(new IPEndPoint(listen.Address, ((IPEndPoint)streams.LocalEndPoint!).Port));
            return new DnsServer(answer, datagrams, streams);
        }
        catch (SocketException e)
        {
            streams.Dispose();
            datagrams.Dispose();
            throw ListenFault.Of(listen.ToString(), e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        for (var i = 0; i < StreamsMax; i++) await _room.WaitAsync();   // until the last connection is closed
        _datagrams.Dispose();
        _streams.Dispose();
        _room.Dispose();
        _stopping.Dispose();
    }

    private async Task ServeDatagramsAsync()
    {
        var buffer = new byte[DatagramBytesMax];
        var any = new IPEndPoint(_datagrams.AddressFamily == AddressFamily.InterNetwork
            ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var received = await _datagrams.ReceiveFromAsync(buffer, SocketFlags.None, any, _stopping.Token);
                if (_answer(buffer.AsMemory(0, received.ReceivedBytes), false) is { } answer)
                    await _datagrams.SendToAsync(
                        answer, SocketFlags.None, received.RemoteEndPoint, _stopping.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // A datagram that was too large, or a sender that is gone: the next one.
            }
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _room.WaitAsync(_stopping.Token);
                var socket = await AcceptOneAsync();
                _ = ServeStreamAsync(socket);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // A client that left before it was accepted, or the end.
            }
        }
    }

    private async Task<Socket> AcceptOneAsync()
    {
        try
        {
            return await _streams.AcceptAsync(_stopping.Token);
        }
        catch
        {
            _room.Release();
            throw;
        }
    }

    // Awaited by its place: disposing takes all of them.
    private async Task ServeStreamAsync(Socket socket)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        patience.CancelAfter(StreamTimeout);
        try
        {
            using var stream = new NetworkStream(socket, ownsSocket: true);
            while (true)
            {
                var query = await DnsStream.ReadAsync(stream, patience.Token);
                if (_answer(query, true) is not { } answer) return;

                await DnsStream.WriteAsync(stream, answer, patience.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // The client has gone, or has had its time.
        }
        finally
        {
            _room.Release();
        }
    }
}
