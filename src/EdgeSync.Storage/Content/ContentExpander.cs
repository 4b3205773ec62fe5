using System.Buffers;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Delta;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Content;

/// <summary>
/// Makes full texts out of stored ones: walks the delta chain down to a full text or a cached one, then applies the
/// deltas on the way back. No recursion, so a chain may be as long as there are deltas; a longer one is a loop.
/// </summary>
internal sealed class ContentExpander(Database database, ContentCache cache, int bytesMax) : IDisposable
{
    // Every so many steps the intermediate text is cached too: neighbours of the artifact often pass through it.
    private const int CacheEvery = 8;

    // Deflate gains at most a factor of 1032, so a greater announced size is false.
    private const int InflateFactorMax = 1040;

    private const int WalkFirstAbove = 16 * 1024 * 1024;

    private readonly List<RecordId> _chain = [];
    private byte[] _delta = [];

    public ContentFault Fault { get; private set; }

    /// <summary>What the record is a delta of; none for a full text.</summary>
    public RecordId SourceOf(RecordId rid)
    {
        using var select = database.Prepare("SELECT srcid FROM delta WHERE rid=?1");
        return select.Bind(1, rid).Step() ? select.Record(0) : RecordId.None;
    }

    /// <summary>The text, whose holder the caller becomes; null unless available.</summary>
    public ContentState Expand(RecordId rid, out ArtifactContent? content)
    {
        if (cache.TryGet(rid, out var cached))
        {
            content = cached;
            return ContentState.Available;
        }

        content = null;
        _chain.Clear();

        // An open statement keeps the read lock. Without it every step would take and release the file's locks, which
        // was a third of the time on a chain of 9,000.
        using var snapshot = database.Prepare("SELECT 1 FROM sqlite_master");
        snapshot.Step();

        var state = WalkDown(rid, out var text);
        if (state != ContentState.Available) return state;

        var depth = _chain.Count;
        for (var i = depth - 1; i >= 0; i--)
        {
            state = ApplyStored(_chain[i], text!, out var next);
            if (state != ContentState.Available)
            {
                text!.Dispose();
                return state;
            }

            text!.Dispose();
            text = next;
            if (IsWorthCaching(i, depth, text!.Length)) cache.Add(_chain[i], text);
        }

        cache.Add(rid, text!);
        content = text;
        return ContentState.Available;
    }

    public void Dispose()
    {
        if (_delta.Length > 0) ArrayPool<byte>.Shared.Return(_delta);
        _delta = [];
    }

    // Leaves the records whose deltas are to be applied in _chain, nearest to the requested one first.
    private ContentState WalkDown(RecordId rid, out ArtifactContent? text)
    {
        var at = rid;
        while (!cache.TryGet(at, out text!))
        {
            var source = SourceOf(at);
            if (source.IsNone) return DecodeFull(at, isAsked: at == rid, out text);

            _chain.Add(at);
            if (_chain.Count % 4096 == 0 && _chain.Count > database.QueryInt64("SELECT count(*) FROM delta"))
            {
                return Fail(at, "its delta chain runs in a circle");
            }

            at = source;
        }

        return ContentState.Available;
    }

    private ContentState DecodeFull(RecordId rid, bool isAsked, out ArtifactContent? text)
    {
        text = null;
        using var select = database.Prepare("SELECT content, size FROM blob WHERE rid=?1");
        if (!select.Bind(1, rid).Step()) return isAsked ? ContentState.Unknown : ContentState.SourceMissing;
        if (select.Int64(1) < 0) return isAsked ? ContentState.Phantom : ContentState.SourceMissing;

        var stored = select.Bytes(0);
        if (!TryAnnouncedSize(stored, out var size)) return Fail(rid, "its stored size is a lie or over the limit");

        var room = ArtifactContent.Rent(size);
        if (!BlobCodec.TryDecode(Inflater.OfThisThread, stored, room.Room, out var written, out var fault))
        {
            room.Dispose();
            return Fail(rid, $"its stored bytes do not inflate ({fault})");
        }

        text = room;
        if (written == size) return ContentState.Available;

        // Stock accepts an announced size that is too large.
        text = ArtifactContent.Copy(room.Span[..written]);
        room.Dispose();
        return ContentState.Available;
    }

