using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Peers;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Assets.Mirror;

/// <summary>
/// The contents of a mirror: groups that are read and written, and what becomes of them when all have come. From any
/// thread; writes of one asset come one after the other.
/// </summary>
public sealed class MirrorContents : IMirrorContents
{
    private const int PieceBytes = 256 * 1024;

    private readonly AssetStore _store;
    private readonly PartialFiles _partials;

    internal MirrorContents(AssetStore store, PartialFiles partials) => (_store, _partials) = (store, partials);

    public ValueTask<bool> TryReadAsync(
        AssetHash hash, long offset, Memory<byte> target, CancellationToken cancellationToken) =>
        ValueTask.FromResult(TryRead(hash, offset, target.Span));

    /// <summary>Reads a part of a content; false when it is not there.</summary>
    public bool TryRead(AssetHash hash, long offset, Span<byte> target)
    {
        // It may be moved into the trash, or out of it, between the two steps.
        for (var attempt = 0; attempt < 3; attempt++)
        {
            if (_store.Find(hash) is not { IsCorrupted: false } asset) return false;
            if (TryRead(_store.Folder.PathOf(asset), offset, target, out var isRead)) return isRead;
        }

        return false;
    }

    public bool Write(AssetHash hash, long timestampMs, ContentTree tree, int group, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(tree);
        try
        {
            return _partials.Write(hash, timestampMs, tree, group, bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or EdgeSyncException)
        {
            return false;
        }
    }

    public bool WriteArrival(long arrival, long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            _partials.WriteArrival(arrival, offset, bytes);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or EdgeSyncException)
        {
            return false;
        }
    }

