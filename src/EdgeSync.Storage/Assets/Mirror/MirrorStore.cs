using System.Diagnostics.CodeAnalysis;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;

namespace EdgeSync.Storage.Assets.Mirror;

/// <summary>
/// The records of a mirror beside the assets that they are about. What the core saves waits until
/// <see cref="SaveAsync"/>, which puts all of it on the disk, and makes the assets what their records say, in one
/// transaction; until then this answers as if it were there.
/// </summary>
/// <remarks>
/// Used by one thread at a time, as the core is; <see cref="Contents"/> may be used by any. Changes of users are made
/// in the store, and told to the core by their numbers (<see cref="AssetStore.ChangesAfter"/>).
/// </remarks>
public sealed class MirrorStore : ISyncStore, IDisposable
{
    private readonly AssetStore _store;
    private readonly PartialFiles _partials;
    private readonly AssetIndex _index;
    private readonly MirrorRows _rows;
    private readonly Dictionary<AssetHash, SyncRecord?> _pending = [];

    // Of users, and of peers.
    private readonly DeletionCount[] _deletions = new DeletionCount[2];
    private readonly DeletionCount[] _savedDeletions;
    // Forgotten by the mirror; empty unless they are kept.
    private readonly Dictionary<AssetHash, ForgottenDeletion> _forgotten = [];
    private bool _keepsDeletions;
    private long _savedHandled;
    private ulong _savedForgotten;

    internal MirrorStore(AssetStore store, PartialFiles partials, MirrorState state)
    {
        (_store, _partials, Id) = (store, partials, state.Id);
        (Handled, _savedHandled) = (state.Handled, state.Handled);
        (ForgottenTime, _savedForgotten) = (state.ForgottenTime, state.ForgottenTime);
        _index = new AssetIndex(AssetSchema.OpenReader(store.Folder.IndexPath));
        _rows = new MirrorRows(_index.Database);
        for (var i = 0; i < _deletions.Length; i++) _deletions[i] = _rows.DeletionCountOf(ofPeers: i == 1);
        _savedDeletions = [.. _deletions];
        Contents = new MirrorContents(store, partials);
        foreach (var hash in partials.All.ToList())
        {
            // Whole already, deleted, or of a mirror whose records are gone.
            if (HasContent(hash) || _rows.Find(hash) is not { IsPurged: false }) partials.Drop(hash);
        }
    }

    public StoreId Id { get; }

    /// <summary>The last change of the store that the core knows of; kept by <see cref="SaveAsync"/>.</summary>
    public long Handled { get; set; }

    public ulong ForgottenTime { get; private set; }

    /// <summary>Reads and writes contents.</summary>
    public MirrorContents Contents { get; }

    /// <summary>Whether something waits for <see cref="SaveAsync"/>.</summary>
    public bool HasChanges => _pending.Count > 0 || Handled != _savedHandled || ForgottenTime != _savedForgotten
        || !_deletions.AsSpan().SequenceEqual(_savedDeletions);

    /// <summary>
    /// Keeps deletions that the mirror forgets from now on, for peers that are no stores of it. Before the first use.
    /// </summary>
    public void KeepDeletions()
    {
        _keepsDeletions = true;
        foreach (var deletion in _rows.Deletions()) _forgotten[deletion.Hash] = deletion;
    }

    public IEnumerable<ForgottenDeletion> ForgottenDeletions() => _forgotten.Values;

    public bool TryGetForgotten(AssetHash hash, out ForgottenDeletion deletion) =>
        _forgotten.TryGetValue(hash, out deletion);

    public IEnumerable<SyncRecord> Records()
    {
        foreach (var record in _rows.All())
        {
            if (!_pending.ContainsKey(record.Key)) yield return record;
        }

        foreach (var record in _pending.Values.ToList())
        {
            if (record is not null) yield return record;
        }
    }

    public bool TryGetRecord(AssetHash key, [NotNullWhen(true)] out SyncRecord? record)
    {
        if (!_pending.TryGetValue(key, out record)) record = _rows.Find(key);
        return record is not null;
    }

    public void SaveRecord(SyncRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        _pending[record.Key] = record;
        _forgotten.Remove(record.Key);
        if (record.IsPurged) _partials.Drop(record.Key);
    }

    public void ForgetRecord(AssetHash key, ulong deletionTime)
    {
        if (_keepsDeletions && TryGetRecord(key, out var record))
            _forgotten[key] = new ForgottenDeletion(key, record.TimestampMs, (long)(deletionTime >> 16));
        _pending[key] = null;
        ForgottenTime = Math.Max(ForgottenTime, deletionTime);
    }

    public void SaveDeletionCount(bool ofPeers, DeletionCount count) => _deletions[ofPeers ? 1 : 0] = count;

    public DeletionCount DeletionCountOf(bool ofPeers) => _deletions[ofPeers ? 1 : 0];

    public bool HasContent(AssetHash hash) =>
        !(_pending.GetValueOrDefault(hash)?.IsPurged ?? false) && _index.Find(hash) is { IsCorrupted: false };

