using EdgeSync.Can.Assets;
using EdgeSync.Can.Queries;
using EdgeSync.Can.Wire;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets;

/// <summary>The rows of assets, over one connection. Changes run in a transaction of the caller.</summary>
internal sealed class AssetIndex(Database database)
{
    // Assets that are sorted for a page; of more, they are found by going through all in its order.
    private const int SortedMax = 2000;

    private const string Columns =
        "id, hash, timestamp, mime_type, size, actual_filename, human_filename, human_path, application, "
        + "user_identity, description, is_trashed, is_corrupted, meta_updated_at, arrival_number, change_number";

    private readonly AssetWords _words = new(database);

    public Database Database => database;

    public Asset? Find(AssetHash hash)
    {
        Asset? asset = null;
        using (var select = database.Prepare($"SELECT {Columns} FROM assets WHERE hash=?1"))
        {
            if (select.BindText(1, hash.ToString()).Step()) asset = Read(select);
        }

        return asset is null ? null : WithTags(asset);
    }

    /// <summary>Whether the asset was deleted for good.</summary>
    public bool IsTombstone(AssetHash hash)
    {
        using var select = database.Prepare("SELECT 1 FROM tombstones WHERE hash=?1");
        return select.BindText(1, hash.ToString()).Step();
    }

    /// <summary>The number of the deletion for good; null: it was not.</summary>
    public long? TombstoneNumber(AssetHash hash)
    {
        using var select = database.Prepare("SELECT change_number FROM tombstones WHERE hash=?1");
        return select.BindText(1, hash.ToString()).Step() ? select.Int64(0) : null;
    }

    /// <summary>Adds a row; returns the asset with its id and numbers.</summary>
    public Asset Insert(Asset asset, long number)
    {
        using (var insert = database.Prepare(
            """
            INSERT INTO assets(hash,timestamp,mime_type,size,actual_filename,human_filename,human_path,application,
              user_identity,description,is_trashed,is_corrupted,meta_updated_at,arrival_number,change_number)
            VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?14)
            """))
        {
            insert.BindText(1, asset.Hash.ToString()).Bind(2, asset.TimestampMs).Bind(4, asset.Size)
                .BindText(5, asset.FileName).Bind(11, asset.IsTrashed ? 1L : 0).Bind(12, asset.IsCorrupted ? 1L : 0)
                .Bind(13, asset.MetaUpdatedAtMs).Bind(14, number);
            BindDetails(insert, asset.Details);
            insert.Run();
        }

        asset = asset with { Id = database.LastInsertRowId, ArrivalNumber = number, ChangeNumber = number };
        AddTags(asset);
        _words.Add(asset.Id, asset.Details);
        return asset;
    }

    /// <summary>Replaces details, trash state and corruption of a row.</summary>
    public Asset Update(Asset asset, long number)
    {
        using (var update = database.Prepare(
            """
            UPDATE assets SET mime_type=?3, human_filename=?6, human_path=?7, application=?8, user_identity=?9,
              description=?10, actual_filename=?5, is_trashed=?11, is_corrupted=?12, meta_updated_at=?13,
              change_number=?14 WHERE id=?1
            """))
        {
            update.Bind(1, asset.Id).BindText(5, asset.FileName).Bind(11, asset.IsTrashed ? 1L : 0)
                .Bind(12, asset.IsCorrupted ? 1L : 0).Bind(13, asset.MetaUpdatedAtMs).Bind(14, number);
            BindDetails(update, asset.Details);
            update.Run();
        }

        RemoveTags(asset.Id);
        _words.Remove(asset.Id);
        AddTags(asset);
        _words.Add(asset.Id, asset.Details);
        return asset with { ChangeNumber = number };
    }

    public void SetCorrupted(AssetHash hash, bool isCorrupted, long number)
    {
        using var update = database.Prepare("UPDATE assets SET is_corrupted=?2, change_number=?3 WHERE hash=?1");
        update.BindText(1, hash.ToString()).Bind(2, isCorrupted ? 1L : 0).Bind(3, number).Run();
    }

