using System.Diagnostics.CodeAnalysis;
using EdgeSync.Can.Assets;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Records;

/// <summary>
/// The records of this store: changes of its users, merges of what peers send, deletions until every store has them.
/// </summary>
public sealed class Replica
{
    private readonly ISyncStore _store;
    private readonly HybridClock _clock;
    private readonly Dictionary<StoreId, SyncRecord> _stores = [];
    private readonly HashSet<AssetHash> _deletions = [];
    private readonly Queue<AssetHash> _settled = new();

    public Replica(ISyncStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        (_store, _clock) = (store, new HybridClock(store.Id));
        foreach (var record in store.Records())
        {
            Index.Set(record.Key, record.Digest);
            if (record.IsPurged) _deletions.Add(record.Key);
            if (record.Kind == RecordKind.Store) RememberStore(record);
        }

        CheckDeletions();
    }

    public StoreId Id => _store.Id;

    public RecordIndex Index { get; } = new();

    /// <summary>Assets that are not deleted.</summary>
    public int AssetCount => Index.Count - _deletions.Count - _stores.Count;

    /// <summary>Deletions that some store does not have yet.</summary>
    public int DeletionCount => _deletions.Count;

    /// <summary>The stores of the mirror, this one among them; without retired ones.</summary>
    public IEnumerable<SyncRecord> Stores => _stores.Values.Where(s => s[RecordField.Retired] is null);

    public bool TryGet(AssetHash key, [NotNullWhen(true)] out SyncRecord? record) =>
        _store.TryGetRecord(key, out record);

    public bool IsRetired(StoreId store) =>
        _stores.TryGetValue(store, out var record) && record[RecordField.Retired] is not null;

    /// <summary>
    /// An asset was added here. One that is in the trash, or was deleted, is back; one that is there stays as it is.
    /// </summary>
    /// <param name="wall">The time of day.</param>
    /// <param name="hash">The asset.</param>
    /// <param name="timestampMs">Of its creation, Unix milliseconds.</param>
    /// <param name="size">Of its content, in bytes.</param>
    /// <param name="updatedAtMs">
    /// When its details were changed last, Unix milliseconds; its creation while they never were.
    /// </param>
    /// <param name="details">All fields.</param>
    /// <returns>Whether anything has changed.</returns>
    public bool Add(
        Instant wall, AssetHash hash, long timestampMs, long size, long updatedAtMs,
        IReadOnlyList<(RecordField Field, string? Value)> details)
    {
        ArgumentNullException.ThrowIfNull(details);
        if (!TryGet(hash, out var record))
            return Save(FirstOf(wall, SyncRecord.Create(hash, timestampMs, size), updatedAtMs, details));

        if (record.IsPurged)
        {
            var again = record.WithFacts(timestampMs, size).With(
                RecordField.Life, _clock.Next(wall, record.StampOf(RecordField.Life)), SyncRecord.Again);
            return Save(Write(wall, again, details));
        }

        return record.IsTrashed && Edit(wall, hash, [(RecordField.Trashed, null)]);
    }

    /// <summary>
    /// An asset came from a peer that is not a store of the mirror, and no deletion of it is known here. Its record
    /// is that of the asset in any case: a deletion that is on its way is later.
    /// </summary>
    /// <inheritdoc cref="Add"/>
    public bool AddForeign(
        AssetHash hash, long timestampMs, long size, long updatedAtMs,
        IReadOnlyList<(RecordField Field, string? Value)> details)
    {
        ArgumentNullException.ThrowIfNull(details);
        return !TryGet(hash, out _) && Save(OfAsset(SyncRecord.Create(hash, timestampMs, size), updatedAtMs, details));
    }

    /// <summary>Fields were written here; those that have the value already stay unwritten.</summary>
    public bool Edit(Instant wall, AssetHash key, IReadOnlyList<(RecordField Field, string? Value)> changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        return TryGet(key, out var record) && !record.IsPurged && Save(Write(wall, record, changes));
    }

