using EdgeSync.Primitives;
using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Recovery;
using EdgeSync.Quic.Streams;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// The streams of a connection, their limits and flow control, and which of them has something to send. Spec: RFC 9000
/// §2, §3, §4.
/// </summary>
internal sealed class StreamTable : IDisposable
{
    private const ulong ServerBit = 1;
    private const ulong UniBit = 2;

    /// <summary>
    /// Bytes that streams keep together until they are acknowledged, as long as each has its least: more of them would
    /// not be sent earlier, and leave the caches of the processor.
    /// </summary>
    private const int SendBufferOfAll = 16 << 20;
    private const int SendBufferMin = 256 << 10;

    /// <summary>A window that is used up to its half within this many round trips is what limits the peer.</summary>
    private const int RoundTripsOfWindow = 2;
    private const int StreamWindowMax = 16 << 20;
    private const int ConnectionWindowMax = 24 << 20;

    /// <summary>
    /// From here on a send buffer holds twice the congestion window: bytes stay a round trip until they are
    /// acknowledged. What begins with a megabyte moves 200 of them a second over a shorter one.
    /// </summary>
    private static readonly TimeSpan LongRoundTrip = TimeSpan.FromMilliseconds(5);

    private readonly QuicOptions _options;
    private readonly bool _isServer;
    private readonly EventQueue _events;
    private readonly Dictionary<ulong, QuicStream> _streams = [];
    private readonly Queue<QuicStream> _sendQueue = new();
    private readonly Queue<QuicStream> _controlQueue = new();

    /// <summary>Streams that wait for the connection's limit.</summary>
    private readonly HashSet<QuicStream> _blocked = [];

    // Indexed by direction: 0 bidirectional, 1 unidirectional.
    private readonly ulong[] _opened = [0, 0];
    private readonly ulong[] _openLimit = [0, 0];
    private readonly ulong[] _accepted = [0, 0];
    private readonly ulong[] _acceptLimit;
    private readonly ulong[] _closedByPeer = [0, 0];
    private readonly bool[] _waitsToOpen = [false, false];

    private readonly WindowBudget _budget;
    private TransportParameters _peer = new();
    private ulong _received;
    private ulong _consumed;
    private int _window;
    private Instant? _limitMovedAt;
    private bool _isLimitNew;

    public StreamTable(QuicOptions options, bool isServer, EventQueue events)
    {
        (_options, _isServer, _events) = (options, isServer, events);
        _budget = options.Growth ?? new WindowBudget(options.WindowGrowth);
        _window = options.ConnectionWindow;
        _acceptLimit = [(ulong)options.StreamsMax, (ulong)options.StreamsMax];
        ReceiveLimit = (ulong)options.ConnectionWindow;
    }

    /// <summary>Bytes of all streams that the peer lets us send.</summary>
    public ulong SendLimit { get; private set; }

    public ulong Sent { get; private set; }

    /// <summary>Bytes of all streams that we let the peer send.</summary>
    public ulong ReceiveLimit { get; private set; }

    public bool NeedsMaxData { get; set; }

    public bool[] NeedsMaxStreams { get; } = [false, false];

    public int Count => _streams.Count;

    /// <summary>Bytes of memory that buffers of streams hold.</summary>
    public long HeldBytes =>
        _streams.Values.Sum(stream => (stream.Send?.Capacity ?? 0L) + (stream.Receive?.Capacity ?? 0L));

    public bool HasControl => _controlQueue.Count > 0;

    /// <summary>Limits of the peer's are to be announced, or frames of single streams.</summary>
    public bool HasUpdates => NeedsMaxData || HasControl || NeedsMaxStreams[0] || NeedsMaxStreams[1];

    public bool HasData
    {
        get
        {
            DropIdle();
            return _sendQueue.Count > 0;
        }
    }

    /// <summary>The peer's limits are known.</summary>
    public void Start(TransportParameters peer)
    {
        _peer = peer;
        SendLimit = peer.InitialMaxData;
        _openLimit[0] = peer.StreamsBidi;
        _openLimit[1] = peer.StreamsUni;
    }

    public ulong AcceptLimit(int direction) => _acceptLimit[direction];

    public QuicStream? Find(ulong id) => _streams.GetValueOrDefault(id);