    /// <summary>Removes the row and leaves a tombstone.</summary>
    public void Delete(Asset asset, long deletedAtMs, long number)
    {
        RemoveRow(asset.Id);
        using var insert = database.Prepare(
            "REPLACE INTO tombstones(hash,timestamp,deleted_at,change_number) VALUES(?1,?2,?3,?4)");
        insert.BindText(1, asset.Hash.ToString()).Bind(2, asset.TimestampMs).Bind(3, deletedAtMs).Bind(4, number).Run();
    }

    /// <summary>A deletion of an asset that was never here: nothing of this store changes.</summary>
    public void AddTombstone(AssetHash hash, long timestampMs, long deletedAtMs)
    {
        using var insert = database.Prepare(
            "INSERT OR IGNORE INTO tombstones(hash,timestamp,deleted_at,change_number) VALUES(?1,?2,?3,0)");
        insert.BindText(1, hash.ToString()).Bind(2, timestampMs).Bind(3, deletedAtMs).Run();
    }

    public void RemoveTombstone(AssetHash hash)
    {
        using var delete = database.Prepare("DELETE FROM tombstones WHERE hash=?1");
        delete.BindText(1, hash.ToString()).Run();
    }

    /// <summary>Removes all assets, for a rebuild; tombstones stay.</summary>
    public void Clear()
    {
        database.Execute("DELETE FROM asset_tags; DELETE FROM tags; DELETE FROM assets;");
        _words.Clear();
    }

    public AssetPage Page(AssetQuery query)
    {
        var filter = new AssetFilter(query);
        var total = TotalOf(filter);
        if (total == 0) return new AssetPage([], 0, null);

        var ids = filter.HasFilter && total <= SortedMax ? filter.Sorted : filter.Ordered;
        var items = new List<Asset>();
        // The columns of those alone that are on the page: rows are wide, and sorting carries them along.
        using (var select = database.Prepare(
            $"SELECT {Columns} FROM assets WHERE id IN ({ids} {filter.Order} LIMIT ?1 OFFSET ?2) {filter.Order}"))
        {
            select.Bind(1, query.Limit + 1L).Bind(2, query.Offset);
            filter.Bind(select);
            while (select.Step()) items.Add(Read(select));
        }

        var hasMore = items.Count > query.Limit;
        if (hasMore) items.RemoveAt(query.Limit);
        for (var i = 0; i < items.Count; i++) items[i] = WithTags(items[i]);
        PageCursor? next = hasMore ? new PageCursor(items[^1].TimestampMs, items[^1].Id) : null;
        return new AssetPage(items, total, next);
    }

    private long TotalOf(AssetFilter filter)
    {
        using var count = database.Prepare(filter.Total);
        filter.BindValues(count);
        return count.Step() ? count.Int64(0) : 0;
    }

    /// <summary>The assets of a query behind an id, in order of arrival, without their tags.</summary>
    public IReadOnlyList<NamedAsset> NamedAfter(AssetQuery query, long afterId, int limit)
    {
        var filter = new AssetFilter(query);
        var assets = new List<NamedAsset>();
        // The filter's names are those of the innermost table.
        using var select = database.Prepare(
            $"SELECT {Columns}, EXISTS(SELECT 1 FROM assets e WHERE e.human_filename=a.human_filename AND e.id<a.id "
                + $"AND e.id IN (SELECT id FROM assets WHERE id=e.id AND {filter.ByFilter})) "
                + $"FROM assets a WHERE id>?1 AND {filter.ByFilter} ORDER BY id LIMIT ?2");
        select.Bind(1, afterId).Bind(2, limit);
        filter.BindValues(select);
        while (select.Step()) assets.Add(new NamedAsset(Read(select), select.Boolean(16)));
        return assets;
    }