    public bool IsLost(AssetHash hash) => _index.Find(hash) is { IsCorrupted: true };

    public bool TryGetTree(AssetHash hash, [NotNullWhen(true)] out ContentTree? tree) =>
        _rows.TryGetTree(hash, out tree);

    public bool TryGetPartial(AssetHash hash, [NotNullWhen(true)] out PartialContent? partial) =>
        _partials.TryGet(hash, out partial);

    public void DropPartial(AssetHash hash) => _partials.Drop(hash);

    /// <summary>The asset as its row has it; null: there is none.</summary>
    public Asset? FindAsset(AssetHash hash) => _index.Find(hash);

    /// <summary>Whether a user has deleted it for good, and it was not added again.</summary>
    public bool IsTombstone(AssetHash hash) => _index.IsTombstone(hash);

    /// <summary>Puts what was saved on the disk. If that fails, all of it still waits.</summary>
    public async Task SaveAsync()
    {
        if (!HasChanges) return;

        var (handled, forgotten) = (Handled, ForgottenTime);
        DeletionCount[] counted = [.. _deletions];
        var undo = new List<Action>();
        var deleted = await _store.Writer.RunAsync(
            index =>
            {
                var removed = new List<Asset>();
                foreach (var (key, record) in _pending) Apply(index, key, record, removed, undo);
                var rows = new MirrorRows(index.Database);
                if (handled != _savedHandled) rows.SetHandled(handled);
                if (forgotten != _savedForgotten) rows.SetForgotten(forgotten);
                for (var i = 0; i < counted.Length; i++)
                {
                    if (counted[i] != _savedDeletions[i]) rows.SetDeletionCount(ofPeers: i == 1, counted[i]);
                }

                return removed;
            },
            () =>
            {
                for (var i = undo.Count - 1; i >= 0; i--) undo[i]();
                undo.Clear();
            },
            ChangedNames.Both);
        _pending.Clear();
        (_savedHandled, _savedForgotten) = (handled, forgotten);
        counted.CopyTo(_savedDeletions, 0);
        if (deleted.Count > 0) await Task.Run(() => _store.RemoveFiles(deleted));
    }

    /// <summary>A user's deletion was not meant: the asset may come again.</summary>
    public Task RemoveTombstoneAsync(AssetHash hash) => _store.Writer.RunAsync(index =>
    {
        RemoveTombstone(index, hash);
        return true;
    });

    public void Dispose() => _index.Database.Dispose();

    private void Apply(
        AssetIndex index, AssetHash key, SyncRecord? record, List<Asset> removed, List<Action> undo)
    {
        var rows = new MirrorRows(index.Database);
        if (record is null)
        {
            rows.Remove(key);
            if (_forgotten.TryGetValue(key, out var forgotten)) rows.PutDeletion(forgotten);
            // What a service still has is to be deleted there first.
            var isInService = !_store.HasContents && new ServiceRows(index.Database).Find(key) is not null;
            if (index.Find(key) is null && !isInService) RemoveTombstone(index, key);
            return;
        }

        var before = rows.Find(key);
        rows.Put(record);
        if (before is null) rows.RemoveDeletion(key);
        if (record.Kind != RecordKind.Asset) return;
        if (record.IsPurged) Purge(index, rows, before, record, removed);
        else
        {
            if (before is { IsPurged: true }) RemoveTombstone(index, key);
            if (index.Find(key) is { } asset) Follow(index, asset, before, record, undo);
        }
    }

    // A row beside a record that was not there, or was a deletion, is what a user has just added.
    private void Purge(
        AssetIndex index, MirrorRows rows, SyncRecord? before, SyncRecord record, List<Asset> removed)
    {
        var row = index.Find(record.Key);
        if (row is not null && before is not { IsPurged: false }) return;

        rows.RemoveTree(record.Key);
        if (row is null) index.AddTombstone(record.Key, record.TimestampMs, _store.NowMs());
        else
        {
            index.Delete(row, _store.NowMs(), _store.NextNumber());
            removed.Add(row);
        }
    }

    private void Follow(AssetIndex index, Asset asset, SyncRecord? before, SyncRecord record, List<Action> undo)
    {
        var after = RecordDetails.Follow(asset, before, record);
        if (ReferenceEquals(after, asset)) return;

        var (from, to) = (_store.Folder.PathOf(asset), _store.Folder.PathOf(after));
        if (File.Exists(from))
        {
            undo.Add(() => _store.WriteDetails(from, asset));
            _store.WriteDetails(from, after);
            if (from != to)
            {
                File.Move(from, to);
                undo.Add(() => File.Move(to, from));
            }
        }

        index.Update(after, _store.NextNumber());
    }

    // Numbers must not go back when the row with the last one is gone.
    private void RemoveTombstone(AssetIndex index, AssetHash hash)
    {
        if (!index.IsTombstone(hash)) return;

        index.RemoveTombstone(hash);
        index.KeepChangeNumber(Math.Max(index.LastChangeNumber(), _store.NextNumber()));
    }
}
