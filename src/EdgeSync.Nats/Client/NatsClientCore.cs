using System.Buffers;
using System.Buffers.Text;
using System.Text;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Client;

/// <summary>
/// A client of a NATS server: everything it decides, without socket, clock or lock. One connection for its user, over many
/// links one after the other.
/// </summary>
/// <remarks>
/// A shell calls <see cref="Start"/>, does what <see cref="TryTake"/> asks until it has no more, sends what
/// <see cref="TakeOutput"/> gives, feeds <see cref="Receive"/>, and calls <see cref="OnDeadline"/> when <see cref="Deadline"/>
/// passes. A link goes: dial → INFO → (TLS) → CONNECT and PING → PONG → live. On a live link the order of commands is the order
/// of bytes. A link that breaks is replaced: subscriptions are made anew, publishes that no socket took follow.
/// </remarks>
public sealed class NatsClientCore
{
    private readonly NatsClientOptions _options;
    private readonly ServerPool _pool;
    private readonly ReconnectPlan _plan;
    private readonly SubscriptionTable _subscriptions = new();
    private readonly RequestMux _requests;
    private readonly PendingPublishes _pending = new();
    private readonly OutputBuffer _output = new();
    private readonly Queue<PongWaiter> _pongs = new();
    private readonly Queue<ClientEffect> _effects = new();
    private readonly Nuid _nuid;
    private LinkPhase _phase;
    private LinkKeepAlive? _keepAlive;
    private Instant _phaseDeadline;
    private Instant _liveSince;
    private bool _isSecure;
    private bool _everLive;
    private bool _isFinished;
    private int _refusals;
    private long _lastToken;
    private ClientCounters _counters;

    public NatsClientCore(NatsClientOptions options, Entropy entropy, Prng prng)
    {
        _options = options;
        _nuid = new Nuid(entropy);
        _pool = ServerPool.Parse(options.Url, !options.NoRandomize, prng);
        _plan = new ReconnectPlan(options, prng);
        _requests = new RequestMux(options.MaxPendingRequests, $"{options.InboxPrefix}.{_nuid.Next()}.");
    }

    public NatsConnectionState State { get; private set; }

    /// <summary>Closed for good, not merely not started.</summary>
    public bool IsFinished => _isFinished;

    /// <summary>How many servers there are to try.</summary>
    public int ServerCount => _pool.Count;

    /// <summary>What the server told last; null before the first link.</summary>
    public ServerInfo? ServerInfo { get; private set; }

    /// <summary>The server of the link, or of the attempt.</summary>
    public NatsServer Server => _pool.Current;

    /// <summary>Why the connection is closed, or why the last attempt failed; empty before any failure.</summary>
    public string LastFailure { get; private set; } = "";

    /// <summary>The last failure was about credentials.</summary>
    public bool WasRefused { get; private set; }

    /// <summary>After <see cref="Receive"/>: how many bytes the incomplete operation takes in all, 0 when not known yet.</summary>
    public int BytesNeeded { get; private set; }

    /// <summary>Bytes that wait for the socket.</summary>
    public int OutputCount => _output.Count;

    public ClientCounters Counters => _counters with { PendingBytes = _output.Count + _pending.Count };

    /// <summary>When <see cref="OnDeadline"/> has something to do; null: never.</summary>
    public Instant? Deadline => State == NatsConnectionState.Closed
        ? null
        : _phase == LinkPhase.Live ? _keepAlive!.Deadline : _phaseDeadline;

    /// <summary>A subject for replies, that nobody else has.</summary>
    public string NewInbox() => $"{_options.InboxPrefix}.{_nuid.Next()}";

    public bool TryTake(out ClientEffect effect) => _effects.TryDequeue(out effect);

    /// <summary>Everything that is to be sent now. The array goes back to the shared pool.</summary>
    public ArraySegment<byte> TakeOutput() => _output.Take();

    /// <summary>Begins with the first server.</summary>
    public void Start(Instant now)
    {
        Invariant.Require(State == NatsConnectionState.Closed && !_isFinished);
        State = NatsConnectionState.Connecting;
        Dial(now);
    }

    /// <summary>The link is open; over it TLS may have been made already.</summary>
    public void OnDialed(bool isSecure)
    {
        if (_phase != LinkPhase.Dialing) return;

        _isSecure = isSecure;
        _phase = LinkPhase.AwaitInfo;
    }

    public void OnTlsUp()
    {
        if (_phase != LinkPhase.Upgrading) return;

        _isSecure = true;
        BeginHandshake();
    }

    /// <summary>The link broke, or could not be opened.</summary>
    public void OnLinkLost(Instant now, string reason)
    {
        if (_phase != LinkPhase.None) Lose(now, reason);
    }