    /// <summary>An asset was deleted here for good.</summary>
    public bool Purge(Instant wall, AssetHash hash) =>
        TryGet(hash, out var record) && !record.IsPurged
        && Save(record.With(
            RecordField.Life, _clock.Next(wall, LatestOf(record)), SyncRecord.Purged));

    /// <summary>This store tells the others of itself.</summary>
    public bool Announce(Instant wall, string name, string endpoint)
    {
        var key = SyncRecord.KeyOf(Id);
        if (!TryGet(key, out var record)) record = SyncRecord.Create(key, 0, 0, RecordKind.Store);
        return Save(Write(wall, record,
        [
            (RecordField.Store, Id.ToString()), (RecordField.Name, name), (RecordField.Endpoint, endpoint),
        ]));
    }

    /// <summary>Deletions are not kept for that store any longer; null when it is unknown.</summary>
    public bool Retire(Instant wall, StoreId store) =>
        store != Id && Edit(wall, SyncRecord.KeyOf(store), [(RecordField.Retired, SyncRecord.On)]);

    /// <summary>
    /// A record as a peer has it that is not a store of the mirror: it tells one time for all its changes.
    /// </summary>
    /// <param name="record">As it is here.</param>
    /// <param name="changedAtMs">Unix milliseconds.</param>
    /// <param name="changes">The fields that differ.</param>
    public SyncRecord Revised(
        SyncRecord record, long changedAtMs, IReadOnlyList<(RecordField Field, string? Value)> changes)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(changes);
        foreach (var (field, value) in changes)
        {
            var time = Math.Max((ulong)changedAtMs << 16, record.StampOf(field).Time + 1);
            record = record.With(field, new Stamp(time, Id), value);
        }

