using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Can.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Assets.Mirror;

/// <summary>
/// The assets of a service elsewhere, without their contents: a mirror works on these rows as on those of a store. Of
/// each asset there is what it is to be (the row), and what the service is known to have (the state). A service that
/// differs from the state was changed by its users, and the row takes that over, field by field; a row that differs
/// from the state was changed by the mirror, and is to be applied to the service.
/// <code>
/// service ── TakeAsync ──▶ row ── the store's changes ──▶ mirror
/// service ◀── TryFindDue ── row ◀── records of peers ──── mirror
/// </code>
/// </summary>
/// <remarks>May be used from any thread.</remarks>
public sealed class ServiceCatalog : IDisposable
{
    private readonly Lock _lock = new();
    private readonly AssetIndex _index;
    private readonly ServiceRows _rows;

    private ServiceCatalog(AssetStore store, long position, long applied, string epoch)
    {
        (Store, Position, Applied, Epoch) = (store, position, applied, epoch);
        _index = new AssetIndex(AssetSchema.OpenReader(store.Folder.IndexPath));
        _rows = new ServiceRows(_index.Database);
    }

    /// <summary>The rows. Closed with this.</summary>
    public AssetStore Store { get; }

    /// <summary>The last change of the service that was taken over.</summary>
    public long Position { get; private set; }

    /// <summary>The last change of the rows that was applied to the service.</summary>
    public long Applied { get; private set; }

    /// <summary>See <see cref="ChangesPage.Epoch"/>; empty: none was read.</summary>
    public string Epoch { get; private set; }

