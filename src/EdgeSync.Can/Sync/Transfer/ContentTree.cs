using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using EdgeSync.Can.Sync.Passphrase;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Transfer;

/// <summary>
/// The hashes by which an asset is verified while it arrives: BLAKE3 of each group of 256 KiB, and a root over their
/// list and the size. Each group can be verified alone and in any order, so a transfer that broke goes on where it
/// stopped.
/// <code>
/// leaf(i)  BLAKE3(group i)                                 32 bytes
/// root     BLAKE3 derived ("edgesync-can-sync 1 tree", size as 8 bytes big-endian ‖ leaf(0) ‖ leaf(1) …)
/// </code>
/// </summary>
/// <remarks>The root proves nothing about the identity of the asset: that is hashed when all of it is there.</remarks>
public sealed class ContentTree
{
    /// <summary>Bytes of a group; the last one may be shorter.</summary>
    public const int GroupBytes = 256 * 1024;

    /// <summary>Bytes of a leaf, and of the root.</summary>
    public const int HashBytes = SyncHash.Size;

    private readonly byte[] _leaves;
    private readonly byte[] _root;

    private ContentTree(long size, byte[] leaves) => (Size, _leaves, _root) = (size, leaves, RootOf(size, leaves));

    /// <summary>Bytes of the content.</summary>
    public long Size { get; }

    /// <summary>How many groups there are; an empty asset has none.</summary>
    public int Groups => _leaves.Length / HashBytes;

    /// <summary>One after the other.</summary>
    public ReadOnlyMemory<byte> Leaves => _leaves;

    public ReadOnlyMemory<byte> Root => _root;

    public static int GroupsOf(long size) => checked((int)((size + GroupBytes - 1) / GroupBytes));

    /// <summary>Bytes of one group.</summary>
    /// <param name="group">From 0 on.</param>
    public int BytesOf(int group) => (int)Math.Min(GroupBytes, Size - OffsetOf(group));

    public static long OffsetOf(int group) => (long)group * GroupBytes;

    /// <summary>The tree of content that is in memory.</summary>
    public static ContentTree Of(ReadOnlySpan<byte> content)
    {
        using var builder = new ContentTreeBuilder();
        builder.Append(content);
        return builder.Finish();
    }

    /// <summary>From leaves of another store or of a file; false when their count does not fit the size.</summary>
    public static bool TryCreate(long size, ReadOnlySpan<byte> leaves, [NotNullWhen(true)] out ContentTree? tree)
    {
        tree = size is >= 0 and <= SyncRecord.SizeMax && leaves.Length == (long)GroupsOf(size) * HashBytes
            ? new ContentTree(size, leaves.ToArray()) : null;
        return tree is not null;
    }

    /// <summary>Whether the bytes are that group.</summary>
    public bool IsGroup(int group, ReadOnlySpan<byte> bytes)
    {
        if (group < 0 || group >= Groups || bytes.Length != BytesOf(group)) return false;

        Span<byte> hash = stackalloc byte[HashBytes];
        SyncHash.Compute(bytes, hash);
        return hash.SequenceEqual(_leaves.AsSpan(group * HashBytes, HashBytes));
    }

    internal static ContentTree FromLeaves(long size, byte[] leaves)
    {
        Invariant.Require(leaves.Length == (long)GroupsOf(size) * HashBytes);
        return new ContentTree(size, leaves);
    }

    private static byte[] RootOf(long size, byte[] leaves)
    {
        var text = new byte[sizeof(long) + leaves.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(text, size);
        leaves.CopyTo(text, sizeof(long));
        return SyncHash.Derive("edgesync-can-sync 1 tree"u8, text);
    }
}

/// <summary>
/// Makes the tree of content that comes piece by piece, beside the hash of its identity. A group is hashed as a whole:
/// piece by piece the package takes three times as long, and ten times in small pieces.
/// </summary>
public sealed class ContentTreeBuilder : IDisposable
{
    private readonly List<byte> _leaves = [];
    private byte[]? _group;
    private int _filled;
    private long _size;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _size += bytes.Length;
        while (!bytes.IsEmpty)
        {
            if (_filled == 0 && bytes.Length >= ContentTree.GroupBytes)
            {
                AddLeaf(bytes[..ContentTree.GroupBytes]);
                bytes = bytes[ContentTree.GroupBytes..];
                continue;
            }

            _group ??= ArrayPool<byte>.Shared.Rent(ContentTree.GroupBytes);
            var count = Math.Min(ContentTree.GroupBytes - _filled, bytes.Length);
            bytes[..count].CopyTo(_group.AsSpan(_filled));
            bytes = bytes[count..];
            _filled += count;
            if (_filled == ContentTree.GroupBytes) EndGroup();
        }
    }

    /// <summary>The tree; nothing can be appended after it.</summary>
    public ContentTree Finish()
    {
        if (_filled > 0) EndGroup();
        return ContentTree.FromLeaves(_size, [.. _leaves]);
    }

    public void Dispose()
    {
        if (_group is not null) ArrayPool<byte>.Shared.Return(_group);
        _group = null;
    }

    private void EndGroup()
    {
        AddLeaf(_group.AsSpan(0, _filled));
        _filled = 0;
    }

    private void AddLeaf(ReadOnlySpan<byte> group)
    {
        Span<byte> hash = stackalloc byte[ContentTree.HashBytes];
        SyncHash.Compute(group, hash);
        _leaves.AddRange(hash);
    }
}
