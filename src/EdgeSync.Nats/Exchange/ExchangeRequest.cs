using System.Globalization;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Exchange;

/// <summary>The result of a request.</summary>
public enum ExchangeResultKind
{
    Ok,

    /// <summary>The subject has no subscriber.</summary>
    NoResponders,

    TimedOut,

    /// <summary>The reply was empty and gave no reason, as the original's failures do.</summary>
    Empty,

    /// <summary>The responder refused, with a reason.</summary>
    Refused,

    /// <summary>The request does not fit into one message, and the other side accepts one only.</summary>
    TooLarge,

    /// <summary>The replies contradict each other.</summary>
    Broken,
}

/// <summary>A request's end.</summary>
public sealed record ExchangeResult(ExchangeResultKind Kind, string? Reason = null)
{
    public ExchangeRefusal Refusal { get; init; }

    /// <summary>The reply's body; where it was cut off, the part that arrived.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    public string? ContentType { get; init; }

    /// <summary>The responder, if it sent its name; then it supports parts, and further requests go to it.</summary>
    public string? Responder { get; init; }

    public bool IsOk => Kind == ExchangeResultKind.Ok;
}

/// <summary>A message that is to be sent as a request.</summary>
/// <param name="Token">Pairs replies with requests; returned with each.</param>
/// <param name="ToResponder">Null: to the subject of the caller; otherwise to this peer's own subject.</param>
public sealed record ExchangeSend(int Token, string? ToResponder, ExchangeMessage Message);

/// <summary>
/// One request and its reply, each of any size up to the limit. A large request is sent in parts, each acknowledged,
/// the reply to the last being the reply; a large reply is fetched part by part from the responder of the first. At
/// most a window of parts is under way (<see cref="PartWindow"/>), and a lost one is requested again.
/// <para>
/// A slow link is not a broken one: each part that arrives extends the time of those behind it, and one that counted as
/// lost and arrives after all is accepted as well.
/// </para>
/// <para>
/// Silence may mean that the responder works, or that a link broke and a message is lost. So after a while the state of
/// the request is queried from a known responder; its replies arrive in order, so what it reports as not in progress,
/// and what was sent before and is still open, got lost.
/// </para>
/// <para>
/// The driver takes what to send with <see cref="TryTake"/> until it returns false, passes in each reply, "no
/// responders" of the server, a link that broke or came back, and the passing of <see cref="Deadline"/>, until <see
/// cref="Result"/> is set.
/// </para>
/// </summary>
public sealed class ExchangeRequest
{
    private readonly ExchangeOptions _options;
    private readonly ReadOnlyMemory<byte> _body;
    private readonly string? _contentType;
    private readonly string _transfer;
    private readonly SortedDictionary<int, Flight> _flights = [];
    private readonly Dictionary<int, Flight> _overdue = [];   // sent again; the first reply counts
    private readonly PartWindow _window;
    private readonly SortedSet<int> _uploadLeft = [];
    private readonly SortedSet<int> _fetchLeft = [];
    private readonly Queue<ExchangeSend> _sends = new();
    private readonly int _uploadParts;
    private readonly int _uploadPartBytes;
    private string? _responder;
    private string? _fetchId;
    private byte[]?[] _parts = [];
    private long _receivedBytes;
    private ExchangeHead _first = ExchangeHead.Empty;
    private readonly bool _isAddressed;
    private Instant _askAt;      // or the end of the wait for a status reply, while _askToken is set
    private int _askToken;
    private int _lostUpTo;       // messages up to this one count as lost, unless their replies arrive until then:
    private Instant _loseAt;
    private int _lastToken;

