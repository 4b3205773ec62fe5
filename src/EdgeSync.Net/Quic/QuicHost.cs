using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;

namespace EdgeSync.Net.Quic;

/// <summary>
/// A QUIC endpoint with its sockets. One lock guards the core; its holder (a socket's thread with datagrams, the
/// timer, a program's call) puts its input into the core and then sends what comes out, so that nothing is queued
/// between threads. While others wait for the lock, what they have goes out together with it: many small writes of
/// many threads become few calls of the kernel.
/// </summary>
public sealed class QuicHost : IAsyncDisposable
{
    /// <summary>Room that the core needs for any datagram, unless it may seek a larger one.</summary>
    private const int DatagramMin = 2048;

    /// <summary>Bytes of the largest payload of IPv4, and so of what the kernel splits.</summary>
    private const int SendBytes = 65_507;

    /// <summary>Holders of the lock that may leave what is to be sent to the next one, who waits already.</summary>
    private const int DeferralsMax = 16;

    private static readonly TimeSpan TimerStep = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan CloseTime = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private readonly QuicHostOptions _options;
    private readonly QuicClock _clock;
    private readonly QuicEndpoint _endpoint;
    private readonly ITimer _timer;
    private readonly List<IDatagramCarrier> _carriers = [];
    private readonly Dictionary<QuicConnection, HostConnection> _connections = [];
    private readonly Channel<HostConnection> _accepted;
    private readonly int _datagramMax;
    private readonly byte[] _send;
    private IReadOnlyList<UdpAddress> _candidates = [];
    private Instant? _armed;
    private TaskCompletionSource? _drained;
    private bool _isClosed;
    private int _waiting;
    private int _depth;
    private int _deferrals;
    private bool _isPumpDue;
    private bool _isPumpUrgent;

    private QuicHost(QuicHostOptions options, TimeProvider clock)
    {
        (_options, _clock) = (options, new QuicClock(clock));
        _datagramMax = Math.Max(DatagramMin, options.Quic.MaxUdpPayload);
        _send = GC.AllocateUninitializedArray<byte>(SendBytes + _datagramMax, pinned: true);
        _endpoint = new QuicEndpoint(options.Quic, options.Entropy)
        {
            Accepts = options.Accepts,
            AlwaysRetries = options.AlwaysRetries,
        };
        _accepted = Channel.CreateBounded<HostConnection>(options.AcceptQueue);
        _timer = _clock.CreateTimer(_ => OnTimer());
    }

    /// <summary>Where the sockets are bound, in the order of the options.</summary>
    public IReadOnlyList<IPEndPoint> Bound
    {
        get
        {
            using (Enter()) return [.. _carriers.OfType<UdpSocket>().Select(s => s.EndPoint)];
        }
    }

    /// <summary>Connections that are not over, those with an unfinished handshake too.</summary>
    public int ConnectionCount
    {
        get
        {
            using (Enter()) return _endpoint.Count;
        }
    }

    internal Instant Now => _clock.Now;

    /// <summary>Binds the sockets and begins to serve them.</summary>
    /// <exception cref="EdgeSyncException">An address cannot be bound.</exception>
    public static QuicHost Start(QuicHostOptions options, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        var host = new QuicHost(options, clock);
        var sockets = host.BindAll(options.Bind);
        host._carriers.AddRange(sockets);
        foreach (var socket in sockets) socket.Start(host);
        return host;
    }

    /// <summary>Adds another way for datagrams; the host disposes of it.</summary>
    public void Add(IDatagramCarrier carrier)
    {
        ArgumentNullException.ThrowIfNull(carrier);
        using (Enter()) _carriers.Add(carrier);
    }

    /// <summary>Dials a peer: the first packets go to all its addresses, and the first that answers is used.</summary>
    /// <param name="peerKey">The key that the peer must have; null takes any.</param>
    /// <param name="alpn">Protocols on offer; null for those that are accepted.</param>
    /// <exception cref="QuicClosedException">It did not answer, or refused; or the host is closed.</exception>
    /// <exception cref="EdgeSyncException">No socket reaches any of the addresses.</exception>
    public Task<HostConnection> ConnectAsync(
        byte[]? peerKey, IReadOnlyList<UdpAddress> addresses, IReadOnlyList<byte[]>? alpn = null,
        CancellationToken cancellationToken = default) =>
        ConnectAsync(peerKey, addresses, alpn, null, cancellationToken);