    public void OnDeadline(Instant now)
    {
        if (State == NatsConnectionState.Closed) return;

        switch (_phase)
        {
            case LinkPhase.Live:
                var step = _keepAlive!.OnDeadline(now);
                if (step == KeepAliveStep.SendPing) SendPing(new(PongFor.KeepAlive));
                else if (step == KeepAliveStep.GiveUp) Hangup(now, "the server is silent (no answer to pings)");
                break;
            case LinkPhase.None when now >= _phaseDeadline:
                Dial(now);
                break;
            case not LinkPhase.None when now >= _phaseDeadline:
                Hangup(now, $"no connection within {_options.ConnectTimeout.TotalSeconds:0.#} s ({_phase.Describe()})");
                break;
        }
    }

    /// <summary>Takes bytes of the server; answers how many. The rest begins an incomplete operation and comes again with more.</summary>
    public int Receive(Instant now, ReadOnlySpan<byte> input)
    {
        _keepAlive?.OnReceived(now);
        var reader = new NatsOpReader(input, _options.Limits);
        while (_phase is LinkPhase.AwaitInfo or LinkPhase.Handshake or LinkPhase.Live)
        {
            var status = reader.TryReadFromServer(out var op);
            if (status == OperationStatus.NeedMoreData) break;
            if (status == OperationStatus.InvalidData)
            {
                Hangup(now, $"the server does not speak NATS ({reader.Fault})");
                return input.Length;
            }

            On(now, op);
        }

        // Clear bytes between INFO and the handshake would be taken for the server's word inside TLS.
        if (_phase == LinkPhase.Upgrading && reader.Consumed < input.Length)
        {
            Hangup(now, "bytes before the TLS handshake");
            return input.Length;
        }

        BytesNeeded = reader.BytesNeeded;
        return _phase == LinkPhase.None ? input.Length : reader.Consumed;
    }

    /// <summary>Publishes now, or keeps for the next link.</summary>
    /// <param name="headers">A whole header block, or empty.</param>
    public PublishResult TryPublish(
        ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> body)
    {
        if (State == NatsConnectionState.Closed) return PublishResult.Closed;

        var size = headers.Length + body.Length;
        if (ServerInfo is { MaxPayload: > 0 } info && size > info.MaxPayload) return PublishResult.TooLarge;

        if (_phase == LinkPhase.Live)
        {
            if (_output.Count > 0 && _output.Count + size > _options.SendBufferBytesMax) return PublishResult.WouldBlock;
            NatsOpWriter.WritePub(_output, subject, reply, headers, body);
        }
        else
        {
            if (_pending.Count + size > _options.ReconnectBufferBytesMax) return PublishResult.BufferFull;
            NatsOpWriter.WritePub(_pending.Buffer, subject, reply, headers, body);
        }

        _counters.OutMsgs++;
        _counters.OutBytes += size;
        return PublishResult.Accepted;
    }

    /// <param name="max">It ends by itself after so many messages; 0: never.</param>
    public ClientSubscription Subscribe(string subject, string queueGroup, int max, object? receiver)
    {
        var subscription = _subscriptions.Add(subject, queueGroup, max);
        subscription.Receiver = receiver;
        if (_phase == LinkPhase.Live) SubscriptionTable.WriteSub(_output, subscription);
        return subscription;
    }

    /// <summary>Ends it: nothing is delivered any more.</summary>
    public void Unsubscribe(ClientSubscription subscription)
    {
        if (!_subscriptions.Remove(subscription)) return;

        if (_phase == LinkPhase.Live && !subscription.IsDraining) NatsOpWriter.WriteUnsub(_output, subscription.SidText, 0);
        _effects.Enqueue(new(ClientEffectKind.SubscriptionEnded) { Subscription = subscription });
    }

    /// <summary>Ends it at the server, and here when everything that was under way has arrived.</summary>
    public void Drain(ClientSubscription subscription)
    {
        if (subscription.IsDraining) return;

        if (_phase != LinkPhase.Live)
        {
            Unsubscribe(subscription);
            return;
        }

        subscription.IsDraining = true;
        NatsOpWriter.WriteUnsub(_output, subscription.SidText, 0);
        SendPing(new(PongFor.Drain) { Subscription = subscription });
    }

    /// <summary>All subscriptions of users, in no order; the one of requests is not among them.</summary>
    public IReadOnlyList<ClientSubscription> Subscriptions => _subscriptions.ToList();

