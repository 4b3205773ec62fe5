using System.Buffers;
using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Protection;
using EdgeSync.Quic.Streams;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Connections;

internal enum ConnectionPhase : byte
{
    Handshake,
    Connected,

    /// <summary>We have closed: packets of the peer are answered with our close (RFC 9000 §10.2.1).</summary>
    Closing,

    /// <summary>The peer has closed: nothing is sent any more (RFC 9000 §10.2.2).</summary>
    Draining,
    Closed,
}

/// <summary>CRYPTO bytes of one level in both directions. Spec: RFC 9000 §7.5.</summary>
internal sealed class CryptoStream : IDisposable
{
    /// <summary>Bytes that are kept, in order or not; a whole handshake of ours is 1 KiB.</summary>
    public const int BufferMax = 64 * 1024;

    public SendBuffer Send { get; } = new(BufferMax);

    public ReceiveBuffer Receive { get; } = new();

    public void Dispose()
    {
        Send.Dispose();
        Receive.Dispose();
    }
}

/// <summary>Datagrams that wait, in arrays of the shared pool; beyond a limit the oldest are dropped.</summary>
internal sealed class DatagramQueue(int bytesMax) : IDisposable
{
    private readonly Queue<(byte[] Bytes, int Length)> _items = new();
    private int _bytes;

    public bool IsEmpty => _items.Count == 0;

    public int NextLength => _items.Peek().Length;

    public ReadOnlySpan<byte> Next => _items.Peek().Bytes.AsSpan(0, NextLength);

    public void Add(ReadOnlySpan<byte> datagram)
    {
        while (_items.Count > 0 && _bytes + datagram.Length > bytesMax) RemoveNext();
        var copy = ArrayPool<byte>.Shared.Rent(Math.Max(1, datagram.Length));
        datagram.CopyTo(copy);
        _items.Enqueue((copy, datagram.Length));
        _bytes += datagram.Length;
    }

    public void RemoveNext()
    {
        var (bytes, length) = _items.Dequeue();
        _bytes -= length;
        ArrayPool<byte>.Shared.Return(bytes);
    }

    public void Dispose()
    {
        while (!IsEmpty) RemoveNext();
    }
}

