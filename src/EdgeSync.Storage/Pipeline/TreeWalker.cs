using EdgeSync.Fossil.Delta;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Pipeline;

/// <summary>
/// Expands the trees of one run, depth first, each blob once: a full text is inflated, a delta applied to the text of
/// its source, which is released when its last child is made. Stops whenever a batch is full and continues with the
/// next. What cannot be expanded is delivered as damaged, and so is everything that depends on it.
/// </summary>
/// <remarks>No recursion: a chain of 40,000 deltas needs one frame at a time.</remarks>
internal sealed class TreeWalker(
    BlobForest forest, WalkRun run, TextArenaPool pool, BlobWalkOptions options) : IPayloadRoom
{
    // A delta can announce a large text in a few bytes: beyond this its commands are added up before memory is taken.
    private const int TrustedTargetBytesMax = 1 << 20;

    private readonly Stack<Frame> _frames = new();
    private TextArena? _arena;
    private TextSlice _taken;
    private int _rootIndex = run.FirstRoot;

    /// <summary>Frames kept at the same time at most, for the tests.</summary>
    public int FrameCountMax { get; private set; }

    /// <summary>Adds blobs to the batch until it is full; true when the run is at its end.</summary>
    public bool Fill(BlobBatch batch, BlobRowReader reader, Func<bool> isStopping)
    {
        while (batch.Count < BlobBatch.CountMax && !isStopping())
        {
            if (!TryPeek(out var node))
            {
                DropArena();
                return true;
            }

            if (batch.Count > 0 && _arena is not null && forest.Size(node) > _arena.Free)
            {
                DropArena();
                return false;
            }

            Visit(node, batch, reader);
        }

        return false;
    }

    /// <summary>The least memory that the next blob takes, in bytes; call it while no thread walks.</summary>
    public long NextBytes => TryPeek(out var node) ? forest.Size(node) : 0;

    /// <summary>Releases everything, when the walk ends early.</summary>
    public void Abandon()
    {
        while (_frames.TryPop(out var frame)) frame.Text.Arena?.Release();
        DropArena();
    }

    Span<byte> IPayloadRoom.Take(int size)
    {
        _taken = TakeRoom(size);
        return _taken.Span;
    }

    void IPayloadRoom.Keep(int size) => _taken = _taken.Arena is null ? default : _taken.Arena.Shorten(_taken, size);

    private bool TryPeek(out int node)
    {
        node = -1;
        if (_frames.TryPeek(out var frame)) node = forest.Child(frame.NextChild);
        else if (_rootIndex < run.FirstRoot + run.RootCount) node = forest.Roots[_rootIndex];
        return node >= 0;
    }

    private void Visit(int node, BlobBatch batch, BlobRowReader reader)
    {
        var isRoot = !_frames.TryPop(out var source);
        if (isRoot) _rootIndex++;
        var isLast = source.NextChild + 1 == source.EndChild;
        if (!isRoot && !isLast) _frames.Push(source with { NextChild = source.NextChild + 1 });

        var made = forest.IsPhantom(node)
            ? new Frame { Damage = BlobDamage.SourcePhantom, DamagedAt = forest.Rid(node) }
            : Expand(node, isRoot, source, batch.Add(), reader);
        if (isLast) source.Text.Arena?.Release();

        var (start, end) = forest.Children(node);
        if (start == end) return;

        made.Text.Arena?.Hold();
        _frames.Push(made with { NextChild = start, EndChild = end });
        FrameCountMax = Math.Max(FrameCountMax, _frames.Count);
    }

    private Frame Expand(int node, bool isRoot, in Frame source, WalkedBlob blob, BlobRowReader reader)
    {
        blob.Rid = forest.Rid(node);
        blob.SourceRid = forest.SourceRid(node);
        blob.RecordedSize = forest.Size(node);
        if (!TryMakeText(node, isRoot, source, blob, reader))
        {
            var spread = blob.Damage == BlobDamage.Loop ? BlobDamage.Loop : BlobDamage.SourceDamaged;
            return new Frame { Damage = spread, DamagedAt = blob.DamagedAt };
        }

        if (blob.Id.IsEmpty) blob.Fail(BlobDamage.BadName, blob.Rid, "its name is not 40 or 64 lower-case hex digits");
        blob.Slice = _taken;
        blob.Text = _taken.Memory;
        blob.Length = _taken.Length;
        _taken.Arena?.Hold();
        return new Frame { Text = _taken };
    }

    private bool TryMakeText(int node, bool isRoot, in Frame source, WalkedBlob blob, BlobRowReader reader)
    {
        _taken = default;
        if (isRoot && forest.Source(node) == BlobForest.NoSource) return reader.TryRead(blob, this);
        if (!isRoot && source.Damage == BlobDamage.None)
            return reader.TryReadDelta(blob) && TryApply(blob, source, reader.Delta);

        reader.ReadName(blob);
        var damage = !isRoot ? source.Damage
            : forest.Source(node) == BlobForest.LostSource ? BlobDamage.SourceMissing : BlobDamage.Loop;
        var at = isRoot ? blob.Rid : source.DamagedAt;
        blob.Fail(damage, at, damage switch
        {
            BlobDamage.SourceMissing => $"it is a delta of record {blob.SourceRid}, which does not exist",
            BlobDamage.SourcePhantom => $"it is a delta of record {blob.SourceRid}, whose content was never received",
            BlobDamage.Loop => "its delta chain runs in a circle",
            _ => $"it depends on record {at}, which is damaged",
        });
        return false;
    }

    private bool TryApply(WalkedBlob blob, in Frame source, ReadOnlySpan<byte> delta)
    {
        var reader = new DeltaReader(delta);
        var size = reader.TargetSize;
        if (size > TrustedTargetBytesMax)
        {
            while (reader.TryRead(out _))
            {
            }
        }

        var fault = reader.Fault;
        if (!fault.IsFault && size > options.TextBytesMax)
        {
            blob.Fail(
                BlobDamage.OverLimit, blob.Rid,
                $"its delta announces {size} bytes; at most {options.TextBytesMax} are read");
            return false;
        }

        if (!fault.IsFault)
        {
            _taken = TakeRoom(size);
            if (DeltaApplier.TryApply(source.Text.Span, delta, _taken.Span, out fault, verifyChecksum: false))
                return true;
            ((IPayloadRoom)this).Keep(0);
        }

        blob.Fail(BlobDamage.BadDelta, blob.Rid, $"its {fault}");
        return false;
    }

    private TextSlice TakeRoom(int size)
    {
        if (_arena is null || _arena.Free < size)
        {
            DropArena();
            _arena = pool.Rent(run, size);
        }

        return _arena.Take(size);
    }

    private void DropArena()
    {
        _arena?.Release();
        _arena = null;
    }

    /// <summary>A blob whose children are still to be made: its text, or why there is none.</summary>
    private readonly record struct Frame(
        TextSlice Text, BlobDamage Damage, RecordId DamagedAt, int NextChild, int EndChild);
}
