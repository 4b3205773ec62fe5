using System.Buffers;
using EdgeSync.Agent.Schedule;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Sync;

/// <summary>The other side of a session.</summary>
/// <param name="Subject">The project's, or one peer's own.</param>
/// <param name="Peer">The peer whose own subject it is; null: whoever replies.</param>
/// <param name="SubjectOf">The subject of a peer, once it is known by its reply.</param>
internal sealed record SessionRoute(string Subject, string? Peer, Func<string, string> SubjectOf);

/// <summary>
/// One exchange of a store with a peer over NATS, without waiting: the caller calls <see cref="Advance"/> after each
/// reply and at <see cref="Deadline"/>, until <see cref="Outcome"/> is there. The same order of steps as the driver of
/// the program has (Node/Sync), which waits in tasks.
/// </summary>
internal sealed class PageSession : IDisposable
{
    private const int LossesMax = 4;
    private const int MessageBytesMax = 64 << 20;

    private static readonly TimeSpan PauseFirst = TimeSpan.FromMilliseconds(500);

    private readonly INatsBus _bus;
    private readonly SessionRoute _route;
    private readonly ExchangeOptions _exchange;
    private readonly ClientSession _session;
    private readonly Entropy _entropy;
    private readonly Action _wake;
    private readonly TimeSpan _silenceMax;
    private readonly ArrayBufferWriter<byte> _message = new();
    private readonly ArrayBufferWriter<byte> _body = new();
    private readonly Queue<(int Token, NatsReply Reply)> _replies = new();
    private readonly List<long> _requests = [];
    private ExchangeRequest? _request;
    private Instant? _retryAt;
    private Instant _silentFrom;
    private string? _responder;
    private bool _isHello;
    private int _window;
    private int _losses;

    public PageSession(
        IArtifactStore store, ClientOptions options, INatsBus bus, SessionRoute route, ExchangeOptions exchange,
        TimeSpan silenceMax, Entropy entropy, Action wake, Instant now, Action<SyncProgress>? observer = null)
    {
        (_bus, _route, _exchange, _entropy, _wake) = (bus, route, exchange, entropy, wake);
        (_silenceMax, _silentFrom, _window) = (silenceMax, now, exchange.Window);
        _session = new ClientSession(store, options, entropy, observer);
    }

    /// <summary>Null until the end.</summary>
    public SyncOutcome? Outcome { get; private set; }

    public SyncReport Report => _session.Report;

    public Instant? Deadline => Outcome is not null
        ? null
        : Instant.Earlier(_silentFrom + _silenceMax, _retryAt ?? _request?.Deadline);

    /// <summary>Does what can be done now.</summary>
    public void Advance(Instant now)
    {
        while (_replies.TryDequeue(out var arrived)) Take(now, arrived.Token, arrived.Reply);
        while (Outcome is null && Step(now))
        {
        }
    }

    public void Dispose()
    {
        foreach (var request in _requests) _bus.Forget(request);
        _requests.Clear();
        _session.Dispose();
        Outcome ??= new SyncOutcome(SyncOutcomeKind.Cancelled, "called off");
    }

    // True: something has happened, so there may be more to do.
    private bool Step(Instant now)
    {
        if (now >= _silentFrom + _silenceMax)
        {
            End(new SyncOutcome(SyncOutcomeKind.TimedOut, $"no data for {_silenceMax.TotalSeconds:F0} s"));
            return false;
        }

        if (_retryAt is { } retry)
        {
            if (now < retry) return false;

            _retryAt = null;
        }

        if (_request is null) return Begin(now);

        while (_request.TryTake(out var send)) Send(send);
        if (_replies.Count > 0)
        {
            var (token, reply) = _replies.Dequeue();
            Take(now, token, reply);
            return true;
        }

        if (_request.Result is null && _request.Deadline <= now)
        {
            _request.OnDeadline(now);
            return true;
        }

        if (_request.Result is not { } result) return false;

        Conclude(now, result);
        return true;
    }

    private bool Begin(Instant now)
    {
        _message.ResetWrittenCount();
        if (!_session.TryBuildRequest(now, _message))
        {
            End(OutcomeOf(_session.Report, _responder));
            return false;
        }

        _body.ResetWrittenCount();
        XferFrame.Encode(XferEncoding.Zlib, _message.WrittenSpan, _body);
        var body = _body.WrittenSpan.ToArray();

        // Only EdgeSync peers support parts, so an unknown one is asked for its name first, by a comment.
        _isHello = _responder is null && body.Length > _exchange.MessageBytesMax;
        Launch(now, _isHello ? Hello() : body);
        return true;
    }

    private void Launch(Instant now, byte[] body) => _request = new ExchangeRequest(
        _exchange with { Window = _window }, now, body, _entropy.NextHex(24), _responder,
        isAddressed: _route.Peer is not null);

    private static byte[] Hello()
    {
        var hello = new ArrayBufferWriter<byte>();
        XferFrame.Encode(XferEncoding.Zlib, "# hello\n"u8, hello);
        return hello.WrittenSpan.ToArray();
    }