    public bool TryOpen(bool unidirectional, out ulong id)
    {
        var direction = unidirectional ? 1 : 0;
        id = 0;
        if (_opened[direction] >= _openLimit[direction])
        {
            _waitsToOpen[direction] = true;
            return false;
        }

        id = (_opened[direction]++ << 2) | (unidirectional ? UniBit : 0) | (_isServer ? ServerBit : 0);
        Create(id);
        return true;
    }

    /// <summary>Lets the buffer of a stream grow before a write, where bytes are long on their way.</summary>
    /// <param name="rtt">Of the route that data goes on.</param>
    /// <param name="congestionWindow">Bytes that may be on their way there.</param>
    public void GrowBuffer(QuicStream stream, RttEstimator rtt, long congestionWindow)
    {
        if (stream.Send is not { IsFinished: false } || !rtt.HasSample || rtt.Min < LongRoundTrip) return;
        var wanted = (int)Math.Min(2 * congestionWindow, SendBufferOfAll);
        var more = wanted - _options.StreamSendBuffer - stream.SendGrowth;
        if (more > 0 && _budget.TryTake(more)) stream.SendGrowth += more;
    }

    /// <summary>Takes as much as the buffer of the stream holds.</summary>
    public int Write(QuicStream stream, ReadOnlySpan<byte> bytes, bool finish)
    {
        if (stream.Send is not { IsFinished: false } send || stream.ResetCode is not null) return 0;
        send.BytesMax = Math.Clamp(
            SendBufferOfAll / _streams.Count, Math.Min(SendBufferMin, _options.StreamSendBuffer),
            _options.StreamSendBuffer + stream.SendGrowth);
        var taken = send.Write(bytes, finish);
        stream.WaitsForRoom = taken < bytes.Length;
        Queue(stream);
        return taken;
    }

    public int Read(QuicStream stream, Span<byte> target, out bool isAtEnd)
    {
        var receive = stream.Receive!;
        var count = receive.Read(target);
        isAtEnd = receive.IsAtEnd;
        if (receive.Readable == 0) stream.ReadableTold = false;
        Consume(stream, (ulong)count);
        stream.IsEndRead = isAtEnd;
        if (isAtEnd) CloseIfDone(stream);
        return count;
    }

    public void Reset(QuicStream stream, ulong code)
    {
        if (stream.Send is null || stream.ResetCode is not null || stream.Send.IsDone) return;
        stream.ResetCode = code;
        stream.NeedsReset = true;
        QueueControl(stream);
    }

    public void Stop(QuicStream stream, ulong code)
    {
        if (stream.Receive is null || stream.StopCode is not null || stream.WasReset || stream.IsEndRead) return;
        stream.StopCode = code;
        // What has come is not read any more. When it is all of it, no frame of the peer's comes that would end the
        // stream, and a stop is of no use.
        Discard(stream);
        if (stream.Receive.IsAtEnd) return;
        stream.NeedsStop = true;
        QueueControl(stream);
    }

    public QuicError? OnStream(in Frame frame)
    {
        if (FindForReceive(frame, out var stream) is { } error) return error;
        if (stream is null) return null;

        var receive = stream.Receive!;
        var wasDone = stream.IsReceiveDone;
        var end = frame.Offset + (ulong)frame.Data.Length;
        if (receive.FinalSize is { } final && end > final)
            return new QuicError(TransportErrorCode.FinalSizeError, frame.Type, "bytes beyond the end of a stream");
        if (OnHighest(stream, frame.Type, end) is { } limit) return limit;
        if (frame.Fin && !receive.TrySetFinalSize(end))
            return new QuicError(TransportErrorCode.FinalSizeError, frame.Type, "two ends of one stream");
        if (!receive.TryWrite(frame.Offset, frame.Data))
            return new QuicError(TransportErrorCode.InternalError, frame.Type, "a stream in too many pieces");
        if (stream.StopCode is not null || stream.WasReset)
        {
            Discard(stream);
            return null;
        }

        if ((receive.Readable > 0 || receive.IsAtEnd) && !stream.ReadableTold && !wasDone)
        {
            stream.ReadableTold = true;
            _events.Enqueue(new QuicEvent(QuicEventKind.StreamReadable, stream.Id));
        }

        return null;
    }

