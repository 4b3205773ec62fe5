using System.Buffers;
using System.Text;
using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Leafnodes;

/// <summary>
/// A link to another broker after the handshake: interest and messages in both directions, the same for both ends. The
/// handshakes are in <see cref="AcceptedLeaf"/> and <see cref="SolicitedLeaf"/>.
/// <code>
///   accepting                               soliciting
///   INFO client_id nonce info_on_connect ─▶         (in either order where the soliciting side speaks first)
///                                        ◀─ CONNECT name cluster credentials
///   INFO connect_info import export      ─▶
///   LS+ $LDS.mark  LS+ …                 ─▶ ◀─ LS+ $LDS.mark  LS+ …        whole interest, once
///   LS± LMSG HMSG PING PONG             ◀─▶ LS± LMSG HMSG PING PONG
/// </code>
/// </summary>
internal abstract class LeafSession : LeafLink, ILeafLink
{
    /// <summary>Upper bound of a group's members; keeps sums far from overflow.</summary>
    private const int WeightMax = 10_000;

    /// <summary>The first ping is early, to measure the round trip.</summary>
    private static readonly TimeSpan FirstPing = TimeSpan.FromSeconds(1);

    /// <summary>A link younger than this when a loop is detected counts as the one that closed it.</summary>
    private static readonly TimeSpan LoopDetectionAge = TimeSpan.FromSeconds(2);

    /// <summary>
    /// For this time the loop marks of a new link are not passed on, and the soliciting side announces only its own. At
    /// the start of a link that closes a loop the accepting side sends its mark: the link ends before a third broker,
    /// which would close one of its good links, receives it.
    /// </summary>
    private static readonly TimeSpan LoopMarkDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>How long an old link waits for the young one to end.</summary>
    private static readonly TimeSpan LoopGrace = TimeSpan.FromSeconds(1);

    /// <summary>Bytes of interest that may wait for the link.</summary>
    private const int InterestBytesMax = 1 << 20;

    /// <summary>The bytes of a line without its key.</summary>
    private const int InterestLineBytes = 8;

    // Keys whose change has not been announced: the announced state, and the present one.
    private readonly Dictionary<byte[], (int Told, int Now)> _late = new(WireKey.Comparer);
    private int _interestBytesWaiting;

    private readonly Dictionary<byte[], Subscription> _interest = new(WireKey.Comparer);
    private readonly Dictionary<byte[], Subscription>.AlternateLookup<ReadOnlySpan<byte>> _interestByKey;
    private readonly WireLimits _limits;

    // The match of the latest subject: a stream of messages on one subject queries the trie once.
    private byte[] _answeredSubject = [];
    private int _answeredLength;
    private MatchResult _answer = new() { Plain = [], Links = [], Queues = [], IsStale = true };
    private Instant _nextPing;
    private Instant? _pingSent;
    private int _unansweredPings;
    private Instant? _loopDeadline;
    private readonly List<byte[]> _heldMarks = [];
    private bool _isTrusted;
    private bool _isOverInterest;

    protected LeafSession(LeafLinks links, ConnectionOrigin origin, Instant now) : base(links.Core, origin, now)
    {
        Links = links;
        _interestByKey = _interest.GetAlternateLookup<ReadOnlySpan<byte>>();
        _limits = WireLimits.OfLeaves with { PayloadBytesMax = links.Core.Options.PayloadBytesMax };
    }

    /// <summary>Handshake done: interest and messages flow.</summary>
    public bool IsUp { get; private set; }

    /// <summary>Since when, once it is up.</summary>
    public Instant UpSince { get; private set; }

    public abstract bool IsToHub { get; }

    public bool IsIsolated { get; private protected set; }

    public byte[] Cluster { get; private protected set; } = [];

    /// <summary>The version that the other side claims.</summary>
    public string PeerVersion { get; private protected set; } = "";

    /// <summary>The interest of the other side, by key.</summary>
    public IReadOnlyDictionary<byte[], Subscription> Interest => _interest;

    /// <summary>Why the link ended or was rejected, for display; empty without a reason.</summary>
    public string CloseDetail { get; private set; } = "";

    /// <summary>Reconnecting at once would not help.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>Messages that were not accepted, or not passed on, because of permissions or sizes.</summary>
    public long DroppedMessages { get; private set; }

