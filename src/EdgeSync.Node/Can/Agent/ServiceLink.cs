using System.Threading.Channels;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Wire;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets.Mirror;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Can.Agent;

/// <summary>
/// Keeps a catalog and its service the same: takes over what users change in the service, and applies what the mirror
/// changes in the catalog. One step after the other; the service's events and the catalog's changes begin the next.
/// </summary>
internal sealed class ServiceLink
{
    private const int PageSize = 256;

    /// <summary>A listing of all hashes takes at most this share of the time.</summary>
    private const int ListingShare = 20;

    private static readonly TimeSpan RetryMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(30);

    // The service says something every 15 seconds.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(60);

    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly HashSet<AssetHash> _due = [];
    private readonly HashSet<AssetHash> _arrived = [];
    private readonly ServiceClient _client;
    private readonly ServiceCatalog _catalog;
    private readonly TimeSpan _pollInterval;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private Func<IReadOnlyCollection<AssetHash>> _sending = static () => [];
    private bool _mustReadAll = true;
    private bool _wasLimited;

    /// <param name="client">The service, probed.</param>
    /// <param name="catalog">Of that service.</param>
    /// <param name="pollInterval">After which the service is asked without an event.</param>
    /// <param name="clock">Of pauses.</param>
    /// <param name="log">Of what goes wrong.</param>
    public ServiceLink(
        ServiceClient client, ServiceCatalog catalog, TimeSpan pollInterval, TimeProvider clock, ILogger log)
    {
        (_client, _catalog, _pollInterval, _clock, _log) = (client, catalog, pollInterval, clock, log);
        // Begun and not ended: what the catalog deleted while it was being sent.
        foreach (var hash in catalog.Known())
        {
            if (catalog.Store.Find(hash) is null) _due.Add(hash);
        }
    }

    /// <summary>Assets that are being sent to the service, and are not missed in it yet.</summary>
    public void SetSending(Func<IReadOnlyCollection<AssetHash>> sending) => _sending = sending;

    /// <summary>The row of an asset is to be applied, although it has not changed.</summary>
    public void Apply(AssetHash hash)
    {
        lock (_due) _due.Add(hash);
        Signal();
    }