    /// <param name="transferId">Names a request in parts; unique, for example a NUID.</param>
    /// <param name="knownResponder">The responder, if known and supporting parts.</param>
    /// <param name="isAddressed">The subject is one peer's own, so that a status query reaches the receiver of the
    /// request.</param>
    public ExchangeRequest(
        ExchangeOptions options,
        Instant now,
        ReadOnlyMemory<byte> body,
        string transferId,
        string? knownResponder = null,
        string? contentType = null,
        bool isAddressed = false)
    {
        _isAddressed = isAddressed;
        (_options, _body, _contentType, _transfer, _responder) = (
            options, body, contentType, transferId, knownResponder);
        _uploadPartBytes = options.PartBytesHere;
        _window = new PartWindow(options.Window, options.WindowMax);
        if (body.Length > options.WholeBytesMax)
        {
            End(
                ExchangeResultKind.TooLarge,
                Sentence($"a request of {body.Length} bytes, the limit is {options.WholeBytesMax}"));
            return;
        }

        if (knownResponder is not null && body.Length > _uploadPartBytes)
        {
            _uploadParts = (body.Length + _uploadPartBytes - 1) / _uploadPartBytes;
            for (var i = 0; i < _uploadParts; i++) _uploadLeft.Add(i);
            SendParts(now);
            return;
        }

        if (body.Length > options.MessageBytesMax)
        {
            End(
                ExchangeResultKind.TooLarge,
                Sentence($"a request of {body.Length} bytes; one message holds {options.MessageBytesMax}"));
            return;
        }

        Launch(now, FlightKind.Whole, 0, 1);
    }

    private enum FlightKind
    {
        Whole,
        Upload,
        Fetch,
    }

    /// <summary>The parts under way that this link carried: the initial window of the next request.</summary>
    public int Window => _window.Size;

    /// <summary>Null until the end.</summary>
    public ExchangeResult? Result { get; private set; }

    public Instant? Deadline
    {
        get
        {
            if (Result is not null) return null;

            Instant? first = null;
            foreach (var flight in _flights.Values)
                if (first is null || flight.Until < first)
                    first = flight.Until;
            if (_lostUpTo > 0 && _loseAt < first) first = _loseAt;
            return MayAsk && _askAt < first ? _askAt : first;
        }
    }

    public bool TryTake(out ExchangeSend send) => _sends.TryDequeue(out send!);

    /// <summary>A reply to the message of <paramref name="token"/>; unknown tokens are late replies.</summary>
    public void OnReply(Instant now, int token, ExchangeHead head, ReadOnlyMemory<byte> body)
    {
        if (Result is not null) return;
        if (token == _askToken)
        {
            OnStatusReply(now, token, head);
            return;
        }

        if (!TryLand(now, token, out var flight)) return;

        if (head.Refusal != ExchangeRefusal.None)
        {
            Result = new ExchangeResult(ExchangeResultKind.Refused, head.Reason)
            {
                Refusal = head.Refusal,
                Responder = head.Peer
            };
            return;
        }

        if (flight.Kind == FlightKind.Fetch) OnPart(now, flight, head, body);
        else if (flight.Kind == FlightKind.Upload && head.Stored == flight.Part) OnStored(now);
        else OnAnswer(now, head, body);
    }

    /// <summary>The server has no subscriber for the message.</summary>
    public void OnNoResponders(Instant now, int token)
    {
        if (Result is not null) return;
        if (token == _askToken)
        {
            End(ExchangeResultKind.TimedOut, "the responder went away in the middle of its work");
            return;
        }

        if (!_flights.Remove(token, out var flight)) return;

        // The responder became unreachable: the service may still exist.
        if (flight.Kind == FlightKind.Fetch)
            End(ExchangeResultKind.TimedOut, $"{_responder} went away in the middle of a reply");
        else End(ExchangeResultKind.NoResponders, "no responders");
    }

    /// <summary>The link broke while that message waited for its reply.</summary>
    public void OnLost(Instant now, int token)
    {
        if (Result is null && _flights.ContainsKey(token)) Lose(now, token, "the link broke while a reply was awaited");
    }

    /// <summary>
    /// A link to others broke and came back: messages under way may be lost, if they went that way. The state is
    /// queried where possible; a request without a known responder is sent again.
    /// </summary>
    public void OnLinkBack(Instant now)
    {
        if (Result is not null) return;

        (_askToken, _lostUpTo) = (0, 0);   // the reply to a status query may be lost, too
        if (MayAsk) Ask(now);
        else LoseUpTo(now, _lastToken, "the link broke while a reply was awaited");
    }

    /// <summary>Requests again what got lost, or fails.</summary>
    public void OnDeadline(Instant now)
    {
        foreach (var (token, flight) in _flights.ToList())
            if (Result is null && flight.Until <= now)
                Lose(now, token, Sentence($"no reply for {(long)_options.ReplyTimeout.TotalSeconds} s"));
        if (_lostUpTo > 0 && now >= _loseAt)
        {
            var last = _lostUpTo;
            _lostUpTo = 0;
            LoseUpTo(now, last, "the request or its reply got lost");
        }

        if (Result is null && MayAsk && now >= _askAt) Ask(now);
    }

