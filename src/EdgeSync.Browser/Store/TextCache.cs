using EdgeSync.Primitives;

namespace EdgeSync.Browser.Store;

/// <summary>Texts that were expanded last: a chain of deltas starts at the nearest of them.</summary>
internal sealed class TextCache(long bytesMax)
{
    private readonly Dictionary<RecordId, byte[]> _texts = [];
    private readonly Queue<RecordId> _order = new();
    private long _bytes;

    public bool TryGet(RecordId rid, out byte[] text) => _texts.TryGetValue(rid, out text!);

    public void Add(RecordId rid, byte[] text)
    {
        if (text.Length > bytesMax / 4 || !_texts.TryAdd(rid, text)) return;

        _order.Enqueue(rid);
        _bytes += text.Length;
        while (_bytes > bytesMax && _order.TryDequeue(out var oldest))
        {
            _bytes -= _texts[oldest].Length;
            _texts.Remove(oldest);
        }
    }

    public void Clear()
    {
        _texts.Clear();
        _order.Clear();
        _bytes = 0;
    }
}
