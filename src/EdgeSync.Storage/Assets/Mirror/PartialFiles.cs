using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;

namespace EdgeSync.Storage.Assets.Mirror;

/// <summary>
/// What has come of assets that are on their way: the groups in <c>.partial/HASH</c>, and what they are verified by in
/// <c>.partial/HASH.tree</c> (the size, 8 bytes big-endian, and the leaves). Nothing of it is flushed: at each start
/// the groups are verified, and a transfer goes on behind the last one that is right. An asset that arrives as a whole,
/// and whose hash is not known yet, is in <c>.partial/arrival-N</c>; a start removes it.
/// </summary>
internal sealed class PartialFiles
{
    private const string TreeSuffix = ".tree";

    /// <summary>Bytes of a file that may be in memory alone: what is left is what a commit waits for.</summary>
    private const long UnwrittenMax = 4 << 20;

    private readonly AssetFolder _folder;
    private readonly ConcurrentDictionary<AssetHash, Entry> _entries = new();

    private PartialFiles(AssetFolder folder) => _folder = folder;

    public IEnumerable<AssetHash> All => _entries.Keys;

    /// <summary>Reads and verifies what is there; files that are neither are removed.</summary>
    public static PartialFiles Open(AssetFolder folder)
    {
        var files = new PartialFiles(folder);
        Directory.CreateDirectory(folder.Partial);
        var trees = Directory.GetFiles(folder.Partial, "*" + TreeSuffix);
        foreach (var path in trees)
        {
            if (AssetHash.TryParse(Path.GetFileNameWithoutExtension(path.AsSpan()), out var hash)
                && TryReadTree(path, out var tree))
                files._entries[hash] = new Entry(tree) { Groups = GroupsOf(files.PathOf(hash), tree) };
        }

        foreach (var path in Directory.GetFiles(folder.Partial))
        {
            var name = Path.GetFileName(path);
            var text = name.EndsWith(TreeSuffix, StringComparison.Ordinal) ? name[..^TreeSuffix.Length] : name;
            if (!AssetHash.TryParse(text, out var hash) || !files._entries.ContainsKey(hash)) File.Delete(path);
        }

        return files;
    }

    public string PathOf(AssetHash hash) => Path.Combine(_folder.Partial, hash.ToString());

    public bool TryGet(AssetHash hash, [NotNullWhen(true)] out PartialContent? partial)
    {
        partial = _entries.TryGetValue(hash, out var entry) ? new PartialContent(entry.Tree, entry.Groups) : null;
        return partial is not null;
    }

