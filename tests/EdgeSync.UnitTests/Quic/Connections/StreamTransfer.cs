using EdgeSync.Quic.Connections;

namespace EdgeSync.UnitTests.Quic.Connections;

/// <summary>
/// An application: the client writes bytes on streams, the server sends each back, and both ends are compared.
/// </summary>
internal sealed class StreamTransfer
{
    private readonly VirtualWorld _world;
    private readonly Dictionary<ulong, byte[]> _sent = [];
    private readonly Dictionary<ulong, int> _written = [];
    private readonly Dictionary<ulong, List<byte>> _returned = [];
    private readonly Dictionary<ulong, (Queue<byte[]> Held, bool Ended)> _echo = [];
    private readonly Queue<byte[]> _waiting = new();
    private readonly byte[] _buffer = new byte[16 * 1024];

    public StreamTransfer(VirtualWorld world)
    {
        _world = world;
        world.Application = OnEvent;
    }

    /// <summary>Streams that came back whole.</summary>
    public int Done { get; private set; }

    public int Streams { get; private set; }

    public bool IsDone => Done == Streams;

    public void Add(byte[] content)
    {
        Streams++;
        _waiting.Enqueue(content);
        Open();
    }

    private void OnEvent(QuicConnection connection, QuicEvent happened)
    {
        var isServer = connection.IsServer;
        switch (happened.Kind)
        {
            case QuicEventKind.StreamsAvailable: Open(); break;
            case QuicEventKind.StreamReadable when isServer: Echo(connection, happened.StreamId); break;
            case QuicEventKind.StreamWritable when isServer: Echo(connection, happened.StreamId); break;
            case QuicEventKind.StreamReadable: Return(connection, happened.StreamId); break;
            case QuicEventKind.StreamWritable: Write(happened.StreamId); break;
            default: break;
        }
    }

    private void Open()
    {
        while (_waiting.TryPeek(out var content) && _world.Dialled!.TryOpenStream(false, out var id))
        {
            _waiting.Dequeue();
            (_sent[id], _written[id], _returned[id]) = (content, 0, []);
            Write(id);
        }
    }

    private void Write(ulong id)
    {
        var (content, at) = (_sent[id], _written[id]);
        _written[id] += _world.Dialled!.Write(id, content.AsSpan(at), finish: true);
    }

    private void Echo(QuicConnection connection, ulong id)
    {
        if (!_echo.TryGetValue(id, out var echo)) echo = (new Queue<byte[]>(), false);
        while (true)
        {
            while (echo.Held.TryPeek(out var held))
            {
                var isLast = echo.Ended && echo.Held.Count == 1;
                var taken = connection.Write(id, held, isLast);
                echo.Held.Dequeue();
                if (taken == held.Length) continue;
                echo.Held = new Queue<byte[]>([held[taken..], .. echo.Held]);
                _echo[id] = echo;
                return;
            }

            if (echo.Ended) return;
            var count = connection.Read(id, _buffer, out var isAtEnd);
            echo.Ended = isAtEnd;
            _echo[id] = echo;
            if (count > 0) echo.Held.Enqueue(_buffer[..count]);
            else if (isAtEnd) connection.Write(id, [], finish: true);
            if (count == 0) return;
        }
    }

    private void Return(QuicConnection connection, ulong id)
    {
        while (true)
        {
            var count = connection.Read(id, _buffer, out var isAtEnd);
            _returned[id].AddRange(_buffer.AsSpan(0, count));
            if (isAtEnd)
            {
                Assert.True(_sent[id].AsSpan().SequenceEqual(_returned[id].ToArray()), $"stream {id} differs");
                Done++;
                _sent.Remove(id);
                _returned.Remove(id);
                return;
            }

            if (count == 0) return;
        }
    }
}