    public QuicError? OnReset(in Frame frame)
    {
        if (FindForReceive(frame, out var stream) is { } error) return error;
        if (stream is null) return null;

        if (OnHighest(stream, frame.Type, frame.Value) is { } limit) return limit;
        var wasDone = stream.IsReceiveDone;
        if (!stream.Receive!.TrySetFinalSize(frame.Value))
            return new QuicError(TransportErrorCode.FinalSizeError, frame.Type, "two ends of one stream");
        if (wasDone) return null;
        stream.WasReset = true;
        stream.Receive.TryWrite(frame.Value, []);
        Discard(stream);
        _events.Enqueue(new QuicEvent(QuicEventKind.StreamReset, stream.Id, frame.ErrorCode));
        CloseIfDone(stream);
        return null;
    }

    public QuicError? OnStopSending(in Frame frame)
    {
        if (FindForSend(frame, out var stream) is { } error) return error;
        if (stream is null || stream.ResetCode is not null || stream.Send!.IsDone) return null;
        Reset(stream, frame.ErrorCode);
        _events.Enqueue(new QuicEvent(QuicEventKind.StreamStopped, stream.Id, frame.ErrorCode));
        return null;
    }

    public QuicError? OnMaxStreamData(in Frame frame)
    {
        if (FindForSend(frame, out var stream) is { } error) return error;
        if (stream is null || frame.Value <= stream.SendLimit) return null;
        stream.SendLimit = frame.Value;
        Queue(stream);
        return null;
    }

    /// <summary>STREAM_DATA_BLOCKED has no effect, but must be of a stream that the peer may send on.</summary>
    public QuicError? OnStreamDataBlocked(in Frame frame) => FindForReceive(frame, out _);

    public void OnMaxData(ulong limit) => SendLimit = Math.Max(SendLimit, limit);

    public void OnMaxStreams(int direction, ulong limit)
    {
        if (limit <= _openLimit[direction]) return;
        _openLimit[direction] = limit;
        if (!_waitsToOpen[direction]) return;
        _waitsToOpen[direction] = false;
        _events.Enqueue(new QuicEvent(QuicEventKind.StreamsAvailable));
    }

    public bool TryTakeControl(out QuicStream stream)
    {
        if (!_controlQueue.TryDequeue(out stream!)) return false;
        stream.IsControlQueued = false;
        return true;
    }

    public void QueueControl(QuicStream stream)
    {
        if (stream.IsControlQueued) return;
        stream.IsControlQueued = true;
        _controlQueue.Enqueue(stream);
    }

    /// <summary>The stream whose turn it is; its turn goes on until <see cref="EndTurn"/> ends it.</summary>
    public bool TryPeekSender(out QuicStream stream)
    {
        DropIdle();
        return _sendQueue.TryPeek(out stream!);
    }

    /// <summary>
    /// Counts what the stream whose turn it is has sent. It goes to the end of the queue when it has sent enough:
    /// bytes of one stream that arrive together are read together, where one packet of each stream in turn would wake
    /// the reader of each for every packet.
    /// </summary>
    /// <param name="turnBytes">Bytes that end a turn.</param>
    public void EndTurn(QuicStream stream, int sent, long turnBytes)
    {
        stream.TurnBytes += sent;
        if (stream.TurnBytes < turnBytes && CanSend(stream)) return;
        _sendQueue.Dequeue();
        (stream.IsQueued, stream.TurnBytes) = (false, 0);
        Queue(stream);
    }

    /// <summary>Queues a stream that has something to send and may.</summary>
    public void Queue(QuicStream stream)
    {
        if (stream.IsQueued) return;
        if (CanSend(stream))
        {
            stream.IsQueued = true;
            _sendQueue.Enqueue(stream);
        }
        else if (stream is { ResetCode: null, Send.HasPending: true } && stream.SendLimit > stream.Send.Next)
        {
            _blocked.Add(stream);
        }
    }

    /// <summary>The offset that new bytes of a stream must stay below.</summary>
    public ulong LimitOf(QuicStream stream) => Math.Min(stream.SendLimit, stream.Send!.Next + SendLimit - Sent);

    public void OnSentNew(ulong bytes) => Sent += bytes;

    /// <summary>
    /// The peer is about to be told the connection's limit. A window that was used up fast is doubled.
    /// </summary>
    public void OnTelling(Instant now, RttEstimator rtt)
    {
        if (!_isLimitNew) return;
        _isLimitNew = false;
        var grown = Math.Min(2 * _window, ConnectionWindowMax);
        if (WasFast(now, rtt, _limitMovedAt) && grown > _window && _budget.TryTake(grown - _window))
        {
            ReceiveLimit += (ulong)(grown - _window);
            _window = grown;
        }

        _limitMovedAt = now;
    }