    private void Send(ExchangeSend send)
    {
        var peer = send.ToResponder ?? _responder;
        var headers = new NatsHeaders();
        foreach (var (key, value) in send.Message.Head.ToFields()) headers.Add(key, value);
        var outcome = _bus.TryRequest(
            peer is null ? _route.Subject : _route.SubjectOf(peer), send.Message.Body, headers,
            reply =>
            {
                _replies.Enqueue((send.Token, reply));
                _wake();
            },
            out var request, peer ?? _route.Peer);
        if (outcome == NatsOutcome.Ok) _requests.Add(request);
        else _replies.Enqueue((send.Token, NatsReply.Failed(outcome)));
    }

    private void Take(Instant now, int token, in NatsReply reply)
    {
        if (_request is null) return;

        switch (reply.Outcome)
        {
            case NatsOutcome.Ok:
                _silentFrom = now;
                _request.OnReply(now, token, ExchangeHead.Parse(reply.Message.Headers), reply.Message.Data);
                break;
            case NatsOutcome.NoResponders:
                _request.OnNoResponders(now, token);
                break;
            case NatsOutcome.TooLarge:
                _request = null;
                Lose(now, tooLarge: true, "a message exceeds the limit of the server");
                break;
            default:
                _request.OnLost(now, token);
                break;
        }
    }

    private void Conclude(Instant now, ExchangeResult result)
    {
        _window = _request!.Window;
        _request = null;
        _requests.Clear();
        _responder = result.Responder ?? _responder;
        if (!result.IsOk)
        {
            Fail(now, result);
        }
        else if (_isHello)
        {
            _isHello = false;
            Launch(now, _body.WrittenSpan.ToArray());
        }
        else if (XferFrame.TryDecode(
            EncodingOf(result), result.Body, MessageBytesMax, out var reply) != XferFrameFault.None)
        {
            End(new SyncOutcome(SyncOutcomeKind.PeerFailed, "the reply does not unpack", _responder));
        }
        else
        {
            _losses = 0;
            _session.Receive(now, reply);
        }
    }

    private void Fail(Instant now, ExchangeResult result)
    {
        var reason = result.Reason ?? "it failed without a reason";
        switch (result.Kind)
        {
            case ExchangeResultKind.NoResponders:
                End(new SyncOutcome(SyncOutcomeKind.NoResponders, "no peer answers"));
                break;
            case ExchangeResultKind.TimedOut when !result.Body.IsEmpty && !_isHello:
                // What has arrived is kept, so each time less is missing.
                var front = XferFrame.DecodeFront(EncodingOf(result), result.Body.ToArray(), MessageBytesMax);
                if (_session.ReceiveFront(now, front)) _losses = 0;
                else _losses++;
                Retry(now, reason);
                break;
            case ExchangeResultKind.TooLarge:
                Lose(now, tooLarge: true, reason);
                break;
            case ExchangeResultKind.Refused when result.Refusal == ExchangeRefusal.TooLarge:
                Lose(now, tooLarge: true, reason);
                break;
            case ExchangeResultKind.TimedOut:
            case ExchangeResultKind.Refused when result.Refusal != ExchangeRefusal.Failed:
                Lose(now, tooLarge: false, reason);
                break;
            case ExchangeResultKind.Empty:
                End(new SyncOutcome(SyncOutcomeKind.PeerFailed, "an empty reply, which means that it failed"));
                break;
            default:
                End(new SyncOutcome(SyncOutcomeKind.PeerFailed, reason, _responder));
                break;
        }
    }

    // A lost request is built again, so that a login which the peer may have received does not look like a replay.
    private void Lose(Instant now, bool tooLarge, string reason)
    {
        _losses++;
        _session.OnLost(tooLarge);
        if (!tooLarge && _session.Report.Rounds == 0) _losses = LossesMax;   // at the start the agent decides
        Retry(now, reason);
    }

    private void Retry(Instant now, string reason)
    {
        _isHello = false;
        if (_losses >= LossesMax) End(new SyncOutcome(SyncOutcomeKind.Unreachable, reason, _responder));
        else _retryAt = now + (PauseFirst * (1 << Math.Max(0, _losses - 1)));
    }

    private void End(SyncOutcome outcome)
    {
        Outcome = outcome;
        Dispose();
    }

    private static XferEncoding EncodingOf(ExchangeResult result) =>
        result.ContentType == XferFrame.PlainContentType ? XferEncoding.Plain : XferEncoding.Zlib;

    private static SyncOutcome OutcomeOf(SyncReport report, string? responder)
    {
        if (report.Fault is not { } fault)
            return SyncOutcome.Ok(report.ArtifactsReceived, report.ArtifactsSent, responder) with
            {
                LeftToOthers = report.LeftToOthers,
            };

        var kind = fault.Kind switch
        {
            SyncFaultKind.Denied or SyncFaultKind.LoginFailed => SyncOutcomeKind.Denied,
            SyncFaultKind.WrongProject => SyncOutcomeKind.WrongProject,
            SyncFaultKind.ReadOnly => SyncOutcomeKind.LocalFailed,
            _ => SyncOutcomeKind.PeerFailed,
        };
        return new SyncOutcome(kind, fault.Text, responder, report.ArtifactsReceived, report.ArtifactsSent);
    }
}
