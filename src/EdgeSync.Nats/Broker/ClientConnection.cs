using System.Buffers;
using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>A client: its CONNECT, its subscriptions, and the operations that it sends.</summary>
internal sealed class ClientConnection : BrokerConnection
{
    private readonly WireLimits _limits;
    private readonly Dictionary<byte[], Subscription> _subscriptions;
    private readonly Dictionary<byte[], Subscription>.AlternateLookup<ReadOnlySpan<byte>> _subscriptionsBySid;
    private readonly ClientLiveness _liveness;
    private ConnectOptions _connect = ConnectOptions.ServerDefaults;
    private string _nonce = "";
    private bool _isAuthenticated;
    private bool _isConnected;
    private BrokerUser? _claimed;
    private ReplyPermits? _permits;

    // The last subject published to, and its matches: most publishers repeat one for a while.
    private byte[] _lastSubject = [];
    private MatchResult? _lastMatch;

    public ClientConnection(BrokerCore core, ConnectionOrigin origin, Instant now)
        : base(core, origin, now)
    {
        _limits = new WireLimits(core.Options.ControlLineBytesMax, core.Options.PayloadBytesMax);
        _subscriptions = new Dictionary<byte[], Subscription>(core.KeyComparer);
        _subscriptionsBySid = _subscriptions.GetAlternateLookup<ReadOnlySpan<byte>>();
        _isAuthenticated = !core.Options.RequiresAuthentication || origin.Transport == ConnectionTransport.InProcess;
        _liveness = new ClientLiveness(core.Options, _isAuthenticated, core.Prng, now);
    }

    /// <summary>The user; null without authentication.</summary>
    public BrokerUser? User { get; private set; }

    internal override bool IsStillWelcome =>
        Origin.Transport == ConnectionTransport.InProcess
        || (!IsHeld && (!_isAuthenticated || Core.Authenticator.StillAccepts(User)));

    public ConnectOptions Connect => _connect;

    internal override long PendingBytesMax => Core.Options.PendingBytesMax;

    internal override int SubscriptionCount => _subscriptions.Count;

    internal override IEnumerable<Subscription> ListSubscriptions() => _subscriptions.Values;

    /// <summary>Writes the first INFO and starts the timers.</summary>
    public void Greet(Instant now)
    {
        if (Core.Authenticator.UsesNonce) _nonce = Core.Authenticator.DrawNonce(Core.Entropy);
        WriteInfo();
        Core.Schedule(this, _liveness.Next(now));
    }

    /// <summary>Sends INFO again: the server is about to stop.</summary>
    public void SendLameDuckInfo()
    {
        if (_isConnected && _connect.ProtocolVersion >= 1) WriteInfo();
    }

    internal override bool Deliver(Subscription subscription, BrokerConnection source, scoped in RoutedMessage message)
    {
        if (IsClosed || (ReferenceEquals(source, this) && !_connect.Echo) || subscription.Slot < 0) return false;
        if (subscription.IsFiltered && !User!.Subscribe!.AllowsMessage(message.ClientSubject)) return false;

        subscription.Delivered++;
        if (_permits is not null && !message.ClientReply.IsEmpty) _permits.Add(message.ClientReply, Core.Now);
        var hasHeaders = message.HeaderBytes > 0;
        if (hasHeaders && !_connect.Headers) WriteWithoutHeaders(subscription, message);
        else WriteMessage(hasHeaders, subscription, message, message.Sizes, message.PayloadWithEnd);

        Counters.OutMessages++;
        Counters.OutBytes += message.TotalBytes;
        Core.Totals.OutMessages++;
        Core.Totals.OutBytes += message.TotalBytes;
        Core.OnWritten(message.TotalBytes);
        if (IsClosed) return true;
        if (subscription.Delivered == subscription.DeliveredMax) Remove(subscription);
        if (PendingBytes > Core.PauseBytes) OnMuchPending(source);
        return true;
    }

