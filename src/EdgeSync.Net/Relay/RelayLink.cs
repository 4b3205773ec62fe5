using System.Diagnostics.CodeAnalysis;
using System.Net.WebSockets;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Relay;
using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.Net.Relay;

/// <summary>
/// One relay as a client uses it: drives a <see cref="RelayClient"/> over a WebSocket and reconnects by itself.
/// </summary>
public sealed class RelayLink : IAsyncDisposable
{
    private const string FirstProtocol = "iroh-relay-v1";
    private const string SecondProtocol = "iroh-relay-v2";

    private static readonly TimeSpan LastSendTime = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly RelayClient _core;
    private readonly RelayLinkOptions _options;
    private readonly IRelayReceiver _receiver;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    // A sender may hold a lock that what comes back needs, too.
    private readonly AsyncSignal _toCommands = new() { ContinuesOnPool = true };
    private readonly AsyncSignal _toMessages = new() { ContinuesOnPool = true };
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private TaskCompletionSource? _emptied;

    /// <param name="url">The relay.</param>
    /// <param name="key">Our own key.</param>
    /// <param name="options">How to connect.</param>
    /// <param name="receiver">Gets what the relay sends.</param>
    /// <param name="prng">For backoff and pings.</param>
    /// <param name="clock">Of timeouts.</param>
    public RelayLink(
        RelayUrl url, SecretKey key, RelayLinkOptions options, IRelayReceiver receiver, Prng prng, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        (Url, _options, _receiver, _clock) = (url, options, receiver, clock);
        _timer = clock.CreateTimer(
            static link => ((RelayLink)link!).Call(static (core, now) => core.OnDeadline(now)), this,
            Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _core = new RelayClient(key, options.Client, prng, Now);
        _running = RunAsync();
        Call(static (_, _) => { });
    }

    public RelayUrl Url { get; }

    public RelayClientState State
    {
        get
        {
            lock (_gate) return _core.State;
        }
    }

    /// <summary>Of the last answered ping; null before.</summary>
    public TimeSpan? RoundTrip
    {
        get
        {
            lock (_gate) return _core.RoundTrip;
        }
    }

    /// <summary>Queues datagrams to a peer; false when they were dropped.</summary>
    /// <param name="peer">The recipient, if it is connected to this relay.</param>
    /// <param name="ecn">Of the datagrams.</param>
    /// <param name="segmentBytes">Bytes of each datagram but the last; 0 for a single one.</param>
    /// <param name="datagrams">At most 64 KiB.</param>
    public bool Send(EndpointId peer, EcnMark ecn, int segmentBytes, ReadOnlySpan<byte> datagrams)
    {
        bool isQueued;
        lock (_gate)
        {
            isQueued = _core.Send(Now, peer, ecn, segmentBytes, datagrams);
            SetTimer();
        }

        _toCommands.Set();
        _toMessages.Set();
        return isQueued;
    }

    /// <summary>Makes this the home relay or a relay that is used on demand.</summary>
    public void SetHome(bool isHome) => Call((core, now) => core.SetHome(now, isHome));

    /// <summary>The network may be another one: whether the relay is still there is tested at once.</summary>
    public void OnNetworkChange() => Call(static (core, now) => core.OnNetworkChange(now));

    /// <summary>Leaves the relay, when what waits to be sent has left.</summary>
    public async ValueTask DisposeAsync()
    {
        await SendAllAsync();
        await _stopping.CancelAsync();
        _toCommands.Set();
        await _running;
        await _timer.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task SendAllAsync()
    {
        if (State != RelayClientState.Online) return;
        var emptied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _emptied, emptied);
        _toMessages.Set();
        try
        {
            await emptied.Task.WaitAsync(LastSendTime, _clock);
        }
        catch (TimeoutException)
        {
            // The relay does not read; so it ends without.
        }
    }

    private Instant Now => Instant.FromDateTime(_clock.GetUtcNow());

    private async Task RunAsync()
    {
        using var disposer = new SessionHolder();
        while (!_stopping.IsCancellationRequested)
        {
            while (TryTakeCommand(out var command))
            {
                await disposer.EndAsync();
                if (command == RelayCommand.Connect) disposer.Begin(ServeAsync, _stopping.Token);
            }

            await _toCommands.WaitAsync();
        }

        await disposer.EndAsync();
    }

    private async Task ServeAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var socket = await ConnectAsync(cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            Call(static (core, now) => core.OnConnected(now));
            await ExchangeAsync(socket, cancellationToken);
        }
        catch (Exception e) when (e is WebSocketException or HttpRequestException or IOException
            or OperationCanceledException)
        {
            // Refused, lost or given up; the core decides what comes next.
        }

        if (!cancellationToken.IsCancellationRequested) Call(static (core, now) => core.OnDisconnected(now));
    }