/// <summary>What the parts of a connection share.</summary>
internal sealed class ConnectionState(
    QuicOptions options, bool isServer, Entropy entropy, QuicPath path, Queue<QuicEvent> events) : IDisposable
{
    public QuicOptions Options { get; } = options;

    public bool IsServer { get; } = isServer;

    public Entropy Entropy { get; } = entropy;

    /// <summary>The only path; with multipath there will be more.</summary>
    public QuicPath Path { get; } = path;

    public Queue<QuicEvent> Events { get; } = events;

    public StreamTable Streams { get; } = new(options, isServer, events);

    public PacketSpace InitialSpace { get; } = new();

    public PacketSpace HandshakeSpace { get; } = new();

    public CryptoStream[] Crypto { get; } = [new(), new(), new()];

    public DatagramQueue DatagramsOut { get; } = new(options.DatagramBuffer);

    public DatagramQueue DatagramsIn { get; } = new(options.DatagramBuffer);

    /// <summary>PATH_CHALLENGE of the peer that wait for their answer.</summary>
    public Queue<(FourTuple Tuple, ulong Data)> Responses { get; } = new();

    public required TlsSession Tls { get; init; }

    /// <summary>The id by which the peer first knows us.</summary>
    public required ConnectionId LocalSource { get; init; }

    public LevelKeys? InitialKeys { get; set; }

    public LevelKeys? HandshakeKeys { get; set; }

    public OneRttKeys? OneRttKeys { get; set; }

    public TransportParameters PeerParameters { get; set; } = new();

    public ConnectionPhase Phase { get; set; }

    public CloseReason? CloseReason { get; set; }

    /// <summary>Both sides know that the handshake is complete (RFC 9001 §4.1.2).</summary>
    public bool IsConfirmed { get; set; }

    public bool NeedsHandshakeDone { get; set; }

    public bool NeedsPing { get; set; }

    /// <summary>A close is to be sent, for the first time or as an answer.</summary>
    public bool NeedsClose { get; set; }

    /// <summary>The token of a Retry packet, which all later Initial packets of the client carry.</summary>
    public byte[] Token { get; set; } = [];

    /// <summary>The destination id of the client's first Initial packet.</summary>
    public ConnectionId OriginalDestination { get; set; }

    /// <summary>The source id of the Retry packet that was sent or received.</summary>
    public ConnectionId? RetrySource { get; set; }

    /// <summary>The peer's id from its first packet.</summary>
    public ConnectionId? PeerSource { get; set; }

    public Instant LastActivity { get; set; }

    public Instant LastReceived { get; set; }

    public Instant LastSent { get; set; }

    public bool ElicitedSinceReceived { get; set; }

    public Instant? CloseDeadline { get; set; }

    public int NextRouteId { get; set; } = 1;

    /// <summary>The first packet that was sent in the current key phase.</summary>
    public ulong FirstOfPhase { get; set; }

    public long PacketsSent { get; set; }

    public long PacketsReceived { get; set; }

    public long PacketsLost { get; set; }

    public long BytesSent { get; set; }

    public long BytesReceived { get; set; }

    public bool IsOpen => Phase is ConnectionPhase.Handshake or ConnectionPhase.Connected;

    public TimeSpan PeerMaxAckDelay => TimeSpan.FromMilliseconds(PeerParameters.MaxAckDelay);

    public PacketSpace SpaceOf(EncryptionLevel level) => level switch
    {
        EncryptionLevel.Initial => InitialSpace,
        EncryptionLevel.Handshake => HandshakeSpace,
        _ => Path.Space,
    };

    public bool HasKeys(EncryptionLevel level) => level switch
    {
        EncryptionLevel.Initial => InitialKeys is not null,
        EncryptionLevel.Handshake => HandshakeKeys is not null,
        _ => OneRttKeys is not null,
    };

    public Route? RouteByTuple(FourTuple tuple) =>
        Path.Route.Tuple == tuple ? Path.Route : Path.Fallback?.Tuple == tuple ? Path.Fallback : null;

    /// <summary>The route that a packet was sent on, if it is still of interest.</summary>
    public Route? RouteOf(int id) =>
        Path.Route.Id == id ? Path.Route : Path.Fallback?.Id == id ? Path.Fallback : null;

    /// <summary>Closes with an error of the peer's.</summary>
    public void Fail(Instant now, QuicError error) =>
        Close(now, new CloseReason(CloseKind.LocalError, error.Code, error.Reason), error.FrameType);

    /// <summary>The frame type that a close of ours blames.</summary>
    public ulong BlamedFrameType { get; private set; }

    /// <summary>Begins to close: the peer is told.</summary>
    public void Close(Instant now, CloseReason reason, ulong frameType = 0)
    {
        if (!IsOpen) return;
        (CloseReason, BlamedFrameType, NeedsClose) = (reason, frameType, true);
        End(now, ConnectionPhase.Closing);
    }

    /// <summary>The peer has closed.</summary>
    public void Drain(Instant now, CloseReason reason)
    {
        if (Phase is ConnectionPhase.Draining or ConnectionPhase.Closed) return;
        var wasOpen = IsOpen;
        if (wasOpen) CloseReason = reason;
        if (wasOpen) End(now, ConnectionPhase.Draining);
        else Phase = ConnectionPhase.Draining;
        NeedsClose = false;
    }

    /// <summary>The connection is over at once, without a word.</summary>
    public void Abandon(CloseReason reason)
    {
        if (Phase == ConnectionPhase.Closed) return;
        if (IsOpen)
        {
            CloseReason = reason;
            Events.Enqueue(new QuicEvent(QuicEventKind.Closed));
        }

        Phase = ConnectionPhase.Closed;
        Dispose();
    }

    private void End(Instant now, ConnectionPhase phase)
    {
        Phase = phase;
        CloseDeadline = now + (Path.Route.Rtt.Pto(PeerMaxAckDelay) * 3);
        Streams.Dispose();
        DatagramsOut.Dispose();
        Events.Enqueue(new QuicEvent(QuicEventKind.Closed));
    }

    public void Dispose()
    {
        Streams.Dispose();
        DatagramsOut.Dispose();
        DatagramsIn.Dispose();
        foreach (var stream in Crypto) stream.Dispose();
        InitialKeys?.Dispose();
        HandshakeKeys?.Dispose();
        OneRttKeys?.Dispose();
        (InitialKeys, HandshakeKeys, OneRttKeys) = (null, null, null);
        Tls.Dispose();
    }
}
