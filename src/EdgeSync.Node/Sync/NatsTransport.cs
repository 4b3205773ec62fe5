using System.Diagnostics;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Metrics;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Sync;

/// <summary>
/// Messages as NATS requests. The first reply of a peer of ours names it, and the rest of the session goes to it alone; what
/// is larger than a message travels in parts (<see cref="ExchangeRequest"/>).
/// </summary>
internal sealed class NatsTransport(
    INatsBus bus, ExchangeOptions options, NatsRoute route, TimeProvider clock, Entropy entropy) : ITransport
{
    /// <summary>Above what the exchange waits for any message: it decides, and takes late replies as well.</summary>
    private static readonly TimeSpan ReplyMax = TimeSpan.FromMinutes(30);

    private readonly PooledBytes _body = new();
    private Task? _linkBack;
    private int _window = options.Window;

    public string Route => "nats";

    public string Target => Responder is null ? route.Subject : route.SubjectOfPeer(Responder);

    public string? Responder { get; private set; }

    public long WireBytesSent { get; private set; }

    public long WireBytesReceived { get; private set; }

    public Action? Progressed { get; set; }

    public async Task<TransportReply> ExchangeAsync(ReadOnlyMemory<byte> message, bool mayStream, CancellationToken cancellationToken)
    {
        _body.Clear();
        XferFrame.Encode(XferEncoding.Zlib, message.Span, _body);

        // Parts are only understood by peers of ours, so a stranger is asked for his name first. A comment asks for nothing.
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
        using var flying = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var request = new ExchangeRequest(options with { Window = _window }, Now, body, entropy.NextHex(24), Responder, isAddressed: route.IsAddressed);
        var flights = new List<Task<Flight>>();
        try
        {
            while (request.Result is null)
            {
                while (request.TryTake(out var send)) flights.Add(SendAsync(send, span, flying.Token));
                await StepAsync(request, flights, cancellationToken);
            }
        }
        finally
        {
            await flying.CancelAsync();
            await Task.WhenAll(flights);
        }

        _window = request.Window;
        var result = request.Result;
        if (result.Responder is { } responder) Responder = responder;
        WireBytesReceived += result.Body.Length;
        if (!result.IsOk) span?.SetStatus(ActivityStatusCode.Error, result.Reason);
        return result.IsOk ? result : throw FailureOf(result);
    }

    private async Task StepAsync(ExchangeRequest request, List<Task<Flight>> flights, CancellationToken cancellationToken)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pause = request.Deadline is { } deadline ? deadline - Now : TimeSpan.Zero;
        var delay = Task.Delay(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, clock, timer.Token);
        var linkBack = _linkBack ??= route.LinkBack();
        await Task.WhenAny([delay, linkBack, .. flights]);
        await timer.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var done in flights.Where(f => f.IsCompleted).ToList())
        {
            flights.Remove(done);
            var flight = await done;
            if (flight.Reply.Outcome == NatsOutcome.Ok) Progressed?.Invoke();
            Take(request, flight);
        }

        if (linkBack.IsCompleted)
        {
            _linkBack = null;
            request.OnLinkBack(Now);
        }

        if (request.Deadline <= Now) request.OnDeadline(Now);
    }

    private void Take(ExchangeRequest request, Flight flight)
    {
        var message = flight.Reply.Message;
        switch (flight.Reply.Outcome)
        {
            case NatsOutcome.Ok:
                request.OnReply(Now, flight.Token, ExchangeHead.Parse(message.Headers), message.Data);
                break;
            case NatsOutcome.NoResponders:
                request.OnNoResponders(Now, flight.Token);
                break;
            case NatsOutcome.TooLarge:
                throw new MessageTooLargeException($"a message to {Target} is larger than the server takes ({bus.MaxPayload} bytes)");
            default:
                request.OnLost(Now, flight.Token);
                break;
        }
    }

    private async Task<Flight> SendAsync(ExchangeSend send, Activity? span, CancellationToken cancellationToken)
    {
        var target = send.ToResponder is { } peer ? route.SubjectOfPeer(peer) : Target;
        WireBytesSent += send.Message.Body.Length;
        try
        {
            var headers = NatsHeadersOf.Fields(send.Message.Head.ToFields(), span);
            return new Flight(send.Token, await bus.RequestAsync(target, send.Message.Body, headers, ReplyMax, clock, cancellationToken));
        }
        catch (OperationCanceledException)
        {
            return default;   // the exchange is over, and nobody looks at it
        }
    }

    private EdgeSyncException FailureOf(ExchangeResult result) => result.Kind switch
    {
        ExchangeResultKind.NoResponders => new NoRespondersException(route.IsAddressed ? $"{route.Who} is not connected" : $"no {route.Who} answers"),
        ExchangeResultKind.TimedOut when !result.Body.IsEmpty =>
            new ReplyCutException($"{route.Who}: {result.Reason}", MessageFrame.DecodeFront(EncodingOf(result), result.Body)),
        ExchangeResultKind.TimedOut => new EdgeSyncException(ErrorKind.Unavailable, $"{route.Who}: {result.Reason}"),
        ExchangeResultKind.TooLarge => new MessageTooLargeException($"{route.Who}: {result.Reason}"),
        ExchangeResultKind.Refused when result.Refusal == ExchangeRefusal.TooLarge => new MessageTooLargeException($"{route.Who}: {result.Reason}"),
        ExchangeResultKind.Refused when result.Refusal != ExchangeRefusal.Failed => new EdgeSyncException(ErrorKind.Unavailable, $"{route.Who}: {result.Reason}"),
        ExchangeResultKind.Empty => new EdgeSyncException(ErrorKind.Protocol, $"{route.Who} answers with an empty message, which is how the original says that it failed"),
        _ => new EdgeSyncException(ErrorKind.Protocol, $"{route.Who}: {result.Reason ?? "it failed without a reason"}"),
    };

    private static XferEncoding EncodingOf(ExchangeResult result) =>
        result.ContentType == XferFrame.PlainContentType ? XferEncoding.Plain : XferEncoding.Zlib;

    private Instant Now => Instant.FromDateTime(clock.GetUtcNow());

    private readonly record struct Flight(int Token, NatsReply Reply);
}

/// <summary>Where requests go.</summary>
/// <param name="IsAddressed">The subject is one peer's own.</param>
/// <param name="LinkBack">Completes when a link to others has come back the next time.</param>
/// <param name="Who">The same for people: a node's name, or any peer of a project.</param>
internal sealed record NatsRoute(string Subject, bool IsAddressed, Func<string, string> SubjectOfPeer, Func<Task> LinkBack, string Who = "peer");
