using System.Buffers;
using System.Security.Cryptography;
using System.Threading.Channels;
using EdgeSync.Nats.Client;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats;

/// <summary>
/// Drives one <see cref="NatsClientCore"/>: a lock around it, one timer for its deadlines, and one loop that owns its links one
/// after the other. Effects are carried out inside the lock, where they keep their order; none of them blocks.
/// </summary>
internal sealed class ClientDriver : IAsyncDisposable
{
    private const int NewsMax = 256;

    private readonly Lock _gate = new();
    private readonly NatsClientCore _core;
    private readonly NatsOpts _opts;
    private readonly MonotonicClock _clock;
    private readonly ITimer _timer;
    private readonly LoopSignal _linkWanted = new();
    private readonly LoopSignal _outputWaits = new();
    private readonly Dictionary<long, TaskCompletionSource<NatsMsg>> _replies = [];
    private readonly Dictionary<long, TaskCompletionSource> _pongs = [];
    private readonly Channel<NatsConnectionNews>? _news;
    private readonly Task _telling = Task.CompletedTask;
    private readonly TaskCompletionSource _firstOutcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _running = Task.CompletedTask;
    private TaskCompletionSource? _room;
    private Instant? _timerAt;
    private NatsServer? _dialTo;
    // The life of the link that is open or dialed; it also tells it from the one before. Without a timer a source holds nothing to give back.
    private CancellationTokenSource? _link;
    private CancellationTokenSource? _ended;
    private bool _isUpgrading;
    private bool _isStarted;
    private bool _isDisposed;
    private int _failures;
    private long _dropped;

