using EdgeSync.Can.Assets;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets;

/// <summary>Folders in which a change has renamed files.</summary>
[Flags]
internal enum ChangedNames
{
    None = 0,
    Root = 1,
    Trash = 2,
    Both = 3,
}

/// <summary>
/// The files of a store.
/// <code>
/// .can.db       the index           .can.lock    held by the process that has the store open
/// .trash/       trashed assets      .thumbs/     cached thumbnails
/// .details/     details that a file system without extended attributes cannot hold
/// .partial/     what has come of assets from peers: HASH, and HASH.tree
/// .UUID.tmp     an upload           TIMESTAMP_HASH[_TAGS].EXT   an asset
/// </code>
/// </summary>
internal sealed class AssetFolder : IDisposable
{
    private readonly AssetStoreOptions _options;
    private readonly FileStream _lock;

    private AssetFolder(AssetStoreOptions options, FileStream held)
    {
        _options = options;
        Root = Path.GetFullPath(options.Root);
        _lock = held;
    }

    public string Root { get; }

    public string Trash => Path.Combine(Root, ".trash");

    public string Thumbs => Path.Combine(Root, ".thumbs");

    public string Details => Path.Combine(Root, ".details");

    public string Partial => Path.Combine(Root, ".partial");

    public string IndexPath => Path.Combine(Root, ".can.db");

    /// <exception cref="EdgeSyncException">Another process has the store open.</exception>
    public static AssetFolder Open(AssetStoreOptions options)
    {
        var root = Path.GetFullPath(options.Root);
        Directory.CreateDirectory(root);
        FileStream held;
        try
        {
            held = new FileStream(
                Path.Combine(root, ".can.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new EdgeSyncException(
                ErrorKind.Unavailable, $"{root} is in use by another process: a storage folder has one service",
                "stop the other one, or set another storage_root", e);
        }

        var folder = new AssetFolder(options, held);
        Directory.CreateDirectory(folder.Trash);
        Directory.CreateDirectory(folder.Thumbs);
        foreach (var left in Directory.EnumerateFiles(root, ".*.tmp")) File.Delete(left);
        return folder;
    }

    public string PathOf(Asset asset) => PathOf(asset.FileName, asset.IsTrashed);

    public string PathOf(string fileName, bool isTrashed) => Path.Combine(isTrashed ? Trash : Root, fileName);

    public string NewUploadPath() => Path.Combine(Root, $".{Guid.NewGuid():N}.tmp");

    /// <summary>The assets in the folder or its trash; other files are none.</summary>
    public static IEnumerable<(string Name, AssetFileName Parsed)> AssetsIn(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            var name = Path.GetFileName(path);
            if (AssetFileName.TryParse(name, out var parsed)) yield return (name, parsed);
        }
    }

    /// <summary>Whether so many bytes fit beside the reserve.</summary>
    public void RequireRoom(long bytes)
    {
        if (FreeBytes() - bytes < _options.DiskReserveBytes)
            throw new DiskFullException($"no room for the asset in {Root}: the disk's reserve is kept free");
    }

    public long FreeBytes() => _options.FreeBytes?.Invoke() ?? new DriveInfo(Root).AvailableFreeSpace;

    /// <summary>Makes names durable.</summary>
    public void Flush(ChangedNames names)
    {
        if (names.HasFlag(ChangedNames.Root)) DurableFile.FlushFolder(Root);
        if (names.HasFlag(ChangedNames.Trash)) DurableFile.FlushFolder(Trash);
    }

    public void RemoveThumbnails(AssetHash hash)
    {
        foreach (var path in Directory.EnumerateFiles(Thumbs, $"{hash}_*")) File.Delete(path);
    }

    public void Dispose() => _lock.Dispose();
}