    public bool TakeArrival(long arrival, AssetHash hash, ContentTree tree)
    {
        ArgumentNullException.ThrowIfNull(tree);
        try
        {
            _partials.TakeArrival(arrival, hash, tree);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public void DropArrival(long arrival) => _partials.DropArrival(arrival);

    public async Task<CommitOutcome> CommitAsync(
        AssetHash hash, long timestampMs, ContentTree tree, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tree);
        try
        {
            if (await TakeWholeAsync(hash, timestampMs, tree) is not { } path) return CommitOutcome.Mismatch;

            Asset? written = null;
            await _store.Flushes.RunAsync(() => written = WriteDetails(path, hash, timestampMs, tree));
            if (written is null) return CommitOutcome.Failed;

            var outcome = await StoreAsync(path, written, tree);
            // Also what was begun again meanwhile: the content is here.
            if (outcome == CommitOutcome.Stored) _partials.Drop(hash);
            return outcome;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or EdgeSyncException)
        {
            return CommitOutcome.Failed;
        }
    }

    /// <summary>
    /// The file of all groups, when they are the content of the asset; null: they are not, and are dropped.
    /// </summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public async Task<string?> TakeWholeAsync(AssetHash hash, long timestampMs, ContentTree tree)
    {
        ArgumentNullException.ThrowIfNull(tree);
        var path = _partials.PathOf(hash);
        if (await Task.Run(() => IdentityOf(hash, path, timestampMs, tree)) == hash) return path;

        _partials.Drop(hash);
        return null;
    }

    /// <summary>Drops what has come of an asset: it is stored.</summary>
    public void Drop(AssetHash hash) => _partials.Drop(hash);

    public Task VerifyAsync(AssetHash hash, CancellationToken cancellationToken) =>
        _store.VerifyAsync(hash, cancellationToken);

    public async Task EnsureTreesAsync(IReadOnlyList<Asset> assets, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(assets);
        var made = new List<(AssetHash Hash, ContentTree Tree)>();
        foreach (var asset in assets)
        {
            if (asset.IsCorrupted || _store.HasTree(asset.Hash)) continue;
            if (await Task.Run(() => TreeOf(asset, cancellationToken), cancellationToken) is { } tree)
                made.Add((asset.Hash, tree));
            // Moved since, or gone: then its next change tells.
            else if (_store.Find(asset.Hash) is { } present && present.IsTrashed == asset.IsTrashed)
                await _store.MarkAsync(present, isCorrupted: true);
        }

        if (made.Count == 0) return;

        await _store.Writer.RunAsync(index =>
        {
            var rows = new MirrorRows(index.Database);
            foreach (var (hash, tree) in made)
            {
                if (index.Find(hash) is not null) rows.PutTree(hash, tree);
            }

            return true;
        });
    }

    private static bool TryRead(string path, long offset, Span<byte> target, out bool isRead)
    {
        isRead = false;
        try
        {
            using var file = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            isRead = RandomAccess.Read(file, target, offset) == target.Length;
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    // Null: no content can be that asset's.
    private AssetHash? IdentityOf(AssetHash hash, string path, long timestampMs, ContentTree tree)
    {
        if (!AssetFileName.IsTimestamp(timestampMs)) return null;

        using (var file = File.OpenHandle(
            path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete))
        {
            // Longer by an earlier begin with another tree.
            if (RandomAccess.GetLength(file) > tree.Size) RandomAccess.SetLength(file, tree.Size);
        }

        return _partials.TakeIdentity(hash, timestampMs, tree) ?? FileCheck.HashOf(path, timestampMs)
            ?? throw new IOException($"{path} cannot be read");
    }

    // Before the name, so that one flush covers both. Null: the asset was deleted.
    private Asset? WriteDetails(string path, AssetHash hash, long timestampMs, ContentTree tree)
    {
        if (_store.FindRecord(hash) is not { IsPurged: false } record) return null;

        var details = RecordDetails.Of(record);
        var asset = new Asset
        {
            Hash = hash,
            TimestampMs = timestampMs,
            Size = tree.Size,
            FileName = AssetFileName.Create(timestampMs, hash, details.Tags, details.HumanFileName, details.MimeType),
            Details = details,
            IsTrashed = record.IsTrashed,
            MetaUpdatedAtMs = Math.Max(timestampMs, RecordDetails.LatestMsOf(record)),
        };
        _store.WriteDetails(path, asset);
        return asset;
    }

    private Task<CommitOutcome> StoreAsync(string path, Asset written, ContentTree tree)
    {
        var (target, isMoved) = ("", false);
        return _store.Writer.RunAsync(
            index =>
            {
                var rows = new MirrorRows(index.Database);
                // A tombstone beside a record that lives: a user has just deleted it, and the mirror does not know yet.
                if (rows.Find(written.Hash) is not { IsPurged: false } record || index.IsTombstone(written.Hash))
                    return CommitOutcome.Failed;

                var known = index.Find(written.Hash);
                if (known is not { IsCorrupted: false })
                {
                    var asset = known
                        ?? written with { Details = RecordDetails.Of(record), IsTrashed = record.IsTrashed };
                    if (!RecordDetails.IsSame(asset.Details, written.Details)) _store.WriteDetails(path, asset);
                    target = _store.Folder.PathOf(asset);
                    AssetStore.Rename(path, target, replaces: known is not null);
                    isMoved = true;
                    if (known is null) index.Insert(asset, _store.NextNumber());
                    else index.Update(asset with { IsCorrupted = false }, _store.NextNumber());
                }

                rows.PutTree(written.Hash, tree);
                return CommitOutcome.Stored;
            },
            () =>
            {
                if (isMoved) File.Move(target, path);
                isMoved = false;
            },
            ChangedNames.Both);
    }

    private ContentTree? TreeOf(Asset asset, CancellationToken cancellationToken)
    {
        try
        {
            using var file = File.OpenHandle(
                _store.Folder.PathOf(asset), share: FileShare.ReadWrite | FileShare.Delete,
                options: FileOptions.SequentialScan);
            using var hasher = new AssetHasher(asset.TimestampMs);
            using var builder = new ContentTreeBuilder();
            var buffer = new byte[PieceBytes];
            for (var at = 0L; ;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var read = RandomAccess.Read(file, buffer, at);
                if (read == 0) return hasher.Finish() == asset.Hash ? builder.Finish() : null;

                hasher.Append(buffer.AsSpan(0, read));
                builder.Append(buffer.AsSpan(0, read));
                at += read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
