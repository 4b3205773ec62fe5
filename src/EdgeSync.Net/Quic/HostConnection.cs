using System.Threading.Channels;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Connections;

namespace EdgeSync.Net.Quic;

/// <summary>
/// A connection of a <see cref="QuicHost"/>, for a program with threads: every call takes the host's lock, and sends
/// what there is to send before it returns.
/// </summary>
public sealed class HostConnection
{
    /// <summary>Bytes of a write that are sent at once, also when another thread waits for the lock.</summary>
    private const int UrgentBytes = 32 * 1024;

    private readonly QuicHost _host;
    private readonly Dictionary<ulong, HostStream> _streams = [];
    private readonly Channel<HostStream> _accepted;
    private readonly AsyncSignal _datagram = new() { ContinuesOnPool = true };
    private readonly List<TaskCompletionSource> _openers = [];
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<CloseReason> _closed =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly Instant _begin;
    private TaskCompletionSource _pathsChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private QuicClosedException? _end;

    internal HostConnection(QuicHost host, QuicConnection core, int streamsMax)
    {
        (_host, Core, _begin) = (host, core, host.Now);
        // The peer may have that many of each direction open; what it has ended already waits with them.
        _accepted = Channel.CreateBounded<HostStream>(Math.Max(1, 4 * streamsMax));
    }

    public bool IsServer => Core.IsServer;

    /// <summary>The peer's 32 bytes of Ed25519 key; empty when it shows a certificate or nothing.</summary>
    public ReadOnlyMemory<byte> PeerKey => Core.PeerKey;

    /// <summary>The protocol that was agreed on.</summary>
    public ReadOnlyMemory<byte> Alpn => Core.Alpn;

    /// <summary>Where packets go now.</summary>
    public FourTuple Route => _host.Locked(this, static c => c.Core.Route);

    public QuicStatistics Statistics => _host.Locked(this, static c => c.Core.Statistics);

    /// <summary>The paths that are open, in the order in which they were opened.</summary>
    public IReadOnlyList<QuicPathInfo> Paths => _host.Locked(this, static c => c.Core.Paths);

    /// <summary>The address at which the peer sees this endpoint, as reported last; null: it was not.</summary>
    public UdpAddress? ObservedAddress => _host.Locked(this, static c => c.Core.ObservedAddress);

    /// <summary>
    /// Ends when another path is used, or one was opened, validated or given up, when the peer has reported
    /// <see cref="ObservedAddress"/>, and with the connection. To miss
    /// nothing: take it, look at the paths, then wait for it.
    /// </summary>
    public Task PathsChanged => Volatile.Read(ref _pathsChanged).Task;

    /// <summary>From the begin of the connection until a direct path was used; null before.</summary>
    public TimeSpan? TimeToDirect { get; private set; }

    /// <summary>Bytes of the largest datagram that can be sent now.</summary>
    public int DatagramMax => _host.Locked(this, static c => c.Core.DatagramMax);

    /// <summary>Ends when the connection is over, with the reason; never fails.</summary>
    public Task<CloseReason> Closed => _closed.Task;

    internal QuicConnection Core { get; }

    /// <summary>Ends when the handshake has, or fails as it did.</summary>
    internal Task Connected => _connected.Task;