    internal override Instant? OnDeadline(Instant now)
    {
        switch (_liveness.OnDeadline(now))
        {
            case LivenessStep.AuthenticationTimeout:
                CloseWithError("Authentication Timeout"u8, CloseReason.AuthenticationTimeout);
                return null;
            case LivenessStep.Stale:
                CloseWithError("Stale Connection"u8, CloseReason.StaleConnection);
                return null;
            case LivenessStep.Ping:
                Write(NatsOpWriter.Ping);
                break;
        }

        return _liveness.Next(now);
    }

    private protected override int Read(ReadOnlySpan<byte> bytes, Instant now, out int needed)
    {
        var reader = new NatsOpReader(bytes, _limits);
        while (!IsClosed && !IsHeld)
        {
            switch (reader.TryReadFromClient(out var op))
            {
                case OperationStatus.Done:
                    Handle(op, now);
                    break;
                case OperationStatus.NeedMoreData when _isAuthenticated || reader.BytesNeeded == 0:
                    needed = reader.BytesNeeded;
                    return reader.Consumed;
                case OperationStatus.NeedMoreData:
                    RefuseUnauthenticated();   // something with a payload, which is not awaited
                    break;
                default:
                    CloseForFault(reader.Fault);
                    break;
            }
        }

        needed = 0;
        return IsHeld ? reader.Consumed : bytes.Length;
    }

    private protected override void OnBytes(Instant now) => _liveness.OnReceived(now);

    private protected override void OnClosed(CloseReason reason)
    {
        foreach (var subscription in _subscriptions.Values) Withdraw(subscription);
        _subscriptions.Clear();
        _lastMatch = null;
    }

    private void Handle(scoped in NatsOp op, Instant now)
    {
        // Spec: with authentication on, anything but CONNECT first is a violation.
        if (!_isAuthenticated && op.Verb != NatsVerb.Connect)
        {
            RefuseUnauthenticated();
            return;
        }

        switch (op.Verb)
        {
            case NatsVerb.Pub:
                Publish(op);
                break;
            case NatsVerb.HPub:
                if (_connect.Headers) Publish(op);
                else Close(CloseReason.ParseError);
                break;
            case NatsVerb.Sub:
                Subscribe(op);
                break;
            case NatsVerb.Unsub:
                Unsubscribe(op);
                break;
            case NatsVerb.Ping:
                Write(NatsOpWriter.Pong);
                break;
            case NatsVerb.Pong:
                if (_liveness.OnPong(now) is { } roundTrip) RoundTrip = roundTrip;
                break;
            case NatsVerb.Connect:
                OnConnect(op.Arguments);
                break;
            case NatsVerb.Err:
                Close(CloseReason.ClientClosed);   // Spec: -ERR from a client closes it silently
                break;
        }
    }

    private void Publish(scoped in NatsOp op)
    {
        var size = op.TotalBytes;
        Counters.InMessages++;
        Counters.InBytes += size;
        Core.Totals.InMessages++;
        Core.Totals.InBytes += size;

        if (_connect.Pedantic && !NatsSubject.IsLiteral(op.Subject)) WriteError("Invalid Publish Subject"u8);
        if (!MayPublish(op)) return;
        if (_connect.Verbose) Write(NatsOpWriter.Ok);

        if (_lastMatch is not { IsStale: false } match || !op.Subject.SequenceEqual(_lastSubject))
            match = Match(op.Subject);
        var isDelivered = !match.IsEmpty && Core.Router.FromClient(this, new RoutedMessage(op), match);
        if (!isDelivered && !op.Reply.IsEmpty && _connect.NoResponders) SendNoResponders(op.Reply);
    }

    private void OnMuchPending(BrokerConnection source)
    {
        if (PendingBytes > PendingBytesMax) Close(CloseReason.SlowConsumerPendingBytes);
        else HoldBack(source);
    }

    private MatchResult Match(ReadOnlySpan<byte> subject)
    {
        var match = Core.Subscriptions.Match(subject);
        if (!subject.SequenceEqual(_lastSubject)) _lastSubject = subject.ToArray();
        _lastMatch = match.Size <= MatchResult.KeptSizeMax ? match : null;
        return match;
    }

