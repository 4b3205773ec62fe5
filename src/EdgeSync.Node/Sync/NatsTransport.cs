using System.Diagnostics;
using System.Threading.Channels;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Nats.Wire;
using EdgeSync.Node.Metrics;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>
/// Messages as NATS requests. The first reply of an EdgeSync peer names it, and the rest of the session goes to it
/// alone; larger messages are sent in parts (<see cref="ExchangeRequest"/>).
/// </summary>
internal sealed class NatsTransport(
    INatsBus bus, ExchangeOptions options, NatsRoute route, TimeProvider clock, Entropy entropy) : ITransport
{
    private readonly PooledBytes _body = new();
    private int _window = options.Window;

    public string Route => "nats";

    public string Target => Responder is null ? route.Subject : route.SubjectOfPeer(Responder);

    public string? Responder { get; private set; }

    public long WireBytesSent { get; private set; }

    public long WireBytesReceived { get; private set; }

    public Action? Progressed { get; set; }

    public async Task<TransportReply> ExchangeAsync(
        ReadOnlyMemory<byte> message, bool mayStream, CancellationToken cancellationToken)
    {
        _body.Clear();
        XferFrame.Encode(XferEncoding.Zlib, message.Span, _body);

        // Only EdgeSync peers support parts, so an unknown responder is queried for its name first, by a message with a
        // comment only.
        if (Responder is null && _body.Length > options.MessageBytesMax)
        {
            using var ping = new PooledBytes();
            XferFrame.Encode(XferEncoding.Zlib, "# hello\n"u8, ping);
            await RunAsync(ping.Written, cancellationToken);
        }

        var result = await RunAsync(_body.Written, cancellationToken);
        return new TransportReply(MessageFrame.Decode(EncodingOf(result), result.Body, Target));
    }

    public void Dispose() => _body.Dispose();

    private async Task<ExchangeResult> RunAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        using var span = MessageSpans.Request(Target, body.Length);
        var request = new ExchangeRequest(
            options with { Window = _window }, Now, body, entropy.NextHex(24), Responder,
            isAddressed: route.IsAddressed);
        using (var flights = new Flights(bus, clock))
        using (route.Links?.OnBack(flights.OnLinkBack))
        {
            while (request.Result is null)
            {
                while (request.TryTake(out var send)) Send(flights, send, span);
                await flights.WaitAsync(
                    request.Deadline is { } deadline ? deadline - Now : TimeSpan.Zero, cancellationToken);
                while (flights.TryTake(out var e)) Take(request, e);
                if (request.Deadline <= Now) request.OnDeadline(Now);
            }
        }

        _window = request.Window;
        var result = request.Result;
        if (result.Responder is { } responder) Responder = responder;
        WireBytesReceived += result.Body.Length;
        if (!result.IsOk) span?.SetStatus(ActivityStatusCode.Error, result.Reason);
        return result.IsOk ? result : throw FailureOf(result);
    }

    private void Take(ExchangeRequest request, FlightEvent e)
    {
        if (e.Kind == FlightEventKind.LinkBack) request.OnLinkBack(Now);
        if (e.Kind != FlightEventKind.Reply) return;

        var message = e.Reply.Message;
        switch (e.Reply.Outcome)
        {
            case NatsOutcome.Ok:
                Progressed?.Invoke();
                request.OnReply(Now, e.Token, ExchangeHead.Parse(message.Headers), message.Data);
                break;
            case NatsOutcome.NoResponders:
                request.OnNoResponders(Now, e.Token);
                break;
            case NatsOutcome.TooLarge:
                throw new MessageTooLargeException(
                    $"a message to {Target} exceeds the limit of the server ({bus.MaxPayload} bytes)");
            default:
                request.OnLost(Now, e.Token);
                break;
        }
    }

    private void Send(Flights flights, ExchangeSend send, Activity? span)
    {
        var peer = send.ToResponder ?? Responder;
        var target = peer is null ? route.Subject : route.SubjectOfPeer(peer);
        WireBytesSent += send.Message.Body.Length;
        flights.Send(
            target, peer ?? (route.IsAddressed ? route.Peer : null), send,
            NatsHeadersOf.Fields(send.Message.Head.ToFields(), span));
    }

    private EdgeSyncException FailureOf(ExchangeResult result) => result.Kind switch
    {
        ExchangeResultKind.NoResponders =>
            new NoRespondersException(
                route.IsAddressed ? $"{route.Peer} is not connected" : $"no {route.Peer} answers"),
        ExchangeResultKind.TimedOut when !result.Body.IsEmpty =>
            new ReplyCutException(
                $"{route.Peer}: {result.Reason}", MessageFrame.DecodeFront(EncodingOf(result), result.Body)),
        ExchangeResultKind.TimedOut => new EdgeSyncException(ErrorKind.Unavailable, $"{route.Peer}: {result.Reason}"),
        ExchangeResultKind.TooLarge => new MessageTooLargeException($"{route.Peer}: {result.Reason}"),
        ExchangeResultKind.Refused when result.Refusal == ExchangeRefusal.TooLarge =>
            new MessageTooLargeException($"{route.Peer}: {result.Reason}"),
        ExchangeResultKind.Refused when result.Refusal != ExchangeRefusal.Failed =>
            new EdgeSyncException(ErrorKind.Unavailable, $"{route.Peer}: {result.Reason}"),
        ExchangeResultKind.Empty =>
            new EdgeSyncException(
                ErrorKind.Protocol,
                $"{route.Peer} sent an empty reply, which means that it failed"),
        _ => new EdgeSyncException(
            ErrorKind.Protocol, $"{route.Peer}: {result.Reason ?? "it failed without a reason"}"),
    };

    private static XferEncoding EncodingOf(ExchangeResult result) =>
        result.ContentType == XferFrame.PlainContentType ? XferEncoding.Plain : XferEncoding.Zlib;

    private Instant Now => Instant.FromDateTime(clock.GetUtcNow());

    private enum FlightEventKind
    {
        /// <summary>A timer event.</summary>
        Tick,

        LinkBack,
        Reply,
    }

    private readonly record struct FlightEvent(FlightEventKind Kind, int Token = 0, NatsReply Reply = default);

    /// <summary>The messages of one exchange that are under way, and their events, in order.</summary>
    private sealed class Flights : IDisposable
    {
        private readonly Channel<FlightEvent> _events = Channel.CreateUnbounded<FlightEvent>(
            new UnboundedChannelOptions { SingleReader = true });
        private readonly List<long> _requests = [];
        private readonly INatsBus _bus;
        private readonly ITimer _timer;

        public Flights(INatsBus bus, TimeProvider clock)
        {
            _bus = bus;
            _timer = clock.CreateTimer(
                _ => Post(new FlightEvent(FlightEventKind.Tick)), null, Timeout.InfiniteTimeSpan,
                Timeout.InfiniteTimeSpan);
        }

        public void OnLinkBack() => Post(new FlightEvent(FlightEventKind.LinkBack));

        public void Send(string subject, string? replier, ExchangeSend send, NatsHeaders headers)
        {
            var outcome = _bus.TryRequest(
                subject, send.Message.Body, headers,
                reply => Post(new FlightEvent(FlightEventKind.Reply, send.Token, reply)), out var request, replier);
            if (outcome == NatsOutcome.Ok) _requests.Add(request);
            else Post(new FlightEvent(FlightEventKind.Reply, send.Token, NatsReply.Failed(outcome)));
        }

        /// <summary>Waits for an event, at most for the pause.</summary>
        public async Task WaitAsync(TimeSpan pause, CancellationToken cancellationToken)
        {
            _timer.Change(
                pause > TimeSpan.Zero ? TimeSpan.FromMilliseconds(
                    Math.Ceiling(pause.TotalMilliseconds)) : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            await _events.Reader.WaitToReadAsync(cancellationToken);
        }

        public bool TryTake(out FlightEvent e) => _events.Reader.TryRead(out e);

        public void Dispose()
        {
            _timer.Dispose();
            foreach (var request in _requests) _bus.Forget(request);
        }

        private void Post(FlightEvent e) => _events.Writer.TryWrite(e);
    }
}

/// <summary>The target of requests.</summary>
/// <param name="IsAddressed">The subject is one peer's own.</param>
/// <param name="Links">Reports that a link to others has come back; null where links do not change.</param>
/// <param name="Peer">The same for display: a node's name, or any peer of a project.</param>
internal sealed record NatsRoute(
    string Subject, bool IsAddressed, Func<string, string> SubjectOfPeer, ILinkEvents? Links = null,
    string Peer = "peer");

/// <summary>Reports to waiting requests that a link came back: messages under way may be lost.</summary>
internal interface ILinkEvents
{
    /// <summary>
    /// Calls <paramref name="back"/>, from any thread, each time a link is back, until the result is disposed.
    /// </summary>
    IDisposable OnBack(Action back);
}