    /// <summary>
    /// The same for a stream, whose window costs no memory of its own: what all streams hold is the connection's.
    /// </summary>
    public void OnTelling(Instant now, RttEstimator rtt, QuicStream stream)
    {
        if (!stream.IsLimitNew) return;
        stream.IsLimitNew = false;
        var grown = _options.WindowGrowth > 0 ? Math.Min(2 * stream.Window, StreamWindowMax) : 0;
        if (WasFast(now, rtt, stream.LimitMovedAt) && grown > stream.Window)
        {
            stream.ReceiveLimit += (ulong)(grown - stream.Window);
            stream.Window = stream.Receive!.WindowBytes = grown;
        }

        stream.LimitMovedAt = now;
    }

    public void OnAcked(in SentFrame frame)
    {
        if (Find(frame.Id) is not { Send: { } send } stream) return;
        if (frame.Kind == SentKind.ResetStream) stream.ResetAcked = true;
        if (frame.Kind == SentKind.Stream && stream.ResetCode is null)
        {
            send.OnAcked(frame.Offset, frame.Length, frame.Fin);
            if (stream.WaitsForRoom && send.HasRoomAgain)
            {
                stream.WaitsForRoom = false;
                _events.Enqueue(new QuicEvent(QuicEventKind.StreamWritable, stream.Id));
            }

            if (send.IsDone) _events.Enqueue(new QuicEvent(QuicEventKind.StreamFinished, stream.Id));
        }

        CloseIfDone(stream);
    }

    public void OnLost(in SentFrame frame)
    {
        if (Find(frame.Id) is not { } stream) return;
        switch (frame.Kind)
        {
            case SentKind.Stream when stream.ResetCode is null:
                stream.Send!.OnLost(frame.Offset, frame.Length, frame.Fin);
                Queue(stream);
                return;
            case SentKind.ResetStream: stream.NeedsReset = !stream.ResetAcked; break;
            case SentKind.StopSending: stream.NeedsStop = !stream.IsReceiveDone; break;
            case SentKind.MaxStreamData: stream.NeedsLimit = !stream.IsReceiveDone; break;
            default: return;
        }

        QueueControl(stream);
    }

    public void Dispose()
    {
        foreach (var stream in _streams.Values) Dispose(stream);
        _streams.Clear();
        if (_window > _options.ConnectionWindow) _budget.Return(_window - _options.ConnectionWindow);
        _window = Math.Min(_window, _options.ConnectionWindow);
    }

    private bool CanSend(QuicStream stream) =>
        stream is { ResetCode: null, Send: { } send } && send.TryPeek(LimitOf(stream), out _, out _, out _);

    private void DropIdle()
    {
        // A stream that was queued may have been reset, or the connection's limit used up since.
        while (_sendQueue.TryPeek(out var stream) && !CanSend(stream))
        {
            _sendQueue.Dequeue();
            (stream.IsQueued, stream.TurnBytes) = (false, 0);
            Queue(stream);
        }

        if (_blocked.Count == 0 || Sent >= SendLimit) return;
        foreach (var stream in _blocked) Queue(stream);
        _blocked.Clear();
    }

    private QuicError? OnHighest(QuicStream stream, ulong frameType, ulong end)
    {
        if (end <= stream.Receive!.Highest) return null;
        _received += end - stream.Receive.Highest;
        return end > stream.ReceiveLimit || _received > ReceiveLimit
            ? new QuicError(TransportErrorCode.FlowControlError, frameType, "more bytes than the window allows")
            : null;
    }

    private void Discard(QuicStream stream)
    {
        var before = stream.Receive!.ReadOffset;
        stream.Receive.Discard();
        Consume(stream, stream.Receive.ReadOffset - before);
        if (stream.Receive.IsAtEnd) CloseIfDone(stream);
    }