    /// <summary>All that the service has, once, before the mirror begins.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        await _client.UntilAnsweredAsync(
            async token =>
            {
                await _client.ProbeAsync(token);
                await PullAsync(token);
                return true;
            },
            cancellationToken);
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var following = FollowAsync(stop.Token);
        var watching = WatchAsync(stop.Token);
        try
        {
            for (var wait = RetryMin; ;)
            {
                try
                {
                    await PullAsync(cancellationToken);
                    var isApplied = await ApplyAllAsync(cancellationToken);
                    _client.OnAnswered();
                    wait = RetryMin;
                    if (isApplied) await WaitAsync(cancellationToken);
                    continue;
                }
                catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable)
                {
                    _client.OnAway(e.Message);
                }
                catch (EdgeSyncException e)
                {
                    _log.CanServiceFailed(_client.Url, e.Message, e.Hint, wait.TotalSeconds);
                }

                await Task.Delay(wait, _clock, cancellationToken);
                wait = wait * 2 < RetryMax ? wait * 2 : RetryMax;
                await ProbeAgainAsync(cancellationToken);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(following, watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // It may be another one that answers now.
    private async Task ProbeAgainAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _client.ProbeAsync(cancellationToken);
            _mustReadAll |= !_client.IsExtended;
        }
        catch (EdgeSyncException)
        {
            // The next step says it.
        }
    }

    private void Signal() => _signal.Writer.TryWrite(true);

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_pollInterval, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await _signal.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _mustReadAll |= !_client.IsExtended;
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var seen = _catalog.Store.CommittedNumber;
            Signal();
            await _catalog.Store.WaitForChangeAsync(seen, cancellationToken);
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        for (var wait = RetryMin; ;)
        {
            try
            {
                await _client.FollowAsync(
                    hash =>
                    {
                        wait = RetryMin;
                        lock (_arrived)
                        {
                            if (hash is { } arrived && !_client.IsExtended) _arrived.Add(arrived);
                        }

                        Signal();
                    },
                    SilenceMax, cancellationToken);
            }
            catch (EdgeSyncException)
            {
                // The steps say whether the service is away.
            }

            await Task.Delay(wait, _clock, cancellationToken);
            wait = wait * 2 < RetryMax ? wait * 2 : RetryMax;
        }
    }

    private Task PullAsync(CancellationToken cancellationToken) =>
        _client.IsExtended ? PullChangesAsync(cancellationToken) : PullHashesAsync(cancellationToken);

    private async Task PullChangesAsync(CancellationToken cancellationToken)
    {
        var page = await _client.ChangesAsync(_catalog.Position, cancellationToken);
        if (page.Epoch == _catalog.Epoch)
        {
            while (true)
            {
                await TakeAsync(page.States, page.Position, page.Epoch, isAnew: false);
                if (!page.HasMore) return;

                page = await _client.ChangesAsync(page.Position, cancellationToken);
            }
        }

        // Another start of the service: what is gone without a change is found by its absence.
        var (known, epoch) = (_catalog.Known(), page.Epoch);
        known.ExceptWith(_sending());
        var position = 0L;
        do
        {
            page = await _client.ChangesAsync(position, cancellationToken);
            if (page.Epoch != epoch)
                throw new EdgeSyncException(
                    ErrorKind.Unavailable, $"{_client.Url} was started again", "it is read anew");

            foreach (var state in page.States) known.Remove(state.Hash);
            // The position is kept with the last page, so that an end before it begins anew.
            position = page.Position;
            await TakeAsync(page.States, page.HasMore ? null : position, epoch, isAnew: true);
        }
        while (page.HasMore);

        if (known.Count > 0) await _catalog.MarkLostAsync([.. known]);
    }

    // Of a service with the original's routes: the digests tell what is new, or was changed.
    private async Task PullHashesAsync(CancellationToken cancellationToken)
    {
        if (!_wasLimited)
            _log.CanServiceLimited(
                _client.Url, "names, folders, types, applications and users are not changed there; deletions for good");
        _wasLimited = true;
        bool hasArrived;
        lock (_arrived)
        {
            hasArrived = _arrived.Count > 0;
            _arrived.Clear();
        }

        if (!_mustReadAll && !hasArrived) return;

        var begun = _clock.GetTimestamp();
        var known = _catalog.Known();
        known.ExceptWith(_sending());
        var digests = await _client.HashesAsync(cancellationToken);
        var changed = new List<AssetDigest>();
        foreach (var digest in digests)
        {
            known.Remove(digest.Hash);
            if (_catalog.StateOf(digest.Hash) is not { } state || state.MetaUpdatedAtMs != digest.MetaUpdatedAtMs
                || state.IsTrashed != digest.IsTrashed || _catalog.Store.Find(digest.Hash) is { IsCorrupted: true })
                changed.Add(digest);
        }

        var took = _clock.GetElapsedTime(begun);
        foreach (var some in changed.Chunk(PageSize))
        {
            var states = new List<AssetState>();
            foreach (var digest in some)
            {
                if (await _client.StateAsync(digest, cancellationToken) is { } state) states.Add(state);
            }

            await TakeAsync(states, null, "", isAnew: false);
        }

        if (known.Count > 0) await _catalog.MarkLostAsync([.. known]);
        _mustReadAll = false;
        // A large store is not listed all the time.
        if (took * ListingShare > _pollInterval) await Task.Delay(took, _clock, cancellationToken);
    }

    private async Task TakeAsync(
        IReadOnlyList<AssetState> states, long? position, string epoch, bool isAnew)
    {
        if (states.Count == 0 && position == _catalog.Position && epoch == _catalog.Epoch) return;

        var due = await _catalog.TakeAsync(states, position, epoch, isAnew);
        lock (_due) _due.UnionWith(due);
    }

    // False: something was changed in the service since, and is to be read first.
    private async Task<bool> ApplyAllAsync(CancellationToken cancellationToken)
    {
        List<AssetHash> due;
        lock (_due)
        {
            due = [.. _due];
            _due.Clear();
        }

        try
        {
            while (due.Count > 0)
            {
                if (!await ApplyAsync(due[^1], cancellationToken)) return false;

                due.RemoveAt(due.Count - 1);
            }

            while (true)
            {
                var committed = _catalog.Store.CommittedNumber;
                var changes = _catalog.Store.ChangesAfter(_catalog.Applied, PageSize);
                foreach (var change in changes)
                {
                    if (!await ApplyAsync(change.Hash, cancellationToken)) return false;
                }

                var applied = changes.Count == PageSize ? changes[^1].Number : committed;
                if (applied > _catalog.Applied) await _catalog.SetAppliedAsync(applied);
                if (changes.Count < PageSize) return true;
            }
        }
        finally
        {
            lock (_due) _due.UnionWith(due);
        }
    }

    private async Task<bool> ApplyAsync(AssetHash hash, CancellationToken cancellationToken)
    {
        if (!_catalog.TryFindDue(hash, out var state)) return true;
        if (!_client.IsExtended) return await ApplyMetaAsync(state, cancellationToken);

        switch (await _client.ApplyAsync(state, cancellationToken))
        {
            case null: return false;
            case 0:
                await _catalog.SetStateAsync(hash, null);
                if (!state.IsDeleted) await _catalog.MarkLostAsync([hash]);
                return true;
            case { } number:
                await _catalog.SetStateAsync(hash, state.IsDeleted ? null : state with { Number = number });
                return true;
        }
    }

    // A deletion moves the asset into the trash: these services cannot do more.
    private async Task<bool> ApplyMetaAsync(AssetState state, CancellationToken cancellationToken)
    {
        var known = _catalog.StateOf(state.Hash);
        var isTrashed = state.IsTrashed || state.IsDeleted;
        if (known is not null && known.IsTrashed == isTrashed
            && known.Details.Description == state.Details.Description
            && known.Details.Tags.SequenceEqual(state.Details.Tags))
        {
            if (!state.IsDeleted)
                await _catalog.SetStateAsync(state.Hash, known with { Details = state.Details });
            return true;
        }

        var at = Math.Max(state.MetaUpdatedAtMs, (known?.MetaUpdatedAtMs ?? 0) + 1);
        var applied = await _client.SendMetaAsync(
            new MetaUpdate(state.Hash, state.Details.Description, state.Details.Tags, isTrashed, at),
            cancellationToken);
        if (applied is null)
        {
            await _catalog.SetStateAsync(state.Hash, null);
            if (!state.IsDeleted) await _catalog.MarkLostAsync([state.Hash]);
            return true;
        }

        // Where the service has something later, another time makes it be read again.
        await _catalog.SetStateAsync(
            state.Hash,
            state with
            {
                IsTrashed = isTrashed,
                IsDeleted = false,
                Number = 0,
                MetaUpdatedAtMs = applied.Value ? at : 0,
            });
        _mustReadAll |= !applied.Value;
        return true;
    }
}