    internal override long PendingBytesMax => Options.PendingBytesMax;

    internal override int SubscriptionCount => _interest.Count;

    internal override IEnumerable<Subscription> ListSubscriptions() => _interest.Values;

    protected LeafLinks Links { get; }

    protected LeafnodeOptions Options => Links.Options;

    /// <summary>The subjects that may be sent to the other side.</summary>
    protected LeafRules SendRules { get; set; } = LeafRules.Everything;

    /// <summary>The subjects that may be received from the other side.</summary>
    protected LeafRules ReceiveRules { get; set; } = LeafRules.Everything;

    protected bool PeerTakesHeaders { get; set; }

    /// <summary>Of header block and body; 0 when the other side did not send it.</summary>
    protected int PeerPayloadBytesMax { get; set; }

    /// <summary>The other side miscounts queue members: it gets weight 1, and no update when their number
    /// changes.</summary>
    protected bool PeerMiscountsQueues { get; set; }

    /// <summary>When the handshake times out; null when it is over.</summary>
    protected Instant? HandshakeDeadline { get; set; }

    public override bool MayPassFrom(BrokerConnection source) =>
        IsUp && (source is not ILeafLink link || LeafLinkRules.MayPass(link, this));

    public override bool MayReceive(ReadOnlySpan<byte> subject) => IsUp && !IsClosed && SendRules.Allows(subject);

    public override bool Deliver(in RoutedMessage message, ReadOnlySpan<byte[]> queues)
    {
        if (!IsUp || IsClosed) return false;

        var size = PeerTakesHeaders ? message.TotalBytes : message.TotalBytes - message.HeaderBytes;
        if (!SendRules.Allows(message.Subject) || (PeerPayloadBytesMax > 0 && size > PeerPayloadBytesMax))
        {
            DroppedMessages++;
            return false;
        }

        var named = LeafWriter.NamesThatFit(message.Subject.Length + message.Reply.Length, queues);
        LeafWriter.Message(Output, message, queues[..named], PeerTakesHeaders);
        Counters.OutMessages++;
        Counters.OutBytes += size;
        Core.Totals.OutMessages++;
        Core.Totals.OutBytes += size;
        Core.Touch(this);
        Core.OnWritten(size);
        if (!IsClosed && PendingBytes > Options.PendingBytesMax) CloseAsSlow();
        return true;
    }

    /// <summary>Sets the reason that the shell found for the end of the link.</summary>
    public void Note(string closeDetail)
    {
        if (CloseDetail.Length == 0) CloseDetail = closeDetail;
    }

    public void AnnounceInterest(ReadOnlySpan<byte> key, int before, int now)
    {
        if (LoopMark.Is(key) && !_isTrusted && AnnouncesLoopMarksLate) return;
        if (!ReceiveRules.AllowsSomeOf(WireKey.SubjectOf(key))) return;

        if (_interestBytesWaiting < InterestBytesMax && _late.Count == 0) WriteInterest(key, before, now);
        else AnnounceLater(key, before, now);
    }

    /// <summary>
    /// The other side reads interest slower than it changes: only the last state of each key is announced, when there
    /// is room. So a client that subscribes and unsubscribes for ever neither fills the memory nor ends the link.
    /// </summary>
    private void AnnounceLater(ReadOnlySpan<byte> key, int before, int now)
    {
        var late = _late.GetAlternateLookup<ReadOnlySpan<byte>>();
        var told = late.TryGetValue(key, out var waiting) ? waiting.Told : before;
        if (told == now) late.Remove(key);
        else late[key] = (told, now);
    }

    internal override void OnOutputTaken()
    {
        _interestBytesWaiting = 0;
        foreach (var (key, (told, now)) in _late)
        {
            if (_interestBytesWaiting >= InterestBytesMax) return;

            _late.Remove(key);   // allowed while a dictionary is walked
            WriteInterest(key, told, now);
        }
    }

    private void WriteInterest(ReadOnlySpan<byte> key, int before, int now)
    {
        if (now == 0) LeafWriter.NoInterest(Output, key);
        else if (before == 0) LeafWriter.Interest(Output, key, PeerMiscountsQueues ? 1 : now);
        else if (WireKey.HasQueue(key) && !PeerMiscountsQueues) LeafWriter.Interest(Output, key, now);
        else return;

        _interestBytesWaiting += key.Length + InterestLineBytes;
        Core.Touch(this);
        // Not closed here: the table is being walked.
        if (PendingBytes > Options.PendingBytesMax) Links.CloseLater(this);
    }