    /// <summary>
    /// Removes the message of a reply from those under way. Later ones on the link can only arrive later, so their
    /// whole time starts here.
    /// </summary>
    private bool TryLand(Instant now, int token, out Flight flight)
    {
        if (_flights.Remove(token, out flight))
        {
            // The reply to a whole request shows the time of its work, not the speed of the link.
            if (flight.Kind == FlightKind.Fetch || (flight.Kind == FlightKind.Upload && flight.Part < _uploadParts - 1))
                _window.OnArrived(now - flight.Since);
        }
        else
        {
            if (!_overdue.Remove(token, out flight)) return false;

            var (kind, part) = (flight.Kind, flight.Part);
            var again = 0;
            foreach (var (other, its) in _flights)
                if (its.Kind == kind && its.Part == part)
                    again = other;
            if (again == 0) return false;   // the second one was faster

            _flights.Remove(again);
        }

        foreach (var (other, its) in _flights.ToList())
            _flights[other] = its with { Until = now + _options.ReplyTimeout };
        if (_askToken == 0) _askAt = now + _options.AskAfter;
        return true;
    }

    /// <summary>True when a status query reaches the receiver of the request.</summary>
    private bool MayAsk => _isAddressed || _responder is not null;

    /// <summary>
    /// A status query without a reply is sent again, but not before a reply to the request could have arrived.
    /// </summary>
    private void Ask(Instant now)
    {
        _askToken = ++_lastToken;
        _askAt = now + _options.ReplyTimeout;
        _sends.Enqueue(
            new ExchangeSend(
                _askToken, _responder,
                new ExchangeMessage(new ExchangeHead { Peer = _options.NodeId, Ask = _transfer }, default)));
    }

    /// <summary>
    /// The responder's status of the request: in progress, or else all that was sent before is lost.
    /// </summary>
    private void OnStatusReply(Instant now, int askToken, ExchangeHead head)
    {
        (_askToken, _askAt) = (0, now + _options.AskAfter);
        if (head.Refusal == ExchangeRefusal.Gone)
        {
            // An earlier reply may be delivered after this one: each has its own way through this node.
            (_lostUpTo, _loseAt) = (askToken, now + _options.LateBy);
        }
        else if (head.Ask == _transfer)
        {
            foreach (var (token, flight) in _flights.ToList())
                _flights[token] = flight with { Until = now + _options.ReplyTimeout };
        }
    }

    private void LoseUpTo(Instant now, int lastToken, string why)
    {
        foreach (var token in _flights.Keys.ToList())
            if (Result is null && token <= lastToken)
                Lose(now, token, why);
    }

    private void Lose(Instant now, int token, string why)
    {
        _flights.Remove(token, out var flight);
        _window.OnLost();

        // A whole request is not repeated: the other side may have executed it. Its sender makes a new one.
        if (flight.Kind == FlightKind.Whole || flight.Attempt >= _options.AttemptsMax)
        {
            End(ExchangeResultKind.TimedOut, why);
            return;
        }

        _overdue[token] = flight;
        Launch(now, flight.Kind, flight.Part, flight.Attempt + 1);
    }

    private void OnStored(Instant now)
    {
        SendParts(now);

        // All parts have arrived, and yet none of the replies was the reply.
        if (_flights.Count == 0 && _uploadLeft.Count == 0)
            End(ExchangeResultKind.Broken, "the request arrived completely, but got no reply");
    }

    private void OnAnswer(Instant now, ExchangeHead head, ReadOnlyMemory<byte> body)
    {
        _flights.Clear();
        if (head.Stored >= 0)
        {
            End(ExchangeResultKind.Broken, "a part was acknowledged that was not sent");
            return;
        }

        if (head.Parts == 0)
        {
            if (body.IsEmpty)
                End(ExchangeResultKind.Empty, "empty reply: the peer failed without a reason");
            else Finish(head, body);
            return;
        }

        // Limits before memory: the sizes are untrusted.
        if (head.Transfer is null || head.Peer is null || head.Part != 0 || head.Size > _options.WholeBytesMax
            || head.Size <= 0 || head.Parts > head.Size)
        {
            End(ExchangeResultKind.Broken, "the reply's parts make no sense");
            return;
        }

        (_first, _fetchId, _responder) = (head, head.Transfer, head.Peer);
        _parts = new byte[]?[head.Parts];
        for (var i = 1; i < head.Parts; i++) _fetchLeft.Add(i);
        Keep(now, 0, body);
    }

