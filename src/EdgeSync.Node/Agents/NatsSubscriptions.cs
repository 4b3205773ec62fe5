using EdgeSync.Fossil.Xfer;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Agents;

/// <summary>
/// One repository's subscriptions: passes announcements and presence to its agent, and replies to requests if
/// configured.
/// </summary>
internal sealed class NatsSubscriptions : IAsyncDisposable
{
    private readonly AgentHost _host;
    private readonly AnswerRequest _answer;
    private readonly NodeContext _node;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<NatsMessageQueue> _subscriptions = [];
    private readonly List<Task> _loops = [];
    private NatsResponder? _responder;

    private NatsSubscriptions(AgentHost host, AnswerRequest answer, NodeContext node) =>
        (_host, _answer, _node) = (host, answer, node);

    public NatsResponder? Responder => _responder;

    public static NatsSubscriptions Start(AgentHost host, AnswerRequest answer, NatsAccess nats, NodeContext node)
    {
        var all = new NatsSubscriptions(host, answer, node);
        var subjects = host.Options.Subjects;
        var senders = new SenderCheck(nats.Bus, node.Log);
        all.Subscribe(nats, subjects.Commit, m => host.OnAnnouncementAsync(m, senders, all._stop.Token));
        all.Subscribe(nats, subjects.Presence, m => host.OnPresenceAsync(m, senders, all._stop.Token));
        if (host.Options.ServesNats)
            all._responder = NatsResponder.Start(nats.Bus, nats.Exchange, subjects, all.HandleAsync, node);
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        if (_responder is not null) await _responder.DisposeAsync();
        foreach (var subscription in _subscriptions) subscription.Dispose();
        _stop.Cancel();
        foreach (var loop in _loops) await loop;
        _stop.Dispose();
    }

    private void Subscribe(NatsAccess nats, string subject, Func<NatsMessage, ValueTask> take)
    {
        var subscription = nats.Subscribe(subject);
        _subscriptions.Add(subscription);
        _loops.Add(LoopTask.Start(_node.Scheduler, () => ReadAsync(subscription, take)));
    }

    private async Task ReadAsync(NatsMessageQueue subscription, Func<NatsMessage, ValueTask> take)
    {
        try
        {
            await foreach (var message in subscription.ReadAllAsync(_stop.Token)) await TakeAsync(message, take);
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    // A message whose lookup fails does not end the subscription: polls make up for it.
    private async Task TakeAsync(NatsMessage message, Func<NatsMessage, ValueTask> take)
    {
        try
        {
            await take(message);
        }
        catch (EdgeSyncException e)
        {
            _node.Log.AnnouncementFailed(message.Subject, e.Message);
        }
    }

    private async Task<ResponderAnswer> HandleAsync(
        NatsMessage message, ExchangeTicket ticket, int replyBytesMax, CancellationToken cancellationToken)
    {
        var encoding = ticket.ContentType == XferFrame.PlainContentType ? XferEncoding.Plain : XferEncoding.Zlib;
        using var memory = MemoryLimit.Messages.Open();
        if (MessageFrame.TryDecode(
            encoding, message.Data, memory, out var request) is not MessageFault.None and var fault)
            return RefusalOf(fault);

        using var reply = new PooledBytes();
        using var span = HandleSpan.Begin("nats");
        var replyMax = ticket.TakesParts ? replyBytesMax : replyBytesMax / 2;

        var outcome = await _answer(
            request, $"nats:{ticket.PeerId ?? "?"}", message.Origin, reply, replyMax, cancellationToken);
        span.Complete(outcome);

        var replyEncoding = outcome.MustBePlain ? XferEncoding.Plain : encoding;
        using var framed = new PooledBytes();
        XferFrame.Encode(replyEncoding, reply.Written.Span, framed);

        // A copy of its own: a reply in parts is kept until it has been fetched.
        return new ResponderAnswer(
            framed.Written.ToArray(), replyEncoding == XferEncoding.Plain ? XferFrame.PlainContentType : null);
    }

    private static ResponderAnswer RefusalOf(MessageFault fault) => fault switch
    {
        MessageFault.TooLarge => ResponderAnswer.Refused(ExchangeRefusal.Failed, "the message is too large"),
        MessageFault.BeyondMemory =>
            ResponderAnswer.Refused(
                ExchangeRefusal.TooLarge, "this machine has not the memory for such a large message"),
        MessageFault.NoRoomNow => ResponderAnswer.Refused(ExchangeRefusal.Busy, "too much is being received at once"),
        _ => ResponderAnswer.Refused(ExchangeRefusal.Failed, "the message does not unpack"),
    };
}
