using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Paths;
using EdgeSync.Quic.Protection;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// One QUIC connection as a state machine. Datagrams and the time go in (<see cref="Receive"/>, and
/// <see cref="OnDeadline"/> when <see cref="Deadline"/> has passed); datagrams (<see cref="TryTakeDatagram"/>) and
/// events (<see cref="TryTakeEvent"/>) come out, and are taken until there are none after every call. Not for several
/// threads at once.
/// </summary>
public sealed class QuicConnection : IDisposable
{
    /// <summary>Bytes of the destination id that a client makes up for its first packets.</summary>
    private const int FirstDestinationBytes = 20;

    /// <summary>A count that one byte holds in its shortest form: both readings of the parameter agree on it.</summary>
    private const int NatAddressesMax = 63;

    private readonly ConnectionState _state;
    private readonly LossDetector _loss;
    private readonly HandshakeDriver _handshake;
    private readonly PacketReceiver _receiver;
    private readonly PacketSender _sender;
    private readonly PathDriver _paths;

    private QuicConnection(ConnectionState state, Instant now)
    {
        _state = state;
        state.LastActivity = now;
        _loss = new LossDetector(state);
        _handshake = new HandshakeDriver(state);
        _receiver = new PacketReceiver(state, _loss, _handshake);
        _sender = new PacketSender(state);
        _paths = new PathDriver(state, _loss, _handshake);
        Invariant.Require(_handshake.Pump(now) is null);
    }

    /// <summary>
    /// The peer's 32 bytes of Ed25519 key; known once connected. Empty when it is known by a certificate, or shows
    /// nothing.
    /// </summary>
    public ReadOnlyMemory<byte> PeerKey => _state.Tls.PeerKey;

    /// <summary>The protocol that was agreed on; known once connected.</summary>
    public ReadOnlyMemory<byte> Alpn => _state.Tls.Alpn;

    public bool IsServer => _state.IsServer;

    /// <summary>The handshake is complete, and neither side has closed.</summary>
    public bool IsConnected => _state.Phase == ConnectionPhase.Connected;

    /// <summary>Nothing goes in or out any more.</summary>
    public bool IsClosed => _state.Phase == ConnectionPhase.Closed;

    /// <summary>Why the connection ended, or null while it is open.</summary>
    public CloseReason? CloseReason => _state.CloseReason;

    /// <summary>Where packets go now.</summary>
    public FourTuple Route => _state.Path.Route.Tuple;

    public QuicStatistics Statistics => new(
        _state.PacketsSent, _state.PacketsReceived, _state.PacketsLost, _state.BytesSent, _state.BytesReceived,
        _state.Path.Route.Congestion.InFlight, _state.Path.Route.Congestion.Window, _state.Path.Route.Rtt.Smoothed,
        _state.Path.Route.Mtu.Current);

    /// <summary>
    /// Whether the peer is to learn of limits that have moved, after a read: then there is something to send.
    /// </summary>
    public bool HasUpdates => _state.Streams.HasUpdates;

    /// <summary>Bytes of the largest datagram that fits into a packet now; 0 when the peer takes none.</summary>
    public int DatagramMax => _state.DatagramMax;

    /// <summary>Both sides support multipath.</summary>
    public bool IsMultipath => _state.Paths.IsMultipath;

    /// <summary>Both sides support NAT traversal.</summary>
    public bool TraversesNats => _state.Nat.IsNegotiated;

    /// <summary>The paths that are open; one without multipath.</summary>
    public IReadOnlyList<QuicPathInfo> Paths =>
        [.. from path in _state.Paths.All where !path.IsAbandoned select InfoOf(path)];

    /// <summary>Addresses of the peer that it named: a server's candidates, a client's in its last round.</summary>
    public IReadOnlyList<UdpAddress> PeerCandidates => _state.Nat.Remote;

    /// <summary>
    /// The address that this endpoint's datagrams come from, as the peer has reported it last for the path with data;
    /// null: it has not, or none was asked for (<see cref="QuicOptions.AsksForAddress"/>). An unproved claim.
    /// </summary>
    public UdpAddress? ObservedAddress => _state.Path.ObservedAddress;

    /// <summary>Streams that are open.</summary>
    internal int StreamCount => _state.Streams.Count;

    internal ConnectionState State => _state;

    /// <summary>The endpoint, notified when there may be something to send.</summary>
    internal ConnectionSchedule? Schedule { get; set; }

    internal ConnectionSchedule.Entry? ScheduleEntry { get; set; }

