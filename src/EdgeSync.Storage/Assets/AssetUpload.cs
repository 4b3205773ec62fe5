using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Transfer;
using EdgeSync.Primitives;
using Microsoft.Win32.SafeHandles;

namespace EdgeSync.Storage.Assets;

/// <summary>
/// An asset on its way in: a hidden file that gets its name when it is whole. Disposing it before leaves nothing.
/// </summary>
public sealed class AssetUpload : IDisposable
{
    /// <summary>Bytes after which the free space is looked at again.</summary>
    private const long RoomStep = 8 << 20;

    private readonly AssetStore _store;
    private readonly SafeFileHandle _file;
    private readonly ContentTreeBuilder? _tree;
    private AssetHasher? _hasher;
    private AssetHash? _hash;
    private long _roomCheckedAt;

    internal AssetUpload(AssetStore store, string path, long? timestampMs)
    {
        _store = store;
        Path = path;
        TimestampMs = timestampMs;
        if (timestampMs is { } timestamp) _hasher = new AssetHasher(timestamp);
        if (store.KeepsTrees) _tree = new ContentTreeBuilder();
        _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
    }

    /// <summary>Bytes so far.</summary>
    public long Size { get; private set; }

    /// <summary>The hidden file.</summary>
    internal string Path { get; }

    /// <summary>The file has the name of an asset.</summary>
    internal bool IsStored { get; set; }

    /// <summary>Of all that was appended, once it is finished; null: the store keeps none.</summary>
    internal ContentTree? Tree { get; private set; }

    /// <summary>Unix milliseconds; null until it is known.</summary>
    public long? TimestampMs { get; private set; }

    /// <exception cref="EdgeSyncException">There is no room for it.</exception>
    public void Append(ReadOnlySpan<byte> content)
    {
        if (Size + content.Length - _roomCheckedAt >= RoomStep || _roomCheckedAt == 0)
        {
            _store.RequireRoom(content.Length);
            _roomCheckedAt = Math.Max(1, Size + content.Length);
        }

        try
        {
            RandomAccess.Write(_file, content, Size);
        }
        catch (IOException e)
        {
            throw AssetStore.Translate(e, "storing an upload");
        }

        _hasher?.Append(content);
        _tree?.Append(content);
        Size += content.Length;
    }

    /// <summary>Sets the timestamp of an upload that was begun without one; what came already is read again.</summary>
    public void SetTimestamp(long timestampMs)
    {
        if (TimestampMs == timestampMs) return;

        TimestampMs = timestampMs;
        _hasher?.Dispose();
        _hasher = new AssetHasher(timestampMs);
        var buffer = new byte[64 * 1024];
        for (var at = 0L; at < Size;)
        {
            var read = RandomAccess.Read(_file, buffer, at);
            if (read == 0) break;

            _hasher.Append(buffer.AsSpan(0, read));
            at += read;
        }
    }

    /// <summary>The hash of all that was appended; nothing more may be.</summary>
    public AssetHash Finish()
    {
        Invariant.Require(_hasher is not null || _hash is not null);
        _hash ??= _hasher!.Finish();
        Tree ??= _tree?.Finish();
        return _hash.Value;
    }

    /// <summary>Content and attributes are on the disk when this returns.</summary>
    internal void Flush()
    {
        try
        {
            RandomAccess.FlushToDisk(_file);
        }
        catch (IOException e)
        {
            throw AssetStore.Translate(e, "storing an upload");
        }
    }

    public void Dispose()
    {
        _hasher?.Dispose();
        _tree?.Dispose();
        _file.Dispose();
        if (!IsStored) File.Delete(Path);
    }
}