    private bool MayPublish(scoped in NatsOp op)
    {
        if (!MayPublish(op.Subject)) return Refuse("Permissions Violation for Publish to \""u8, op.Subject);
        if (ReservedSubjects.IsTarget(op.Subject))
            return Refuse("Permissions Violation for Publish to \""u8, op.Subject);
        if (ReservedSubjects.IsReply(op.Reply))
            return Refuse("Permissions Violation for Publish with Reply of \""u8, op.Reply);
        return true;
    }

    // Spec: a user with response permission may publish to any reply subject that it received, also to one denied
    // otherwise.
    private bool MayPublish(ReadOnlySpan<byte> subject)
    {
        var isAllowed = User?.Publish is { } permissions ? permissions.AllowsMessage(subject) : _permits is null;
        return isAllowed || (_permits is not null && _permits.TryUse(subject, Core.Now));
    }

    private bool Refuse(ReadOnlySpan<byte> text, ReadOnlySpan<byte> subject)
    {
        WriteError([.. text, .. subject, (byte)'"']);
        return false;
    }

    // Spec: only a plain subscription of the same connection that matches the reply gets it.
    private void SendNoResponders(ReadOnlySpan<byte> reply)
    {
        foreach (var subscription in Core.Subscriptions.Match(reply).Plain)
        {
            if (subscription.Owner != this) continue;

            WriteMessage(
                hasHeaders: true, subscription,
                new RoutedMessage { Subject = reply, ClientSubject = reply }, "16 16"u8, "NATS/1.0 503\r\n\r\n\r\n"u8);
            return;
        }
    }

    private void Subscribe(scoped in NatsOp op)
    {
        if (!NatsSubject.IsValid(op.Subject))
        {
            WriteError("Invalid Subject"u8);
            return;
        }

        if (User?.Subscribe is { } permissions && !permissions.AllowsSubscription(op.Subject)
            || op.Queue.SequenceEqual("_sys_"u8))
        {
            WriteError(
                op.Queue.IsEmpty
                    ? [.. "Permissions Violation for Subscription to \""u8, .. op.Subject, (byte)'"']
                    : [
                        .. "Permissions Violation for Subscription to \""u8, .. op.Subject, .. "\" using queue \""u8,
                        .. op.Queue, (byte)'"']);
            return;
        }

        // Spec: a sid that is in use keeps its first subscription.
        if (!_subscriptionsBySid.ContainsKey(op.Sid))
        {
            if (!TryAdd(op))
            {
                WriteError("maximum subscriptions exceeded"u8);
                return;
            }
        }

        if (_connect.Verbose) Write(NatsOpWriter.Ok);
    }

    private bool TryAdd(scoped in NatsOp op)
    {
        if (Core.Options.SubscriptionsMax > 0 && _subscriptions.Count >= Core.Options.SubscriptionsMax) return false;

        var cost = SubscriptionCost.Of(op.Subject, op.Queue, op.Sid);
        if (!TryTakeSubscription(cost)) return false;

        var subscription = new Subscription(
            this, op.Subject.ToArray(), op.Queue.IsEmpty ? null : op.Queue.ToArray(), op.Sid.ToArray())
        {
            IsFiltered = User?.Subscribe?.DeniesBelow(op.Subject) ?? false,
            Cost = cost,
        };
        _subscriptions.Add(subscription.Sid, subscription);
        Core.Subscriptions.Add(subscription);
        Core.Leafnodes?.OnSubscribed(subscription);
        subscription.IsAnnounced = true;
        return true;
    }

    private void Unsubscribe(scoped in NatsOp op)
    {
        if (_subscriptionsBySid.TryGetValue(op.Sid, out var subscription))
        {
            if (op.Number > subscription.Delivered) subscription.DeliveredMax = op.Number;
            else Remove(subscription);
        }

        if (_connect.Verbose) Write(NatsOpWriter.Ok);
    }

    private void Remove(Subscription subscription)
    {
        _subscriptions.Remove(subscription.Sid);
        Withdraw(subscription);
    }

    private void Withdraw(Subscription subscription)
    {
        GiveBackSubscription(subscription.Cost);
        Core.Subscriptions.Remove(subscription);
        if (subscription.IsAnnounced) Core.Leafnodes?.OnUnsubscribed(subscription);
    }