    /// <summary>The asset of a query that came first with a name.</summary>
    public Asset? FirstNamed(AssetQuery query, string name)
    {
        var filter = new AssetFilter(query);
        using var select = database.Prepare(
            $"SELECT {Columns} FROM assets WHERE human_filename=?1 AND {filter.ByFilter} ORDER BY id LIMIT 1");
        select.BindText(1, name);
        filter.BindValues(select);
        return select.Step() ? Read(select) : null;
    }

    /// <summary>The assets behind an id, in order of arrival.</summary>
    public IReadOnlyList<Asset> AfterId(long id, int limit)
    {
        var assets = new List<Asset>();
        using var select = database.Prepare($"SELECT {Columns} FROM assets WHERE id>?1 ORDER BY id LIMIT ?2");
        select.Bind(1, id).Bind(2, limit);
        while (select.Step()) assets.Add(Read(select));
        return assets;
    }

    /// <summary>Changes behind a number, in their order.</summary>
    public IReadOnlyList<AssetChange> ChangesAfter(long number, int limit)
    {
        var changes = new List<AssetChange>();
        using var select = database.Prepare(
            """
            SELECT change_number, CASE WHEN is_trashed THEN 2 WHEN change_number=arrival_number THEN 0 ELSE 1 END,
                   hash, timestamp FROM assets WHERE change_number>?1
            UNION ALL
            SELECT change_number, 3, hash, timestamp FROM tombstones WHERE change_number>?1
            ORDER BY 1 LIMIT ?2
            """);
        select.Bind(1, number).Bind(2, limit);
        while (select.Step())
        {
            if (AssetHash.TryParse(select.Bytes(2), out var hash))
                changes.Add(new AssetChange(
                    select.Int64(0), (AssetChangeKind)select.Int32(1), hash, select.Int64(3)));
        }

        return changes;
    }

    /// <summary>Assets that arrived behind a number, in their order, whatever became of them.</summary>
    public IReadOnlyList<AssetChange> ArrivalsAfter(long number, int limit)
    {
        var arrivals = new List<AssetChange>();
        using var select = database.Prepare(
            "SELECT arrival_number, hash, timestamp FROM assets WHERE id IN "
                + "(SELECT id FROM assets WHERE change_number>?1) AND arrival_number>?1 "
                + "ORDER BY arrival_number LIMIT ?2");
        select.Bind(1, number).Bind(2, limit);
        while (select.Step())
        {
            if (AssetHash.TryParse(select.Bytes(1), out var hash))
                arrivals.Add(new AssetChange(select.Int64(0), AssetChangeKind.Added, hash, select.Int64(2)));
        }

        return arrivals;
    }

    /// <summary>Digests of the assets created after a moment, trashed ones included, behind an id.</summary>
    public IReadOnlyList<(long Id, AssetDigest Digest)> Digests(long sinceMs, long afterId, int limit)
    {
        var digests = new List<(long, AssetDigest)>();
        using var select = database.Prepare(
            """
            SELECT id, hash, timestamp, size, is_trashed, meta_updated_at FROM assets
             WHERE id>?1 AND timestamp>?2 ORDER BY id LIMIT ?3
            """);
        select.Bind(1, afterId).Bind(2, sinceMs).Bind(3, limit);
        while (select.Step())
        {
            if (AssetHash.TryParse(select.Bytes(1), out var hash))
                digests.Add((
                    select.Int64(0),
                    new AssetDigest(
                        hash, select.Int64(2), select.Int64(3), select.Boolean(4), select.Int64(5))));
        }

        return digests;
    }

    /// <summary>Of the rows and tombstones, and of the last rebuild.</summary>
    public long LastChangeNumber() => database.QueryInt64(
        """
        SELECT max(coalesce((SELECT max(change_number) FROM assets),0),
                   coalesce((SELECT max(change_number) FROM tombstones),0),
                   coalesce((SELECT value FROM state WHERE name='change'),0))
        """);