    private Instant NextDeadline
    {
        get
        {
            var next = _loopDeadline is { } loop && loop < _nextPing ? loop : _nextPing;
            return !_isTrusted && UpSince + LoopMarkDelay < next ? UpSince + LoopMarkDelay : next;
        }
    }

    /// <summary>It does not read its output. Interest is sent completely when it is back.</summary>
    public void CloseAsSlow()
    {
        CloseDetail = $"{PendingBytes} bytes waited for it, more than {Options.PendingBytesMax}";
        Close(CloseReason.SlowConsumerPendingBytes);
    }

    internal override Instant? OnDeadline(Instant now)
    {
        if (HandshakeDeadline is { } deadline)
        {
            if (now < deadline) return deadline;

            OnHandshakeTimeout();
            return null;
        }

        if (!IsUp) return null;
        if (!_isTrusted && now >= UpSince + LoopMarkDelay) BeTrusted();
        if (IsClosed) return null;
        if (_loopDeadline is { } loop && now >= loop)
        {
            CloseForLoop();
            return null;
        }

        if (now < _nextPing) return NextDeadline;

        // Any byte that arrived in the meantime shows that the other side is alive, not only a PONG, which may be
        // queued behind data.
        if (_unansweredPings >= Options.UnansweredPingsMax)
        {
            CloseDetail = $"silent for {(now - LastActivity).TotalSeconds:0} s";
            CloseWithError("Stale Connection"u8, CloseReason.StaleConnection);
            return null;
        }

        _unansweredPings++;
        _pingSent ??= now;
        Write(NatsOpWriter.Ping);
        _nextPing = now + Options.PingInterval;
        return NextDeadline;
    }

    private protected sealed override void OnBytes(Instant now)
    {
        _unansweredPings = 0;
    }

    private protected sealed override int Read(ReadOnlySpan<byte> bytes, Instant now, out int needed)
    {
        var reader = new NatsOpReader(bytes, _limits);
        needed = 0;
        while (!IsClosed && !IsReadingPaused && !IsHeld)
        {
            var status = reader.TryReadFromLeaf(out var op);
            if (status == OperationStatus.NeedMoreData)
            {
                needed = reader.BytesNeeded;
                break;
            }

            if (status == OperationStatus.InvalidData)
            {
                CloseDetail = $"violated the leafnode protocol ({reader.Fault})";
                CloseForFault(reader.Fault);
                break;
            }

            Handle(in op, now);
        }

        return reader.Consumed;
    }

    private protected override void OnClosed(CloseReason reason)
    {
        if (!IsUp) return;

        IsUp = false;
        Links.OnDown(this);
        foreach (var (key, subscription) in _interest)
        {
            GiveBackSubscription(subscription.Cost);
            Links.Withdraw(this, key);
            Core.Subscriptions.Remove(subscription);
        }

        _interest.Clear();
        _late.Clear();
    }

    /// <summary>We solicited, so the other side sends its marks first.</summary>
    protected abstract bool AnnouncesLoopMarksLate { get; }

    /// <summary>Bytes wait until the shell has started TLS.</summary>
    protected virtual bool IsReadingPaused => false;

    protected abstract void OnInfo(ReadOnlySpan<byte> json, Instant now);

    protected abstract void OnConnect(ReadOnlySpan<byte> json, Instant now);

    protected abstract void OnHandshakeTimeout();

    /// <summary>Handles a message on a subject that the other side may not publish.</summary>
    protected abstract void OnForbiddenMessage(ReadOnlySpan<byte> subject);

    /// <summary>
    /// Handles interest in a subject that the other side may not receive. True: register it nevertheless, as nothing
    /// will be sent.
    /// </summary>
    protected abstract bool OnForbiddenInterest(ReadOnlySpan<byte> subject);

    /// <summary>The handshake is over: all interest is announced, once.</summary>
    protected void ComeUp(Instant now)
    {
        Invariant.Require(!IsUp && !IsClosed);
        IsUp = true;
        UpSince = now;
        HandshakeDeadline = null;
        LeafWriter.Interest(Output, Links.LoopMark, 1);
        Core.Touch(this);
        if (!AnnouncesLoopMarksLate) Links.AnnounceLoopMarks(this);
        Links.OnUp(this);
        _nextPing = now + FirstPing;
        Core.Schedule(this, NextDeadline);
    }