    private void OnPart(Instant now, Flight flight, ExchangeHead head, ReadOnlyMemory<byte> body)
    {
        if (head.Part != flight.Part || head.Parts != _parts.Length || body.IsEmpty)
            End(ExchangeResultKind.Broken, "a part arrived that was not requested");
        else Keep(now, flight.Part, body);
    }

    private void Keep(Instant now, int part, ReadOnlyMemory<byte> body)
    {
        _receivedBytes += body.Length;
        if (_receivedBytes > _first.Size)
        {
            End(ExchangeResultKind.Broken, "the reply's parts are larger than announced");
            return;
        }

        _parts[part] = body.ToArray();
        FetchParts(now);
        if (_fetchLeft.Count > 0 || _flights.Count > 0) return;

        if (_receivedBytes != _first.Size)
        {
            End(ExchangeResultKind.Broken, "the reply's parts are smaller than announced");
            return;
        }

        Finish(_first, Joined());
    }

    private void SendParts(Instant now)
    {
        // The last part is sent alone: its reply is the reply, so all others must have arrived.
        while (_flights.Count < _window.Size && _uploadLeft.Count > 0)
        {
            var part = _uploadLeft.Min;
            if (part == _uploadParts - 1 && _flights.Count > 0) return;

            _uploadLeft.Remove(part);
            Launch(now, FlightKind.Upload, part, 1);
        }
    }

    private void FetchParts(Instant now)
    {
        while (_flights.Count < _window.Size && _fetchLeft.Count > 0)
        {
            var part = _fetchLeft.Min;
            _fetchLeft.Remove(part);
            Launch(now, FlightKind.Fetch, part, 1);
        }
    }

    private void Launch(Instant now, FlightKind kind, int part, int attempt)
    {
        var head = new ExchangeHead { Peer = _options.NodeId };
        var body = ReadOnlyMemory<byte>.Empty;
        if (kind == FlightKind.Fetch)
        {
            head = head with { Fetch = _fetchId, Part = part, Parts = _parts.Length };
        }
        else
        {
            body = _body;
            head = head with
            {
                AcceptPartBytes = _options.PartBytesHere,
                ContentType = _contentType,
                Transfer = _transfer
            };
        }

        if (kind == FlightKind.Upload)
        {
            var start = part * _uploadPartBytes;
            body = _body.Slice(start, Math.Min(_uploadPartBytes, _body.Length - start));
            head = head with { Part = part, Parts = _uploadParts, Size = _body.Length };
        }

        if (_askToken == 0) _askAt = now + _options.AskAfter;
        _flights[++_lastToken] = new Flight(kind, part, attempt, now, now + _options.ReplyTimeout);
        _sends.Enqueue(new ExchangeSend(_lastToken, _responder, new ExchangeMessage(head, body)));
    }

    private void Finish(ExchangeHead head, ReadOnlyMemory<byte> body)
    {
        Result = new ExchangeResult(ExchangeResultKind.Ok)
        {
            Body = body,
            ContentType = head.ContentType,
            Responder = head.Peer
        };
    }

    private void End(ExchangeResultKind kind, string reason)
    {
        _flights.Clear();
        _sends.Clear();
        Result = new ExchangeResult(kind, reason) { Responder = _responder };
        if (kind == ExchangeResultKind.TimedOut && _parts.Length > 0 && _parts[0] is not null)
            Result = Result with { Body = Joined(), ContentType = _first.ContentType };
    }

    /// <summary>The parts from the first on, up to one that is missing.</summary>
    private byte[] Joined()
    {
        var whole = new byte[_receivedBytes];
        var at = 0;
        foreach (var bytes in _parts)
        {
            if (bytes is null) return whole[..at];

            bytes.CopyTo(whole, at);
            at += bytes.Length;
        }

        return whole;
    }

    private static string Sentence(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private readonly record struct Flight(FlightKind Kind, int Part, int Attempt, Instant Since, Instant Until);
}