    /// <summary>Asks: the answer comes as an effect with the token. The token is 0 when the request was not accepted.</summary>
    public PublishResult TryRequest(
        ReadOnlySpan<byte> subject, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> body, out long token)
    {
        token = 0;
        if (State == NatsConnectionState.Closed) return PublishResult.Closed;
        if (_requests.IsFull) return PublishResult.TooManyRequests;

        if (_requests.Begin() && _phase == LinkPhase.Live) NatsOpWriter.WriteSub(_output, _requests.Wildcard, default, RequestMux.Sid);

        Span<byte> reply = stackalloc byte[_requests.ReplyBytesMax];
        var next = ++_lastToken;
        reply = reply[.._requests.WriteReply(reply, next)];
        var result = TryPublish(subject, reply, headers, body);
        if (result != PublishResult.Accepted) return result;

        token = next;
        _requests.Add(token, isOnLink: _phase == LinkPhase.Live);
        return result;
    }

    /// <summary>Nobody waits for this reply any more.</summary>
    public void ForgetRequest(long token) => _requests.Forget(token);

    /// <summary>A round trip behind everything that was sent; the token comes back with <c>Pong</c> or <c>PongLost</c>. 0 without a link.</summary>
    public long Ping()
    {
        if (_phase != LinkPhase.Live) return 0;

        var token = ++_lastToken;
        SendPing(new(PongFor.Caller) { Token = token });
        return token;
    }

    /// <summary>Ends everything.</summary>
    public void Close(string reason)
    {
        if (_isFinished) return;

        if (_phase != LinkPhase.None) _effects.Enqueue(new(ClientEffectKind.Hangup));
        EndLink();
        Finish(reason);
    }

    private void Dial(Instant now)
    {
        _phase = LinkPhase.Dialing;
        _phaseDeadline = now + _options.ConnectTimeout;
        _isSecure = false;
        _effects.Enqueue(new(ClientEffectKind.Dial) { Server = _pool.Current });
    }

    private void On(Instant now, in NatsOp op)
    {
        switch (op.Verb)
        {
            case NatsVerb.Msg or NatsVerb.HMsg when _phase == LinkPhase.Live:
                OnMessage(op);
                break;
            case NatsVerb.Ping:
                _output.Write(NatsOpWriter.Pong);
                break;
            case NatsVerb.Pong:
                OnPong(now);
                break;
            case NatsVerb.Info:
                OnInfo(now, op.Arguments);
                break;
            case NatsVerb.Err:
                OnError(now, ServerErrors.TextOf(op.Arguments));
                break;
        }
    }

    private void OnMessage(in NatsOp op)
    {
        _counters.InMsgs++;
        _counters.InBytes += op.TotalBytes;
        if (!Utf8Parser.TryParse(op.Sid, out int sid, out var digits) || digits != op.Sid.Length) return;

        if (sid == RequestMux.SidNumber)
        {
            if (_requests.TryEnd(op.Subject, out var token))
                _effects.Enqueue(new(ClientEffectKind.Reply) { Token = token, Message = NatsMsg.From(op, Encoding.UTF8.GetString(op.Subject), ref _counters) });
            return;
        }

        if (_subscriptions.Find(sid) is not { } subscription) return;

        subscription.Delivered++;
        var message = NatsMsg.From(op, subscription.TextOf(op.Subject), ref _counters);
        _effects.Enqueue(new(ClientEffectKind.Deliver) { Subscription = subscription, Message = message });
        if (subscription.Max == 0 || subscription.Delivered < subscription.Max) return;

        // The server has ended it by itself.
        _subscriptions.Remove(subscription);
        _effects.Enqueue(new(ClientEffectKind.SubscriptionEnded) { Subscription = subscription });
    }

    private void OnPong(Instant now)
    {
        if (!_pongs.TryDequeue(out var waiter)) return;

        switch (waiter.For)
        {
            case PongFor.Handshake:
                GoLive(now);
                break;
            case PongFor.Caller:
                _effects.Enqueue(new(ClientEffectKind.Pong) { Token = waiter.Token });
                break;
            case PongFor.Drain:
                Unsubscribe(waiter.Subscription!);
                break;
        }
    }

    private void OnInfo(Instant now, ReadOnlySpan<byte> json)
    {
        if (!ServerInfo.TryParse(json, out var info))
        {
            Hangup(now, "INFO is no JSON that we understand");
            return;
        }

        var wasLameDuck = _phase == LinkPhase.Live && ServerInfo is { LameDuckMode: true };
        ServerInfo = info;
        if (!_options.IgnoreDiscoveredServers)
            _pool.Learn(_pool.Current.IsWebSocket ? info.WebSocketConnectUrls : info.ClientConnectUrls);
        if (info.LameDuckMode && !wasLameDuck) Tell(NatsConnectionNewsKind.LameDuck, "the server is about to stop");
        if (_phase != LinkPhase.AwaitInfo) return;

        var (isUpgrade, refusal) = LinkGreeting.DecideTls(_options.TlsMode, _pool.Current, info, _isSecure);
        if (refusal is not null)
        {
            Hangup(now, refusal);
        }
        else if (isUpgrade)
        {
            _phase = LinkPhase.Upgrading;
            _effects.Enqueue(new(ClientEffectKind.UpgradeTls) { Server = _pool.Current });
        }
        else
        {
            BeginHandshake();
        }
    }