    /// <summary>
    /// Writes a group behind those before it. The first group with another tree begins anew; one that is there already
    /// is written. Groups of one asset come one after the other.
    /// </summary>
    /// <returns>False: it does not follow what is here, or was dropped meanwhile.</returns>
    /// <exception cref="IOException">The disk refuses.</exception>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    public bool Write(AssetHash hash, long timestampMs, ContentTree tree, int group, ReadOnlySpan<byte> bytes)
    {
        var isSame = _entries.TryGetValue(hash, out var entry) && entry.Tree.Root.Span.SequenceEqual(tree.Root.Span);
        if (!isSame)
        {
            if (group > 0) return false;

            _folder.RequireRoom(tree.Size);
            Drop(hash);
            WriteTree(hash, tree);
            entry = new Entry(tree) { Identity = new AssetHasher(timestampMs), TimestampMs = timestampMs };
            _entries[hash] = entry;
        }

        lock (entry!)
        {
            if (entry.IsDropped || group > entry.Groups) return false;
            if (group < entry.Groups) return true;

            _folder.RequireRoom(bytes.Length);
            using var file = File.OpenHandle(
                PathOf(hash), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            RandomAccess.Write(file, bytes, ContentTree.OffsetOf(group));
            entry.Groups++;
            if (entry.TimestampMs == timestampMs) entry.Identity?.Append(bytes);
            else entry.EndIdentity();
            if (ContentTree.OffsetOf(entry.Groups) % UnwrittenMax == 0)
                WriteBehind.Start(file, ContentTree.OffsetOf(entry.Groups) - UnwrittenMax, UnwrittenMax);
            return true;
        }
    }

    /// <summary>Writes a piece of an asset whose hash is not known yet.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    public void WriteArrival(long arrival, long offset, ReadOnlySpan<byte> bytes)
    {
        _folder.RequireRoom(bytes.Length);
        using var file = File.OpenHandle(
            PathOf(arrival), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.Write(file, bytes, offset);
        var written = (offset + bytes.Length) / UnwrittenMax * UnwrittenMax;
        if (written > offset) WriteBehind.Start(file, written - UnwrittenMax, UnwrittenMax);
    }

    /// <summary>Makes all pieces all groups of an asset; what had come of it is dropped.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void TakeArrival(long arrival, AssetHash hash, ContentTree tree)
    {
        Drop(hash);
        // An empty asset has no pieces.
        if (tree.Size == 0) File.WriteAllBytes(PathOf(hash), []);
        else File.Move(PathOf(arrival), PathOf(hash), overwrite: true);
        WriteTree(hash, tree);
        _entries[hash] = new Entry(tree) { Groups = tree.Groups };
    }

    public void DropArrival(long arrival) => File.Delete(PathOf(arrival));

    /// <summary>
    /// The hash of all groups, once; null when they were not all written since the start with that timestamp: then the
    /// file is to be read.
    /// </summary>
    public AssetHash? TakeIdentity(AssetHash hash, long timestampMs, ContentTree tree)
    {
        if (!_entries.TryGetValue(hash, out var entry)) return null;

        lock (entry)
        {
            if (entry.IsDropped || entry.Identity is null || entry.TimestampMs != timestampMs
                || entry.Groups != tree.Groups || !entry.Tree.Root.Span.SequenceEqual(tree.Root.Span)) return null;

            var identity = entry.Identity.Finish();
            entry.EndIdentity();
            return identity;
        }
    }

    public void Drop(AssetHash hash)
    {
        if (!_entries.TryRemove(hash, out var entry)) return;

        lock (entry)
        {
            entry.IsDropped = true;
            entry.EndIdentity();
            File.Delete(PathOf(hash));
            File.Delete(PathOf(hash) + TreeSuffix);
        }
    }

    private string PathOf(long arrival) => Path.Combine(
        _folder.Partial, string.Create(CultureInfo.InvariantCulture, $"arrival-{arrival}"));

    private void WriteTree(AssetHash hash, ContentTree tree)
    {
        var bytes = new byte[sizeof(long) + tree.Leaves.Length];
        BinaryPrimitives.WriteInt64BigEndian(bytes, tree.Size);
        tree.Leaves.Span.CopyTo(bytes.AsSpan(sizeof(long)));
        File.WriteAllBytes(PathOf(hash) + TreeSuffix, bytes);
    }

    private static bool TryReadTree(string path, [NotNullWhen(true)] out ContentTree? tree)
    {
        tree = null;
        var bytes = File.ReadAllBytes(path);
        return bytes.Length >= sizeof(long) && ContentTree.TryCreate(
            BinaryPrimitives.ReadInt64BigEndian(bytes), bytes.AsSpan(sizeof(long)), out tree);
    }

    private static int GroupsOf(string path, ContentTree tree)
    {
        if (!File.Exists(path)) return 0;

        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        var buffer = new byte[ContentTree.GroupBytes];
        for (var group = 0; group < tree.Groups; group++)
        {
            var piece = buffer.AsSpan(0, tree.BytesOf(group));
            if (RandomAccess.Read(file, piece, ContentTree.OffsetOf(group)) < piece.Length
                || !tree.IsGroup(group, piece)) return group;
        }

        return tree.Groups;
    }

    private sealed class Entry(ContentTree tree)
    {
        public ContentTree Tree => tree;

        public int Groups { get; set; }

        public bool IsDropped { get; set; }

        /// <summary>Of the groups so far; null when some of them were written before the start.</summary>
        public AssetHasher? Identity { get; set; }

        /// <summary>That <see cref="Identity"/> begins with.</summary>
        public long TimestampMs { get; init; }

        public void EndIdentity()
        {
            Identity?.Dispose();
            Identity = null;
        }
    }
}
