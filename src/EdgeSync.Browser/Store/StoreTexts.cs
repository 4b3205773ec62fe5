using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Delta;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Store;

/// <summary>The texts of a store's rows: contents in a file, of which many are deltas of others.</summary>
internal sealed class StoreTexts(IStoreFile file)
{
    /// <summary>Larger artifacts are refused.</summary>
    public const int ArtifactBytesMax = 256 << 20;

    private const long CacheBytesMax = 32 << 20;

    private readonly ContentFile _contents = new(file);
    private readonly TextCache _cache = new(CacheBytesMax);
    private StoreState _state = new();

    /// <summary>Bytes of contents.</summary>
    public long End => _contents.End;

    /// <summary>Begins with what an index says, and drops contents behind the end that it names.</summary>
    public void Load(StoreState state, long end)
    {
        _state = state;
        _cache.Clear();
        _contents.CutTo(end);
    }

    /// <summary>Returns the position.</summary>
    public long Append(ReadOnlySpan<byte> stored) => _contents.Append(stored);

    /// <summary>Returns when everything is on the disk.</summary>
    public void Flush() => _contents.Flush();

    /// <summary>Keeps a text that will soon be wanted.</summary>
    public void Remember(StoreRow row, byte[] text) => _cache.Add(row.Rid, text);

    /// <summary>The bytes as they are in the file.</summary>
    public byte[] Stored(StoreRow row)
    {
        var bytes = new byte[row.StoredSize];
        _contents.Read(row.At, bytes);
        return bytes;
    }

    /// <summary>The text, or the delta.</summary>
    public byte[] Unpack(StoreRow row)
    {
        if (BlobCodec.TryDecode(Inflater.OfThisThread, Stored(row), ArtifactBytesMax, out var bytes, out var fault))
            return bytes;

        throw new EdgeSyncException(
            ErrorKind.Corrupt, $"the stored bytes of {row.Id.ToShortString()} are damaged ({fault})",
            "remove the store and clone again");
    }

    public byte[] TextOf(StoreRow row)
    {
        var chain = new Stack<StoreRow>();
        var at = row;
        byte[] text;
        while (!_cache.TryGet(at.Rid, out text))
        {
            chain.Push(at);
            if (at.Source.IsNone) break;
            at = _state.Find(at.Source)!;
        }

        if (text is null) text = Unpack(chain.Pop());
        while (chain.TryPop(out var next))
        {
            if (!DeltaApplier.TryApply(
                text, Unpack(next), ArtifactBytesMax, out text, out var fault, verifyChecksum: false))
                throw new EdgeSyncException(
                    ErrorKind.Corrupt, $"the delta of {next.Id.ToShortString()} does not fit its source ({fault})",
                    "remove the store and clone again");
        }

        _cache.Add(row.Rid, text);
        return text;
    }
}
