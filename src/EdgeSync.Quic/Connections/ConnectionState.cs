using System.Buffers;
using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Paths;
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

    public int Bytes => _bytes;

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
    QuicOptions options, bool isServer, Entropy entropy, PathTable paths, EventQueue events) : IDisposable
{
    public QuicOptions Options { get; } = options;

    public bool IsServer { get; } = isServer;

    public Entropy Entropy { get; } = entropy;

    public PathTable Paths { get; } = paths;

    /// <summary>The path that data goes on.</summary>
    public QuicPath Path => Paths.Main;

    public NatTraversal Nat { get; } = new(options, isServer, entropy);

    public AddressReports Addresses { get; } = new(options);

    public EventQueue Events { get; } = events;

    public StreamTable Streams { get; } = new(options, isServer, events);

    public PacketSpace InitialSpace { get; } = new(paths.First);

    public PacketSpace HandshakeSpace { get; } = new(paths.First);

    public CryptoStream[] Crypto { get; } = [new(), new(), new()];

    public DatagramQueue DatagramsOut { get; } = new(options.DatagramBuffer);

    public DatagramQueue DatagramsIn { get; } = new(options.DatagramBuffer);

    /// <summary>PATH_CHALLENGE of the peer that wait for their answer.</summary>
    public List<(QuicPath Path, FourTuple Tuple, ulong Data)> Responses { get; } = [];

    /// <summary>Other addresses of the server that the first packets go to; empty once it has answered.</summary>
    public FourTuple[] FanOut { get; set; } = [];

    /// <summary>All addresses that were dialled, until a path to each was considered.</summary>
    public FourTuple[] DialledTuples { get; set; } = [];

    public required TlsSession Tls { get; init; }

    /// <summary>The first id by which the peer addresses us.</summary>
    public required ConnectionId LocalSource { get; init; }

    public LevelKeys? InitialKeys { get; set; }

    public LevelKeys? HandshakeKeys { get; set; }

    public OneRttKeys? OneRttKeys { get; set; }

    public TransportParameters PeerParameters { get; set; } = new();

    public ConnectionPhase Phase { get; set; }

    public CloseReason? CloseReason { get; set; }

    /// <summary>The handshake is confirmed (RFC 9001 §4.1.2).</summary>
    public bool IsConfirmed { get; set; }

    public bool NeedsHandshakeDone { get; set; }

    /// <summary>A close is to be sent, for the first time or as an answer.</summary>
    public bool NeedsClose { get; set; }

    /// <summary>The token of Retry, or of an earlier connection, which Initial packets of the client carry.</summary>
    public byte[] Token { get; set; } = [];

    /// <summary>The token of a NEW_TOKEN frame: to be sent by a server, or received by a client.</summary>
    public byte[]? NewToken { get; set; }

    public bool NeedsToken { get; set; }

    /// <summary>The destination id of the client's first Initial packet.</summary>
    public ConnectionId OriginalDestination { get; set; }

    /// <summary>The source id of the Retry packet that was sent or received.</summary>
    public ConnectionId? RetrySource { get; set; }

    /// <summary>The peer's id from its first packet.</summary>
    public ConnectionId? PeerSource { get; set; }

    public Instant LastActivity { get; set; }

    public bool ElicitedSinceReceived { get; set; }

    public Instant? CloseDeadline { get; set; }

    /// <summary>The peer has given up the last path: another one must be there by then.</summary>
    public Instant? NoPathDeadline { get; set; }

    public long PacketsSent { get; set; }

    public long PacketsReceived { get; set; }

    public long PacketsLost { get; set; }

    public long BytesSent { get; set; }

    public long BytesReceived { get; set; }

    public bool IsOpen => Phase is ConnectionPhase.Handshake or ConnectionPhase.Connected;

    public TimeSpan PeerMaxAckDelay => TimeSpan.FromMilliseconds(PeerParameters.MaxAckDelay);

    public PacketSpace SpaceOf(EncryptionLevel level, QuicPath path) => level switch
    {
        EncryptionLevel.Initial => InitialSpace,
        EncryptionLevel.Handshake => HandshakeSpace,
        _ => path.Space,
    };

    public EncryptionLevel LevelOf(PacketSpace space) =>
        space == InitialSpace ? EncryptionLevel.Initial
        : space == HandshakeSpace ? EncryptionLevel.Handshake
        : EncryptionLevel.OneRtt;

    public bool HasKeys(EncryptionLevel level) => level switch
    {
        EncryptionLevel.Initial => InitialKeys is not null,
        EncryptionLevel.Handshake => HandshakeKeys is not null,
        _ => OneRttKeys is not null,
    };

    /// <summary>Silence after which the connection ends, the shorter of both sides'; zero means never.</summary>
    public TimeSpan Idle
    {
        get
        {
            var own = Options.IdleTimeout;
            var peer = TimeSpan.FromMilliseconds(Math.Min(PeerParameters.MaxIdleTimeout, 1UL << 40));
            return own == TimeSpan.Zero ? peer : peer == TimeSpan.Zero || own < peer ? own : peer;
        }
    }

    /// <summary>Silence after which a path is given up, if there is another one; zero means never.</summary>
    public TimeSpan PathIdleOf(QuicPath path) =>
        !Paths.IsMultipath || Options.KeepAlive == TimeSpan.Zero ? Idle
        : path.IsRelayed ? Options.RelayedPathIdle
        : Options.PathIdle;

    /// <summary>
    /// Bytes of the largest datagram that fits into a packet on the main path; 0 when the peer takes none.
    /// </summary>
    public int DatagramMax
    {
        get
        {
            if (!Path.RemoteIds.HasAny) return 0;
            // Short header with the longest number, tag, frame type and length.
            var overhead = 1 + Path.RemoteIds.Current.Length + 4 + PacketKeys.TagBytes + 3;
            var peer = (int)Math.Min(PeerParameters.MaxDatagramFrameSize, 65535) - 3;
            return Math.Max(0, Math.Min(peer, Path.Route.Mtu.Current - overhead));
        }
    }

    /// <summary>
    /// The peer's address is not validated, and no packet more may go there (RFC 9000 §8.1). Three times an
    /// acknowledgement is enough for one: a peer whose port was changed by a NAT, and who has nothing to say but that,
    /// must get a challenge.
    /// </summary>
    public bool IsBlocked(QuicPath path)
    {
        const int LongPacketMin = 128;
        const int ShortPacketMin = 64;
        return path.Route.Allowance < (IsConfirmed ? ShortPacketMin : LongPacketMin);
    }

    /// <summary>The longest probe timeout of all paths.</summary>
    public TimeSpan LongestPto()
    {
        var longest = TimeSpan.Zero;
        foreach (var path in Paths.All)
        {
            var pto = path.Route.Rtt.Pto(PeerMaxAckDelay);
            if (pto > longest) longest = pto;
        }

        return longest;
    }

    /// <summary>A new key phase begins with the next packets.</summary>
    public void OnPhaseBegun()
    {
        foreach (var path in Paths.All) path.FirstOfPhase = path.Space.Sent.Next;
    }

    /// <summary>A client opens a path; when it cannot yet, the path waits for the peer to allow it.</summary>
    public bool OpenPath(Instant now, FourTuple tuple, int mtuMax)
    {
        if (Paths.Open(now, tuple) is not { } path) return false;
        path.Route.SearchMtu(mtuMax);
        NoPathDeadline = null;
        Events.Enqueue(new QuicEvent(QuicEventKind.PathsChanged));
        return true;
    }

    /// <summary>A path that the client may be opening with the packet that came, as a server sees it.</summary>
    public QuicPath? PrepareFor(Instant now, FourTuple tuple, in ConnectionId destination, int datagramBytes)
    {
        if (!IsServer || !IsConfirmed || !Paths.IsMultipath) return null;
        var path = Paths.Prepare(now, destination, tuple);
        if (path is not null) path.Route.BytesReceived = datagramBytes;
        return path;
    }

    /// <summary>Closes with an error of the peer's.</summary>
    public void Fail(Instant now, QuicError error) =>
        Close(now, new CloseReason(CloseKind.LocalError, error.Code, error.Reason), error.FrameType);

    /// <summary>The frame type that a close of ours blames.</summary>
    public ulong BlamedFrameType { get; private set; }

    /// <summary>Begins to close, with a CONNECTION_CLOSE.</summary>
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
