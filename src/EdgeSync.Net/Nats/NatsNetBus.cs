using System.Collections.Concurrent;
using System.Text;
using EdgeSync.Nats;
using EdgeSync.Nats.Wire;
using NATS.Client.Core;
using NatsHeaders = EdgeSync.Nats.Wire.NatsHeaders;

namespace EdgeSync.Net.Nats;

/// <summary>
/// The port over NATS.Net: a client connection to an outside server. It outlives its links: the client library
/// reconnects, resubscribes, and reports both. The first connection is made here, with the same pauses, because the
/// library returns the reason of a failed attempt only to its caller.
/// </summary>
public sealed class NatsNetBus : INatsBus, IAsyncDisposable
{
    private const int MaxPayloadDefault = 1 << 20;

    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);

    /// <summary>Longer than any caller waits for a reply; callers drop a request sooner.</summary>
    private static readonly TimeSpan ReplyMax = TimeSpan.FromHours(1);

    private readonly NatsNetOptions _options;
    private readonly TimeProvider _clock;
    private readonly NatsFailureLog _failures;
    private readonly NatsConnection _connection;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _firstTry = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<long, Waiting> _requests = new();
    private readonly ConcurrentDictionary<Task, bool> _sending = new();
    private readonly HashSet<Subscription> _subscriptions = [];
    private readonly Lock _gate = new();
    private Task _running = Task.CompletedTask;
    private bool _hasBeenOpen;
    private volatile bool _isConnected;
    private volatile string _server;
    private long _lastRequest;

    // Spans of exchanges are ours; a header added by the library would make a full message larger than the server
    // accepts.
    static NatsNetBus() => NatsInstrumentationOptions.Default.Filter = static _ => false;

    public NatsNetBus(NatsNetOptions options, TimeProvider clock)
    {
        (_options, _clock) = (options, clock);
        _failures = new NatsFailureLog(options.Loggers);
        _server = NatsNetSettings.FirstServer(options.Url);
        _connection = new NatsConnection(NatsNetSettings.Of(options, _failures));
        _connection.OnConnectingAsync = target =>
        {
            _server = target.Host.Contains(':') ? $"[{target.Host}]:{target.Port}" : $"{target.Host}:{target.Port}";
            return ValueTask.FromResult(target);
        };
        _connection.ConnectionOpened += async (_, _) =>
        {
            // RunAsync handles the first connection, which may be reported late.
            if (_hasBeenOpen && !_isConnected) await OnOpenedAsync();
        };
        _connection.ConnectionDisconnected += (_, _) => OnDisconnected();
        _connection.ReconnectFailed += (_, _) => OnReconnectFailed();
        _connection.MessageDropped += (_, e) => Notice($"the queue of {e.Subject} is full");
        _connection.LameDuckModeActivated += (_, _) => Notice("the server is about to stop");
        _connection.ServerError += (_, e) => Notice(e.Error);
    }

    public bool IsConnected => _isConnected;

    public int MaxPayload => _connection.ServerInfo is { MaxPayload: > 0 } info ? info.MaxPayload : MaxPayloadDefault;

    public Action<bool>? LinkChanged { get; set; }

    /// <summary>Host and port of the server, or of the last attempt.</summary>
    public string Server => _server;

    /// <summary>The server's name; null before the first connection.</summary>
    public string? ServerName => _connection.ServerInfo?.Name;

    /// <summary>Null before the first connection.</summary>
    public string? ServerVersion => _connection.ServerInfo?.Version;

    /// <summary>Why the last link ended or failed; empty when none did.</summary>
    public string LastFailure { get; private set; } = "";

    /// <summary>Connects; returns after the first attempt, connected or not, and continues by itself.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _running = RunAsync();
        await _firstTry.Task.WaitAsync(cancellationToken);
    }

    public NatsOutcome Publish(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers = null, string? replyTo = null)
    {
        if (!_isConnected) return NatsOutcome.Disconnected;
        if (!NatsSubject.IsLiteral(Encoding.UTF8.GetBytes(subject))) return NatsOutcome.Refused;
        if (IsTooLarge(data, headers)) return NatsOutcome.TooLarge;

        // The data is copied within the call; the wait is for the socket.
        var sending = _connection.PublishAsync(
            subject, data, NatsNetMessages.HeadersOf(headers), replyTo, NatsRawSerializer<ReadOnlyMemory<byte>>.Default,
            cancellationToken: _stop.Token);
        if (!sending.IsCompletedSuccessfully) Track(sending.AsTask());
        return NatsOutcome.Ok;
    }

    public IDisposable Subscribe(string subject, string? queueGroup, Action<NatsMessage> received)
    {
        var subscription = new Subscription(this, subject, queueGroup, received);
        lock (_gate)
        {
            _subscriptions.Add(subscription);
            if (_hasBeenOpen) subscription.Begin();
        }

        return subscription;
    }

    public NatsOutcome TryRequest(
        string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, Action<NatsReply> replied, out long request,
        string? replier = null)
    {
        request = Interlocked.Increment(ref _lastRequest);
        if (!_isConnected) return NatsOutcome.Disconnected;
        if (!NatsSubject.IsLiteral(Encoding.UTF8.GetBytes(subject))) return NatsOutcome.Refused;
        if (IsTooLarge(data, headers)) return NatsOutcome.TooLarge;

        var waiting = new Waiting(replied, new CancellationTokenSource());
        _requests[request] = waiting;
        Track(AskAsync(request, subject, data, NatsNetMessages.HeadersOf(headers), waiting.End.Token));
        return NatsOutcome.Ok;
    }

    public void Forget(long request)
    {
        if (_requests.TryRemove(request, out var waiting)) waiting.End.Cancel();
    }

    /// <summary>
    /// The messages of a stream of the server after a sequence, the newest <paramref name="countMax"/> of them; nothing
    /// for 0. A missing stream is created. Null: the server has no JetStream, or its reply was incomplete.
    /// </summary>
    public Task<NatsStreamTail?> ReadTailAsync(
        NatsStreamSpec spec, ulong after, int countMax, CancellationToken cancellationToken) =>
        NatsStreams.ReadTailAsync(_connection, spec, after, countMax, cancellationToken);

    /// <summary>
    /// A round trip: the server has all subscriptions, and everything that was published before.
    /// </summary>
    internal async Task FlushAsync(CancellationToken cancellationToken)
    {
        Task[] opened;
        lock (_gate) opened = [.. _subscriptions.Select(s => s.Opened)];
        await Task.WhenAll(opened).WaitAsync(cancellationToken);
        await _connection.PingAsync(cancellationToken);
    }

    /// <summary>Closes; published messages are sent first if the server accepts them within a second.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isConnected)
        {
            try
            {
                await _connection.PingAsync(CancellationToken.None).AsTask().WaitAsync(Farewell, _clock);
            }
            catch (Exception e) when (e is TimeoutException or NatsException or OperationCanceledException)
            {
                // Best effort.
            }
        }

        _isConnected = false;
        await _stop.CancelAsync();
        foreach (var waiting in _requests.Values) waiting.End.Cancel();
        Subscription[] subscriptions;
        lock (_gate) subscriptions = [.. _subscriptions];
        foreach (var subscription in subscriptions) subscription.Stop();
        await _running;
        await _connection.DisposeAsync();
        await Task.WhenAll([.. subscriptions.Select(s => s.Running), .. _sending.Keys]);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var pause = _options.ReconnectWaitMin;
        try
        {
            while (!await TryConnectAsync())
            {
                _firstTry.TrySetResult();
                await Task.Delay(pause, _clock, _stop.Token);
                pause = pause * 2 < _options.ReconnectWaitMax ? pause * 2 : _options.ReconnectWaitMax;
            }

            await OnOpenedAsync();
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }

        _firstTry.TrySetResult();
    }

    private async Task<bool> TryConnectAsync()
    {
        try
        {
            var connecting = _connection.ConnectAsync().AsTask();
            _ = connecting.ContinueWith(
                failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
            await connecting.WaitAsync(_stop.Token);
            return true;
        }
        catch (Exception e) when (NatsFailureLog.IsFailure(e))
        {
            LastFailure = _failures.TextOf(e);
            Tell(NatsNetEventKind.ConnectFailed, LastFailure);
            return false;
        }
    }

    private async Task OnOpenedAsync()
    {
        Subscription[] waiting;
        lock (_gate)
        {
            waiting = _hasBeenOpen ? [] : [.. _subscriptions];
            _hasBeenOpen = true;
            foreach (var subscription in waiting) subscription.Begin();
        }

        await Task.WhenAll(waiting.Select(s => s.Opened));
        _isConnected = true;
        Tell(NatsNetEventKind.Connected, ServerName ?? "");
        LinkChanged?.Invoke(true);
    }

    private ValueTask OnDisconnected()
    {
        _isConnected = false;
        LastFailure = "the server closed the connection, or the network did";
        foreach (var waiting in _requests.Values) waiting.End.Cancel();
        Tell(NatsNetEventKind.Disconnected, LastFailure);
        LinkChanged?.Invoke(false);
        return ValueTask.CompletedTask;
    }

    private void Tell(NatsNetEventKind kind, string text) =>
        _options.Happened?.Invoke(new NatsNetEvent(kind, _server, text));

    private ValueTask OnReconnectFailed()
    {
        LastFailure = _failures.TakeText();
        Tell(NatsNetEventKind.ConnectFailed, LastFailure);
        return ValueTask.CompletedTask;
    }

    private ValueTask Notice(string text)
    {
        Tell(NatsNetEventKind.Notice, text);
        return ValueTask.CompletedTask;
    }

    private bool IsTooLarge(ReadOnlyMemory<byte> data, NatsHeaders? headers) =>
        (headers?.ToBytes().Length ?? 0) + data.Length > MaxPayload;

    private async Task AskAsync(
        long request, string subject, ReadOnlyMemory<byte> data, NATS.Client.Core.NatsHeaders? headers,
        CancellationToken cancellationToken)
    {
        NatsReply reply;
        try
        {
            var options = new NatsSubOpts { Timeout = ReplyMax, ThrowIfNoResponders = false };
            var message = await _connection.RequestAsync(
                subject, data, headers, NatsRawSerializer<ReadOnlyMemory<byte>>.Default,
                NatsRawSerializer<byte[]>.Default, null, options,
                cancellationToken);
            reply = NatsReply.Of(NatsNetMessages.MessageOf(message));
        }
        catch (NatsNoReplyException)
        {
            reply = NatsReply.Failed(NatsOutcome.TimedOut);
        }
        catch (NatsPayloadTooLargeException)
        {
            reply = NatsReply.Failed(NatsOutcome.TooLarge);
        }
        catch (Exception e) when (e is OperationCanceledException || NatsFailureLog.IsFailure(e))
        {
            reply = NatsReply.Failed(NatsOutcome.Disconnected);
        }

        if (_requests.TryRemove(request, out var waiting)) waiting.Replied(reply);
    }

    private void Track(Task task)
    {
        var guarded = GuardAsync(task);
        _sending[guarded] = true;
        _ = guarded.ContinueWith(
            done => _sending.TryRemove(done, out _), CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    // A message that can no longer be sent is lost: delivery is at most once.
    private static async Task GuardAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception e) when (e is OperationCanceledException || NatsFailureLog.IsFailure(e))
        {
            // Disposed, or disconnected.
        }
    }

    private sealed record Waiting(Action<NatsReply> Replied, CancellationTokenSource End);

    private sealed class Subscription(
        NatsNetBus bus, string subject, string? queueGroup, Action<NatsMessage> received) : IDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Opened => _opened.Task;

        public Task Running { get; private set; } = Task.CompletedTask;

        public void Begin() => Running = RunAsync();

        public void Dispose()
        {
            lock (bus._gate) bus._subscriptions.Remove(this);
            Stop();
        }

        public void Stop() => _end.Cancel();

        private async Task RunAsync()
        {
            try
            {
                await using var messages = await bus._connection.SubscribeCoreAsync(
                    subject, queueGroup, NatsRawSerializer<byte[]>.Default, cancellationToken: _end.Token);
                _opened.TrySetResult();
                await foreach (
                    var message in messages.Msgs.ReadAllAsync(_end.Token)) received(NatsNetMessages.MessageOf(message));
            }
            catch (Exception e) when (e is OperationCanceledException || NatsFailureLog.IsFailure(e))
            {
                // Ended here, or with the connection.
            }

            _opened.TrySetResult();
        }
    }
}
