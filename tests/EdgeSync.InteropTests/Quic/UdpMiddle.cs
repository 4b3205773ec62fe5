using System.Net;
using System.Net.Sockets;

namespace EdgeSync.InteropTests.Quic;

/// <summary>
/// A middlebox on loopback: it forwards between one client and a server, and can lose, repeat, invent, and change the
/// port that the server sees, as a NAT does.
/// </summary>
internal sealed class UdpMiddle : IAsyncDisposable
{
    private readonly Socket _inside = Open();
    private readonly IPEndPoint _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _loops = [];
    private readonly List<byte[]> _first = [];
    private readonly Lock _lock = new();
    private Socket _outside = Open();
    private EndPoint? _client;
    private int _count;

    public UdpMiddle(IPEndPoint server)
    {
        _server = server;
        _loops.Add(ForwardInAsync());
        _loops.Add(ForwardOutAsync(_outside));
    }

    /// <summary>Where the client sends to.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_inside.LocalEndPoint!;

    /// <summary>Of so many datagrams one is lost; 0 for none.</summary>
    public int LosesOneOf { get; init; }

    /// <summary>The client's first datagrams are sent on again behind each of its later ones.</summary>
    public bool ReplaysFirst { get; init; }

    /// <summary>Before each datagram of the client comes one that means nothing.</summary>
    public bool AddsJunk { get; init; }

    /// <summary>Datagrams that have passed.</summary>
    public int Passed => Volatile.Read(ref _count);

    /// <summary>From now on the server sees another port.</summary>
    public void ChangePort()
    {
        using (_lock.EnterScope())
        {
            var old = _outside;
            _outside = Open();
            _loops.Add(ForwardOutAsync(_outside));
            old.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _inside.Dispose();
        using (_lock.EnterScope()) _outside.Dispose();
        await Task.WhenAll(_loops);
        _stop.Dispose();
    }

    private static Socket Open()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private bool IsLost() =>
        Interlocked.Increment(ref _count) is var count && LosesOneOf > 0 && count % LosesOneOf == 0;

    private async Task ForwardInAsync()
    {
        var buffer = new byte[65536];
        while (await ReceiveAsync(_inside, buffer) is { } received)
        {
            _client = received.RemoteEndPoint;
            var datagram = buffer.AsMemory(0, received.ReceivedBytes);
            if (AddsJunk) SendOut(JunkOf(datagram.Span));
            if (!IsLost()) SendOut(datagram.Span);
            if (!ReplaysFirst) continue;
            if (_first.Count < 2) _first.Add(datagram.ToArray());
            else foreach (var old in _first) SendOut(old);
        }
    }

    private async Task ForwardOutAsync(Socket outside)
    {
        var buffer = new byte[65536];
        while (await ReceiveAsync(outside, buffer) is { } received)
        {
            if (_client is not { } client || IsLost()) continue;
            Try(() => _inside.SendTo(buffer.AsSpan(0, received.ReceivedBytes), SocketFlags.None, client));
        }
    }

    /// <summary>Another first byte, or another last one: what cannot be parsed, and what cannot be opened.</summary>
    private static byte[] JunkOf(ReadOnlySpan<byte> datagram)
    {
        var junk = datagram.ToArray();
        if (junk[^1] % 2 == 0) junk[0] ^= 0x55;
        junk[^1] ^= 0xff;
        return junk;
    }

    private void SendOut(ReadOnlySpan<byte> datagram)
    {
        using (_lock.EnterScope())
        {
            try
            {
                _outside.SendTo(datagram, SocketFlags.None, _server);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The server has gone, or this middlebox.
            }
        }
    }

    private static void Try(Action send)
    {
        try
        {
            send();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The client has gone, as in life.
        }
    }

    private async Task<SocketReceiveFromResult?> ReceiveAsync(Socket socket, byte[] buffer)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                return await socket.ReceiveFromAsync(
                    buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                // Of a datagram before.
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                return null;
            }
        }

        return null;
    }
}
