using EdgeSync.Primitives;
using EdgeSync.Quic.Packets;
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

    private readonly ConnectionState _state;
    private readonly LossDetector _loss;
    private readonly HandshakeDriver _handshake;
    private readonly PacketReceiver _receiver;
    private readonly PacketSender _sender;

    private QuicConnection(ConnectionState state, Instant now)
    {
        _state = state;
        (state.LastActivity, state.LastReceived, state.LastSent) = (now, now, now);
        _loss = new LossDetector(state);
        _handshake = new HandshakeDriver(state, _loss);
        _receiver = new PacketReceiver(state, _loss, _handshake);
        _sender = new PacketSender(state, _loss);
        Invariant.Require(_handshake.Pump(now) is null);
    }

    /// <summary>The peer's 32 bytes of Ed25519 key; known once connected.</summary>
    public ReadOnlyMemory<byte> PeerKey => _state.Tls.PeerKey;

    /// <summary>The protocol that was agreed on; known once connected.</summary>
    public ReadOnlyMemory<byte> Alpn => _state.Tls.Alpn;

    public bool IsServer => _state.IsServer;

    /// <summary>The handshake is complete, and nobody has closed.</summary>
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

    /// <summary>Bytes of the largest datagram that fits into a packet now; 0 when the peer takes none.</summary>
    public int DatagramMax
    {
        get
        {
            // Short header with the longest number, tag, frame type and length.
            var overhead = 1 + _state.Path.RemoteIds.Current.Length + 4 + PacketKeys.TagBytes + 3;
            var peer = (int)Math.Min(_state.PeerParameters.MaxDatagramFrameSize, 65535) - 3;
            return Math.Max(0, Math.Min(peer, _state.Path.Route.Mtu.Current - overhead));
        }
    }

    /// <summary>Streams that are open.</summary>
    internal int StreamCount => _state.Streams.Count;

    internal ConnectionState State => _state;

    /// <summary>Dials a server.</summary>
    /// <param name="expectedPeer">The key that the server must have; null takes any.</param>
    public static QuicConnection Connect(
        QuicOptions options, byte[]? expectedPeer, FourTuple tuple, Instant now, Entropy entropy)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(entropy);
        return Connect(options, expectedPeer, new StatelessResetKey(entropy), tuple, now, entropy);
    }

    /// <param name="resetKey">Of the endpoint that the connection belongs to.</param>
    internal static QuicConnection Connect(
        QuicOptions options, byte[]? expectedPeer, StatelessResetKey resetKey, FourTuple tuple, Instant now,
        Entropy entropy)
    {
        var source = ConnectionId.NewRandom(entropy, options.LocalIdBytes);
        var destination = ConnectionId.NewRandom(entropy, FirstDestinationBytes);
        var parameters = ParametersOf(options, source);
        var tls = new TlsClient(
            new TlsOptions(options.Key, options.Alpn, parameters) { ExpectedPeer = expectedPeer }, entropy);
        var path = NewPath(options, entropy, resetKey, source, destination, tuple, isValidated: true);
        return new QuicConnection(
            new ConnectionState(options, isServer: false, entropy, path, new Queue<QuicEvent>())
            {
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
    internal static QuicConnection Accept(
        QuicOptions options, ConnectionId destination, ConnectionId peer, ConnectionId? retried,
        StatelessResetKey resetKey, FourTuple tuple, Instant now, Entropy entropy)
    {
        var source = ConnectionId.NewRandom(entropy, options.LocalIdBytes);
        var parameters = ParametersOf(options, source);
        parameters.OriginalDestinationId = retried ?? destination;
        parameters.RetrySourceId = retried is null ? null : destination;
        if (source.Length > 0) parameters.StatelessResetToken = resetKey.TokenOf(source);
        var tls = new TlsServer(new TlsOptions(options.Key, options.Alpn, parameters), entropy);
        // A token proves the address; without one it is proved by the first Handshake packet.
        var path = NewPath(options, entropy, resetKey, source, peer, tuple, isValidated: retried is not null);
        return new QuicConnection(
            new ConnectionState(options, isServer: true, entropy, path, new Queue<QuicEvent>())
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
        if (!IsClosed) _receiver.Receive(now, tuple, ecn, datagram);
    }

    /// <summary>Whether a datagram for an id that is not known is the peer's stateless reset.</summary>
    internal bool TryReset(Instant now, FourTuple tuple, ReadOnlySpan<byte> datagram) =>
        !IsClosed && Route.Remote == tuple.Remote && _receiver.CheckReset(now, datagram);

    /// <summary>When <see cref="OnDeadline"/> is due; null when nothing is waited for.</summary>
    public Instant? Deadline()
    {
        if (IsClosed) return null;
        if (!_state.IsOpen) return _state.CloseDeadline;

        var earliest = _loss.Deadline(_sender.IsBlocked);
        if (!_sender.IsBlocked)
        {
            Take(ref earliest, _sender.PacedUntil);
            Take(ref earliest, AckDeadline(_state.InitialSpace, _state.InitialKeys is not null));
            Take(ref earliest, AckDeadline(_state.HandshakeSpace, _state.HandshakeKeys is not null));
            Take(ref earliest, AckDeadline(_state.Path.Space, _state.OneRttKeys is not null));
        }

        Take(ref earliest, IdleDeadline());
        Take(ref earliest, KeepAliveDeadline());
        Take(ref earliest, _state.Path.Route.ChallengeDeadline);
        Take(ref earliest, _state.Path.Fallback?.ChallengeDeadline);
        if (_state is { IsConfirmed: true, Path.Route: { IsValidated: true } route })
            Take(ref earliest, route.Mtu.NextSearch);
        return earliest;
    }

    /// <summary>Time has passed.</summary>
    public void OnDeadline(Instant now)
    {
        if (IsClosed) return;
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

        _loss.OnDeadline(now, _sender.IsBlocked);
        if (now >= KeepAliveDeadline()) _state.NeedsPing = true;
        OnRouteDeadline(now);
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
    public int Write(ulong streamId, ReadOnlySpan<byte> bytes, bool finish) =>
        _state.IsOpen && _state.Streams.Find(streamId) is { } stream ? _state.Streams.Write(stream, bytes, finish) : 0;

    /// <summary>Reads what has arrived in order.</summary>
    /// <param name="isAtEnd">The stream has ended, and all of it was read.</param>
    public int Read(ulong streamId, Span<byte> target, out bool isAtEnd)
    {
        isAtEnd = false;
        return _state.Streams.Find(streamId) is { Receive: not null } stream
            ? _state.Streams.Read(stream, target, out isAtEnd)
            : 0;
    }

    /// <summary>Ends our side of a stream without the rest of its bytes.</summary>
    public void ResetStream(ulong streamId, ulong code)
    {
        if (_state.Streams.Find(streamId) is { } stream) _state.Streams.Reset(stream, code);
    }

    /// <summary>Tells the peer that no more of a stream is wanted.</summary>
    public void StopSending(ulong streamId, ulong code)
    {
        if (_state.Streams.Find(streamId) is { } stream) _state.Streams.Stop(stream, code);
    }

    /// <summary>
    /// Queues a datagram, which may be lost like any other; false when it is too large. Of too many the oldest are
    /// dropped.
    /// </summary>
    public bool TrySendDatagram(ReadOnlySpan<byte> bytes)
    {
        if (!IsConnected || bytes.Length > DatagramMax) return false;
        _state.DatagramsOut.Add(bytes);
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
    public void Close(Instant now, ulong code, string reason) =>
        _state.Close(now, new CloseReason(CloseKind.Local, code, reason));

    /// <summary>
    /// A client goes on from or to another address; false before the handshake is confirmed (RFC 9000 §9).
    /// </summary>
    public bool TryMigrate(FourTuple tuple)
    {
        var path = _state.Path;
        if (_state.IsServer || !_state.IsConfirmed || tuple == path.Route.Tuple) return false;
        if (path.RemoteIds.Current.Length > 0 && !path.RemoteIds.TryAdvance()) return false;

        var route = new Route(_state.NextRouteId++, tuple, _state.Options.InitialRtt, isValidated: false)
        {
            // Our own choice: nothing limits what we send there (RFC 9000 §8.2).
            BytesReceived = long.MaxValue / 8,
            UsesEcn = _state.Options.UsesEcn,
        };
        route.Mtu.Start(_handshake.MtuMax);
        route.StartValidation(_state.Entropy);
        if (path.Route.IsValidated) path.Fallback = path.Route;
        path.Route = route;
        _state.NeedsPing = true;
        _state.Events.Enqueue(new QuicEvent(QuicEventKind.RouteChanged));
        return true;
    }

    /// <summary>Begins a new key phase, if the peer has seen the current one (RFC 9001 §6.1).</summary>
    public bool UpdateKeys()
    {
        if (_state.OneRttKeys is not { } keys || !_state.IsConfirmed
            || _state.Path.Space.LargestAcked is not { } acked || acked < _state.FirstOfPhase)
            return false;
        keys.Update();
        _state.FirstOfPhase = _state.Path.Space.Sent.Next;
        return true;
    }

    /// <summary>Keying material for the application (RFC 8446 §7.5); after the handshake.</summary>
    public void Export(ReadOnlySpan<byte> label, ReadOnlySpan<byte> context, Span<byte> output) =>
        _state.Tls.Export(label, context, output);

    /// <summary>Gives up the connection without a word, and clears its keys.</summary>
    public void Dispose() => _state.Abandon(new CloseReason(CloseKind.Local, 0, "abandoned"));

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
    };

    private static QuicPath NewPath(
        QuicOptions options, Entropy entropy, StatelessResetKey resetKey, ConnectionId local, ConnectionId remote,
        FourTuple tuple, bool isValidated) => new(
            id: 0,
            new LocalIds(entropy, resetKey, options.LocalIdBytes, local),
            new RemoteIds(remote),
            new Route(0, tuple, options.InitialRtt, isValidated) { UsesEcn = options.UsesEcn });

    private static void Take(ref Instant? earliest, Instant? other)
    {
        if (other is not null && (earliest is null || other < earliest)) earliest = other;
    }

    private static Instant? AckDeadline(PacketSpace space, bool hasKeys) => hasKeys ? space.AckDeadline : null;

    private Instant? IdleDeadline()
    {
        var own = _state.Options.IdleTimeout;
        var peer = TimeSpan.FromMilliseconds(Math.Min(_state.PeerParameters.MaxIdleTimeout, 1UL << 40));
        var idle = own == TimeSpan.Zero ? peer : peer == TimeSpan.Zero || own < peer ? own : peer;
        if (idle == TimeSpan.Zero) return null;
        var least = _state.Path.Route.Rtt.Pto(_state.PeerMaxAckDelay) * 3;
        return _state.LastActivity + (idle > least ? idle : least);
    }

    private Instant? KeepAliveDeadline() =>
        _state.Options.KeepAlive == TimeSpan.Zero || !IsConnected || _state.NeedsPing
            ? null
            : (_state.LastReceived > _state.LastSent ? _state.LastReceived : _state.LastSent)
                + _state.Options.KeepAlive;

    private void OnRouteDeadline(Instant now)
    {
        var path = _state.Path;
        path.Fallback?.OnDeadline(now);
        if (path.Fallback is { HasFailed: true }) path.Fallback.StopValidation();
        path.Route.OnDeadline(now);
        if (!path.Route.HasFailed || path.Route.IsValidated) return;
        if (path.Fallback is { } fallback)
        {
            // The new address does not answer: back to the one before (RFC 9000 §9.3.2).
            (path.Route, path.Fallback) = (fallback, null);
            _state.Events.Enqueue(new QuicEvent(QuicEventKind.RouteChanged));
            return;
        }

        _state.Abandon(new CloseReason(
            CloseKind.LocalError, TransportErrorCode.NoViablePath, "no address of the peer answers"));
    }
}
