using System.Diagnostics.CodeAnalysis;
using System.Net.WebSockets;
using EdgeSync.Iroh.Relay;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Relay;

/// <summary>
/// Drives a <see cref="RelayServer"/>: one lock around every call, one timer for its deadline, two loops for each
/// connection. After a call every connection with new output is woken, outside the lock.
/// </summary>
internal sealed class RelayDriver : IDisposable
{
    /// <summary>For one message to a client; a slower one is closed.</summary>
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly RelayServer _core;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private readonly Dictionary<long, Session> _sessions = [];
    private bool _isDisposed;

    public RelayDriver(RelayServer core, TimeProvider clock)
    {
        (_core, _clock) = (core, clock);
        _timer = clock.CreateTimer(
            static driver => ((RelayDriver)driver!).Call((core, now) => core.OnDeadline(now)), this,
            Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public RelayServerTotals Totals
    {
        get
        {
            lock (_gate) return _core.Totals;
        }
    }

    /// <summary>Serves one client until it or the relay closes the connection.</summary>
    /// <param name="socket">Open; closed here.</param>
    /// <param name="isV2">The client has chosen the second version of the protocol.</param>
    /// <param name="denial">Why its login will be refused; null: it will not.</param>
    /// <param name="cancellationToken">Ends the connection at once.</param>
    public async Task ServeAsync(WebSocket socket, bool isV2, string? denial, CancellationToken cancellationToken)
    {
        using var session = new Session(socket);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (!TryAccept(session, isV2, denial, out var number))
        {
            await socket.CloseOutputAsync(
                WebSocketCloseStatus.EndpointUnavailable, "the relay is full", cancellationToken);
            return;
        }

        var writing = WriteAsync(number, session, ending.Token);
        var reading = ReadAsync(number, session, ending.Token);
        try
        {
            // A relay that closes waits for the client's answer no longer than for any message.
            if (await Task.WhenAny(reading, writing) == writing) ending.CancelAfter(WriteTimeout);
            else session.End();
            await Task.WhenAll(reading, writing);
            if (socket.State == WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, ending.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException)
        {
            // The connection is lost, or was ended: all the same to the core.
        }
        finally
        {
            session.End();
            socket.Abort();
            Call((core, _) => core.OnClosed(number));
            lock (_gate) _sessions.Remove(number);
        }
    }

    /// <summary>Announces the restart to all clients, and closes them.</summary>
    public void Restart(TimeSpan reconnectIn, TimeSpan tryFor) =>
        Call((core, _) => core.Restart(reconnectIn, tryFor));

    public void Dispose()
    {
        lock (_gate) _isDisposed = true;
        _timer.Dispose();
    }

    private bool TryAccept(Session session, bool isV2, string? denial, out long number)
    {
        var accepted = 0L;
        Call((core, now) =>
        {
            if (core.TryAccept(now, isV2, denial, out accepted)) _sessions.Add(accepted, session);
        });
        number = accepted;
        return number != 0;
    }

    private async Task ReadAsync(long number, Session session, CancellationToken cancellationToken)
    {
        using var reader = new MessageReader(session.Socket, RelayServer.MessageBytesMax);
        while (await reader.ReadAsync(cancellationToken) is { } message)
        {
            var pause = TimeSpan.Zero;
            Call((core, now) => pause = core.Receive(now, number, message.Span));
            if (pause > TimeSpan.Zero) await Task.Delay(pause, _clock, cancellationToken);
        }
    }

    private async Task WriteAsync(long number, Session session, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        while (true)
        {
            await session.Signal.WaitAsync();
            while (TryTakeMessage(number, out var message))
            {
                patience.CancelAfter(WriteTimeout);
                await session.Socket.SendAsync(
                    message, WebSocketMessageType.Binary, endOfMessage: true, patience.Token);
                patience.CancelAfter(Timeout.InfiniteTimeSpan);
            }

            if (session.IsOver) return;
            if (!IsClosing(number)) continue;

            await session.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token);
            return;
        }
    }

    private bool TryTakeMessage(long number, [NotNullWhen(true)] out byte[]? message)
    {
        lock (_gate) return _core.TryTakeMessage(number, out message);
    }

    private bool IsClosing(long number)
    {
        lock (_gate) return _core.IsClosing(number);
    }

    private void Call(Action<RelayServer, Instant> action)
    {
        List<Session>? woken = null;
        lock (_gate)
        {
            if (_isDisposed) return;

            var now = Instant.FromDateTime(_clock.GetUtcNow());
            action(_core, now);
            while (_core.TryTakeReady(out var number))
                if (_sessions.TryGetValue(number, out var session)) (woken ??= []).Add(session);
            if (_core.Deadline is { } deadline)
                _timer.Change(deadline > now ? deadline - now : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        foreach (var session in woken ?? []) session.Signal.Set();
    }

    private sealed class Session(WebSocket socket) : IDisposable
    {
        public WebSocket Socket => socket;

        public AsyncSignal Signal { get; } = new();

        public bool IsOver { get; private set; }

        public void End()
        {
            IsOver = true;
            Signal.Set();
        }

        public void Dispose() => socket.Dispose();
    }
}
