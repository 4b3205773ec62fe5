using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// A client inside the broker's process: publishes, subscribes and requests by calls, without the wire protocol. It is
/// trusted, so no user's permissions and no share of memory limit it; the payload limit and the reserved subjects do.
/// It does not receive its own messages.
/// <code>
///   call ─▶ trie ─▶ router ─▶ others' output
///   others' messages ─▶ router ─▶ Deliver ─▶ queue ─▶ TryTake (the shell runs what it gets, outside its lock)
/// </code>
/// Made by <see cref="BrokerCore.AttachLocal"/>; the same one caller at a time as for the broker. Touched like any
/// connection when there is a callback to take.
/// </summary>
/// <remarks>
/// Replies arrive on one subscription, <c>_INBOX.ID.*</c>, whose last token is the number of the request. The first
/// reply counts; later ones are dropped.
/// </remarks>
public sealed class LocalClient : BrokerConnection
{
    private readonly Queue<LocalEffect> _effects = new();
    private readonly Dictionary<long, Local> _subscriptions = [];
    private readonly Dictionary<Subscription, Local> _byPlace = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<long, Waiting> _requests = [];
    private readonly byte[] _inboxPrefix;
    private Subscription? _inbox;
    private long _lastId;

    internal LocalClient(BrokerCore core, string name, Instant now)
        : base(
            core,
            new ConnectionOrigin
            {
                Kind = ConnectionKind.Client,
                Transport = ConnectionTransport.InProcess,
                Address = "in-process"
            }, now)
    {
        Name = name;
        _inboxPrefix = Encoding.ASCII.GetBytes($"_INBOX.{new Nuid(core.Entropy).Next()}.");
    }

    /// <summary>Requests that wait for their reply.</summary>
    public int RequestCount => _requests.Count;

    /// <summary>Whether a leaf link to a broker of this name is open.</summary>
    public bool HasLink(string name) => Core.HasLink(name);

    /// <summary>The largest payload accepted, in bytes.</summary>
    public int MaxPayload => Core.Options.PayloadBytesMax;

    internal override long PendingBytesMax => long.MaxValue;

    internal override int SubscriptionCount => _byPlace.Count + (_inbox is null ? 0 : 1);

    /// <summary>The next callback to run. Run outside of the broker's lock, in order.</summary>
    public bool TryTake(out LocalEffect effect) => _effects.TryDequeue(out effect);

    /// <summary>To every matching subscription except those of this client.</summary>
    public NatsOutcome Publish(
        Instant now, string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers = null, string? replyTo = null)
    {
        Core.Now = now;
        return IsClosed
            ? NatsOutcome.Disconnected
            : Route(subject, replyTo is null ? default : Encoding.UTF8.GetBytes(replyTo), data.Span, headers, out _);
    }

    /// <summary>Returns a number for <see cref="Unsubscribe"/>.</summary>
    /// <exception cref="EdgeSyncException">The text is not a valid subject for a subscription.</exception>
    public long Subscribe(Instant now, string subject, string? queueGroup, Action<NatsMessage> received)
    {
        Core.Now = now;
        var bytes = Encoding.UTF8.GetBytes(subject);
        if (!NatsSubject.IsValid(bytes))
            throw new EdgeSyncException(
                ErrorKind.Usage,
                $"'{subject}' is not a subject to subscribe to: tokens with dots between, '>' only last.");

        var id = ++_lastId;
        if (IsClosed) return id;

        var place = Add(bytes, queueGroup is null ? null : Encoding.UTF8.GetBytes(queueGroup), id);
        _subscriptions.Add(id, new Local(place, received));
        _byPlace.Add(place, _subscriptions[id]);
        return id;
    }

    public void Unsubscribe(Instant now, long subscription)
    {
        Core.Now = now;
        if (!_subscriptions.Remove(subscription, out var local)) return;

        _byPlace.Remove(local.Place);
        Withdraw(local.Place);
    }