    /// <summary>Closes it for a reason to be displayed.</summary>
    protected void Refuse(string closeDetail, CloseReason reason, ReadOnlySpan<byte> error = default)
    {
        CloseDetail = closeDetail;
        IsRefused = true;
        if (error.IsEmpty) Close(reason);
        else CloseWithError(error, reason);
    }

    /// <summary>The same, for a fault that may be gone a moment later.</summary>
    protected void GiveUp(string closeDetail, CloseReason reason, ReadOnlySpan<byte> error = default)
    {
        Refuse(closeDetail, reason, error);
        IsRefused = false;
    }

    protected void WriteInfo(ServerInfo info)
    {
        NatsOpWriter.WriteInfo(Output, info);
        Core.Touch(this);
    }

    private void Handle(in NatsOp op, Instant now)
    {
        switch (op.Verb)
        {
            case NatsVerb.LMsg or NatsVerb.HMsg when IsUp: OnMessage(op); break;
            case NatsVerb.LeafSub when IsUp: OnInterest(op); break;
            case NatsVerb.LeafUnsub when IsUp: OnNoInterest(op); break;
            case NatsVerb.Ping when IsUp: Write(NatsOpWriter.Pong); break;
            case NatsVerb.Pong: OnPong(now); break;
            case NatsVerb.Info: OnInfo(op.Arguments, now); break;
            case NatsVerb.Connect: OnConnect(op.Arguments, now); break;
            case NatsVerb.Err: OnError(op.Arguments); break;
            case NatsVerb.Ok: break;
            default: OnTooEarly(op, now); break;
        }
    }

    /// <summary>An operation that is allowed only after the handshake.</summary>
    protected abstract void OnTooEarly(in NatsOp op, Instant now);

    private void OnPong(Instant now)
    {
        if (_pingSent is { } sent) RoundTrip = now - sent;
        _pingSent = null;
    }

    private void OnMessage(in NatsOp op)
    {
        Counters.InMessages++;
        Counters.InBytes += op.TotalBytes;
        Core.Totals.InMessages++;
        Core.Totals.InBytes += op.TotalBytes;
        if (!ReceiveRules.Allows(op.Subject))
        {
            DroppedMessages++;
            OnForbiddenMessage(op.Subject);
            return;
        }

        Route(op);
    }

    private void Route(in NatsOp op)
    {
        if (_answer.IsStale || !op.Subject.SequenceEqual(_answeredSubject.AsSpan(0, _answeredLength)))
        {
            _answer = Core.Subscriptions.Match(op.Subject);
            if (_answeredSubject.Length < op.Subject.Length) _answeredSubject = new byte[2 * op.Subject.Length];
            op.Subject.CopyTo(_answeredSubject);
            _answeredLength = op.Subject.Length;
        }

        if (_answer.IsEmpty) return;

        if (JetStreamAck.TrySplit(op.Reply, out var reply, out var subject))
            Core.Router.FromLeaf(
                this, new RoutedMessage(op) { ClientSubject = subject, ClientReply = reply }, _answer, op.Queues);
        else
            Core.Router.FromLeaf(this, new RoutedMessage(op), _answer, op.Queues);
    }

    private void OnInterest(in NatsOp op)
    {
        if (!NatsSubject.IsValid(op.Subject))
        {
            WriteError("Invalid Subscription"u8);
            return;
        }

        if (op.Subject.SequenceEqual(Links.LoopMark))
        {
            OnOwnMark();
            return;
        }

        if (!NatsSubject.HasWildcard(op.Subject) && !SendRules.Allows(op.Subject) && !OnForbiddenInterest(op.Subject))
            return;

        var key = WireKey.Of(op.Subject, op.Queue, stackalloc byte[256]);
        var weight = Math.Min(op.Number, WeightMax);
        if (weight == 0) ForgetInterest(key);
        else TakeInterest(key, op, weight);
    }