    /// <summary>Keeps the number where its row may go.</summary>
    public void KeepChangeNumber(long number)
    {
        using var replace = database.Prepare("REPLACE INTO state(name,value) VALUES('change',?1)");
        replace.Bind(1, number).Run();
    }

    /// <summary>Before each commit: see <see cref="AssetWords"/>.</summary>
    public void KeepWords() => _words.Keep(LastChangeNumber());

    public AssetCounts Counts()
    {
        using var select = database.Prepare(
            """
            SELECT count(*), coalesce(sum(size),0), coalesce(sum(is_trashed),0), coalesce(sum(is_corrupted),0),
                   (SELECT count(*) FROM tags) FROM assets
            """);
        select.Step();
        return new AssetCounts(
            select.Int64(0), select.Int64(1), select.Int64(2), select.Int64(3), select.Int64(4));
    }

    private static void BindDetails(Statement statement, AssetDetails details) =>
        statement.BindText(3, details.MimeType).BindText(6, details.HumanFileName).BindText(7, details.HumanPath)
            .BindText(8, details.Application).BindText(9, details.User).BindText(10, details.Description);

    private static Asset Read(Statement row) => new()
    {
        Id = row.Int64(0),
        Hash = AssetHash.TryParse(row.Bytes(1), out var hash) ? hash : default,
        TimestampMs = row.Int64(2),
        Size = row.Int64(4),
        FileName = row.Text(5) ?? "",
        Details = new AssetDetails
        {
            MimeType = row.Text(3) ?? MimeTypes.Unknown,
            HumanFileName = row.Text(6),
            HumanPath = row.Text(7),
            Application = row.Text(8),
            User = row.Text(9),
            Description = row.Text(10),
        },
        IsTrashed = row.Boolean(11),
        IsCorrupted = row.Boolean(12),
        MetaUpdatedAtMs = row.Int64(13),
        ArrivalNumber = row.Int64(14),
        ChangeNumber = row.Int64(15),
    };

    private Asset WithTags(Asset asset)
    {
        List<string>? tags = null;
        using var select = database.Prepare(
            "SELECT name FROM asset_tags JOIN tags ON id=tag_id WHERE asset_id=?1 ORDER BY position");
        select.Bind(1, asset.Id);
        while (select.Step()) (tags ??= []).Add(select.Text(0) ?? "");
        return tags is null ? asset : asset with { Details = asset.Details with { Tags = tags } };
    }

    private void AddTags(Asset asset)
    {
        for (var i = 0; i < asset.Details.Tags.Count; i++)
        {
            using (var insert = database.Prepare("INSERT OR IGNORE INTO tags(name) VALUES(?1)"))
                insert.BindText(1, asset.Details.Tags[i]).Run();
            using var link = database.Prepare(
                "INSERT INTO asset_tags(asset_id,tag_id,position) SELECT ?1, id, ?2 FROM tags WHERE name=?3");
            link.Bind(1, asset.Id).Bind(2, i).BindText(3, asset.Details.Tags[i]).Run();
        }
    }

    private void RemoveRow(long id)
    {
        RemoveTags(id);
        _words.Remove(id);
        using var delete = database.Prepare("DELETE FROM assets WHERE id=?1");
        delete.Bind(1, id).Run();
    }

    private void RemoveTags(long id)
    {
        using (var delete = database.Prepare("DELETE FROM asset_tags WHERE asset_id=?1")) delete.Bind(1, id).Run();
    }
}

/// <summary>Sums over a store.</summary>
/// <param name="Assets">All, with the trash.</param>
/// <param name="Bytes">Of their contents.</param>
/// <param name="Trashed">In the trash.</param>
/// <param name="Corrupted">Missing or with other content.</param>
/// <param name="Tags">Names of tags.</param>
public readonly record struct AssetCounts(long Assets, long Bytes, long Trashed, long Corrupted, long Tags);