    public ClientDriver(NatsOpts opts, TimeProvider time)
    {
        _opts = opts;
        _clock = new MonotonicClock(time);
        _core = new NatsClientCore(opts, new OsEntropy(), new Prng(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8))));
        _timer = time.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (opts.OnNews is null) return;

        _news = Channel.CreateBounded<NatsConnectionNews>(
            new BoundedChannelOptions(NewsMax) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        _telling = TellAsync(_news.Reader, opts.OnNews);
    }

    /// <summary>For reading; changes go through the methods below.</summary>
    public NatsClientCore Core => _core;

    public long Dropped => Interlocked.Read(ref _dropped);

    public bool IsStarted => Volatile.Read(ref _isStarted);

    public string NewInbox()
    {
        lock (_gate) return _core.NewInbox();
    }

    /// <summary>Begins, unless that was done; the task tells whether the first try of all servers brought a connection.</summary>
    public Task StartAsync()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(NatsConnection));
            if (_isStarted) return _firstOutcome.Task;

            _isStarted = true;
            _running = RunAsync();
            _core.Start(_clock.Now);
            Settle();
        }

        return _firstOutcome.Task;
    }

    /// <summary>When the socket does not keep up, <paramref name="room"/> tells when to try again.</summary>
    public PublishResult TryPublish(
        ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> body, out Task room)
    {
        room = Task.CompletedTask;
        lock (_gate)
        {
            var result = _core.TryPublish(subject, reply, headers, body);
            if (result == PublishResult.WouldBlock)
                room = (_room ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            if (_core.OutputCount > 0) _outputWaits.Set();
            return result;
        }
    }

    public PublishResult TryRequest(
        ReadOnlySpan<byte> subject, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> body, out long token, out Task<NatsMsg> reply,
        out Task room)
    {
        room = Task.CompletedTask;
        reply = Task.FromResult(default(NatsMsg));
        lock (_gate)
        {
            var result = _core.TryRequest(subject, headers, body, out token);
            if (result == PublishResult.WouldBlock)
                room = (_room ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            if (result == PublishResult.Accepted)
            {
                var waiter = new TaskCompletionSource<NatsMsg>(TaskCreationOptions.RunContinuationsAsynchronously);
                _replies.Add(token, waiter);
                reply = waiter.Task;
            }

            if (_core.OutputCount > 0) _outputWaits.Set();
            return result;
        }
    }

    public void ForgetRequest(long token)
    {
        lock (_gate)
        {
            if (_replies.Remove(token)) _core.ForgetRequest(token);
        }
    }

    public void Subscribe(NatsSub subscription, int max)
    {
        lock (_gate)
        {
            if (_core.IsFinished) subscription.End();
            subscription.Attach(_core.Subscribe(subscription.Subject, subscription.QueueGroup, max, subscription));
            Settle();
        }
    }

    public void Unsubscribe(ClientSubscription subscription) => Do(core => core.Unsubscribe(subscription));

    public void Drain(ClientSubscription subscription) => Do(core => core.Drain(subscription));

    /// <summary>Ends all subscriptions as <see cref="NatsSub.DrainAsync"/> does.</summary>
    public Task DrainAll()
    {
        lock (_gate)
        {
            var all = _core.Subscriptions;
            foreach (var subscription in all) _core.Drain(subscription);
            Settle();
            return Task.WhenAll(all.Select(subscription => ((NatsSub)subscription.Receiver!).Completion));
        }
    }

    /// <summary>A round trip behind everything that was sent before; null without a link.</summary>
    public Task? Ping()
    {
        lock (_gate)
        {
            var token = _core.Ping();
            if (token == 0) return null;

            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _pongs.Add(token, waiter);
            Settle();
            return waiter.Task;
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed) return;

            _isDisposed = true;
            _core.Close("closed by its user");
            Settle();
        }

        EndLinks();
        _linkWanted.Set();
        await _running;
        await _timer.DisposeAsync();
        _news?.Writer.TryComplete();
        await _telling;
    }

    private void Do(Action<NatsClientCore> command)
    {
        lock (_gate)
        {
            command(_core);
            Settle();
        }

        EndLinks();
    }

    private void OnTimer() => Do(core =>
    {
        _timerAt = null;
        core.OnDeadline(_clock.Now);
    });

    /// <summary>Owner of all links: dials when the core says so, and carries bytes until the link ends.</summary>
    private async Task RunAsync()
    {
        while (true)
        {
            await _linkWanted.WaitAsync();

            CancellationTokenSource? link = null;
            NatsServer? server;
            lock (_gate)
            {
                if (_isDisposed || _core.IsFinished) return;

                (server, _dialTo) = (_dialTo, null);
                if (server is not null) _link = link = new CancellationTokenSource();
            }

            if (link is null) continue;

            await RunLinkAsync(link, server!);
        }
    }

    private async Task RunLinkAsync(CancellationTokenSource link, NatsServer server)
    {
        string reason;
        try
        {
            await using var transport = await ClientTransport.DialAsync(server, _opts, link.Token);
            lock (_gate)
            {
                if (_link != link) return;

                _core.OnDialed(transport.IsSecure);
                Settle();
            }

            var sending = SendLoopAsync(link, transport);
            reason = await ReceiveLoopAsync(link, transport, server);
            link.Cancel();
            _outputWaits.Set();
            reason = await sending ?? reason;
        }
        catch (Exception e) when (ClientTransport.IsFailure(e))
        {
            reason = Explain(e);
        }

        Do(core =>
        {
            if (_link != link) return;   // the core hung up itself

            _link = null;
            core.OnLinkLost(_clock.Now, reason);
        });
    }

    private async Task<string> ReceiveLoopAsync(CancellationTokenSource link, ClientTransport transport, NatsServer server)
    {
        using var buffer = new ReadBuffer(65_536);
        try
        {
            while (true)
            {
                var count = await transport.ReceiveAsync(buffer.Free, link.Token);
                if (count == 0) return "closed by the server";

                buffer.Advance(count);
                if (!TakeIn(link, buffer)) return "";
                if (!_isUpgrading) continue;

                _isUpgrading = false;
                await transport.UpgradeAsync(_opts.Tls.ToAuthentication(server.TlsName), link.Token);
                Do(core =>
                {
                    if (_link == link) core.OnTlsUp();
                });
            }
        }
        catch (Exception e) when (ClientTransport.IsFailure(e))
        {
            return Explain(e);
        }
    }

    private bool TakeIn(CancellationTokenSource link, ReadBuffer buffer)
    {
        lock (_gate)
        {
            if (_link != link) return false;

            var consumed = _core.Receive(_clock.Now, buffer.Filled);
            buffer.Consume(consumed, _core.BytesNeeded);
            Settle();
        }

        EndLinks();
        return true;
    }

    /// <summary>Sends whatever gathered since the last write, in one. Answers why it failed, or null when the link just ended.</summary>
    private async Task<string?> SendLoopAsync(CancellationTokenSource link, ClientTransport transport)
    {
        while (true)
        {
            await _outputWaits.WaitAsync();
            ArraySegment<byte> bytes;
            lock (_gate)
            {
                if (_link != link || link.Token.IsCancellationRequested)
                {
                    _outputWaits.Set();   // for the next link
                    return null;
                }

                bytes = _core.TakeOutput();
                _room?.TrySetResult();
                _room = null;
            }

            if (bytes.Count == 0) continue;

            try
            {
                await transport.SendAsync(bytes, link.Token);
            }
            catch (Exception e) when (ClientTransport.IsFailure(e))
            {
                var wasEnded = link.Token.IsCancellationRequested;
                link.Cancel();
                return wasEnded ? null : Explain(e);
            }
            finally
            {
                if (bytes.Array!.Length > 0) ArrayPool<byte>.Shared.Return(bytes.Array);
            }
        }
    }

    /// <summary>Carries out what the core wants, inside the lock.</summary>
    private void Settle()
    {
        while (_core.TryTake(out var effect)) Carry(effect);
        if (_core.OutputCount > 0) _outputWaits.Set();
        if (_core.State != NatsConnectionState.Open)
        {
            _room?.TrySetResult();   // the link is gone: whoever waited sees the buffer for that time
            _room = null;
        }

        var deadline = _core.Deadline;
        if (deadline == _timerAt) return;

        _timerAt = deadline;
        var pause = deadline is { } at ? at - _clock.Now : Timeout.InfiniteTimeSpan;
        if (deadline is not null) pause = TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling(pause.TotalMilliseconds)));
        if (!_isDisposed) _timer.Change(pause, Timeout.InfiniteTimeSpan);
    }

    private void Carry(in ClientEffect effect)
    {
        switch (effect.Kind)
        {
            case ClientEffectKind.Deliver:
                Deliver((NatsSub)effect.Subscription!.Receiver!, effect.Message);
                break;
            case ClientEffectKind.Reply when _replies.Remove(effect.Token, out var waiter):
                waiter.TrySetResult(effect.Message);
                break;
            case ClientEffectKind.RequestLost when _replies.Remove(effect.Token, out var waiter):
                waiter.TrySetException(new NatsException(
                    NatsFailure.Disconnected, $"The connection to NATS broke while a reply was awaited: {_core.LastFailure}."));
                break;
            case ClientEffectKind.Pong when _pongs.Remove(effect.Token, out var waiter):
                waiter.TrySetResult();
                break;
            case ClientEffectKind.PongLost when _pongs.Remove(effect.Token, out var waiter):
                waiter.TrySetException(new NatsException(NatsFailure.Disconnected, $"The connection to NATS broke: {_core.LastFailure}."));
                break;
            case ClientEffectKind.SubscriptionEnded:
                ((NatsSub)effect.Subscription!.Receiver!).End();
                break;
            case ClientEffectKind.Dial:
                _dialTo = effect.Server;
                _linkWanted.Set();
                break;
            case ClientEffectKind.UpgradeTls:
                _isUpgrading = true;
                break;
            case ClientEffectKind.Hangup:
                _ended = _link;
                _link = null;
                _dialTo = null;
                break;
            case ClientEffectKind.News:
                Hear(effect.News!);
                break;
        }
    }

    private void Deliver(NatsSub subscription, in NatsMsg message)
    {
        var before = subscription.Dropped;
        var isFirst = subscription.Offer(message);
        if (subscription.Dropped != before) Interlocked.Increment(ref _dropped);
        if (isFirst) Hear(new(NatsConnectionNewsKind.MessageDropped, _core.Server, $"the queue of {subscription.Subject} is full"));
    }

    private void Hear(NatsConnectionNews news)
    {
        _news?.Writer.TryWrite(news);
        switch (news.Kind)
        {
            case NatsConnectionNewsKind.Connected:
                _firstOutcome.TrySetResult();
                break;
            case NatsConnectionNewsKind.ConnectFailed when ++_failures >= _core.ServerCount && _opts.RetryOnInitialConnect:
                _firstOutcome.TrySetResult();
                break;
            case NatsConnectionNewsKind.Closed:
                _firstOutcome.TrySetException(new NatsException(
                    _core.WasRefused ? NatsFailure.Refused : NatsFailure.NotConnected,
                    $"No connection to NATS at {_opts.Url.Split('@')[^1]}: {news.Text}.",
                    _core.WasRefused ? "check the user, token or credentials file" : "check that the server runs and the URL is right"));
                _ = _firstOutcome.Task.Exception;   // seen, though perhaps nobody waits
                _linkWanted.Set();
                break;
        }
    }

    /// <summary>Cancelling runs what waits on the link, so it happens outside the lock.</summary>
    private void EndLinks()
    {
        CancellationTokenSource? ended;
        lock (_gate) (ended, _ended) = (_ended, null);
        if (ended is null) return;

        ended.Cancel();
        _outputWaits.Set();
    }

    private static async Task TellAsync(ChannelReader<NatsConnectionNews> news, Action<NatsConnectionNews> listener)
    {
        await foreach (var item in news.ReadAllAsync()) listener(item);
    }

    private static string Explain(Exception e) => e switch
    {
        OperationCanceledException => "closed",
        System.Security.Authentication.AuthenticationException => $"TLS handshake failed: {e.InnerException?.Message ?? e.Message}",
        _ => e.Message,
    };

    /// <summary>Names of inboxes must not be guessed.</summary>
    private sealed class OsEntropy : Entropy
    {
        public override void Fill(Span<byte> target) => RandomNumberGenerator.Fill(target);
    }
}