    private void TakeInterest(ReadOnlySpan<byte> key, in NatsOp op, int weight)
    {
        if (_interestByKey.TryGetValue(key, out var known))
        {
            if (known.Weight == weight) return;

            known.Weight = weight;
            Core.Subscriptions.Forget(known.Subject);
        }
        else
        {
            var cost = SubscriptionCost.Of(op.Subject, op.Queue, key);
            if (_interest.Count >= Options.InterestMax || !TryTakeSubscription(cost))
            {
                RefuseInterest();
                return;
            }

            _isOverInterest = false;
            var subscription = new Subscription(
                this, op.Subject.ToArray(), op.Queue.IsEmpty ? null : op.Queue.ToArray(), [])
            {
                Weight = weight,
                Cost = cost,
            };
            _interest.Add(key.ToArray(), subscription);
            Core.Subscriptions.Add(subscription);
        }

        if (LoopMark.Is(key) && !_isTrusted) _heldMarks.Add(key.ToArray());
        else Links.Take(this, key, weight);
    }

    // As in nats-server: the link stays, and interest beyond its share is not sent. Reported once, until there is room
    // again.
    private void RefuseInterest()
    {
        if (_isOverInterest) return;

        _isOverInterest = true;
        Note($"subscribes to more subjects than its share of memory: {_interest.Count} are registered");
        WriteError("maximum subscriptions exceeded"u8);
    }

    private void BeTrusted()
    {
        _isTrusted = true;
        if (AnnouncesLoopMarksLate) Links.AnnounceLoopMarks(this);
        foreach (var mark in _heldMarks)
            if (!IsClosed && _interest.ContainsKey(mark)) Links.Take(this, mark, 1);
        _heldMarks.Clear();
    }

    private void OnNoInterest(in NatsOp op)
    {
        if (op.Subject.SequenceEqual(Links.LoopMark)) _loopDeadline = null;
        ForgetInterest(WireKey.Of(op.Subject, op.Queue, stackalloc byte[256]));
    }

    private void ForgetInterest(ReadOnlySpan<byte> key)
    {
        if (!_interestByKey.Remove(key, out _, out var subscription)) return;

        GiveBackSubscription(subscription.Cost);
        Core.Subscriptions.Remove(subscription);
        Links.Withdraw(this, key);
    }

    /// <summary>
    /// A loop. The link that closed it is the young one: it ends at once, and the mark is withdrawn from the old ones.
    /// Only if it is not, an old one is closed.
    /// </summary>
    private void OnOwnMark()
    {
        if (Core.Now - UpSince < LoopDetectionAge)
        {
            CloseForLoop();
        }
        else if (_loopDeadline is null)
        {
            _loopDeadline = Core.Now + LoopGrace;
            Core.Schedule(this, _loopDeadline.Value);
        }
    }

    private void CloseForLoop()
    {
        var closeDetail = $"loop: messages sent to '{Name}' come back to '{Core.Options.ServerName}' over other links";
        var error =
            $"Loop detected for leafnode account=\"$G\" between \"{Core.Options.ServerName}\" and \"{Name}\". Delaying "
                + $"attempt to reconnect for 30s";
        Refuse(closeDetail, CloseReason.LeafnodeLoop, Encoding.UTF8.GetBytes(error));
    }

    // Spec: the texts that a real server acts on; every other one is only reported.
    private void OnError(ReadOnlySpan<byte> quoted)
    {
        var text = Encoding.UTF8.GetString(quoted.Trim("' "u8));
        if (Contains("Loop detected")) Refuse($"the other side reports: {text}", CloseReason.LeafnodeLoop);
        else if (Contains("remote leafnode has same cluster name"))
            Refuse($"the other side reports: {text}", CloseReason.ClusterNamesIdentical);
        else if (Contains("Duplicate Remote LeafNode"))
            Refuse(
                $"the other side has another link of the name '{Core.Options.ServerName}'",
                CloseReason.DuplicateRemoteLeafnode);
        else if (Contains("minimum version"))
            Refuse($"the other side reports: {text}", CloseReason.MinimumVersionRequired);
        else if (Contains("Permissions Violation"))
            Refuse($"the other side reports: {text}", CloseReason.ProtocolViolation);
        else if (Contains("Authorization Violation"))
            GiveUp("the other side rejects our credentials", CloseReason.AuthenticationFailure);
        else if (Contains("Authentication Timeout"))
            GiveUp("the other side got our CONNECT too late", CloseReason.AuthenticationTimeout);
        else CloseDetail = $"the other side reports: {text}";

        bool Contains(string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);
    }
}