    /// <summary>
    /// Publishes a request; its one reply, or that there are no responders, comes from <see cref="TryTake"/>.
    /// </summary>
    /// <inheritdoc cref="INatsBus.TryRequest"/>
    public NatsOutcome TryRequest(
        Instant now, string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, Action<NatsReply> replied,
        out long request, string? replier = null)
    {
        Core.Now = now;
        request = ++_lastId;
        if (IsClosed) return NatsOutcome.Disconnected;

        _inbox ??= Add([.. _inboxPrefix, (byte)'*'], null, 0);
        Span<byte> reply = stackalloc byte[_inboxPrefix.Length + 20];
        _inboxPrefix.CopyTo(reply);
        Utf8Formatter.TryFormat(request, reply[_inboxPrefix.Length..], out var digits);
        var outcome = Route(subject, reply[..(_inboxPrefix.Length + digits)], data.Span, headers, out var isDelivered);
        if (outcome != NatsOutcome.Ok) return outcome;

        if (isDelivered) _requests.Add(request, new Waiting(replied, replier));
        else Enqueue(new LocalEffect(replied, NatsReply.Failed(NatsOutcome.NoResponders)));
        return NatsOutcome.Ok;
    }

    /// <summary>Drops the request; a later reply is ignored.</summary>
    public void Forget(long request) => _requests.Remove(request);

    internal override bool Deliver(Subscription subscription, BrokerConnection source, scoped in RoutedMessage message)
    {
        if (IsClosed || ReferenceEquals(source, this) || subscription.Slot < 0) return false;

        subscription.Delivered++;
        Counters.OutMessages++;
        Counters.OutBytes += message.TotalBytes;
        Core.Totals.OutMessages++;
        Core.Totals.OutBytes += message.TotalBytes;
        if (_byPlace.TryGetValue(subscription, out var local))
            Enqueue(
                new LocalEffect(
                    local.Received,
                    Copy(message) with
                    {
                        Origin = source.Origin.Group,
                        Through = source is LeafLink ? source.Name
                        : null
                    }));
        else if (TryEndRequest(message.ClientSubject, source, out var replied))
            Enqueue(new LocalEffect(replied, NatsReply.Of(Copy(message))));
        return true;
    }

    internal override IEnumerable<Subscription> ListSubscriptions() =>
        _inbox is null ? _byPlace.Keys : _byPlace.Keys.Append(_inbox);

    internal override Instant? OnDeadline(Instant now) => null;

    private protected override int Read(ReadOnlySpan<byte> bytes, Instant now, out int needed)
    {
        Invariant.Require(false);   // it has no bytes
        needed = 0;
        return bytes.Length;
    }

    private protected override void OnBytes(Instant now)
    {
    }

    private protected override void OnClosed(CloseReason reason)
    {
        foreach (var subscription in ListSubscriptions()) Withdraw(subscription);
        foreach (var waiting in _requests.Values)
            Enqueue(new LocalEffect(waiting.Replied, NatsReply.Failed(NatsOutcome.Disconnected)));
        _subscriptions.Clear();
        _byPlace.Clear();
        _requests.Clear();
        _inbox = null;
    }

    private NatsOutcome Route(
        string subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> body, NatsHeaders? headers, out bool isDelivered)
    {
        isDelivered = false;
        var subjectBytes = Encoding.UTF8.GetBytes(subject);
        if (!NatsSubject.IsLiteral(subjectBytes) || ReservedSubjects.IsTarget(subjectBytes)
            || ReservedSubjects.IsReply(reply))
            return NatsOutcome.Refused;

        var block = headers?.ToBytes() ?? [];
        var size = block.Length + body.Length;
        if (size > MaxPayload) return NatsOutcome.TooLarge;

        var match = Core.Subscriptions.Match(subjectBytes);
        Counters.InMessages++;
        Counters.InBytes += size;
        Core.Totals.InMessages++;
        Core.Totals.InBytes += size;
        if (match.IsEmpty) return NatsOutcome.Ok;

        isDelivered = Pass(subjectBytes, reply, block, body, match);
        return NatsOutcome.Ok;
    }