    /// <param name="options">Of the folder; contents are not in it.</param>
    /// <param name="entropy">For the id of the store in its mirror.</param>
    /// <exception cref="EdgeSyncException">Another process has it open, or the disk fails.</exception>
    public static async Task<ServiceCatalog> OpenAsync(AssetStoreOptions options, Entropy entropy)
    {
        ArgumentNullException.ThrowIfNull(options);
        var store = AssetStore.Open(options with { HasContents = false });
        try
        {
            var (position, applied, epoch) = await store.Writer.RunAsync(index =>
            {
                MirrorRows.Open(index.Database, entropy);
                index.Database.Execute(ServiceRows.Tables);
                return new ServiceRows(index.Database).State();
            });
            return new ServiceCatalog(store, position, applied, epoch);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>What the service is known to have; null: nothing.</summary>
    public AssetState? StateOf(AssetHash hash)
    {
        lock (_lock) return _rows.Find(hash);
    }

    /// <summary>Hashes of all that the service is known to have.</summary>
    public HashSet<AssetHash> Known()
    {
        lock (_lock) return _rows.Hashes();
    }

    /// <summary>Whether the content can be verified in parts.</summary>
    public bool HasTree(AssetHash hash) => Store.HasTree(hash);

    /// <summary>Keeps the trees of contents that the service has.</summary>
    public Task PutTreesAsync(IReadOnlyList<(AssetHash Hash, ContentTree Tree)> trees) => Store.Writer.RunAsync(index =>
    {
        var rows = new MirrorRows(index.Database);
        foreach (var (hash, tree) in trees)
        {
            if (index.Find(hash) is not null) rows.PutTree(hash, tree);
        }

        return true;
    });

    /// <summary>The service has no right content of these: they are lost, as the mirror will see.</summary>
    public Task MarkLostAsync(IReadOnlyList<AssetHash> hashes) => Store.Writer.RunAsync(index =>
    {
        foreach (var hash in hashes)
        {
            if (index.Find(hash) is { IsCorrupted: false }) index.SetCorrupted(hash, true, Store.NextNumber());
        }

        return true;
    });

    // -- from the service ---------------------------------------------------------------------------------------------

    /// <summary>Takes over what the service has.</summary>
    /// <param name="states">Of its assets now.</param>
    /// <param name="position">Of the service behind them; null: it has none.</param>
    /// <param name="epoch">To be kept with the position.</param>
    /// <param name="isAnew">Numbers of before are not comparable: all is read again.</param>
    /// <returns>Assets of which the row must be applied to the service.</returns>
    public async Task<IReadOnlyList<AssetHash>> TakeAsync(
        IReadOnlyList<AssetState> states, long? position, string epoch, bool isAnew)
    {
        ArgumentNullException.ThrowIfNull(states);
        var due = await Store.Writer.RunAsync(index =>
        {
            var (rows, again) = (new ServiceRows(index.Database), new List<AssetHash>());
            foreach (var state in states)
            {
                var known = rows.Find(state.Hash);
                if (!isAnew && known is not null && state.Number > 0 && state.Number <= known.Number) continue;
                if (state.IsDeleted) TakeDeletion(index, rows, known, state);
                else if (!TakeState(index, known, state)) again.Add(state.Hash);
                if (!state.IsDeleted) rows.Put(state);
            }

            if (position is { } behind) rows.SetPosition(behind, epoch);
            return again;
        });
        if (position is { } taken) (Position, Epoch) = (taken, epoch);
        return due;
    }

    // -- to the service -----------------------------------------------------------------------------------------------

    /// <summary>What the service is to have of an asset, where that differs from what it is known to have.</summary>
    /// <param name="hash">The asset.</param>
    /// <param name="state">To be applied; its number is the last that is known.</param>
    public bool TryFindDue(AssetHash hash, out AssetState state)
    {
        lock (_lock)
        {
            state = new AssetState { Hash = hash };
            if (_rows.Find(hash) is not { } known) return false;

            var number = known.Number > 0 ? known.Number : Position;
            if (_index.Find(hash) is not { } row)
            {
                // Otherwise it is on its way to the service.
                state = known with { IsDeleted = true, Number = number };
                return !known.IsDeleted || _index.IsTombstone(hash);
            }

            state = AssetState.Of(row) with { Number = number };
            return row.IsTrashed != known.IsTrashed || !RecordDetails.IsSame(row.Details, known.Details);
        }
    }

    /// <summary>The service has this now; null: it does not have the asset.</summary>
    public Task SetStateAsync(AssetHash hash, AssetState? state) => Store.Writer.RunAsync(index =>
    {
        var rows = new ServiceRows(index.Database);
        if (state is not null) rows.Put(state);
        else
        {
            rows.Remove(hash);
            // Kept for this alone when the mirror has forgotten the deletion.
            if (new MirrorRows(index.Database).Find(hash) is null) RemoveTombstone(index, hash);
        }

        return true;
    });

    /// <summary>Changes of the rows up to this number are applied.</summary>
    public async Task SetAppliedAsync(long number)
    {
        await Store.Writer.RunAsync(index =>
        {
            new ServiceRows(index.Database).SetApplied(number);
            return true;
        });
        Applied = number;
    }

    /// <summary>
    /// The content of an asset is there and will be sent to the service: what is sent with it. Null: the asset is
    /// deleted.
    /// </summary>
    public Task<AssetState?> BeginPushAsync(AssetHash hash, long timestampMs, long size) =>
        Store.Writer.RunAsync(index => BeginPush(index, hash, timestampMs, size));

    /// <summary>The service has the asset with its content now.</summary>
    /// <param name="state">As it was sent; its number is that of the service's change, 0 where that is unknown.</param>
    /// <param name="tree">Of the content.</param>
    /// <returns>False: it was deleted meanwhile, which is to be applied.</returns>
    public Task<bool> EndPushAsync(AssetState state, ContentTree tree) => Store.Writer.RunAsync(index =>
    {
        var rows = new MirrorRows(index.Database);
        if (rows.Find(state.Hash) is not { IsPurged: false } record || index.IsTombstone(state.Hash)) return false;

        if (index.Find(state.Hash) is not { } row)
        {
            var asset = RowOf(StateOf(record, state.TimestampMs, state.Size));
            index.Insert(asset, Store.NextNumber());
            new ServiceRows(index.Database).Put(state);
        }
        else if (row.IsCorrupted) index.Update(row with { IsCorrupted = false }, Store.NextNumber());

        rows.PutTree(state.Hash, tree);
        return true;
    });

    /// <summary>The service did not take the asset.</summary>
    public Task FailPushAsync(AssetHash hash) => Store.Writer.RunAsync(index =>
    {
        if (index.Find(hash) is null) new ServiceRows(index.Database).Remove(hash);
        return true;
    });

    public void Dispose()
    {
        lock (_lock) _index.Database.Dispose();
        Store.Dispose();
    }

    private static AssetState? BeginPush(AssetIndex index, AssetHash hash, long timestampMs, long size)
    {
        if (new MirrorRows(index.Database).Find(hash) is not { IsPurged: false } record || index.IsTombstone(hash))
            return null;

        var state = index.Find(hash) is { } row
            ? AssetState.Of(row) with { Number = 0, IsCorrupted = false }
            : StateOf(record, timestampMs, size);
        // Kept before it is sent, so that after a crash what comes back is not taken for the edit of a user. Until it
        // is there, it counts as deleted.
        if (index.Find(hash) is null) new ServiceRows(index.Database).Put(state with { IsDeleted = true });
        return state;
    }

    private void TakeDeletion(AssetIndex index, ServiceRows rows, AssetState? known, AssetState state)
    {
        if (index.Find(state.Hash) is { } row)
        {
            // Otherwise it is on its way to the service again.
            if (known is null) return;

            index.Delete(row, Store.NowMs(), Store.NextNumber());
        }
        else index.AddTombstone(state.Hash, state.TimestampMs, Store.NowMs());

        rows.Remove(state.Hash);
    }

    // False: the row is to be applied to the service.
    private bool TakeState(AssetIndex index, AssetState? known, AssetState state)
    {
        if (index.Find(state.Hash) is { } row)
        {
            var merged = Merge(row.Details, row.IsTrashed, known, state);
            if (!RecordDetails.IsSame(merged.Details, row.Details) || merged.IsTrashed != row.IsTrashed
                || row.IsCorrupted != state.IsCorrupted)
            {
                index.Update(
                    row with
                    {
                        Details = merged.Details,
                        IsTrashed = merged.IsTrashed,
                        IsCorrupted = state.IsCorrupted,
                        MetaUpdatedAtMs = Math.Max(row.MetaUpdatedAtMs + 1, state.MetaUpdatedAtMs),
                    },
                    Store.NextNumber());
            }

            return merged.IsTrashed == state.IsTrashed && RecordDetails.IsSame(merged.Details, state.Details);
        }

        var isRestored = known is { IsTrashed: true } && !state.IsTrashed;
        if (index.IsTombstone(state.Hash))
        {
            if (known is not null && !isRestored) return false;

            // Added by a user again.
            RemoveTombstone(index, state.Hash);
        }

        // Sent by this side, which was ended before it noted so: the record may have changed since.
        var added = known is not null && new MirrorRows(index.Database).Find(state.Hash) is { IsPurged: false } record
            ? Merge(RecordDetails.Of(record), record.IsTrashed, known, state)
            : state;
        index.Insert(RowOf(added), Store.NextNumber());
        return added.IsTrashed == state.IsTrashed && RecordDetails.IsSame(added.Details, state.Details);
    }

    // Numbers must not go back when the row with the last one is gone.
    private void RemoveTombstone(AssetIndex index, AssetHash hash)
    {
        if (!index.IsTombstone(hash)) return;

        index.RemoveTombstone(hash);
        index.KeepChangeNumber(Math.Max(index.LastChangeNumber(), Store.NextNumber()));
    }

    // What users of the service have changed since it was known, over what it is to be.
    private static AssetState Merge(AssetDetails details, bool isTrashed, AssetState? known, AssetState now)
    {
        if (known is null) return now;

        var (before, after) = (known.Details, now.Details);
        return now with
        {
            Details = details with
            {
                MimeType = before.MimeType == after.MimeType ? details.MimeType : after.MimeType,
                Application = before.Application == after.Application ? details.Application : after.Application,
                User = before.User == after.User ? details.User : after.User,
                Description = before.Description == after.Description ? details.Description : after.Description,
                HumanFileName = before.HumanFileName == after.HumanFileName
                    ? details.HumanFileName : after.HumanFileName,
                HumanPath = before.HumanPath == after.HumanPath ? details.HumanPath : after.HumanPath,
                Tags = before.Tags.SequenceEqual(after.Tags) ? details.Tags : after.Tags,
            },
            IsTrashed = known.IsTrashed == now.IsTrashed ? isTrashed : now.IsTrashed,
        };
    }

    private static AssetState StateOf(SyncRecord record, long timestampMs, long size) => new()
    {
        Hash = record.Key,
        TimestampMs = timestampMs,
        Size = size,
        Details = RecordDetails.Of(record),
        IsTrashed = record.IsTrashed,
        MetaUpdatedAtMs = Math.Max(timestampMs, RecordDetails.LatestMsOf(record)),
    };

    private static Asset RowOf(AssetState state) => new()
    {
        Hash = state.Hash,
        TimestampMs = state.TimestampMs,
        Size = state.Size,
        FileName = AssetFileName.Create(
            state.TimestampMs, state.Hash, state.Details.Tags, state.Details.HumanFileName, state.Details.MimeType),
        Details = state.Details,
        IsTrashed = state.IsTrashed,
        IsCorrupted = state.IsCorrupted,
        MetaUpdatedAtMs = Math.Max(state.MetaUpdatedAtMs, 1),
    };
}
