using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EdgeSync.FleetTests.Hostile;

/// <summary>A socket that speaks whatever it likes.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    {
        NoDelay = true
    };
    private readonly StringBuilder _said = new();
    private readonly byte[] _buffer = new byte[65_536];

    public RawClient(int port, int receiveBytes = 0)
    {
        if (receiveBytes > 0) _socket.ReceiveBufferSize = receiveBytes;
        _socket.SendTimeout = _socket.ReceiveTimeout = 20_000;
        _socket.Connect(IPAddress.Loopback, port);
    }

    /// <summary>What the broker has sent and no test has taken yet.</summary>
    public string Said => _said.ToString();

    /// <summary>An ordinary client, greeted and acknowledged.</summary>
    public static RawClient Polite(int port)
    {
        var client = new RawClient(port);
        client.Send("CONNECT {\"verbose\":false}\r\nPING\r\n");
        client.Await("PONG\r\n");
        return client;
    }

    /// <summary>False when the broker has hung up.</summary>
    public bool TrySend(ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty) bytes = bytes[_socket.Send(bytes)..];
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public bool TrySend(string text) => TrySend(Encoding.Latin1.GetBytes(text));

    public void Send(string text) => Assert.True(TrySend(text), $"the broker hung up; it said: {Said}");

    /// <summary>Reads until the text comes, and drops everything up to its end.</summary>
    public void Await(string text)
    {
        int at;
        while ((at = Said.IndexOf(text, StringComparison.Ordinal)) < 0)
            Assert.True(Read() > 0, $"the broker hung up instead of '{text.TrimEnd()}'; it said: {Said}");
        _said.Remove(0, at + text.Length);
    }

    /// <summary>Reads to the end of the connection, which must come in time, and returns all that was sent.</summary>
    public string AwaitEnd()
    {
        while (Read() > 0) { }
        return Said;
    }

    /// <summary>Reads and drops; returns how many bytes came until there was nothing for a while.</summary>
    public long Drain(int bytesMin)
    {
        var sum = 0L;
        while (sum < bytesMin && Receive() is > 0 and var count) sum += count;
        return sum;
    }

    public void Dispose() => _socket.Dispose();

    private int Read()
    {
        var count = Receive();
        _said.Append(Encoding.Latin1.GetString(_buffer, 0, count));
        return count;
    }

    private int Receive()
    {
        try
        {
            return _socket.Receive(_buffer);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;
        }
    }
}
