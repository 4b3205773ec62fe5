using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Storage.Assets;
using EdgeSync.Storage.Assets.Mirror;

namespace EdgeSync.Node.Can.Mirror;

/// <summary>
/// Tells the core what users change in the store: the changes behind the last number that it knows, in their order,
/// also those that were made while there was no mirror. The core gets what an asset is now, not what was done to it,
/// so changes that came from peers are none, and one that comes twice does nothing.
/// </summary>
internal sealed class MirrorFeed(
    AssetStore assets, MirrorStore store, IMirrorContents contents, MirrorLoop loop)
{
    private const int PageSize = 256;

    /// <summary>Bytes that are read for trees before what is ready goes to the core.</summary>
    private const long ReadBytesMax = 64L << 20;

    private readonly List<(AssetHash Hash, long Number)> _stopped = [];
    private readonly List<AssetHash> _lost = [];

    /// <summary>Deletions of users that wait for a decision. Within the loop.</summary>
    public int StoppedCount => _stopped.Count;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var position = store.Handled;
        var rebuilds = assets.Rebuilds;
        while (true)
        {
            var committed = assets.CommittedNumber;
            var changes = assets.ChangesAfter(position, PageSize);
            await HandleAsync(changes, cancellationToken);
            if (changes.Count > 0) position = changes[^1].Number;
            if (changes.Count == PageSize) continue;

            if (rebuilds != assets.Rebuilds)
            {
                rebuilds = assets.Rebuilds;
                await loop.InvokeAsync((_, _) => FindLost(), cancellationToken);
            }

            position = Math.Max(position, committed);
            await loop.InvokeAsync(
                (node, at) =>
                {
                    SetHandled(position);
                    if (_lost.Count > 0) node.OnContentLost(at, [.. _lost]);
                    _lost.Clear();
                    return true;
                },
                cancellationToken);
            await assets.WaitForChangeAsync(position, cancellationToken);
        }
    }

    /// <summary>A person has decided about deletions of users. Within the loop.</summary>
    /// <param name="isMeant">They are made everywhere.</param>
    /// <returns>What is to be taken back in the store, when they are not meant.</returns>
    public IReadOnlyList<AssetHash> Decide(SyncNode node, Moment at, bool isMeant)
    {
        List<AssetHash> hashes = [.. _stopped.Select(s => s.Hash)];
        _stopped.Clear();
        if (!isMeant) return hashes;

        foreach (var hash in hashes) Reflect(node, at, hash, store.Handled);
        return [];
    }

    /// <summary>What an asset is now, for the core. Within the loop.</summary>
    public void Reflect(SyncNode node, Moment at, AssetHash hash, long number)
    {
        store.TryGetRecord(hash, out var record);
        var isLive = record is { IsPurged: false };
        var asset = store.FindAsset(hash);
        var outcome = LocalOutcome.Unchanged;
        if (asset is null)
        {
            if (isLive && store.IsTombstone(hash)) outcome = node.Purge(at, hash);
        }
        else if (isLive) outcome = ReflectKnown(node, at, asset, record!);
        else if (!asset.IsCorrupted)
            node.Add(
                at, hash, asset.TimestampMs, asset.Size, asset.MetaUpdatedAtMs, RecordDetails.FieldsOf(asset));

        if (outcome == LocalOutcome.Stopped) _stopped.Add((hash, number));
    }

    // What peers could not fetch is not announced.
    private async Task HandleAsync(IReadOnlyList<AssetChange> changes, CancellationToken cancellationToken)
    {
        var (ready, present, bytes) = (new List<AssetChange>(), new List<Asset>(), 0L);
        foreach (var change in changes)
        {
            ready.Add(change);
            if (change.Kind != AssetChangeKind.Deleted && assets.Find(change.Hash) is { } asset)
            {
                present.Add(asset);
                bytes += asset.Size;
            }

            if (bytes < ReadBytesMax) continue;

            await contents.EnsureTreesAsync(present, cancellationToken);
            await TellAsync(ready, cancellationToken);
            (ready, present, bytes) = ([], [], 0);
        }

        if (ready.Count == 0) return;

        await contents.EnsureTreesAsync(present, cancellationToken);
        await TellAsync(ready, cancellationToken);
    }

    private Task<bool> TellAsync(List<AssetChange> changes, CancellationToken cancellationToken) => loop.InvokeAsync(
        (node, at) =>
        {
            foreach (var change in changes) Reflect(node, at, change.Hash, change.Number);
            SetHandled(changes[^1].Number);
            return true;
        },
        cancellationToken);

    private LocalOutcome ReflectKnown(SyncNode node, Moment at, Asset asset, SyncRecord record)
    {
        if (asset.IsCorrupted) _lost.Add(asset.Hash);
        else node.OnContentFound(at, asset.Hash, asset.TimestampMs, asset.Size);
        var changes = RecordDetails.Changes(record, asset);
        return changes.Count > 0 ? node.Edit(at, asset.Hash, changes) : LocalOutcome.Unchanged;
    }

    // Rows that a rebuild has not made again.
    private bool FindLost()
    {
        foreach (var record in store.Records())
        {
            if (record is { Kind: RecordKind.Asset, IsPurged: false } && store.FindAsset(record.Key) is null)
                _lost.Add(record.Key);
        }

        return true;
    }

    // What waits for a decision comes again after a restart.
    private void SetHandled(long number)
    {
        foreach (var (_, stopped) in _stopped) number = Math.Min(number, stopped - 1);
        store.Handled = Math.Max(store.Handled, number);
    }
}