    /// <summary>The same, with other options for this connection.</summary>
    internal async Task<HostConnection> ConnectAsync(
        byte[]? peerKey, IReadOnlyList<UdpAddress> addresses, IReadOnlyList<byte[]>? alpn,
        Func<QuicOptions, QuicOptions>? adapt, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        HostConnection connection;
        using (Enter())
        {
            // As for a connection that was dialled just before: who dials cannot know that the end is near.
            if (_isClosed) throw new QuicClosedException(new CloseReason(CloseKind.Local, 0, "the host is closed"));
            var tuples = TuplesTo(addresses);
            var core = _endpoint.Connect(peerKey, tuples[0], Now, [.. tuples.Skip(1)], alpn, adapt);
            connection = Add(core);
            Pump();
        }

        try
        {
            await connection.Connected.WaitAsync(cancellationToken);
            return connection;
        }
        catch (OperationCanceledException)
        {
            connection.Close(0, "");
            throw;
        }
    }

    /// <summary>The next connection that a client has opened, its handshake done.</summary>
    /// <exception cref="ChannelClosedException">The host is closed.</exception>
    public ValueTask<HostConnection> AcceptAsync(CancellationToken cancellationToken = default) =>
        _accepted.Reader.ReadAsync(cancellationToken);

    /// <summary>
    /// Moves to new sockets, as after a change of network: connections that were dialled go on from there.
    /// </summary>
    /// <exception cref="EdgeSyncException">An address cannot be bound.</exception>
    public void Rebind(IReadOnlyList<IPEndPoint> bind)
    {
        ArgumentNullException.ThrowIfNull(bind);
        var sockets = BindAll(bind);
        List<UdpSocket> old;
        using (Enter())
        {
            old = [.. _carriers.OfType<UdpSocket>()];
            _carriers.RemoveAll(c => c is UdpSocket);
            _carriers.InsertRange(0, sockets);
            foreach (var connection in _connections.Values)
                if (!connection.IsServer && CarrierTo(connection.Core.Route.Remote) is { } carrier)
                    connection.Core.TryMigrate(new FourTuple(carrier.Local, connection.Core.Route.Remote));
            foreach (var socket in sockets) socket.Start(this);
            Pump();
        }

        foreach (var socket in old) socket.Dispose();
    }

