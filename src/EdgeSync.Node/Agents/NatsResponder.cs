using EdgeSync.Agent.Messages;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Agents;

/// <summary>
/// Replies to one project's requests over NATS: on the project's subject as a member of a queue group, and on this
/// node's own subject. The caller handles whole requests; this class does parts, refusals and limits.
/// </summary>
internal sealed class NatsResponder : IAsyncDisposable
{
    private const int HandledMax = 8;
    private const int WaitingMax = 128;

    private readonly INatsBus _bus;
    private readonly ExchangeResponder _exchange;
    private readonly Func<NatsMessage, ExchangeTicket, int, CancellationToken, Task<ResponderAnswer>> _handle;
    private readonly RunningTasks _tasks;
    private readonly TaskScheduler _scheduler;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly Queue<(NatsMessage Message, ExchangeTicket Ticket)> _queue = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<NatsMessageQueue> _subscriptions = [];
    private readonly List<Task> _loops = [];
    private int _handled;

    private NatsResponder(
        INatsBus bus, ExchangeOptions options, Func<NatsMessage, ExchangeTicket, int, CancellationToken,
        Task<ResponderAnswer>> handle,
        NodeContext node)
    {
        (_bus, _handle, _clock, _scheduler) = (bus, handle, node.Clock, node.Scheduler);
        _exchange = new ExchangeResponder(options, () => node.Entropy.NextHex(24));
        _tasks = new RunningTasks(node.Failed, node.Log);
    }

    /// <param name="handle">
    /// Receives the whole request (its data is the framed body), the possible forms of its reply, and the largest
    /// framed reply.
    /// </param>
    public static NatsResponder Start(
        INatsBus bus, ExchangeOptions options, ProjectSubjects subjects,
        Func<NatsMessage, ExchangeTicket, int, CancellationToken, Task<ResponderAnswer>> handle, NodeContext node)
    {
        var responder = new NatsResponder(bus, options, handle, node);
        responder.Subscribe(subjects.Sync, subjects.QueueGroup);
        responder.Subscribe(subjects.SyncOf(options.NodeId), null);
        responder._loops.Add(responder.SweepAsync());
        return responder;
    }

    /// <summary>Bytes of requests and replies in parts that are kept.</summary>
    public long HeldBytes
    {
        get
        {
            lock (_gate) return _exchange.HeldBytes;
        }
    }

    /// <summary>Requests and replies in parts that are kept.</summary>
    public int Transfers
    {
        get
        {
            lock (_gate) return _exchange.Transfers;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in _subscriptions) subscription.Dispose();
        _stop.Cancel();
        foreach (var loop in _loops) await loop;
        await _tasks.DisposeAsync();
        _stop.Dispose();
    }

    private void Subscribe(string subject, string? group)
    {
        var subscription = new NatsMessageQueue(_bus, subject, group);
        _subscriptions.Add(subscription);
        _loops.Add(LoopTask.Start(_scheduler, () => ReadAsync(subscription)));
    }

    private async Task ReadAsync(NatsMessageQueue subscription)
    {
        try
        {
            await foreach (var message in subscription.ReadAllAsync(_stop.Token))
            {
                if (message.ReplyTo is not null) Take(message);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    // Parts are replied to at once; a whole request has work to do and may wait, up to a bound.
    private void Take(NatsMessage message)
    {
        ExchangeTicket ticket;
        ExchangeMessage answer;
        ExchangeStep step;
        lock (_gate)
            step = _exchange.OnRequest(Now, ExchangeHead.Parse(message.Headers), message.Data, out ticket, out answer);
        switch (step)
        {
            case ExchangeStep.Answer:
                Send(message, answer);
                break;
            case ExchangeStep.Handle:
                Queue(message with { Data = answer.Body }, ticket);
                break;
        }
    }

    private void Queue(NatsMessage message, ExchangeTicket ticket)
    {
        bool isFull, isFree;
        lock (_gate)
        {
            isFull = _handled + _queue.Count >= WaitingMax;
            isFree = _handled < HandledMax;
            if (isFull) _exchange.OnAnswered(ticket);
            else if (isFree) _handled++;
            else _queue.Enqueue((message, ticket));
        }

        if (isFull) Send(message, Refuse(ExchangeRefusal.Busy, "too many requests wait already"));
        else if (isFree) _tasks.Start(() => HandleAsync(message, ticket));
    }

    // One request, then the waiting ones, one after the other.
    private async Task HandleAsync(NatsMessage message, ExchangeTicket ticket)
    {
        await Task.Yield();
        while (true)
        {
            try
            {
                if (!_stop.IsCancellationRequested) Send(message, await AnswerAsync(message, ticket));
            }
            catch (OperationCanceledException)
            {
                // Disposed: waiting requests get no reply.
            }

            lock (_gate)
            {
                // After the reply: until then a status query is answered with "in progress".
                _exchange.OnAnswered(ticket);
                if (_stop.IsCancellationRequested || !_queue.TryDequeue(out var next))
                {
                    _handled--;
                    return;
                }

                (message, ticket) = next;
            }
        }
    }

    private async Task<ExchangeMessage> AnswerAsync(NatsMessage message, ExchangeTicket ticket)
    {
        var (parent, state) = NatsHeadersOf.TraceOf(message.Headers);
        using var span = MessageSpans.Handle(message.Subject, message.Data.Length, parent, state);
        try
        {
            int bytesMax;
            lock (_gate) bytesMax = _exchange.ReplyBytesMax(ticket);
            var answer = await _handle(message, ticket, bytesMax, _stop.Token);
            if (answer.Refusal != ExchangeRefusal.None) return Refuse(answer.Refusal, answer.Reason ?? "it failed");

            lock (_gate) return _exchange.Reply(Now, ticket, answer.Body, answer.ContentType);
        }
        catch (EdgeSyncException e)
        {
            return Refuse(e.Kind == ErrorKind.Unavailable ? ExchangeRefusal.Busy : ExchangeRefusal.Failed, e.Message);
        }
    }

    private ExchangeMessage Refuse(ExchangeRefusal refusal, string reason)
    {
        lock (_gate) return _exchange.Refuse(refusal, reason);
    }

    // Without a connection the reply is lost: the requester sends its request again.
    private void Send(NatsMessage request, ExchangeMessage answer)
    {
        var outcome = _bus.Publish(request.ReplyTo!, answer.Body, NatsHeadersOf.Fields(answer.Head.ToFields(), null));
        if (outcome == NatsOutcome.TooLarge && answer.Head.Refusal == ExchangeRefusal.None)
            Send(
                request,
                Refuse(
                    ExchangeRefusal.TooLarge, $"the reply is larger than a message may be ({_bus.MaxPayload} bytes)"));
    }

    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(10), _clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                lock (_gate) _exchange.OnDeadline(Now);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private Instant Now => Instant.FromDateTime(_clock.GetUtcNow());
}

/// <summary>A framed reply, or the reason of a refusal.</summary>
internal readonly record struct ResponderAnswer(
    ReadOnlyMemory<byte> Body, string? ContentType, ExchangeRefusal Refusal = ExchangeRefusal.None,
    string? Reason = null)
{
    public static ResponderAnswer Refused(ExchangeRefusal refusal, string reason) =>
        new(default, null, refusal, reason);
}