    private bool Pass(
        ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> body,
        MatchResult match)
    {
        var size = headers.Length + body.Length;
        var payload = ArrayPool<byte>.Shared.Rent(size + 2);
        headers.CopyTo(payload);
        body.CopyTo(payload.AsSpan(headers.Length));
        "\r\n"u8.CopyTo(payload.AsSpan(size));
        Span<byte> sizes = stackalloc byte[NatsOpWriter.SizesBytesMax];
        var message = new RoutedMessage
        {
            Subject = subject,
            ClientSubject = subject,
            Reply = reply,
            ClientReply = reply,
            Sizes = sizes[..NatsOpWriter.FormatSizes(sizes, headers.Length, size)],
            HeaderBytes = headers.Length,
            PayloadWithEnd = payload.AsSpan(0, size + 2),
        };
        var isDelivered = Core.Router.FromClient(this, message, match);
        ArrayPool<byte>.Shared.Return(payload);
        return isDelivered;
    }

    private Subscription Add(byte[] subject, byte[]? queue, long id)
    {
        var sid = Encoding.ASCII.GetBytes(id.ToString(CultureInfo.InvariantCulture));
        var cost = SubscriptionCost.Of(subject, queue, sid);
        TryTakeSubscription(cost);   // counted, never rejected
        var subscription = new Subscription(this, subject, queue, sid) { Cost = cost };
        Core.Subscriptions.Add(subscription);
        Core.Leafnodes?.OnSubscribed(subscription);
        subscription.IsAnnounced = true;
        return subscription;
    }

    private void Withdraw(Subscription subscription)
    {
        GiveBackSubscription(subscription.Cost);
        Core.Subscriptions.Remove(subscription);
        Core.Leafnodes?.OnUnsubscribed(subscription);
    }

    private bool TryEndRequest(ReadOnlySpan<byte> subject, BrokerConnection source, out Action<NatsReply> replied)
    {
        replied = null!;
        var digits = subject[Math.Min(subject.Length, _inboxPrefix.Length)..];
        if (!Utf8Parser.TryParse(digits, out long request, out var read) || read != digits.Length) return false;
        if (!_requests.TryGetValue(request, out var waiting) || !MayReply(waiting.Replier, source)) return false;

        _requests.Remove(request);
        replied = waiting.Replied;
        return true;
    }

    // Every client may subscribe to a peer's subject, and so learn where its reply is expected.
    private bool MayReply(string? replier, BrokerConnection source) =>
        replier is null || (source is LeafLink && source.Name == replier) || !Core.HasLink(replier);

    private void Enqueue(in LocalEffect effect)
    {
        _effects.Enqueue(effect);
        Core.Touch(this);
    }

    private static NatsMessage Copy(scoped in RoutedMessage message) =>
        NatsMessage.Copy(message.ClientSubject, message.ClientReply, message.HeaderBytes, message.PayloadWithEnd[..^2]);

    private sealed record Local(Subscription Place, Action<NatsMessage> Received);

    private readonly record struct Waiting(Action<NatsReply> Replied, string? Replier);
}

/// <summary>A callback of a <see cref="LocalClient"/> with its arguments.</summary>
public readonly struct LocalEffect
{
    private readonly Action<NatsMessage>? _received;
    private readonly Action<NatsReply>? _replied;
    private readonly NatsReply _what;

    internal LocalEffect(Action<NatsMessage> received, in NatsMessage message) =>
        (_received, _what) = (received, new NatsReply(NatsOutcome.Ok, message));

    internal LocalEffect(Action<NatsReply> replied, in NatsReply reply) => (_replied, _what) = (replied, reply);

    /// <summary>Runs the callbacks of subscriptions and requests.</summary>
    public void Run()
    {
        _received?.Invoke(_what.Message);
        _replied?.Invoke(_what);
    }
}
