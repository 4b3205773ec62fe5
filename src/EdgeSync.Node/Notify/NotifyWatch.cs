using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Notify;

namespace EdgeSync.Node.Notify;

/// <summary>What a watch wants.</summary>
internal sealed record NotifyWatchOptions
{
    /// <summary>Null: all projects.</summary>
    public string? Project { get; init; }

    /// <summary>By its first digits; null: all threads.</summary>
    public string? Thread { get; init; }

    /// <summary>Under which its place is kept over restarts; null: from now on, nothing is kept.</summary>
    public string? Name { get; init; }

    /// <summary>A new watch begins with the oldest message; otherwise with the next one that arrives.</summary>
    public bool IsFromStart { get; init; }

    /// <summary>Messages of this device under this name are left out; null: none are.</summary>
    public string? Without { get; init; }

    /// <summary>How often a message is offered that its taker refuses; then it stays unread.</summary>
    public int AttemptsMax { get; init; } = 5;
}

/// <summary>
/// Offers the messages of a repository in order of arrival, each once: its place is stored after each message that was
/// taken, together with the mark that it was read. Other programs write the repository; a change of the file wakes it.
/// </summary>
internal sealed class NotifyWatch : IDisposable
{
    private const int BatchMax = 100;

    // While files wait for others, which may never come.
    private static readonly TimeSpan WaitingPause = TimeSpan.FromSeconds(5);

    private readonly Repository _repository;
    private readonly NotifyRepository _notify;
    private readonly FileChanges _changes;
    private readonly NotifyWatchOptions _options;
    private readonly NotifyFilter _filter;
    private readonly TimeProvider _clock;
    private readonly string? _place;
    private long _after;
    private long _ackAfter;

    /// <summary>Opened before the first message is looked at: what arrives from now on is not missed.</summary>
    /// <param name="repository">To be written; the watch owns it.</param>
    /// <exception cref="EdgeSyncException">The thread is unknown.</exception>
    public NotifyWatch(Repository repository, NotifyWatchOptions options, TimeProvider clock)
    {
        (_repository, _options, _clock) = (repository, options, clock);
        _changes = new FileChanges(repository.Path, clock);
        try
        {
            _notify = new NotifyRepository(repository);
            _notify.Update();
            var thread = options.Thread is null ? null : _notify.FindThread(options.Project, options.Thread);
            _filter = new NotifyFilter(thread?.Project ?? options.Project, thread?.Thread);
            _place = options.Name is null ? null : $"{options.Name}/{_filter.Project}/{_filter.Thread}";
            var queries = _notify.Queries;
            _after = (_place is null ? null : queries.WatchedUpTo(_place))
                ?? (options.IsFromStart ? 0 : queries.LastSeq);
            _ackAfter = queries.LastAck;
            if (_place is not null) queries.SetWatched(_place, _after);
        }
        catch
        {
            _changes.Dispose();
            throw;
        }
    }

    public NotifyRepository Notify => _notify;

    /// <summary>Called for each acknowledgement of a message of this device that arrives.</summary>
    public Action<IndexedAck, NotifyItem>? Acknowledged { get; init; }

    /// <summary>Called when a message is not offered any more.</summary>
    public Action<NotifyItem>? GivenUp { get; init; }

    /// <summary>Runs until cancelled, or until <paramref name="take"/> ends it.</summary>
    /// <param name="take">True: taken; false: refused, to be offered again; null: taken, and the watch ends.</param>
    public async Task RunAsync(
        Func<NotifyItem, CancellationToken, Task<bool?>> take, CancellationToken cancellationToken)
    {
        while (true)
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                _notify.Update();
                var batch = _notify.Queries.Arrived(_filter, _after, BatchMax);
                if (batch.Count == 0) break;

                foreach (var indexed in batch)
                {
                    if (await OfferAsync(indexed, take, cancellationToken) is false) return;
                }
            }

            ReportAcks();
            if (_notify.IsWaiting) await WaitBrieflyAsync(cancellationToken);
            else await _changes.WaitAsync(cancellationToken);
        }
    }

    public void Dispose()
    {
        _changes.Dispose();
        _repository.Dispose();
    }

    // False ends the watch.
    private async Task<bool> OfferAsync(
        IndexedMessage indexed, Func<NotifyItem, CancellationToken, Task<bool?>> take,
        CancellationToken cancellationToken)
    {
        if (_notify.Read(indexed) is not { } item || IsOwn(item))
        {
            Advance(indexed.Seq, null);
            return true;
        }

        for (var attempt = 1; ; attempt++)
        {
            switch (await take(item, cancellationToken))
            {
                case null:
                    Advance(indexed.Seq, item.Id);
                    return false;
                case true:
                    Advance(indexed.Seq, item.Id);
                    return true;
            }

            if (attempt >= _options.AttemptsMax)
            {
                GivenUp?.Invoke(item);
                Advance(indexed.Seq, null);
                return true;
            }

            var pause = TimeSpan.FromSeconds(Math.Min(60, 1 << Math.Min(attempt - 1, 6)));
            await Task.Delay(pause, _clock, cancellationToken);
        }
    }

    private bool IsOwn(NotifyItem item) =>
        _options.Without is { } name && item.From == _notify.Device && item.FromName == name;

    private void Advance(long seq, string? read)
    {
        _after = seq;
        using var transaction = _repository.Begin();
        if (_place is not null) _notify.Queries.SetWatched(_place, seq);
        if (read is not null) _notify.Queries.MarkRead([read]);
        transaction.Commit();
    }

    private void ReportAcks()
    {
        var acks = _notify.Queries.AcksAfter(_ackAfter, out _ackAfter);
        if (Acknowledged is null) return;

        foreach (var ack in acks)
        {
            if (_notify.Queries.Find(ack.MessageId) is not { } indexed || indexed.From != _notify.Device) continue;
            if (_filter.Project is { } project && indexed.Project != project) continue;
            if (_filter.Thread is { } thread && indexed.Thread != thread) continue;
            if (_notify.Read(indexed) is { } item) Acknowledged(ack, item);
        }
    }

    private async Task WaitBrieflyAsync(CancellationToken cancellationToken)
    {
        using var brief = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = _clock.CreateTimer(
            static state => ((CancellationTokenSource)state!).Cancel(), brief, WaitingPause, Timeout.InfiniteTimeSpan);
        try
        {
            await _changes.WaitAsync(brief.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Looks again.
        }
    }
}