    private async Task ExchangeAsync(WebSocket socket, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var writing = WriteAsync(socket, ending.Token);
        try
        {
            await ReadAsync(socket, ending.Token);
        }
        finally
        {
            await ending.CancelAsync();
            _toMessages.Set();
            await writing;
        }
    }

    private async Task<WebSocket> ConnectAsync(CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler
        {
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
        };
        handler.SslOptions.RemoteCertificateValidationCallback = _options.CertificateCheck;
        using var invoker = new HttpMessageInvoker(handler, disposeHandler: false);
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.KeepAliveInterval = TimeSpan.Zero;   // the protocol inside has pings of its own
            socket.Options.AddSubProtocol(SecondProtocol);
            socket.Options.AddSubProtocol(FirstProtocol);
            if (_options.Token is { } token) socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
            await socket.ConnectAsync(Url.At("/relay", isWebSocket: true), invoker, cancellationToken);
            return socket.SubProtocol is not null ? socket
                : throw new WebSocketException("the server speaks no protocol of iroh's relays");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task ReadAsync(WebSocket socket, CancellationToken cancellationToken)
    {
        using var reader = new MessageReader(socket, RelayClient.MessageBytesMax);
        while (await reader.ReadAsync(cancellationToken) is { } message) OnMessage(message.Span);
    }

    private void OnMessage(ReadOnlySpan<byte> message)
    {
        RelayEvent what;
        lock (_gate)
        {
            what = _core.Receive(Now, message);
            SetTimer();
        }

        _toCommands.Set();
        _toMessages.Set();
        if (what.Kind != RelayEventKind.None) _receiver.OnRelay(this, what);
    }

    private async Task WriteAsync(WebSocket socket, CancellationToken cancellationToken)
    {
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                while (TryTakeMessage(out var message))
                    await socket.SendAsync(
                        message, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
                Volatile.Read(ref _emptied)?.TrySetResult();
                await _toMessages.WaitAsync();
            }
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException)
        {
            Volatile.Read(ref _emptied)?.TrySetResult();
            socket.Abort();   // ends the reading, too
        }
    }

    private bool TryTakeCommand(out RelayCommand command)
    {
        lock (_gate) return _core.TryTakeCommand(out command);
    }

    private bool TryTakeMessage([NotNullWhen(true)] out byte[]? message)
    {
        lock (_gate) return _core.TryTakeMessage(Now, out message);
    }

    private void Call(Action<RelayClient, Instant> action)
    {
        lock (_gate)
        {
            action(_core, Now);
            SetTimer();
        }

        _toCommands.Set();
        _toMessages.Set();
    }

    private void SetTimer()
    {
        if (_core.Deadline is not { } deadline) return;

        var due = deadline - Now;
        _timer.Change(due > TimeSpan.Zero ? due : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The WebSocket of now and the loops on it.</summary>
    private sealed class SessionHolder : IDisposable
    {
        private CancellationTokenSource? _ending;
        private Task _serving = Task.CompletedTask;

        public void Begin(Func<CancellationToken, Task> serve, CancellationToken stopping)
        {
            _ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            _serving = serve(_ending.Token);
        }

        public async Task EndAsync()
        {
            if (_ending is null) return;

            await _ending.CancelAsync();
            await _serving;
            _ending.Dispose();
            _ending = null;
        }

        public void Dispose() => _ending?.Dispose();
    }
}
