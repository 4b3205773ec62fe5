using System.Collections.Concurrent;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Queries;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Wire;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets.Mirror;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets;

/// <summary>
/// A store of assets: files in one folder, and an index that can be made again from them. All members may be called
/// from any thread; reading never waits for writing. A task that ends has its change on the disk.
/// </summary>
public sealed class AssetStore : IDisposable
{
    private const int ReadersMax = 8;
    private const int DiskFullCode = 28;   // ENOSPC

    private static readonly TimeSpan FlushIdleTime = TimeSpan.FromSeconds(5);

    private readonly AssetStoreOptions _options;
    private readonly AssetFolder _folder;
    private readonly DetailsCopy _details;
    private readonly AssetWriter _writer;
    private readonly ConcurrentBag<AssetIndex> _readers = [];
    private long _changeNumber;
    private long _committedNumber;
    private long _rebuilds;
    private volatile TaskCompletionSource _changed = NewSignal();
    private volatile bool _isClosed;

    private AssetStore(AssetStoreOptions options, AssetFolder folder, Database database, bool isNew)
    {
        _options = options;
        _folder = folder;
        _details = new DetailsCopy(folder);
        var index = new AssetIndex(database);
        _changeNumber = index.LastChangeNumber();
        var recovery = new AssetRecovery(options, folder, _details, NextNumber);
        using (var transaction = database.Begin())
        {
            if (options.HasContents && isNew) recovery.Rebuild(index);
            else if (options.HasContents) recovery.Reconcile(index);
            index.KeepWords();
            transaction.Commit();
        }

        _committedNumber = _changeNumber;
        _writer = new AssetWriter(index, folder, Signal);
    }

    /// <summary>The storage folder, as a full path.</summary>
    public string Root => _folder.Root;

    /// <summary>Where thumbnails are cached.</summary>
    public string ThumbnailFolder => _folder.Thumbs;

    /// <summary>
    /// Whether uploads get the tree by which a mirror verifies them in parts (<see cref="OpenMirrorAsync"/>).
    /// </summary>
    internal bool KeepsTrees { get; private set; }

    /// <summary>See <see cref="AssetStoreOptions.HasContents"/>.</summary>
    internal bool HasContents => _options.HasContents;

    internal AssetFolder Folder => _folder;

    internal DetailsCopy Details => _details;

    internal AssetWriter Writer => _writer;

    internal FlushThreads Flushes { get; } = new(FlushIdleTime);

    /// <summary>Every change up to this number is stored.</summary>
    public long CommittedNumber => Interlocked.Read(ref _committedNumber);

    /// <summary>How often the index was made again: rows may have gone without a change of their own.</summary>
    public long Rebuilds => Interlocked.Read(ref _rebuilds);

    /// <summary>Bytes that the disk has free, and how many of them are kept.</summary>
    public (long Free, long Reserve) Disk => (_folder.FreeBytes(), _options.DiskReserveBytes);

