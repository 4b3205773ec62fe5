using System.Diagnostics.CodeAnalysis;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Wire;

namespace EdgeSync.Can.Sync.Transfer;

/// <summary>What a message of a download leads to.</summary>
internal enum DownloadStep
{
    None,

    /// <summary>The group is verified: write it.</summary>
    Write,

    /// <summary>The tree is there and there are no groups to come: commit.</summary>
    Complete,

    /// <summary>The peer will not send it.</summary>
    Refused,

    /// <summary>The content is not what the tree says.</summary>
    Damaged,

    /// <summary>The message does not belong here.</summary>
    Protocol,
}

/// <summary>
/// One asset that arrives on a stream: the head, the leaves unless they are known from before, then the groups in
/// order. Each group is verified before it is written.
/// </summary>
internal sealed class Download(AssetHash hash, PartialContent? partial)
{
    private MirrorMessage.Head? _head;
    private byte[] _leaves = [];
    private int _leafBytes;
    private int _next;
    private int _written;

    public AssetHash Hash => hash;

    public FrameBuffer Frames { get; } = new(MirrorMessage.ContentBytesMax);

    public ContentTree? Tree { get; private set; }

    public long TimestampMs => _head?.TimestampMs ?? 0;

    /// <summary>Groups that wait to be written.</summary>
    public int Pending => _next - _written;

    public bool IsCommitting { get; set; }

    /// <summary>Whether what was written before is of no use now.</summary>
    public bool StartsOver => partial is not null && Tree is not null && !ReferenceEquals(Tree, partial.Tree);

    /// <summary>Whether every group has come.</summary>
    public bool IsComplete => Tree is not null && _next == Tree.Groups;

    /// <summary>Whether every group is written.</summary>
    public bool IsWritten => Tree is not null && _written == Tree.Groups;

    public MirrorMessage.Fetch Request() =>
        new(hash, partial?.Groups ?? 0, partial is null ? default : partial.Tree.Root);

    public void OnWritten() => _written++;

    /// <summary>Takes a message of the peer.</summary>
    /// <param name="message">The message.</param>
    /// <param name="group">The group to write, for <see cref="DownloadStep.Write"/>.</param>
    public DownloadStep Take(MirrorMessage message, out MirrorMessage.Group? group)
    {
        group = null;
        switch (message)
        {
            case MirrorMessage.Refused: return DownloadStep.Refused;
            case MirrorMessage.Head head when _head is null: return TakeHead(head);
            case MirrorMessage.Leaves leaves when _head is not null && Tree is null: return TakeLeaves(leaves);
            case MirrorMessage.Group next when Tree is not null && next.Number == _next && _next < Tree.Groups:
                if (!Tree.IsGroup(_next, next.Bytes.Span)) return DownloadStep.Damaged;

                _next++;
                group = next;
                return DownloadStep.Write;
            default: return DownloadStep.Protocol;
        }
    }

    private DownloadStep TakeHead(MirrorMessage.Head head)
    {
        _head = head;
        if (partial is not null && head.From > 0)
        {
            if (head.From != partial.Groups || !partial.Tree.Root.Span.SequenceEqual(head.Root.Span)
                || head.Size != partial.Tree.Size) return DownloadStep.Protocol;

            (Tree, _next, _written) = (partial.Tree, head.From, head.From);
            return IsWritten ? DownloadStep.Complete : DownloadStep.None;
        }

        if (head.From != 0) return DownloadStep.Protocol;

        _leaves = new byte[ContentTree.GroupsOf(head.Size) * ContentTree.HashBytes];
        return TryMakeTree(out var step) ? step : DownloadStep.None;
    }

    private DownloadStep TakeLeaves(MirrorMessage.Leaves leaves)
    {
        if (leaves.Bytes.IsEmpty || leaves.Bytes.Length > _leaves.Length - _leafBytes) return DownloadStep.Protocol;

        leaves.Bytes.Span.CopyTo(_leaves.AsSpan(_leafBytes));
        _leafBytes += leaves.Bytes.Length;
        return TryMakeTree(out var step) ? step : DownloadStep.None;
    }

    private bool TryMakeTree(out DownloadStep step)
    {
        step = DownloadStep.None;
        if (_leafBytes < _leaves.Length) return false;

        if (!TryVerify(out var tree))
        {
            step = DownloadStep.Damaged;
            return true;
        }

        Tree = tree;
        step = tree.Groups == 0 ? DownloadStep.Complete : DownloadStep.None;
        return true;
    }

    private bool TryVerify([NotNullWhen(true)] out ContentTree? tree) =>
        ContentTree.TryCreate(_head!.Size, _leaves, out tree) && tree.Root.Span.SequenceEqual(_head.Root.Span);
}