    /// <summary>Opens a stream, and waits until the peer allows it. The peer learns of it by its first bytes.</summary>
    /// <exception cref="QuicClosedException">The connection is over.</exception>
    public async ValueTask<HostStream> OpenStreamAsync(
        bool isUnidirectional = false, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task wait;
            using (_host.Enter())
            {
                ThrowIfClosed();
                if (Core.TryOpenStream(isUnidirectional, out var id)) return Add(id);
                var opener = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _openers.Add(opener);
                wait = opener.Task;
            }

            await wait.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The next stream that the peer has opened, of either direction.</summary>
    /// <exception cref="QuicClosedException">The connection is over.</exception>
    public async ValueTask<HostStream> AcceptStreamAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _accepted.Reader.ReadAsync(cancellationToken);
        }
        catch (ChannelClosedException e) when (e.InnerException is QuicClosedException reason)
        {
            throw new QuicClosedException(reason.Reason);
        }
    }

    /// <summary>Sends a datagram, which may be lost; false when it is too large, or the connection is over.</summary>
    public bool TrySendDatagram(ReadOnlySpan<byte> bytes)
    {
        using (_host.Enter())
        {
            var isTaken = Core.TrySendDatagram(bytes);
            if (isTaken) _host.Pump();
            return isTaken;
        }
    }

    /// <summary>The oldest datagram that has come; one reader at a time.</summary>
    /// <param name="target">What does not fit is lost.</param>
    /// <exception cref="QuicClosedException">The connection is over.</exception>
    public async ValueTask<int> ReceiveDatagramAsync(
        Memory<byte> target, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            using (_host.Enter())
            {
                if (Core.TryReadDatagram(target.Span, out var length)) return length;
                ThrowIfClosed();
            }

            await _datagram.WaitOrCancelAsync(cancellationToken);
        }
    }

    /// <summary>Closes with a code and a text of the application's.</summary>
    public void Close(ulong code, string reason)
    {
        using (_host.Enter())
        {
            Core.Close(_host.Now, code, reason);
            _host.Pump();
        }
    }

    /// <summary>Begins a new key phase; false when the current one is too young.</summary>
    public bool UpdateKeys()
    {
        using (_host.Enter()) return Core.UpdateKeys();
    }

    /// <summary>Keying material for the application (RFC 8446 §7.5).</summary>
    public void Export(ReadOnlySpan<byte> label, ReadOnlySpan<byte> context, Span<byte> output)
    {
        using (_host.Enter()) Core.Export(label, context, output);
    }

    internal bool TryRead(HostStream stream, Span<byte> target, out int count)
    {
        using (_host.Enter())
        {
            count = 0;
            if (stream.ReadEnded || target.IsEmpty) return true;
            if (stream.ResetCode is { } code) throw new QuicStreamException(code, isStopped: false);
            count = Core.Read(stream.Id, target, out var isAtEnd);
            stream.ReadEnded = isAtEnd;
            // Windows have moved far enough that the peer learns of it.
            if (Core.HasUpdates) _host.Pump();
            if (count > 0 || isAtEnd) return true;
            ThrowIfClosed();
            return false;
        }
    }

    internal int Write(HostStream stream, ReadOnlySpan<byte> bytes, bool finish)
    {
        using (_host.Enter())
        {
            ThrowIfClosed();
            if (stream.StopCode is { } code) throw new QuicStreamException(code, isStopped: true);
            if (stream.WriteEnded)
            {
                return bytes.IsEmpty ? 0 : throw new InvalidOperationException("the writing side has ended");
            }

            var taken = Core.Write(stream.Id, bytes, finish);
            stream.WriteEnded = finish && taken == bytes.Length;
            if (taken > 0 || finish) _host.Pump(isUrgent: taken >= UrgentBytes);
            return taken;
        }
    }

    internal void Reset(HostStream stream, ulong code)
    {
        using (_host.Enter())
        {
            stream.WriteEnded = true;
            Core.ResetStream(stream.Id, code);
            _host.Pump();
        }
    }

    internal void Stop(HostStream stream, ulong code)
    {
        using (_host.Enter())
        {
            Core.StopSending(stream.Id, code);
            stream.ReadEnded = true;
            _host.Pump();
        }
    }

    /// <summary>The application is done with a stream.</summary>
    internal void Release(HostStream stream)
    {
        using (_host.Enter())
        {
            if (!_streams.Remove(stream.Id) || _end is not null) return;
            if (stream is { CanWrite: true, WriteEnded: false, StopCode: null })
                Core.Write(stream.Id, [], finish: true);
            if (stream is { CanRead: true, ReadEnded: false, ResetCode: null }) Core.StopSending(stream.Id, 0);
            (stream.WriteEnded, stream.ReadEnded) = (true, true);
            _host.Pump();
        }
    }

    /// <summary>Passes on the events of the core; under the host's lock.</summary>
    internal void TakeEvents()
    {
        while (Core.TryTakeEvent(out var happened)) Take(happened);
    }

    private void Take(in QuicEvent happened)
    {
        switch (happened.Kind)
        {
            case QuicEventKind.Connected:
                OnPaths();
                _connected.TrySetResult();
                _host.OnConnected(this);
                return;
            case QuicEventKind.StreamOpened:
                if (!_accepted.Writer.TryWrite(Add(happened.StreamId)))
                    Core.Close(_host.Now, 0, "too many streams wait to be accepted");
                return;
            case QuicEventKind.StreamsAvailable:
                foreach (var opener in _openers) opener.TrySetResult();
                _openers.Clear();
                return;
            case QuicEventKind.DatagramReceived:
                _datagram.Set();
                return;
            case QuicEventKind.Closed:
                OnClosed();
                return;
            case QuicEventKind.RouteChanged or QuicEventKind.PathsChanged or QuicEventKind.AddressObserved:
                OnPaths();
                return;
        }

        if (!_streams.TryGetValue(happened.StreamId, out var stream)) return;
        switch (happened.Kind)
        {
            case QuicEventKind.StreamReadable: stream.OnReadable(); break;
            case QuicEventKind.StreamWritable: stream.OnWritable(); break;
            case QuicEventKind.StreamReset: stream.OnReset(happened.Code); break;
            case QuicEventKind.StreamStopped: stream.OnStopped(happened.Code); break;
            case QuicEventKind.StreamFinished: stream.OnFinished(); break;
        }
    }

    private void OnPaths()
    {
        if (TimeToDirect is null && Core.IsConnected && !Core.Route.Remote.IsRelayed) TimeToDirect = _host.Now - _begin;
        var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _pathsChanged, next).TrySetResult();
    }

    private HostStream Add(ulong id)
    {
        var stream = new HostStream(this, id);
        _streams.Add(id, stream);
        return stream;
    }

    private void OnClosed()
    {
        _end = new QuicClosedException(Core.CloseReason!);
        if (_connected.TrySetException(_end)) _ = _connected.Task.Exception;
        _accepted.Writer.TryComplete(_end);
        foreach (var stream in _streams.Values) stream.OnClosed(_end);
        _streams.Clear();
        foreach (var opener in _openers) opener.TrySetResult();
        _openers.Clear();
        _datagram.Set();
        Volatile.Read(ref _pathsChanged).TrySetResult();
        _closed.TrySetResult(_end.Reason);
        _host.OnClosed(this, _end.Reason);
    }

    private void ThrowIfClosed()
    {
        if (_end is not null) throw new QuicClosedException(_end.Reason);
    }
}