    private ContentState ApplyStored(RecordId rid, ArtifactContent source, out ArtifactContent? target)
    {
        target = null;
        using var select = database.Prepare("SELECT content FROM blob WHERE rid=?1 AND size>=0");
        if (!select.Bind(1, rid).Step()) return ContentState.SourceMissing;

        var stored = select.Bytes(0);
        if (!TryAnnouncedSize(stored, out var size))
            return Fail(rid, "the size of its stored delta is a lie or over the limit");

        if (_delta.Length < size)
        {
            if (_delta.Length > 0) ArrayPool<byte>.Shared.Return(_delta);
            _delta = ArrayPool<byte>.Shared.Rent(Math.Max(size, 4096));
        }

        if (!BlobCodec.TryDecode(Inflater.OfThisThread, stored, _delta.AsSpan(0, size), out var written, out var fault))
            return Fail(rid, $"its stored delta does not inflate ({fault})");

        var state = Apply(rid, source.Span, _delta.AsSpan(0, written), out target);
        if (_delta.Length > 1 << 20) Dispose();
        return state;
    }

    /// <summary>Applies a delta that announces the text of <paramref name="rid"/>.</summary>
    internal ContentState Apply(
        RecordId rid, ReadOnlySpan<byte> source, ReadOnlySpan<byte> delta, out ArtifactContent? target)
    {
        target = null;
        if (!DeltaReader.TryReadTargetSize(delta, out var size) || size > bytesMax)
            return Fail(rid, "its delta announces no size, or one over the limit");

        if (size > WalkFirstAbove && !IsBackedUp(source.Length, delta, out var lie))
            return Fail(rid, $"its delta does not fit: {lie}");

        // The hash decides whether the text is right; the checksum inside the delta would be a second pass.
        var room = ArtifactContent.Rent(size);
        if (!DeltaApplier.TryApply(source, delta, room.Room, out var fault, verifyChecksum: false))
        {
            room.Dispose();
            return Fail(rid, $"its delta does not fit: {fault}");
        }

        target = room;
        return ContentState.Available;
    }

    // A few bytes of delta can announce a gigabyte that no command produces: check before allocating.
    private static bool IsBackedUp(int sourceSize, ReadOnlySpan<byte> delta, out DeltaFault fault)
    {
        var reader = new DeltaReader(delta);
        while (reader.TryRead(out var segment))
        {
            if (!segment.IsCopy || segment.Length <= sourceSize - segment.Offset) continue;

            fault = new DeltaFault(
                DeltaFaultKind.CopyPastSource, reader.Command, reader.CommandOffset,
                segment.Offset, segment.Offset + (long)segment.Length, sourceSize);
            return false;
        }

        fault = reader.Fault;
        return !fault.IsFault;
    }

    // Neighbours of an artifact are often read next. On a long chain the kept texts are so far apart that half of the
    // cache holds them all; nearer ones follow when that part of the chain is read.
    private bool IsWorthCaching(int stepsLeft, int depth, int length)
    {
        var spacing = Math.Max(CacheEvery, 2L * depth * length / Math.Max(1, cache.BytesMax));
        return stepsLeft > 0 && stepsLeft % spacing == 0;
    }

    private bool TryAnnouncedSize(ReadOnlySpan<byte> stored, out int size) =>
        BlobCodec.TryReadSize(stored, out size) && size <= bytesMax && size <= (long)stored.Length * InflateFactorMax;

    private ContentState Fail(RecordId rid, string reason)
    {
        Fault = new ContentFault(rid, reason);
        return ContentState.Damaged;
    }
}
