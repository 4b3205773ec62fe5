using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Wire;

namespace EdgeSync.Can.Sync.Transfer;

/// <summary>
/// One asset that is sent on a stream. What the connection has not taken yet is bounded, so that a slow peer costs
/// about four groups of memory and no more. With one group the connection waits at the end of each until the next one
/// was read.
/// </summary>
internal sealed class Upload
{
    /// <summary>Bytes that the connection has not taken, before no more are made.</summary>
    private const int OutstandingMax = 4 * ContentTree.GroupBytes;

    private readonly ContentTree _tree;
    private int _leafBytes;
    private int _next;
    private int _outstanding;

    /// <param name="fetch">What the peer asks for.</param>
    /// <param name="timestampMs">Of the asset.</param>
    /// <param name="tree">Of its content.</param>
    public Upload(MirrorMessage.Fetch fetch, long timestampMs, ContentTree tree)
    {
        (Hash, _tree) = (fetch.Hash, tree);
        var isKnown = fetch.Root.Span.SequenceEqual(tree.Root.Span) && fetch.From <= tree.Groups && fetch.From > 0;
        _next = isKnown ? fetch.From : 0;
        _leafBytes = isKnown ? tree.Leaves.Length : 0;
        Head = new MirrorMessage.Head(timestampMs, tree.Size, _next, tree.Root);
    }

    public AssetHash Hash { get; }

    public MirrorMessage.Head Head { get; }

    public bool IsReading { get; private set; }

    /// <summary>Whether everything was given to the connection.</summary>
    public bool IsDone => !IsReading && _leafBytes == _tree.Leaves.Length && _next == _tree.Groups;

    /// <summary>A frame was given to the connection.</summary>
    public void OnQueued(int bytes) => _outstanding += bytes;

    /// <summary>The connection has taken some of it.</summary>
    public void OnSent(int bytes) => _outstanding -= bytes;

    /// <summary>The next leaves, if they are due and the connection takes more.</summary>
    public MirrorMessage.Leaves? NextLeaves()
    {
        if (_outstanding >= OutstandingMax || _leafBytes == _tree.Leaves.Length) return null;

        var count = Math.Min(MirrorMessage.LeavesBytesMax, _tree.Leaves.Length - _leafBytes);
        var leaves = new MirrorMessage.Leaves(_tree.Leaves.Slice(_leafBytes, count));
        _leafBytes += count;
        return leaves;
    }

    /// <summary>The next group to read, if the connection takes more; null otherwise.</summary>
    public (long Offset, int Count)? NextRead()
    {
        if (_outstanding >= OutstandingMax || IsReading || _leafBytes < _tree.Leaves.Length || _next == _tree.Groups)
            return null;

        IsReading = true;
        return (ContentTree.OffsetOf(_next), _tree.BytesOf(_next));
    }

    /// <summary>The group that was read; null when it is not what the tree says.</summary>
    public MirrorMessage.Group? OnRead(ReadOnlyMemory<byte> bytes)
    {
        IsReading = false;
        return bytes.Length == _tree.BytesOf(_next) ? new MirrorMessage.Group(_next++, bytes) : null;
    }
}
