using EdgeSync.Agent.Notify;
using EdgeSync.Node.Repositories;
using EdgeSync.Storage;
using EdgeSync.Storage.Notify;

namespace EdgeSync.Node.Notify;

/// <summary>Sends a message and waits for its answer: the message whose <c>reply_to</c> names it.</summary>
internal static class NotifyAsk
{
    /// <param name="repository">Open to be written.</param>
    /// <param name="timeout">Null: for as long as it takes.</param>
    /// <param name="sent">Called with the question once it is written.</param>
    /// <param name="acknowledged">Called with each acknowledgement of it.</param>
    /// <returns>The answer; null: none came in time.</returns>
    public static async Task<NotifyItem?> RunAsync(
        Repository repository, NotifySend send, TimeSpan? timeout, Action<NotifyItem> sent,
        Action<IndexedAck, NotifyItem> acknowledged, TimeProvider clock, CancellationToken cancellationToken)
    {
        // Before the message is sent: no answer can come unseen.
        using var changes = new FileChanges(repository.Path, clock);
        var notify = new NotifyRepository(repository);
        notify.Update();
        var message = notify.Compose(send);
        var after = notify.Queries.LastSeq;
        var ackAfter = notify.Queries.LastAck;
        var wait = new ReplyWait(message.Id, timeout is { } span ? repository.Now + span : null);
        var question = notify.Commit(message, send.Media);
        sent(question);

        while (true)
        {
            notify.Update();
            var thread = new NotifyFilter(message.Project, message.Thread);
            foreach (var indexed in notify.Queries.Arrived(thread, after, 1000))
            {
                after = indexed.Seq;
                if (notify.ReadMessage(indexed) is not { } answer || !wait.OnMessage(answer)) continue;

                notify.Queries.MarkRead([answer.Id]);
                return notify.Read(indexed);
            }

            foreach (var ack in notify.Queries.AcksAfter(ackAfter, out ackAfter))
                if (ack.MessageId == message.Id) acknowledged(ack, question);

            wait.OnDeadline(repository.Now);
            if (wait.IsOver) return null;

            await WaitAsync(changes, wait.Deadline - repository.Now, clock, cancellationToken);
        }
    }

    private static async Task WaitAsync(
        FileChanges changes, TimeSpan? limit, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var deadline = limit is { } span
            ? clock.CreateTimer(
                static state => ((CancellationTokenSource)state!).Cancel(), timer,
                span > TimeSpan.Zero ? span : TimeSpan.Zero, Timeout.InfiniteTimeSpan)
            : null;
        try
        {
            await changes.WaitAsync(timer.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The deadline.
        }
    }
}