    /// <summary>Bytes left the buffers: windows move, and are announced when half of one is used up.</summary>
    private void Consume(QuicStream stream, ulong bytes)
    {
        _consumed += bytes;
        var window = (ulong)_window;
        if (ReceiveLimit < _consumed + (window / 2))
        {
            ReceiveLimit = _consumed + window;
            NeedsMaxData = _isLimitNew = true;
        }

        var streamWindow = (ulong)stream.Window;
        if (stream.Receive!.FinalSize is not null || stream.StopCode is not null
            || stream.ReceiveLimit - stream.Receive.ReadOffset >= streamWindow / 2)
            return;
        stream.ReceiveLimit = stream.Receive.ReadOffset + streamWindow;
        stream.NeedsLimit = stream.IsLimitNew = true;
        QueueControl(stream);
    }

    private static bool WasFast(Instant now, RttEstimator rtt, Instant? before) =>
        rtt.HasSample && before is { } at && now - at < rtt.Min * RoundTripsOfWindow;

    private void Dispose(QuicStream stream)
    {
        stream.Dispose();
        _budget.Return(stream.SendGrowth);
        stream.SendGrowth = 0;
    }

    private void CloseIfDone(QuicStream stream)
    {
        if (!stream.IsSendDone || !stream.IsReceiveDone || !stream.IsEndKnown || !_streams.Remove(stream.Id)) return;
        _blocked.Remove(stream);
        Dispose(stream);
        if (IsOwn(stream.Id)) return;

        // The peer may open one more for each of its closed streams, announced in steps.
        var direction = Direction(stream.Id);
        _closedByPeer[direction]++;
        var limit = _closedByPeer[direction] + (ulong)_options.StreamsMax;
        if (limit - _acceptLimit[direction] < (ulong)Math.Max(1, _options.StreamsMax / 8)) return;
        _acceptLimit[direction] = limit;
        NeedsMaxStreams[direction] = true;
    }

    private bool IsOwn(ulong id) => ((id & ServerBit) != 0) == _isServer;

    private static int Direction(ulong id) => (id & UniBit) != 0 ? 1 : 0;

    /// <summary>The stream of a frame that its sender may send; null when it is gone.</summary>
    private QuicError? FindForReceive(in Frame frame, out QuicStream? stream)
    {
        stream = null;
        if (IsOwn(frame.StreamId) && Direction(frame.StreamId) == 1)
            return StateError(frame, "bytes on a stream that only we send on");
        return FindOrAccept(frame, out stream);
    }

    /// <summary>The stream of a frame about what we send; null when it is gone.</summary>
    private QuicError? FindForSend(in Frame frame, out QuicStream? stream)
    {
        stream = null;
        if (!IsOwn(frame.StreamId) && Direction(frame.StreamId) == 1)
            return StateError(frame, "a stream that only the peer sends on");
        return FindOrAccept(frame, out stream);
    }

    private static QuicError StateError(in Frame frame, string reason) =>
        new(TransportErrorCode.StreamStateError, frame.Type, reason);

    private QuicError? FindOrAccept(in Frame frame, out QuicStream? stream)
    {
        stream = Find(frame.StreamId);
        if (stream is not null) return null;

        var direction = Direction(frame.StreamId);
        var index = frame.StreamId >> 2;
        if (IsOwn(frame.StreamId))
        {
            return index < _opened[direction]
                ? null
                : StateError(frame, "a stream that was not opened");
        }

        if (index >= _acceptLimit[direction])
            return new QuicError(TransportErrorCode.StreamLimitError, frame.Type, "more streams than allowed");
        for (; _accepted[direction] <= index; _accepted[direction]++)
        {
            // All lower ones are opened by the highest (RFC 9000 §3.2).
            var id = (_accepted[direction] << 2) | (frame.StreamId & (ServerBit | UniBit));
            Create(id);
            _events.Enqueue(new QuicEvent(QuicEventKind.StreamOpened, id));
        }

        stream = Find(frame.StreamId);
        return null;
    }

    private void Create(ulong id)
    {
        var (own, unidirectional) = (IsOwn(id), Direction(id) == 1);
        var stream = new QuicStream(
            id,
            own || !unidirectional ? new SendBuffer(_options.StreamSendBuffer) : null,
            !own || !unidirectional ? new ReceiveBuffer() : null)
        {
            SendLimit = unidirectional ? _peer.StreamDataUni
                : own ? _peer.StreamDataBidiRemote
                : _peer.StreamDataBidiLocal,
            Window = _options.StreamWindow,
            ReceiveLimit = (ulong)_options.StreamWindow,
        };
        _streams.Add(id, stream);
    }
}
