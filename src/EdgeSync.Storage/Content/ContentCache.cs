using EdgeSync.Primitives;

namespace EdgeSync.Storage.Content;

/// <summary>Expanded artifacts by record id, least recently used first out, bounded in bytes.</summary>
internal sealed class ContentCache(long bytesMax)
{
    // A text larger than this share of the cache would empty it for one use.
    private const int ShareMax = 4;

    private readonly Dictionary<RecordId, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byAge = new();

    public long BytesMax => bytesMax;

    public long Bytes { get; private set; }

    public int Count => _entries.Count;

    /// <summary>The content with one more holder; the caller disposes.</summary>
    public bool TryGet(RecordId rid, out ArtifactContent content)
    {
        content = null!;
        if (!_entries.TryGetValue(rid, out var node)) return false;

        _byAge.Remove(node);
        _byAge.AddLast(node);
        content = node.Value.Content.Retain();
        return true;
    }

    public bool Contains(RecordId rid) => _entries.ContainsKey(rid);

    /// <summary>False for texts so large that a few would fill the cache.</summary>
    public bool MayHold(int length) => length <= bytesMax / ShareMax;

    /// <summary>Keeps the content with a holder of its own, if it is not too large.</summary>
    public void Add(RecordId rid, ArtifactContent content)
    {
        if (!MayHold(content.Length) || _entries.ContainsKey(rid)) return;

        Bytes += content.Length;
        _entries.Add(rid, _byAge.AddLast(new Entry(rid, content.Retain())));
        while (Bytes > bytesMax) Remove(_byAge.First!.Value.Rid);
    }

    public void Remove(RecordId rid)
    {
        if (!_entries.Remove(rid, out var node)) return;

        _byAge.Remove(node);
        Bytes -= node.Value.Content.Length;
        node.Value.Content.Dispose();
    }

    public void Clear()
    {
        foreach (var entry in _byAge) entry.Content.Dispose();
        _byAge.Clear();
        _entries.Clear();
        Bytes = 0;
    }

    private readonly record struct Entry(RecordId Rid, ArtifactContent Content);
}