        return record;
    }

    /// <summary>What the record would be with that of a peer; null when nothing would change.</summary>
    public SyncRecord? Preview(SyncRecord incoming)
    {
        ArgumentNullException.ThrowIfNull(incoming);
        if (!TryGet(incoming.Key, out var own))
        {
            // Every store has had this deletion, this one too: it was only not forgotten by the sender yet.
            return incoming.IsPurged && IsSettled(incoming) ? null : WithSelf(incoming);
        }

        if (own.Kind != incoming.Kind) return null;

        var merged = WithSelf(SyncRecord.Merge(own, incoming));
        return merged.Digest == own.Digest ? null : merged;
    }

    /// <summary>Keeps what <see cref="Preview"/> answered.</summary>
    public void Accept(Instant wall, SyncRecord merged)
    {
        ArgumentNullException.ThrowIfNull(merged);
        foreach (var field in merged.Fields) _clock.Observe(wall, field.Stamp);
        Keep(merged);
    }

    /// <summary>
    /// What a peer has deleted or trashed was not meant: the asset stays, and comes back where it is gone.
    /// </summary>
    public bool Restore(Instant wall, SyncRecord incoming)
    {
        ArgumentNullException.ThrowIfNull(incoming);
        if (!TryGet(incoming.Key, out var own) || own.IsPurged) return false;
        if (!incoming.IsPurged)
        {
            var merged = SyncRecord.Merge(own, incoming);
            return Save(Write(wall, merged, [(RecordField.Trashed, null)]));
        }

        // All fields again, later than the deletion.
        var deletion = incoming.StampOf(RecordField.Life);
        var latest = LatestOf(own);
        var details = new List<(RecordField, string?)>();
        foreach (var field in own.Fields)
        {
            if (field.Field != RecordField.Life) details.Add((field.Field, field.Value));
        }

        return Save(Write(wall, own.With(
            RecordField.Life, _clock.Next(wall, latest > deletion ? latest : deletion), SyncRecord.Again), details));
    }

    /// <summary>The content has proved timestamp and size.</summary>
    public void Prove(AssetHash hash, long timestampMs, long size)
    {
        if (TryGet(hash, out var record) && (record.TimestampMs != timestampMs || record.Size != size))
            Keep(record.WithFacts(timestampMs, size));
    }

    /// <summary>A deletion that every store has; it may be forgotten when nothing older is on its way.</summary>
    public bool TryTakeSettled(out AssetHash key) => _settled.TryDequeue(out key);

    /// <summary>Forgets a deletion, unless something has changed about it.</summary>
    public void Forget(AssetHash key)
    {
        if (!TryGet(key, out var record) || !record.IsPurged || !IsSettled(record)) return;

        _store.ForgetRecord(key, record.StampOf(RecordField.Life).Time);
        Index.Remove(key);
        _deletions.Remove(key);
    }

    // Stores that have the same asset make the same record of it, so that their sums agree when they first meet. Only
    // where a deletion was forgotten that may have been this asset's, the record must be later than that.
    private SyncRecord FirstOf(
        Instant wall, SyncRecord record, long updatedAtMs, IReadOnlyList<(RecordField Field, string? Value)> details)
    {
        var forgotten = new Stamp(_store.ForgottenTime, default);
        return forgotten != default && Stamp.OfAsset(record.TimestampMs) <= forgotten
            ? Write(wall, record.With(RecordField.Life, _clock.Next(wall, forgotten), null), details)
            : OfAsset(record, updatedAtMs, details);
    }

    private static SyncRecord OfAsset(
        SyncRecord record, long updatedAtMs, IReadOnlyList<(RecordField Field, string? Value)> details)
    {
        var created = Stamp.OfAsset(record.TimestampMs);
        record = record.With(RecordField.Life, created, null);
        // Details that were edited before the mirror knew of the asset win over those that never were.
        var isEdited = updatedAtMs > record.TimestampMs && AssetFileName.IsTimestamp(updatedAtMs);
        var written = isEdited ? Stamp.OfAsset(updatedAtMs) : created;
        foreach (var (field, value) in details)
        {
            if (value is not null) record = record.With(field, written, value);
        }

        return record;
    }

    private SyncRecord Write(
        Instant wall, SyncRecord record, IReadOnlyList<(RecordField Field, string? Value)> changes)
    {
        foreach (var (field, value) in changes)
        {
            if (record[field] != value)
                record = record.With(field, _clock.Next(wall, record.StampOf(field)), value);
        }

        return record;
    }

    private bool Save(SyncRecord record)
    {
        record = WithSelf(record);
        if (Index.TryGet(record.Key, out var digest) && digest == record.Digest) return false;

        Keep(record);
        return true;
    }

    private void Keep(SyncRecord record)
    {
        _store.SaveRecord(record);
        Index.Set(record.Key, record.Digest);
        if (record.Kind == RecordKind.Store)
        {
            RememberStore(record);
            CheckDeletions();
        }

        if (!record.IsPurged) _deletions.Remove(record.Key);
        else
        {
            _deletions.Add(record.Key);
            if (IsSettled(record)) _settled.Enqueue(record.Key);
        }
    }

    // Later than every field: a deletion is later than what it deletes.
    private static Stamp LatestOf(SyncRecord record)
    {
        var latest = default(Stamp);
        foreach (var field in record.Fields)
        {
            if (field.Stamp > latest) latest = field.Stamp;
        }

        return latest;
    }

    private SyncRecord WithSelf(SyncRecord record) => record.IsPurged ? record.WithHolder(Id) : record;

    private void RememberStore(SyncRecord record)
    {
        if (ulong.TryParse(
            record[RecordField.Store], System.Globalization.NumberStyles.AllowHexSpecifier, null, out var id))
            _stores[new StoreId(id)] = record;
    }

    // Which stores there are has changed.
    private void CheckDeletions()
    {
        foreach (var key in _deletions)
        {
            if (TryGet(key, out var record) && IsSettled(record)) _settled.Enqueue(key);
        }
    }

    private bool IsSettled(SyncRecord record)
    {
        foreach (var (store, member) in _stores)
        {
            if (member[RecordField.Retired] is null && record.Holders.BinarySearch(store) < 0) return false;
        }

        return record.Holders.BinarySearch(Id) >= 0;
    }
}