    private void OnConnect(ReadOnlySpan<byte> json)
    {
        if (!ConnectOptions.TryParse(json, _connect, out var connect))
        {
            Close(CloseReason.ParseError);
            return;
        }

        _connect = connect;
        Name = connect.Name;
        if (connect.ProtocolVersion is < 0 or > 1)
            CloseWithError("invalid client protocol"u8, CloseReason.BadClientProtocolVersion);
        else if (connect.NoResponders && !connect.Headers)
            CloseWithError("no responders requires headers support"u8, CloseReason.ProtocolViolation);
        else if (_isAuthenticated)
            Welcome();
        else
            Authenticate(connect);
    }

    private void Authenticate(ConnectOptions connect)
    {
        switch (Authenticate(connect, _nonce, out _claimed))
        {
            case AuthenticationResult.Accepted:
                OnAuthenticated(isRight: true, Core.Now);
                break;
            case AuthenticationResult.TakesTime:
                _liveness.OnChecking(Core.Now);
                Check(_claimed, connect);
                break;
            default:
                OnAuthenticated(isRight: false, Core.Now);
                break;
        }
    }

    private protected override void OnAuthenticated(bool isRight, Instant now)
    {
        CountLogin(isRight);
        if (!isRight)
        {
            RefuseUnauthenticated();
            return;
        }

        User = _claimed;
        if (User?.Responses is { } rule) _permits = new ReplyPermits(rule, Core.KeyComparer);
        _isAuthenticated = true;
        _liveness.OnAuthenticated();
        Welcome();
    }

    private void Welcome()
    {
        _isConnected = true;
        if (_connect.Verbose) Write(NatsOpWriter.Ok);
    }

    private void RefuseUnauthenticated() =>
        CloseWithError("Authorization Violation"u8, CloseReason.AuthenticationFailure);

    private void WriteMessage(
        bool hasHeaders, Subscription subscription, scoped in RoutedMessage message, ReadOnlySpan<byte> sizes,
        ReadOnlySpan<byte> payload)
    {
        var headMax = NatsOpWriter.HeadBytesMax + message.ClientSubject.Length + message.ClientReply.Length
            + subscription.Sid.Length;
        if (payload.Length <= OutputQueue.ContiguousBytesMax)
        {
            var target = Output.GetSpan(headMax + payload.Length);
            var at = NatsOpWriter.WriteMsgHead(
                target, hasHeaders, message.ClientSubject, subscription.Sid, message.ClientReply, sizes);
            payload.CopyTo(target[at..]);
            Output.Advance(at + payload.Length);
        }
        else
        {
            var target = Output.GetSpan(headMax);
            Output.Advance(
                NatsOpWriter.WriteMsgHead(
                    target, hasHeaders, message.ClientSubject, subscription.Sid, message.ClientReply, sizes));
            Output.Append(payload);
        }

        Core.Touch(this);
    }

    private void WriteWithoutHeaders(Subscription subscription, scoped in RoutedMessage message)
    {
        Span<byte> sizes = stackalloc byte[NatsOpWriter.SizesBytesMax];
        var sizesLength = NatsOpWriter.FormatSizes(sizes, 0, message.TotalBytes - message.HeaderBytes);
        WriteMessage(false, subscription, message, sizes[..sizesLength], message.PayloadWithEnd[message.HeaderBytes..]);
    }

    private void WriteInfo()
    {
        var options = Core.Options;
        NatsOpWriter.WriteInfo(Output, new ServerInfo
        {
            ServerId = Core.ServerId,
            ServerName = options.ServerName,
            Version = BrokerOptions.ProtocolVersion,
            ProtocolVersion = 1,
            GoVersion = ".NET",
            Host = Origin.ListenAddress,
            Port = Origin.ListenPort,
            HeadersSupported = true,
            AuthRequired = !_isAuthenticated || User is not null,
            TlsRequired = Origin.IsTls && Origin.Transport == ConnectionTransport.Tcp,
            MaxPayload = options.PayloadBytesMax,
            ClientId = (long)Id,
            ClientIp = Origin.Address,
            Nonce = _nonce,
            LameDuckMode = Core.IsLameDuck,
        });
        Core.Touch(this);
    }
}
