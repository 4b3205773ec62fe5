using EdgeSync.Agent.Notify;
using EdgeSync.Nats;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Loops;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Notify;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Notify;

/// <summary>
/// The messages of a repository that a node keeps in sync: numbers them as they arrive, wakes the readers of
/// <see cref="Feed"/>, and passes on over NATS what is not synced: new messages for programs that only listen there,
/// acknowledgements and presence. Messages themselves come by sync; nothing that NATS brings is committed.
/// </summary>
internal sealed class NotifyNode : IAsyncDisposable
{
    private const int BatchMax = 200;
    private const int ProjectsMax = 100;
    private const int AcksPerWriteMax = 500;

    // What is older was published, or came with a first copy.
    private static readonly TimeSpan PublishedAgeMax = TimeSpan.FromDays(1);
    private static readonly TimeSpan PresenceEvery = TimeSpan.FromMinutes(5);

    private readonly RepositoryQueue _writer;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly FileChanges _changes;
    private readonly CancellationTokenSource _stop = new();
    private readonly RunningTasks _tasks;
    private readonly ITimer _presence;
    private volatile NatsAccess? _nats;
    private NatsMessageQueue? _signals;
    private volatile IReadOnlyList<string> _projects = [];
    private volatile string _device = "";

    public NotifyNode(RepositoryQueue writer, TimeProvider clock, ILogger log, Action<Exception> failed)
    {
        (_writer, _clock, _log) = (writer, clock, log);
        _changes = new FileChanges(writer.Path, clock);
        _tasks = new RunningTasks(failed, log);
        _tasks.Start(LoopAsync);
        _presence = clock.CreateTimer(_ => PublishPresence("online"), null, PresenceEvery, PresenceEvery);
    }

    /// <summary>Wakes those who wait for messages.</summary>
    public NotifyFeed Feed { get; } = new();

    /// <summary>The identity of this copy; empty before the first look.</summary>
    public string Device => _device;

    /// <summary>Publishes and listens over NATS from now on; a second call changes the connection.</summary>
    public void Join(NatsAccess nats)
    {
        _signals?.Dispose();
        var queue = nats.Subscribe("notify.*.*");
        (_signals, _nats) = (queue, nats);
        _tasks.Start(() => ListenAsync(queue));
        Nudge();
    }

    /// <summary>Looks for news.</summary>
    public void Nudge() => _changes.Nudge();

    public async ValueTask DisposeAsync()
    {
        await _presence.DisposeAsync();
        PublishPresence("offline");
        _signals?.Dispose();
        await _stop.CancelAsync();
        await _tasks.DisposeAsync();
        _changes.Dispose();
        Feed.Raise(long.MaxValue);
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        var isFirst = true;
        while (true)
        {
            try
            {
                while (await RoundAsync())
                {
                }

                if (isFirst) PublishPresence("online");
                isFirst = false;
            }
            catch (EdgeSyncException e)
            {
                // The disk is full, or another program holds the lock: the next change tries again.
                _log.NotifyFailed(_writer.Path, e.Message);
            }

            await _changes.WaitAsync(_stop.Token);
        }
    }

    /// <returns>True if more is to be done at once.</returns>
    private async Task<bool> RoundAsync()
    {
        var isConnected = _nats is { IsConnected: true };
        var round = await _writer.RunAsync(r => Collect(r, isConnected), _stop.Token);
        if (_device.Length == 0) _log.NotifyStarted(_writer.Path, round.Device, round.Last);
        (_device, _projects) = (round.Device, round.Projects);
        Feed.Raise(round.Last);
        if (!isConnected) return false;

        foreach (var (subject, payload) in round.Publish) _nats!.Publish(subject, payload);
        if (round.Through == round.Before && round.Reads.Count == 0) return false;

        await _writer.RunAsync(
            repository =>
            {
                var queries = new NotifyQueries(repository);
                using var transaction = repository.Begin();
                if (round.Through != round.Before) queries.SetMark(NotifyTrace.PublishedMark, round.Through);
                if (round.Reads.Count > 0) queries.RemoveOutgoing(round.Reads);
                transaction.Commit();
            },
            _stop.Token);
        return round.IsFull;
    }