    // Spec: CONNECT and PING go out in one write; the PONG says that the server took us.
    private void BeginHandshake()
    {
        _phase = LinkPhase.Handshake;
        NatsOpWriter.WriteConnect(_output, LinkGreeting.Connect(_options, _pool.Current, ServerInfo!, _isSecure));
        SendPing(new(PongFor.Handshake));
    }

    private void GoLive(Instant now)
    {
        _phase = LinkPhase.Live;
        _liveSince = now;
        _keepAlive = new LinkKeepAlive(_options.PingInterval, _options.MaxPingOut, now);
        if (_everLive) _counters.Reconnects++;
        _everLive = true;
        _refusals = 0;
        WasRefused = false;
        State = NatsConnectionState.Open;

        if (_requests.IsSubscribed) NatsOpWriter.WriteSub(_output, _requests.Wildcard, default, RequestMux.Sid);
        _subscriptions.WriteAll(_output);
        var dropped = _pending.MoveTo(_output, ServerInfo!.MaxPayload > 0 ? ServerInfo.MaxPayload : int.MaxValue);
        _requests.OnLink();
        if (dropped > 0) Tell(NatsConnectionNewsKind.PublishDropped, $"{dropped} waiting messages are larger than this server takes");
        Tell(NatsConnectionNewsKind.Connected, ServerInfo.ServerName);
    }

    private void OnError(Instant now, string text)
    {
        var kind = ServerErrors.KindOf(text);
        if (kind == ServerErrorKind.Report)
        {
            Tell(NatsConnectionNewsKind.ServerError, text);
            return;
        }

        if (kind == ServerErrorKind.Refused)
        {
            WasRefused = true;
            _refusals++;
        }

        Hangup(now, text);
    }

    private void Hangup(Instant now, string reason)
    {
        _effects.Enqueue(new(ClientEffectKind.Hangup));
        Lose(now, reason);
    }

    private void Lose(Instant now, string reason)
    {
        var wasLive = _phase == LinkPhase.Live;
        LastFailure = reason;
        EndLink();

        var wasStable = wasLive && now - _liveSince >= _options.StableAfter;
        if (wasStable) _plan.OnStable();
        var server = _pool.Current;
        _effects.Enqueue(new(ClientEffectKind.News)
        {
            News = new(wasLive ? NatsConnectionNewsKind.Disconnected : NatsConnectionNewsKind.ConnectFailed, server, reason),
        });
        var pause = wasStable ? _plan.AfterLoss() : _plan.AfterFailure(_pool.Count);
        _pool.Rotate();

        var givesUp = _everLive
            ? _plan.IsExhausted
            : _plan.IsExhausted || (!_options.RetryOnInitialConnect && _plan.Failures >= _pool.Count);
        if (givesUp || (_options.MaxAuthRefusals >= 0 && _refusals >= _options.MaxAuthRefusals))
        {
            Finish(reason);
            return;
        }

        if (_everLive) State = NatsConnectionState.Reconnecting;
        _phaseDeadline = now + pause;
    }

    /// <summary>Everything that lived with the link.</summary>
    private void EndLink()
    {
        var wasLive = _phase == LinkPhase.Live;
        _phase = LinkPhase.None;
        _keepAlive = null;
        BytesNeeded = 0;
        if (wasLive) _pending.KeepFrom(_output, _options.ReconnectBufferBytesMax);
        else _output.Clear();

        foreach (var token in _requests.OnLinkLost()) _effects.Enqueue(new(ClientEffectKind.RequestLost) { Token = token });
        while (_pongs.TryDequeue(out var waiter))
        {
            if (waiter.For == PongFor.Caller) _effects.Enqueue(new(ClientEffectKind.PongLost) { Token = waiter.Token });
            else if (waiter.For == PongFor.Drain) Unsubscribe(waiter.Subscription!);
        }
    }

    private void Finish(string reason)
    {
        _isFinished = true;
        State = NatsConnectionState.Closed;
        LastFailure = reason;
        _pending.Clear();
        foreach (var subscription in _subscriptions.ToList()) Unsubscribe(subscription);
        foreach (var token in _requests.OnClosed()) _effects.Enqueue(new(ClientEffectKind.RequestLost) { Token = token });
        Tell(NatsConnectionNewsKind.Closed, reason);
    }

    private void SendPing(PongWaiter waiter)
    {
        _pongs.Enqueue(waiter);
        _output.Write(NatsOpWriter.Ping);
    }

    private void Tell(NatsConnectionNewsKind kind, string text) =>
        _effects.Enqueue(new(ClientEffectKind.News) { News = new(kind, _pool.Current, text) });
}
