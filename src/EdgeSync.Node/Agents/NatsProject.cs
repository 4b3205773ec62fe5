using EdgeSync.Fossil.Xfer;
using EdgeSync.Nats;
using EdgeSync.Nats.Exchange;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Metrics;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Agents;

/// <summary>One repository on NATS: hears announcements and signs of life, and answers exchanges if it is to.</summary>
internal sealed class NatsProject : IAsyncDisposable
{
    private readonly RepositoryNode _node;
    private readonly ServeLog _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<NatsMessageQueue> _subscriptions = [];
    private readonly List<Task> _loops = [];
    private NatsResponder? _responder;

    private NatsProject(RepositoryNode node, NodeSurroundings surroundings) => (_node, _log) = (node, surroundings.Log);

    public static NatsProject Start(RepositoryNode node, NatsSide nats, NodeSurroundings surroundings)
    {
        var project = new NatsProject(node, surroundings);
        project.Hear(nats, node.Subjects.Commit, m => node.OnAnnouncementAsync(m.Data, project._stop.Token));
        project.Hear(
            nats, node.Subjects.Presence,
            m =>
            {
                node.OnPresence(m.Data.Span);
                return ValueTask.CompletedTask;
            });
        if (node.Settings.ServeNats)
        {
            project._responder = NatsResponder.Start(
                nats.Bus, nats.Exchange, node.Subjects, project.HandleAsync, surroundings.Clock, SystemEntropy.Instance, surroundings);
        }

        return project;
    }

    public async ValueTask DisposeAsync()
    {
        if (_responder is not null) await _responder.DisposeAsync();
        foreach (var subscription in _subscriptions) subscription.Dispose();
        await _stop.CancelAsync();
        await Task.WhenAll(_loops);
        _stop.Dispose();
    }

    private void Hear(NatsSide nats, string subject, Func<NatsMessage, ValueTask> take)
    {
        var subscription = nats.Subscribe(subject);
        _subscriptions.Add(subscription);
        _loops.Add(Task.Run(() => ReadAsync(subscription, take), CancellationToken.None));
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

    // One message that cannot be looked up does not end the hearing of others: polls make it good.
    private async Task TakeAsync(NatsMessage message, Func<NatsMessage, ValueTask> take)
    {
        try
        {
            await take(message);
        }
        catch (EdgeSyncException e)
        {
            _log.Write(LogLevel.Warning, e.Message, ("subject", message.Subject));
        }
    }

    private async Task<ResponderAnswer> HandleAsync(NatsMessage message, ExchangeTicket ticket, int replyBytesMax, CancellationToken cancellationToken)
    {
        var encoding = ticket.ContentType == XferFrame.PlainContentType ? XferEncoding.Plain : XferEncoding.Zlib;
        using var memory = MemoryLimit.Messages.Open();
        if (MessageFrame.TryDecode(encoding, message.Data, memory, out var request) is not MessageFault.None and var fault) return RefusalOf(fault);

        using var reply = new PooledBytes();
        using var span = HandleSpan.Begin("nats");
        var replyMax = ticket.TakesParts ? replyBytesMax : replyBytesMax / 2;

        // A frame carries the message alone, so a login card stands in it.
        var outcome = await _node.Host.AnswerAsync(request, $"nats:{ticket.PeerId ?? "?"}", _node.Host.Logins.GateOf("nats"), reply, replyMax, loginCard: default, cancellationToken);
        span.Complete(outcome);

        var replyEncoding = outcome.MustBePlain ? XferEncoding.Plain : encoding;
        using var framed = new PooledBytes();
        XferFrame.Encode(replyEncoding, reply.Written.Span, framed);

        // A copy of its own: a reply in parts is kept until it has been fetched.
        return new ResponderAnswer(framed.Written.ToArray(), replyEncoding == XferEncoding.Plain ? XferFrame.PlainContentType : null);
    }

    private static ResponderAnswer RefusalOf(MessageFault fault) => fault switch
    {
        MessageFault.TooLarge => ResponderAnswer.Refused(ExchangeRefusal.Failed, "the message is too large"),
        MessageFault.BeyondMemory => ResponderAnswer.Refused(ExchangeRefusal.TooLarge, "this machine has not the memory for such a large message"),
        MessageFault.NoRoomNow => ResponderAnswer.Refused(ExchangeRefusal.Busy, "too much is being received at once"),
        _ => ResponderAnswer.Refused(ExchangeRefusal.Failed, "the message does not unpack"),
    };
}
