using EdgeSync.Can.Assets;

namespace EdgeSync.Storage.Assets;

/// <summary>
/// Hashes every file that is not in the trash, one at a time and at a limited rate, and marks the assets whose file is
/// missing or has other content; one that is whole again loses its mark. Many files without a row, or rows without a
/// file, lead to a rebuild.
/// </summary>
public sealed class AssetVerifier
{
    private const int PageSize = 200;

    private readonly AssetStore _store;
    private readonly AssetFolder _folder;
    private readonly AssetStoreOptions _options;

    internal AssetVerifier(AssetStore store, AssetFolder folder, AssetStoreOptions options) =>
        (_store, _folder, _options) = (store, folder, options);

    /// <summary>A pass over all files.</summary>
    public async Task<VerifyPass> RunAsync(CancellationToken cancellationToken)
    {
        var pass = new VerifyPass(0, 0, 0, false);
        var known = new HashSet<AssetHash>();
        var begin = _options.Clock.GetTimestamp();
        var bytes = 0L;
        for (var id = 0L; _store.AfterId(id, PageSize) is { Count: > 0 } page; id = page[^1].Id)
        {
            foreach (var asset in page)
            {
                known.Add(asset.Hash);
                if (!asset.IsTrashed) pass = pass.Plus(await CheckAsync(asset, PaceAsync, cancellationToken));
            }
        }

        var strays = AssetFolder.AssetsIn(_folder.Root).Count(f => !known.Contains(f.Parsed.Hash)
            && _store.Find(f.Parsed.Hash) is null && !_store.IsDeleted(f.Parsed.Hash));
        if (strays + pass.Missing <= _options.RebuildErrorThreshold) return pass;

        await _store.RebuildAsync();
        return pass with { HasRebuilt = true };

        async Task PaceAsync(int read)
        {
            bytes += read;
            var due = TimeSpan.FromSeconds((double)bytes / _options.VerifyBytesPerSecond);
            var early = due - _options.Clock.GetElapsedTime(begin);
            if (early > TimeSpan.FromMilliseconds(5)) await Task.Delay(early, _options.Clock, cancellationToken);
        }
    }

    private async Task<VerifyPass> CheckAsync(
        Asset asset, Func<int, Task> paceAsync, CancellationToken cancellationToken)
    {
        var path = _folder.PathOf(asset);
        var hash = await FileCheck.HashOfAsync(path, asset.TimestampMs, paceAsync, cancellationToken);
        if (hash == asset.Hash)
        {
            if (asset.IsCorrupted) await _store.MarkAsync(asset, isCorrupted: false);
            return new VerifyPass(1, 0, 0, false);
        }

        // Not marked, if it is no longer there because it was trashed or deleted meanwhile.
        if (!await _store.MarkAsync(asset, isCorrupted: true)) return new VerifyPass(1, 0, 0, false);

        return File.Exists(path) ? new VerifyPass(1, 1, 0, false) : new VerifyPass(1, 0, 1, false);
    }
}

/// <summary>What a pass found.</summary>
/// <param name="Checked">Files that were to be read.</param>
/// <param name="Corrupted">Those with other content.</param>
/// <param name="Missing">Those that are not there.</param>
/// <param name="HasRebuilt">The index was made again.</param>
public readonly record struct VerifyPass(long Checked, long Corrupted, long Missing, bool HasRebuilt)
{
    internal VerifyPass Plus(VerifyPass other) => new(
        Checked + other.Checked, Corrupted + other.Corrupted, Missing + other.Missing, HasRebuilt || other.HasRebuilt);
}