    /// <summary>Dials a server.</summary>
    /// <param name="expectedPeer">The key that the server must have; null takes any.</param>
    public static QuicConnection Connect(
        QuicOptions options, byte[]? expectedPeer, FourTuple tuple, Instant now, Entropy entropy)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(entropy);
        return Connect(options, expectedPeer, new StatelessResetKey(entropy), tuple, [], [], now, entropy);
    }

    /// <param name="resetKey">Of the endpoint that the connection belongs to.</param>
    /// <param name="others">More addresses of the server; the first that answers is used.</param>
    /// <param name="token">Of an earlier connection to the server; may be empty.</param>
    internal static QuicConnection Connect(
        QuicOptions options, byte[]? expectedPeer, StatelessResetKey resetKey, FourTuple tuple, FourTuple[] others,
        byte[] token, Instant now, Entropy entropy)
    {
        var source = ConnectionId.NewRandom(entropy, options.LocalIdBytes);
        var destination = ConnectionId.NewRandom(entropy, FirstDestinationBytes);
        var parameters = ParametersOf(options, source);
        var tls = new TlsClient(
            new TlsOptions(options.Key, options.Alpn, parameters)
            {
                ExpectedPeer = expectedPeer,
                ServerTrust = options.ServerTrust,
            },
            entropy);
        var paths = NewPaths(options, entropy, resetKey, source, destination, tuple, isValidated: true, now);
        return new QuicConnection(
            new ConnectionState(options, isServer: false, entropy, paths, new EventQueue())
            {
                Token = token,
                FanOut = others,
                DialledTuples = [tuple, .. others],
                Tls = tls,
                LocalSource = source,
                OriginalDestination = destination,
                InitialKeys = LevelKeys.Initial(destination, isServer: false),
            },
            now);
    }

    /// <summary>
    /// Takes a connection that a client's first Initial packet opens. The datagram itself is given to
    /// <see cref="Receive"/> afterwards.
    /// </summary>
    /// <param name="destination">The destination id of that packet.</param>
    /// <param name="peer">Its source id.</param>
    /// <param name="retried">What a Retry before it was for; null when there was none.</param>
    /// <param name="isValidated">A token proves the client's address.</param>
    internal static QuicConnection Accept(
        QuicOptions options, ConnectionId destination, ConnectionId peer, ConnectionId? retried, bool isValidated,
        StatelessResetKey resetKey, FourTuple tuple, Instant now, Entropy entropy)
    {
        var source = ConnectionId.NewRandom(entropy, options.LocalIdBytes);
        var parameters = ParametersOf(options, source);
        parameters.OriginalDestinationId = retried ?? destination;
        parameters.RetrySourceId = retried is null ? null : destination;
        if (source.Length > 0) parameters.StatelessResetToken = resetKey.TokenOf(source);
        var tls = new TlsServer(
            new TlsOptions(options.Key, options.Alpn, parameters) { Certificate = options.Certificate }, entropy);
        // Without a token the address is proved by the first Handshake packet.
        var paths = NewPaths(options, entropy, resetKey, source, peer, tuple, isValidated, now);
        return new QuicConnection(
            new ConnectionState(options, isServer: true, entropy, paths, new EventQueue())
            {
                Tls = tls,
                LocalSource = source,
                OriginalDestination = retried ?? destination,
                InitialKeys = LevelKeys.Initial(destination, isServer: true),
            },
            now);
    }

    /// <summary>Takes a datagram.</summary>
    /// <param name="datagram">Decrypted in place: its content is gone afterwards.</param>
    public void Receive(Instant now, FourTuple tuple, EcnMark ecn, Span<byte> datagram)
    {
        if (IsClosed) return;
        _receiver.Receive(now, tuple, ecn, datagram);
        _paths.Update(now);
        Touch();
    }

    /// <summary>Whether a datagram for an id that is not known is the peer's stateless reset.</summary>
    internal bool TryReset(Instant now, FourTuple tuple, ReadOnlySpan<byte> datagram) =>
        !IsClosed && _state.Paths.FindByRemote(tuple.Remote) is not null && _receiver.CheckReset(now, datagram);

    /// <summary>When <see cref="OnDeadline"/> is due; null when nothing is waited for.</summary>
    public Instant? Deadline()
    {
        if (IsClosed) return null;
        if (!_state.IsOpen) return _state.CloseDeadline;

        var earliest = _loss.Deadline();
        if (!_state.IsBlocked(_state.Path)) PathDriver.Take(ref earliest, _sender.PacedUntil);
        PathDriver.Take(ref earliest, IdleDeadline());
        _paths.TakeDeadlines(ref earliest);
        return earliest;
    }

    /// <summary>Time has passed.</summary>
    public void OnDeadline(Instant now)
    {
        if (IsClosed) return;
        Touch();
        if (!_state.IsOpen)
        {
            if (now >= _state.CloseDeadline) _state.Abandon(_state.CloseReason!);
            return;
        }

        if (now >= IdleDeadline())
        {
            _state.Abandon(new CloseReason(CloseKind.IdleTimeout, 0, "the peer was silent for too long"));
            return;
        }

        _loss.OnDeadline(now);
        _paths.OnDeadline(now);
    }

    /// <summary>Writes the next datagram to send; false when there is none now.</summary>
    /// <param name="buffer">At least 1200 bytes; as large as the largest datagram for full throughput.</param>
    public bool TryTakeDatagram(Instant now, Span<byte> buffer, out OutgoingDatagram datagram)
    {
        if (_state.OneRttKeys is { Sealed: >= OneRttKeys.SealedMax }) UpdateKeys();
        datagram = default;
        return !IsClosed && _sender.TryWrite(now, buffer, out datagram);
    }

    public bool TryTakeEvent(out QuicEvent happened) => _state.Events.TryDequeue(out happened);

    /// <summary>
    /// Opens a stream; false when the peer allows no more now: <see cref="QuicEventKind.StreamsAvailable"/>.
    /// </summary>
    public bool TryOpenStream(bool unidirectional, out ulong streamId)
    {
        streamId = 0;
        return IsConnected && _state.Streams.TryOpen(unidirectional, out streamId);
    }

    /// <summary>
    /// Writes to a stream as much as its buffer takes; <see cref="QuicEventKind.StreamWritable"/> says when there is
    /// room again.
    /// </summary>
    /// <param name="finish">The stream ends behind these bytes, if all of them are taken.</param>
    /// <returns>Bytes that were taken; 0 also for a stream that is gone.</returns>
    public int Write(ulong streamId, ReadOnlySpan<byte> bytes, bool finish)
    {
        if (!_state.IsOpen || _state.Streams.Find(streamId) is not { } stream) return 0;
        Touch();
        var route = _state.Path.Route;
        _state.Streams.GrowBuffer(stream, route.Rtt, route.Congestion.Window);
        return _state.Streams.Write(stream, bytes, finish);
    }

    /// <summary>Reads what has arrived in order.</summary>
    /// <param name="isAtEnd">The stream has ended, and all of it was read.</param>
    public int Read(ulong streamId, Span<byte> target, out bool isAtEnd)
    {
        isAtEnd = false;
        if (_state.Streams.Find(streamId) is not { Receive: not null } stream) return 0;
        Touch();
        return _state.Streams.Read(stream, target, out isAtEnd);
    }

    /// <summary>Ends our side of a stream without the rest of its bytes.</summary>
    public void ResetStream(ulong streamId, ulong code)
    {
        if (_state.Streams.Find(streamId) is not { } stream) return;
        _state.Streams.Reset(stream, code);
        Touch();
    }

    /// <summary>Sends STOP_SENDING for a stream.</summary>
    public void StopSending(ulong streamId, ulong code)
    {
        if (_state.Streams.Find(streamId) is not { } stream) return;
        _state.Streams.Stop(stream, code);
        Touch();
    }

    /// <summary>
    /// Queues a datagram, which may be lost like any other; false when it is too large. Of too many the oldest are
    /// dropped.
    /// </summary>
    public bool TrySendDatagram(ReadOnlySpan<byte> bytes)
    {
        if (!IsConnected || bytes.Length > DatagramMax) return false;
        _state.DatagramsOut.Add(bytes);
        Touch();
        return true;
    }

    /// <summary>Takes the oldest datagram that has arrived.</summary>
    /// <param name="target">What does not fit is lost.</param>
    public bool TryReadDatagram(Span<byte> target, out int length)
    {
        length = 0;
        if (_state.DatagramsIn.IsEmpty) return false;
        var next = _state.DatagramsIn.Next;
        length = Math.Min(next.Length, target.Length);
        next[..length].CopyTo(target);
        _state.DatagramsIn.RemoveNext();
        return true;
    }

    /// <summary>Closes with a code and text of the application's.</summary>
    public void Close(Instant now, ulong code, string reason)
    {
        _state.Close(now, new CloseReason(CloseKind.Local, code, reason));
        Touch();
    }

    /// <summary>
    /// A client goes on from or to another address; false before the handshake is confirmed (RFC 9000 §9).
    /// </summary>
    public bool TryMigrate(FourTuple tuple)
    {
        if (_state.IsServer || !_state.IsConfirmed || tuple == _state.Path.Route.Tuple) return false;
        Touch();
        return _paths.TryMove(_state.Path, tuple);
    }

    /// <summary>
    /// A client opens another path with multipath. It carries data when the peer has answered on it and it is better
    /// than the others.
    /// </summary>
    /// <returns>False when it cannot be opened now; it will be when the peer allows it.</returns>
    public bool TryOpenPath(Instant now, FourTuple tuple)
    {
        if (_state.IsServer || !_state.IsConfirmed || !IsMultipath || !_state.IsOpen) return false;
        Touch();
        return _paths.TryOpen(now, tuple);
    }

    /// <summary>Gives up a path; false when there is none of that id or no other one.</summary>
    public bool TryClosePath(uint pathId)
    {
        if (!IsMultipath || !_state.IsOpen) return false;
        Touch();
        return _paths.TryClose(pathId);
    }

    /// <summary>
    /// The addresses at which this endpoint could be reached directly: all of them, again whenever they change. With
    /// NAT traversal the peer learns them, and a path to each that works is opened.
    /// </summary>
    public void SetCandidates(IEnumerable<UdpAddress> candidates)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        _state.Nat.SetCandidates(candidates);
        Touch();
    }

    /// <summary>
    /// Interfaces came or went: every path is tested at once, and a client whose local address is gone goes on from
    /// another.
    /// </summary>
    /// <param name="gone">Local addresses that are there no longer; ports do not matter.</param>
    public void OnNetworkChange(IReadOnlyCollection<UdpAddress> gone)
    {
        ArgumentNullException.ThrowIfNull(gone);
        if (!_state.IsOpen) return;
        _paths.OnNetworkChange(gone);
        Touch();
    }

    /// <summary>Begins a new key phase, if the peer has seen the current one (RFC 9001 §6.1).</summary>
    public bool UpdateKeys()
    {
        if (_state.OneRttKeys is not { } keys || !_state.IsConfirmed
            || _state.Path.Space.LargestAcked is not { } acked || acked < _state.Path.FirstOfPhase)
            return false;
        keys.Update();
        _state.OnPhaseBegun();
        return true;
    }

    /// <summary>Keying material for the application (RFC 8446 §7.5); after the handshake.</summary>
    public void Export(ReadOnlySpan<byte> label, ReadOnlySpan<byte> context, Span<byte> output) =>
        _state.Tls.Export(label, context, output);

    /// <summary>Gives up the connection without a word, and clears its keys.</summary>
    public void Dispose()
    {
        _state.Abandon(new CloseReason(CloseKind.Local, 0, "abandoned"));
        Touch();
    }

    private static TransportParameters ParametersOf(QuicOptions options, ConnectionId source) => new()
    {
        MaxIdleTimeout = (ulong)options.IdleTimeout.TotalMilliseconds,
        MaxUdpPayload = (ulong)options.MaxUdpPayload,
        InitialMaxData = (ulong)options.ConnectionWindow,
        StreamDataBidiLocal = (ulong)options.StreamWindow,
        StreamDataBidiRemote = (ulong)options.StreamWindow,
        StreamDataUni = (ulong)options.StreamWindow,
        StreamsBidi = (ulong)options.StreamsMax,
        StreamsUni = (ulong)options.StreamsMax,
        MaxAckDelay = (ulong)options.MaxAckDelay.TotalMilliseconds,
        ActiveConnectionIdLimit = RemoteIds.Limit,
        InitialSourceId = source,
        MaxDatagramFrameSize = options.DatagramBuffer > 0 ? 65535UL : 0,
        InitialMaxPathId = options.OffersMultipath ? (ulong)options.PathsMax - 1 : null,
        NatTraversalAddresses = options.OffersMultipath && options.NatAddresses > 0
            ? (byte)Math.Min(options.NatAddresses, NatAddressesMax)
            : null,
        AddressDiscovery = AddressReports.RoleOf(options),
    };

    private static PathTable NewPaths(
        QuicOptions options, Entropy entropy, StatelessResetKey resetKey, ConnectionId local, ConnectionId remote,
        FourTuple tuple, bool isValidated, Instant now)
    {
        var source = new LocalIdSource(entropy, resetKey, options.LocalIdBytes, new Queue<(bool, ConnectionId)>());
        var ids = new PathIds(0, new LocalIds(source, local), new RemoteIds(remote));
        var route = new Route(0, tuple, options.InitialRtt, isValidated) { UsesEcn = options.UsesEcn };
        return new PathTable(options, source, new QuicPath(ids, route, now));
    }

    private Instant? IdleDeadline()
    {
        var idle = _state.Idle;
        if (idle == TimeSpan.Zero) return null;
        var least = _state.Path.Route.Rtt.Pto(_state.PeerMaxAckDelay) * 3;
        return _state.LastActivity + (idle > least ? idle : least);
    }

    private QuicPathInfo InfoOf(QuicPath path) => new(
        path.Id, path.Route.Tuple, path == _state.Path, path.Route.IsValidated, path.IsRelayed,
        path.Route.Rtt.Smoothed, path.Route.Mtu.Current, path.Route.Congestion.Window, path.PacketsLost,
        path.BytesSent, path.BytesReceived);

    private void Touch() => Schedule?.OnTouched(this);
}