    /// <summary>
    /// The addresses at which the sockets could be reached; all of them, again whenever they change. Peers learn them
    /// once they are connected and admitted, and a path to each that works is opened (NAT traversal).
    /// </summary>
    public void SetCandidates(IReadOnlyList<UdpAddress> candidates)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        using (Enter())
        {
            if (_isClosed || candidates.SequenceEqual(_candidates)) return;
            _candidates = candidates;
            foreach (var connection in _connections.Values)
                if (connection.Connected.IsCompletedSuccessfully) connection.Core.SetCandidates(candidates);
            Pump();
        }
    }

    /// <summary>Interfaces came or went: every path is tested at once, and dead ones are replaced.</summary>
    /// <param name="gone">Local addresses that are there no longer; ports do not matter.</param>
    public void OnNetworkChange(IReadOnlyCollection<UdpAddress> gone)
    {
        ArgumentNullException.ThrowIfNull(gone);
        using (Enter())
        {
            if (_isClosed) return;
            foreach (var connection in _connections.Values) connection.Core.OnNetworkChange(gone);
            Pump();
        }
    }

    /// <summary>Takes datagrams from a carrier; they are decrypted in place.</summary>
    /// <param name="datagrams">One behind the other.</param>
    /// <param name="segmentBytes">Bytes of each, but for the last, which may be smaller.</param>
    public void Receive(FourTuple tuple, EcnMark ecn, Span<byte> datagrams, int segmentBytes)
    {
        using (Enter())
        {
            if (_isClosed) return;
            var now = Now;
            while (!datagrams.IsEmpty)
            {
                var datagram = datagrams[..Math.Min(segmentBytes, datagrams.Length)];
                _endpoint.Receive(now, tuple, ecn, datagram);
                datagrams = datagrams[datagram.Length..];
            }

            Pump();
        }
    }

    /// <summary>Closes all connections with code 0, and waits until the peers had time to learn of it.</summary>
    public async Task CloseAsync()
    {
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (Enter())
        {
            if (_isClosed) return;
            foreach (var connection in _connections.Values.ToArray()) connection.Core.Close(Now, 0, "");
            _drained = drained;
            Pump();
        }

        try
        {
            await drained.Task.WaitAsync(CloseTime);
        }
        catch (TimeoutException)
        {
        }

        await DisposeAsync();
    }

    /// <summary>Closes all connections, each with one CONNECTION_CLOSE, and the sockets.</summary>
    public async ValueTask DisposeAsync()
    {
        IDatagramCarrier[] carriers;
        using (Enter())
        {
            if (_isClosed) return;
            foreach (var connection in _connections.Values.ToArray()) connection.Core.Close(Now, 0, "");
            PumpNow();
            _isClosed = true;
            carriers = [.. _carriers];
            _endpoint.Dispose();
            _accepted.Writer.TryComplete();
        }

        await _timer.DisposeAsync();
        foreach (var carrier in carriers) carrier.Dispose();
    }

    /// <summary>The host's lock, until the value is disposed.</summary>
    internal Holding Enter()
    {
        if (!_lock.TryEnter())
        {
            Interlocked.Increment(ref _waiting);
            _lock.Enter();
            Interlocked.Decrement(ref _waiting);
        }

        _depth++;
        return new Holding(this);
    }

    internal T Locked<T>(HostConnection connection, Func<HostConnection, T> read)
    {
        using (Enter()) return read(connection);
    }

    /// <summary>Takes what a socket has received.</summary>
    internal void Receive(UdpAddress local, ReceivedBatch batch)
    {
        using (Enter())
        {
            if (_isClosed) return;
            var now = Now;
            for (var i = 0; i < batch.Count; i++)
            {
                ref readonly var item = ref batch[i];
                var tuple = new FourTuple(local, item.Remote);
                var bytes = batch.BytesOf(item);
                do
                {
                    var datagram = bytes[..Math.Min(item.SegmentBytes, bytes.Length)];
                    _endpoint.Receive(now, tuple, item.Ecn, datagram);
                    bytes = bytes[datagram.Length..];
                }
                while (!bytes.IsEmpty);
            }

            Pump();
        }
    }

    /// <summary>
    /// Notes that there was input: before the lock is free again, events are passed on, what is due is sent and the
    /// timer is set, unless another thread waits for the lock, which then does it.
    /// </summary>
    /// <param name="isUrgent">Whether there is enough for a call of the kernel, and nothing is gained by more.</param>
    internal void Pump(bool isUrgent = false)
    {
        _isPumpDue = true;
        _isPumpUrgent |= isUrgent;
    }

    private void Leave()
    {
        try
        {
            // A call within a call leaves it to the outer one. Who waits comes through here, too.
            while (_depth == 1 && _isPumpDue
                && (_isPumpUrgent || Volatile.Read(ref _waiting) == 0 || ++_deferrals > DeferralsMax))
                PumpNow();
        }
        finally
        {
            _depth--;
            _lock.Exit();
        }
    }

    private void PumpNow()
    {
        (_isPumpDue, _isPumpUrgent, _deferrals) = (false, false, 0);
        if (_isClosed) return;
        while (_endpoint.TryAccept(out var core)) OnIncoming(core);
        while (_endpoint.TryTakeEventful(out var eventful))
            if (_connections.TryGetValue(eventful, out var connection)) connection.TakeEvents();
        Flush();
        Arm();
        if (_endpoint.Count == 0) _drained?.TrySetResult();
    }

    internal void OnConnected(HostConnection connection)
    {
        if (connection.IsServer && _options.Admits?.Invoke(connection) == false)
        {
            connection.Core.Close(Now, QuicHostOptions.NotAdmittedCode, "not allowed");
            return;
        }

        if (_candidates.Count > 0) connection.Core.SetCandidates(_candidates);
        if (connection.IsServer && !_accepted.Writer.TryWrite(connection))
            connection.Core.Close(Now, 0, "too many connections wait to be accepted");
    }

    internal void OnClosed(HostConnection connection, CloseReason reason)
    {
        _connections.Remove(connection.Core);
        if (connection is { IsServer: true, Connected.IsCompletedSuccessfully: false })
            _options.Observer?.Invoke(new HandshakeEvent(connection, reason));
    }

    private void OnIncoming(QuicConnection core)
    {
        var connection = Add(core);
        _options.Observer?.Invoke(new HandshakeEvent(connection, null));
    }

    private HostConnection Add(QuicConnection core)
    {
        var connection = new HostConnection(this, core, _options.Quic.StreamsMax);
        _connections.Add(core, connection);
        return connection;
    }

    private FourTuple[] TuplesTo(IReadOnlyList<UdpAddress> addresses)
    {
        var tuples = addresses
            .Select(a => (Carrier: CarrierTo(a), Remote: a))
            .Where(t => t.Carrier is not null)
            .Select(t => new FourTuple(t.Carrier!.Local, t.Remote))
            .ToArray();
        return tuples.Length > 0
            ? tuples
            : throw new EdgeSyncException(
                ErrorKind.Unavailable,
                $"no way to any address of the peer: {string.Join(", ", addresses)}");
    }

    private IDatagramCarrier? CarrierTo(UdpAddress remote)
    {
        foreach (var carrier in _carriers)
            if (carrier.Reaches(remote)) return carrier;
        return null;
    }

    private IDatagramCarrier? CarrierAt(UdpAddress local)
    {
        foreach (var carrier in _carriers)
            if (carrier.Local == local) return carrier;
        return null;
    }

    /// <summary>Sends all that may leave now; datagrams of one size and way go out together.</summary>
    private void Flush()
    {
        var now = Now;
        var (length, segment) = (0, 0);
        IDatagramCarrier? carrier = null;
        var (remote, ecn) = (default(UdpAddress), EcnMark.NotEct);
        while (_endpoint.TryTakeDatagram(now, _send.AsSpan(length, _datagramMax), out var datagram))
        {
            var joins = length > 0 && datagram.Length <= segment && datagram.Tuple.Remote == remote
                && datagram.Ecn == ecn && carrier?.Local == datagram.Tuple.Local
                && length + datagram.Length <= SendBytes;
            if (!joins)
            {
                if (length > 0) carrier?.Send(remote, ecn, _send.AsSpan(0, length), segment);
                _send.AsSpan(length, datagram.Length).CopyTo(_send);
                (length, segment) = (0, datagram.Length);
                (remote, ecn) = (datagram.Tuple.Remote, datagram.Ecn);
                carrier = CarrierAt(datagram.Tuple.Local)
                    ?? (datagram.Tuple.Local.IsUnspecified ? CarrierTo(datagram.Tuple.Remote) : null);
            }

            length += datagram.Length;
            var isRoomLeft = carrier is not null && length / segment < carrier.SegmentsMax
                && length + segment <= SendBytes;
            if (datagram.Length == segment && isRoomLeft) continue;
            carrier?.Send(remote, ecn, _send.AsSpan(0, length), segment);
            length = 0;
            now = Now;
        }

        if (length > 0) carrier?.Send(remote, ecn, _send.AsSpan(0, length), segment);
    }

    /// <summary>Sets the timer, unless it goes off early enough: then it looks again.</summary>
    private void Arm()
    {
        if (_endpoint.Deadline() is not { } deadline || _armed <= deadline) return;
        _armed = deadline;
        var wait = deadline - Now;
        // Rounded up to the resolution of timers, so that it does not fire early.
        var steps = Math.Max(0, (wait.Ticks + TimerStep.Ticks - 1) / TimerStep.Ticks);
        _timer.Change(TimerStep * steps, Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        using (Enter())
        {
            _armed = null;
            if (_isClosed) return;
            _endpoint.OnDeadline(Now);
            Pump();
        }
    }

    private List<UdpSocket> BindAll(IReadOnlyList<IPEndPoint> bind)
    {
        var sockets = new List<UdpSocket>();
        foreach (var address in bind)
        {
            try
            {
                sockets.Add(UdpSocket.Bind(address, _options));
            }
            catch (SocketException e) when (
                e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.ProtocolNotSupported
                && bind.Count > 1)
            {
                // A machine without IPv6.
            }
            catch (SocketException e)
            {
                foreach (var socket in sockets) socket.Dispose();
                throw ListenFault.Of(address.ToString(), e);
            }
        }

        return sockets;
    }

    /// <summary>The lock, held.</summary>
    internal readonly ref struct Holding(QuicHost host)
    {
        public void Dispose() => host.Leave();
    }
}