    private static Round Collect(Repository repository, bool isConnected)
    {
        var notify = new NotifyRepository(repository);
        notify.Update();
        var queries = notify.Queries;
        var before = queries.Mark(NotifyTrace.PublishedMark);
        var round = new Round(notify.Device, queries.LastSeq, before)
        {
            Projects = [.. queries.Projects().Take(ProjectsMax).Select(p => p.Project)],
        };
        if (!isConnected) return round;

        var arrived = queries.Arrived(default, before, BatchMax);
        foreach (var message in arrived)
        {
            round.Through = message.Seq;
            if (repository.Now - message.Time > PublishedAgeMax) continue;

            if (message.From != notify.Device)
            {
                var ack = new NotifyAck(message.Id, notify.Device, message.Arrived, NotifyAckKind.Delivered);
                round.Publish.Add((NotifyNames.AckSubject(message.Project), ack.ToBytes()));
            }
            else if (notify.ReadMessage(message) is { } own)
            {
                round.Publish.Add((own.Subject, NotifyCodec.ToLine(own)));
            }
        }

        round.Reads = queries.Outgoing(notify.Device);
        foreach (var read in round.Reads)
            if (queries.Find(read.MessageId) is { } message)
                round.Publish.Add((
                    NotifyNames.AckSubject(message.Project),
                    new NotifyAck(read.MessageId, notify.Device, read.At, NotifyAckKind.Read).ToBytes()));
        round.IsFull = arrived.Count == BatchMax;
        return round;
    }

    private async Task ListenAsync(NatsMessageQueue queue)
    {
        while (await queue.WaitToReadAsync(_stop.Token))
        {
            var acks = new List<NotifyAck>();
            var presences = new List<NotifyPresence>();
            while (acks.Count + presences.Count < AcksPerWriteMax && queue.TryRead(out var message))
                Take(message, acks, presences);
            if (acks.Count + presences.Count == 0) continue;

            try
            {
                await _writer.RunAsync(r => Store(r, acks, presences), _stop.Token);
            }
            catch (EdgeSyncException e)
            {
                _log.NotifyFailed(_writer.Path, e.Message);
            }
        }
    }

    private static void Take(in NatsMessage message, List<NotifyAck> acks, List<NotifyPresence> presences)
    {
        var payload = message.Data.Span;
        if (message.Subject.EndsWith(".ack", StringComparison.Ordinal) && NotifyAck.TryParse(payload, out var ack))
            acks.Add(ack);
        else if (message.Subject.EndsWith(".presence", StringComparison.Ordinal)
            && NotifyPresence.TryParse(payload, out var presence))
            presences.Add(presence);
    }

    // Of messages that are here: those of other repositories on the same broker do not concern this one.
    private static void Store(Repository repository, List<NotifyAck> acks, List<NotifyPresence> presences)
    {
        var notify = new NotifyRepository(repository);
        using var transaction = repository.Begin();
        foreach (var ack in acks)
            if (ack.ReceivedBy != notify.Device && notify.Queries.Find(ack.MessageId)?.Id == ack.MessageId)
                notify.Queries.AddAck(new IndexedAck(
                    ack.MessageId, ack.ReceivedBy, ack.Kind == NotifyAckKind.Read, ack.ReceivedAt));

        // By this clock: that of the other device may be wrong.
        foreach (var presence in presences)
            if (presence.Device != notify.Device)
                notify.Queries.SetPresence(presence.Device, presence.State, repository.Now);
        transaction.Commit();
    }

    private void PublishPresence(string state)
    {
        if (_nats is not { IsConnected: true } nats || _device.Length == 0) return;

        var payload = new NotifyPresence(_device, state, Instant.FromDateTime(_clock.GetUtcNow())).ToBytes();
        foreach (var project in _projects) nats.Publish(NotifyNames.PresenceSubject(project), payload);
    }

    /// <param name="Last">The number of the newest message.</param>
    /// <param name="Before">The number up to which messages were published before.</param>
    private sealed record Round(string Device, long Last, long Before)
    {
        public required IReadOnlyList<string> Projects { get; init; }

        public List<(string Subject, byte[] Payload)> Publish { get; } = [];

        public IReadOnlyList<IndexedAck> Reads { get; set; } = [];

        public long Through { get; set; } = Before;

        public bool IsFull { get; set; }
    }
}

/// <summary>Wakes those who wait for messages: each remembers the number of the last one that it has seen.</summary>
internal sealed class NotifyFeed
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _last;

    /// <summary>No more messages will come: the node ends.</summary>
    public bool IsOver
    {
        get
        {
            lock (_gate) return _last == long.MaxValue;
        }
    }

    /// <summary>The number of the newest message.</summary>
    public long Last
    {
        get
        {
            lock (_gate) return _last;
        }
    }

    /// <summary>Messages up to this number are there.</summary>
    public void Raise(long last)
    {
        TaskCompletionSource waiting;
        lock (_gate)
        {
            if (last <= _last) return;

            _last = last;
            waiting = _next;
            _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        waiting.SetResult();
    }

    /// <summary>Completes when a message after this number is there.</summary>
    public Task WaitAsync(long after, CancellationToken cancellationToken)
    {
        lock (_gate) return _last > after ? Task.CompletedTask : _next.Task.WaitAsync(cancellationToken);
    }
}
