using EdgeSync.Can.Assets;

namespace EdgeSync.Storage.Assets;

/// <summary>
/// Makes the index agree with the files. The files are the truth: which assets there are, and which are in the trash,
/// is decided by the folder that holds the file; their details are beside the content (<see cref="DetailsCopy"/>).
/// Both run in a transaction of the caller.
/// </summary>
internal sealed class AssetRecovery(
    AssetStoreOptions options, AssetFolder folder, DetailsCopy copies, Func<long> nextNumber)
{
    /// <summary>Drops all rows, and makes one for each file; tombstones stay.</summary>
    public (long Indexed, long Errors) Rebuild(AssetIndex index)
    {
        index.Clear();
        var (indexed, errors) = (0L, 0L);
        foreach (var isTrashed in (bool[])[false, true])
        {
            foreach (var (name, parsed) in Files(isTrashed))
            {
                if (index.IsTombstone(parsed.Hash)) Remove(name, isTrashed, parsed.Hash);
                else if (index.Find(parsed.Hash) is null && TryRead(name, parsed, isTrashed) is { } asset)
                {
                    index.Insert(asset, nextNumber());
                    indexed++;
                }
                else errors++;
            }
        }

        index.KeepChangeNumber(nextNumber());
        return (indexed, errors);
    }

    /// <summary>After a crash: adopts whole files without a row, follows moved ones, marks rows without one.</summary>
    public void Reconcile(AssetIndex index)
    {
        var files = new Dictionary<AssetHash, (string Name, bool IsTrashed)>();
        foreach (var isTrashed in (bool[])[true, false])
        {
            foreach (var (name, parsed) in Files(isTrashed)) files[parsed.Hash] = (name, isTrashed);
        }

        for (var id = 0L; index.AfterId(id, 1000) is { Count: > 0 } rows; id = rows[^1].Id)
        {
            foreach (var row in rows)
            {
                if (files.Remove(row.Hash, out var file)) Follow(index, row, file.Name, file.IsTrashed);
                else if (!row.IsCorrupted) index.SetCorrupted(row.Hash, true, nextNumber());
            }
        }

        foreach (var (hash, (name, isTrashed)) in files)
        {
            if (index.IsTombstone(hash)) Remove(name, isTrashed, hash);
            else Adopt(index, name, isTrashed);
        }
    }

    private IEnumerable<(string Name, AssetFileName Parsed)> Files(bool isTrashed) =>
        AssetFolder.AssetsIn(isTrashed ? folder.Trash : folder.Root);

    private void Follow(AssetIndex index, Asset row, string name, bool isTrashed)
    {
        if (row.IsTrashed == isTrashed && row.FileName == name) return;

        index.Update(
            (index.Find(row.Hash) ?? row) with
            {
                IsTrashed = isTrashed,
                FileName = name,
                MetaUpdatedAtMs = row.IsTrashed == isTrashed ? row.MetaUpdatedAtMs : row.MetaUpdatedAtMs + 1,
            },
            nextNumber());
    }

    // The content must be what the name says: the file may have been put there by anything.
    private void Adopt(AssetIndex index, string name, bool isTrashed)
    {
        if (!AssetFileName.TryParse(name, out var parsed) || TryRead(name, parsed, isTrashed) is not { } asset) return;

        if (FileCheck.HashOf(folder.PathOf(asset), asset.TimestampMs) == asset.Hash) index.Insert(asset, nextNumber());
        else options.Warned?.Invoke($"{name} has not the content that its name says, and is left alone");
    }

    private Asset? TryRead(string name, in AssetFileName parsed, bool isTrashed)
    {
        var path = folder.PathOf(name, isTrashed);
        try
        {
            var (details, updatedAt) = copies.Read(path, parsed);
            return new Asset
            {
                Hash = parsed.Hash,
                TimestampMs = parsed.TimestampMs,
                Size = new FileInfo(path).Length,
                FileName = name,
                Details = details,
                IsTrashed = isTrashed,
                MetaUpdatedAtMs = updatedAt,
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            options.Warned?.Invoke($"{path} cannot be read: {e.Message}");
            return null;
        }
    }

    private void Remove(string name, bool isTrashed, AssetHash hash)
    {
        File.Delete(folder.PathOf(name, isTrashed));
        folder.RemoveThumbnails(hash);
        copies.Remove(hash);
    }
}