    /// <summary>
    /// Opens a store, or makes one. Uploads that a crash interrupted are removed, and the index is made to agree with
    /// the files.
    /// </summary>
    /// <exception cref="EdgeSyncException">Another process has it open, or the disk fails.</exception>
    public static AssetStore Open(AssetStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var folder = AssetFolder.Open(options);
        Database? database = null;
        try
        {
            var isNew = AssetSchema.Open(folder.IndexPath, options.Warned, out database);
            return new AssetStore(options, folder, database, isNew);
        }
        catch
        {
            database?.Dispose();
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Begins to store an asset.</summary>
    /// <param name="timestampMs">Of one that was created elsewhere; null: now.</param>
    /// <param name="expectedSize">What the sender announced; 0: nothing.</param>
    /// <exception cref="DiskFullException">There is no room for it.</exception>
    public AssetUpload BeginUpload(long? timestampMs = null, long expectedSize = 0)
    {
        _folder.RequireRoom(expectedSize);
        return new AssetUpload(this, _folder.NewUploadPath(), timestampMs ?? NowMs());
    }

    /// <summary>
    /// Begins to store an asset whose timestamp comes later (<see cref="AssetUpload.SetTimestamp"/>).
    /// </summary>
    public AssetUpload BeginUntimedUpload(long expectedSize)
    {
        _folder.RequireRoom(expectedSize);
        return new AssetUpload(this, _folder.NewUploadPath(), timestampMs: null);
    }

    /// <summary>Stores what was uploaded.</summary>
    /// <param name="upload">Complete; disposed by the caller.</param>
    /// <param name="details">What is known about it.</param>
    /// <param name="origin">State of an asset that comes from a peer; null for a new one.</param>
    public async Task<StoredAsset> StoreAsync(
        AssetUpload upload, AssetDetails details, PeerState? origin = null)
    {
        ArgumentNullException.ThrowIfNull(upload);
        ArgumentNullException.ThrowIfNull(details);
        var hash = upload.Finish();
        var tree = upload.Tree;
        var timestamp = upload.TimestampMs!.Value;
        var isTrashed = origin?.IsTrashed ?? false;
        var asset = new Asset
        {
            Hash = hash,
            TimestampMs = timestamp,
            Size = upload.Size,
            FileName = AssetFileName.Create(timestamp, hash, details.Tags, details.HumanFileName, details.MimeType),
            Details = details,
            IsTrashed = isTrashed,
            MetaUpdatedAtMs = origin?.MetaUpdatedAtMs is > 0 and var updated ? updated : timestamp,
        };
        await Flushes.RunAsync(() =>
        {
            _details.Write(upload.Path, hash, details, asset.MetaUpdatedAtMs, isNew: true);
            upload.Flush();
        });

        var target = _folder.PathOf(asset);
        var isMoved = false;
        var stored = await _writer.RunAsync(
            index =>
            {
                if (index.Find(hash) is { IsCorrupted: false } known) return new StoredAsset(known, true, false);
                if (index.TombstoneNumber(hash) is { } deletion)
                {
                    if (origin is { } peer && deletion > peer.DeletionsKnown)
                        return new StoredAsset(asset, false, true);
                    index.RemoveTombstone(hash);
                }

                // The good content of an asset whose file is damaged: it takes the place of the file.
                var damaged = index.Find(hash);
                if (damaged is not null)
                {
                    target = _folder.PathOf(damaged);
                    WriteDetails(upload.Path, damaged);
                }

                Rename(upload.Path, target, damaged is not null);
                isMoved = true;
                if (tree is not null) new MirrorRows(index.Database).PutTree(hash, tree);
                var inserted = damaged is null ? index.Insert(asset, NextNumber())
                    : index.Update(damaged with { IsCorrupted = false }, NextNumber());
                upload.IsStored = true;
                return new StoredAsset(inserted, damaged is not null, false);
            },
            () =>
            {
                if (isMoved) File.Move(target, upload.Path);
                isMoved = upload.IsStored = false;
            },
            origin is null ? ChangedNames.Root : ChangedNames.Both);

        // What a user adds again is wanted again.
        return origin is null && stored.Asset.IsTrashed && await RestoreAsync(hash) is { } restored
            ? stored with { Asset = restored } : stored;
    }

    public Asset? Find(AssetHash hash)
    {
        using var reader = Borrow();
        return reader.Index.Find(hash);
    }

    /// <summary>Whether the asset was deleted for good.</summary>
    public bool IsDeleted(AssetHash hash)
    {
        using var reader = Borrow();
        return reader.Index.IsTombstone(hash);
    }

    public AssetPage Page(AssetQuery query)
    {
        using var reader = Borrow();
        using var snapshot = reader.Index.Database.BeginRead();
        return reader.Index.Page(query);
    }

    /// <summary>Changes behind a number, in their order; of an asset only the last one.</summary>
    public IReadOnlyList<AssetChange> ChangesAfter(long number, int limit)
    {
        using var reader = Borrow();
        return reader.Index.ChangesAfter(number, limit);
    }

    /// <summary>Arrivals behind a number, in their order.</summary>
    public IReadOnlyList<AssetChange> ArrivalsAfter(long number, int limit)
    {
        using var reader = Borrow();
        return reader.Index.ArrivalsAfter(number, limit);
    }

    /// <summary>Digests of the assets created after a moment, trashed ones included, behind an id.</summary>
    public IReadOnlyList<(long Id, AssetDigest Digest)> Digests(long sinceMs, long afterId, int limit)
    {
        using var reader = Borrow();
        return reader.Index.Digests(sinceMs, afterId, limit);
    }

    public AssetCounts Counts()
    {
        using var reader = Borrow();
        return reader.Index.Counts();
    }

    /// <summary>The tags that most assets have.</summary>
    public IReadOnlyList<TagCount> TagCounts(int limit)
    {
        using var reader = Borrow();
        return AssetTree.TagCounts(reader.Index.Database, limit);
    }

    /// <summary>Tags of assets outside of the trash behind one, in their order.</summary>
    public IReadOnlyList<string> TagsAfter(string after, int limit)
    {
        using var reader = Borrow();
        return AssetTree.TagsAfter(reader.Index.Database, after, limit);
    }

    /// <summary>Applications of assets outside of the trash behind one, in their order.</summary>
    public IReadOnlyList<string> ApplicationsAfter(string after, int limit)
    {
        using var reader = Borrow();
        return AssetTree.ApplicationsAfter(reader.Index.Database, after, limit);
    }

    /// <summary>The first moment from one on at which an asset was created; null: there is none.</summary>
    public long? FirstFrom(long fromMs)
    {
        using var reader = Borrow();
        return AssetTree.FirstFrom(reader.Index.Database, fromMs);
    }

    /// <summary>The assets of a query behind an id, in order of arrival.</summary>
    public IReadOnlyList<NamedAsset> NamedAfter(AssetQuery query, long afterId, int limit)
    {
        using var reader = Borrow();
        return reader.Index.NamedAfter(query, afterId, limit);
    }

    /// <summary>The asset of a query that came first with a name; null: there is none.</summary>
    public Asset? FirstNamed(AssetQuery query, string name)
    {
        using var reader = Borrow();
        return reader.Index.FirstNamed(query, name);
    }

    /// <summary>Ends when <see cref="CommittedNumber"/> is beyond the number, or the store is closed.</summary>
    public async Task WaitForChangeAsync(long behind, CancellationToken cancellationToken)
    {
        var signal = _changed;
        if (CommittedNumber <= behind && !_isClosed) await signal.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Opens the content of an asset; null when its file is not there.</summary>
    public FileStream? OpenContent(Asset asset)
    {
        ArgumentNullException.ThrowIfNull(asset);
        try
        {
            // Without a buffer of its own: readers bring one. A move into the trash does not disturb an open file.
            return new FileStream(
                _folder.PathOf(asset), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0,
                FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Changes details; null when there is no such asset.</summary>
    /// <param name="hash">The asset.</param>
    /// <param name="change">Makes new details of the present ones.</param>
    public Task<Asset?> UpdateAsync(AssetHash hash, Func<AssetDetails, AssetDetails> change) =>
        ChangeAsync(hash, asset => asset with { Details = change(asset.Details), MetaUpdatedAtMs = After(asset) });

    /// <summary>Applies what a peer changed, unless it is older; null when there is no such asset.</summary>
    public async Task<bool?> ApplyAsync(MetaUpdate update)
    {
        ArgumentNullException.ThrowIfNull(update);
        var applied = false;
        var asset = await ChangeAsync(update.Hash, asset =>
        {
            applied = MetaRule.Wins(update, asset);
            return applied ? MetaRule.Apply(update, asset) : asset;
        });
        return asset is null ? null : applied;
    }

    /// <summary>
    /// Makes an asset what another side says, unless it was changed since that side looked: details and trash state, or
    /// its deletion.
    /// </summary>
    /// <param name="state">What it is to be; its number is that of the last change which the other side knows.</param>
    public async Task<AppliedState> ApplyAsync(AssetState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var outcome = AppliedOutcome.Absent;
        if (state.IsDeleted)
        {
            var deleted = await _writer.RunAsync(index =>
            {
                outcome = OutcomeOf(index.Find(state.Hash), state.Number);
                if (outcome != AppliedOutcome.Applied || index.Find(state.Hash) is not { } asset) return null;

                index.Delete(asset, NowMs(), NextNumber());
                return asset;
            });
            if (deleted is not null) await Task.Run(() => RemoveFiles([deleted]));
            return new AppliedState(outcome, CommittedNumber);
        }

        var after = await ChangeAsync(state.Hash, asset =>
        {
            outcome = OutcomeOf(asset, state.Number);
            return outcome != AppliedOutcome.Applied ? asset : asset with
            {
                Details = state.Details,
                IsTrashed = state.IsTrashed,
                MetaUpdatedAtMs = Math.Max(asset.MetaUpdatedAtMs + 1, state.MetaUpdatedAtMs),
            };
        });
        return new AppliedState(outcome, after?.ChangeNumber ?? 0);
    }

    /// <summary>What the assets of changes are now, behind a number, in the order of their last changes.</summary>
    public IReadOnlyList<AssetState> StatesAfter(long number, int limit)
    {
        using var reader = Borrow();
        using var snapshot = reader.Index.Database.BeginRead();
        var states = new List<AssetState>();
        foreach (var change in reader.Index.ChangesAfter(number, limit))
        {
            states.Add(reader.Index.Find(change.Hash) is { } asset ? AssetState.Of(asset) : new AssetState
            {
                Hash = change.Hash,
                TimestampMs = change.TimestampMs,
                Number = change.Number,
                IsDeleted = true,
            });
        }

        return states;
    }

    /// <summary>
    /// Hashes a content again; one that is missing or is not the asset's is marked, which is a change.
    /// </summary>
    /// <returns>Whether it is right.</returns>
    public async Task<bool> VerifyAsync(AssetHash hash, CancellationToken cancellationToken)
    {
        if (Find(hash) is not { IsCorrupted: false } asset) return false;

        var found = await FileCheck.HashOfAsync(
            _folder.PathOf(asset), asset.TimestampMs, _ => Task.CompletedTask, cancellationToken);
        return found == hash || !await MarkAsync(asset, isCorrupted: true);
    }

    /// <summary>Moves an asset into the trash; null when there is no such asset.</summary>
    public Task<Asset?> TrashAsync(AssetHash hash) => ChangeAsync(
        hash, asset => asset.IsTrashed ? asset : asset with { IsTrashed = true, MetaUpdatedAtMs = After(asset) });

    /// <summary>Takes an asset out of the trash; null when there is no such asset.</summary>
    public Task<Asset?> RestoreAsync(AssetHash hash) => ChangeAsync(
        hash, asset => asset.IsTrashed ? asset with { IsTrashed = false, MetaUpdatedAtMs = After(asset) } : asset);

    /// <summary>Removes an asset for good; false when there is no such asset.</summary>
    public async Task<bool> DeleteAsync(AssetHash hash)
    {
        var deleted = await _writer.RunAsync(index =>
        {
            if (index.Find(hash) is not { } asset) return null;

            index.Delete(asset, NowMs(), NextNumber());
            return asset;
        });
        if (deleted is null) return false;

        await Task.Run(() => RemoveFiles([deleted]));
        return true;
    }

    /// <summary>Makes the index again from the files.</summary>
    public Task<(long Indexed, long Errors)> RebuildAsync()
    {
        var recovery = new AssetRecovery(_options, _folder, _details, NextNumber);
        return _writer.RunAsync(index =>
        {
            Interlocked.Increment(ref _rebuilds);
            return recovery.Rebuild(index);
        });
    }

    /// <summary>
    /// What a mirror needs of this store; one at a time. Its tables are made when they are needed first, and what came
    /// of transfers that were broken off is verified.
    /// </summary>
    /// <param name="entropy">For the id of the store.</param>
    public async Task<MirrorStore> OpenMirrorAsync(Entropy entropy)
    {
        KeepsTrees = true;
        var state = await _writer.RunAsync(index => MirrorRows.Open(index.Database, entropy));
        var partials = await Task.Run(() => PartialFiles.Open(_folder));
        return new MirrorStore(this, partials, state);
    }

    /// <summary>A pass over all files; one at a time.</summary>
    public AssetVerifier CreateVerifier() => new(this, _folder, _options);

    /// <summary>
    /// Removes what is left of deleted assets, after the commit: a crash between leaves files that the next start
    /// removes by their tombstones.
    /// </summary>
    internal void RemoveFiles(IReadOnlyList<Asset> deleted)
    {
        foreach (var asset in deleted)
        {
            File.Delete(_folder.PathOf(asset));
            _folder.RemoveThumbnails(asset.Hash);
            _details.Remove(asset.Hash);
        }

        _folder.Flush(ChangedNames.Both);
    }

    internal Task<bool> MarkAsync(Asset asset, bool isCorrupted) => _writer.RunAsync(index =>
    {
        // It may have gone into the trash, or for good, while it was read.
        if (index.Find(asset.Hash) is not { } present || present.IsTrashed != asset.IsTrashed) return false;
        if (present.IsCorrupted == isCorrupted) return isCorrupted;

        index.SetCorrupted(asset.Hash, isCorrupted, NextNumber());
        return isCorrupted;
    });

    internal IReadOnlyList<Asset> AfterId(long id, int limit)
    {
        using var reader = Borrow();
        return reader.Index.AfterId(id, limit);
    }

    internal SyncRecord? FindRecord(AssetHash key)
    {
        using var reader = Borrow();
        return new MirrorRows(reader.Index.Database).Find(key);
    }

    internal bool HasTree(AssetHash hash)
    {
        using var reader = Borrow();
        return new MirrorRows(reader.Index.Database).HasTree(hash);
    }

    internal void RequireRoom(long bytes) => _folder.RequireRoom(bytes);

    internal static EdgeSyncException Translate(IOException e, string action) =>
        (e.HResult & 0xffff) == DiskFullCode
            ? new DiskFullException($"{action}: the disk is full", e)
            : new EdgeSyncException(ErrorKind.System, $"{action}: {e.Message}", "check the disk", e);

    /// <summary>Finishes the changes that wait, and closes the files.</summary>
    public void Dispose()
    {
        if (_isClosed) return;

        _isClosed = true;
        // The writer last: it removes the write-ahead log, which one that only reads cannot.
        while (_readers.TryTake(out var reader)) reader.Database.Dispose();
        _writer.Dispose();
        _folder.Dispose();
        Signal();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal static void Rename(string from, string to, bool replaces)
    {
        try
        {
            File.Move(from, to, replaces);
        }
        catch (IOException e) when (e is not FileNotFoundException)
        {
            throw Translate(e, "storing an upload");
        }
    }

    private async Task<Asset?> ChangeAsync(AssetHash hash, Func<Asset, Asset> change)
    {
        Asset? before = null, after = null;
        var hasMoved = false;
        return await _writer.RunAsync(
            index =>
            {
                before = index.Find(hash);
                if (before is null) return null;

                after = change(before);
                if (ReferenceEquals(after, before)) return before;

                var path = _folder.PathOf(before);
                if (File.Exists(path))
                {
                    WriteDetails(path, after);
                    if (after.IsTrashed != before.IsTrashed)
                    {
                        File.Move(path, _folder.PathOf(after));
                        hasMoved = true;
                    }
                }

                return index.Update(after, NextNumber());
            },
            () =>
            {
                if (before is null || after is null || ReferenceEquals(after, before)) return;
                if (hasMoved) File.Move(_folder.PathOf(after), _folder.PathOf(before));
                hasMoved = false;
                var path = _folder.PathOf(before);
                if (File.Exists(path)) WriteDetails(path, before);
            },
            ChangedNames.Both);
    }

    internal void WriteDetails(string path, Asset asset)
    {
        using var file = File.OpenHandle(
            path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        _details.Write(path, asset.Hash, asset.Details, asset.MetaUpdatedAtMs);
        RandomAccess.FlushToDisk(file);
    }

    private static AppliedOutcome OutcomeOf(Asset? asset, long known) => asset is null ? AppliedOutcome.Absent
        : asset.ChangeNumber > known ? AppliedOutcome.Changed : AppliedOutcome.Applied;

    internal long NowMs() => _options.Clock.GetUtcNow().ToUnixTimeMilliseconds();

    // Later than the change before it, also when the clock was set back.
    private long After(Asset asset) => Math.Max(NowMs(), asset.MetaUpdatedAtMs + 1);

    internal long NextNumber() => Interlocked.Increment(ref _changeNumber);

    // On the writer's thread, which alone takes numbers.
    private void Signal()
    {
        Interlocked.Exchange(ref _committedNumber, Interlocked.Read(ref _changeNumber));
        Interlocked.Exchange(ref _changed, NewSignal()).TrySetResult();
    }

    private BorrowedReader Borrow()
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        return new BorrowedReader(this, _readers.TryTake(out var idle)
            ? idle : new AssetIndex(AssetSchema.OpenReader(_folder.IndexPath)));
    }

    private readonly struct BorrowedReader(AssetStore store, AssetIndex index) : IDisposable
    {
        public AssetIndex Index => index;

        public void Dispose()
        {
            if (store._isClosed || store._readers.Count >= ReadersMax) index.Database.Dispose();
            else store._readers.Add(index);
        }
    }
}

/// <summary>What became of an upload.</summary>
/// <param name="Asset">The stored asset, or the one that was there.</param>
/// <param name="AlreadyExisted">The same content of the same millisecond was there.</param>
/// <param name="WasDeleted">It was deleted here for good and is not taken from a peer again.</param>
public readonly record struct StoredAsset(Asset Asset, bool AlreadyExisted, bool WasDeleted);

/// <summary>The state of an asset at the peer that sends it.</summary>
public readonly record struct PeerState(bool IsTrashed, long MetaUpdatedAtMs)
{
    /// <summary>
    /// The number of a change up to which the peer knows of deletions: those are taken back by what it sends.
    /// </summary>
    public long DeletionsKnown { get; init; } = -1;
}

/// <summary>What became of a state that was to be applied.</summary>
/// <param name="Outcome">Whether it was.</param>
/// <param name="Number">Of the asset's last change.</param>
public readonly record struct AppliedState(AppliedOutcome Outcome, long Number);

/// <summary>Of <see cref="AppliedState"/>.</summary>
public enum AppliedOutcome
{
    Applied,

    /// <summary>There is no such asset.</summary>
    Absent,

    /// <summary>It was changed by someone else since.</summary>
    Changed,
}
