using System.Buffers;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Delta;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Content;

/// <summary>
/// Changes how an artifact is stored, never its text: as a full text, or as a delta of a similar one.
/// </summary>
public sealed class DeltaStore
{
    // Spec: content.c: shorter texts are left alone, and a delta must save a quarter.
    private const int TextBytesMin = 50;

    private readonly Database _database;
    private readonly ContentStore _content;
    private readonly BlobRows _rows;
    private readonly ContentExpander _expander;

    internal DeltaStore(Database database, ContentStore content, BlobRows rows, ContentExpander expander) =>
        (_database, _content, _rows, _expander) = (database, content, rows, expander);

    /// <summary>
    /// Stores <paramref name="target"/> as a delta of whichever source makes the smallest one, if that saves a quarter.
    /// Left alone: a phantom, a text under 50 bytes, a delta (unless forced), a public artifact with a private source.
    /// Returns the bytes of storage saved.
    /// </summary>
    public long Deltify(RecordId target, ReadOnlySpan<RecordId> sources, bool force = false)
    {
        Invariant.Require(_database.IsInTransaction);
        if (target.IsNone || (!force && !_expander.SourceOf(target).IsNone)) return 0;
        if (_content.Read(target, out var text) != ContentState.Available) return 0;

        using (text)
        {
            if (text!.Length < TextBytesMin) return 0;

            var best = ArrayPool<byte>.Shared.Rent(BudgetOf(text.Length));
            var trial = ArrayPool<byte>.Shared.Rent(best.Length);
            try
            {
                var (source, size) = ChooseSource(target, text.Span, sources, ref best, ref trial);
                return source.IsNone ? 0 : Replace(target, source, best.AsSpan(0, size));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(best);
                ArrayPool<byte>.Shared.Return(trial);
            }
        }
    }

    /// <summary>Stores the record as a full text; false if it cannot be read.</summary>
    public bool Undelta(RecordId rid)
    {
        Invariant.Require(_database.IsInTransaction);
        if (_expander.SourceOf(rid).IsNone) return true;
        if (_content.Read(rid, out var text) != ContentState.Available) return false;

        using (text) StoreFull(rid, text!.Span);
        _rows.ClearSource(rid);
        return true;
    }

    /// <summary>Compresses a full text again; a delta is left alone.</summary>
    internal void Recompress(RecordId rid)
    {
        Invariant.Require(_database.IsInTransaction);
        if (!_expander.SourceOf(rid).IsNone || _content.Read(rid, out var text) != ContentState.Available) return;

        using (text) StoreFull(rid, text!.Span);
    }

    /// <summary>Makes full texts of all deltas of the record, so that it can be removed or become private.</summary>
    public void UndeltaDependants(RecordId source)
    {
        var dependants = new List<RecordId>();
        _rows.ListDependants(source, dependants);
        foreach (var dependant in dependants) Undelta(dependant);
    }

    private void StoreFull(RecordId rid, ReadOnlySpan<byte> text)
    {
        var rented = ArrayPool<byte>.Shared.Rent(BlobCodec.GetEncodedLengthMax(text.Length));
        _rows.Restore(rid, rented.AsSpan(0, BlobCodec.Encode(Deflater.OfThisThread, text, rented)));
        ArrayPool<byte>.Shared.Return(rented);
    }

    private static int BudgetOf(int length) => (int)Math.Ceiling(length * 0.75) - 1;

    private (RecordId Source, int Size) ChooseSource(
        RecordId target, ReadOnlySpan<byte> text, ReadOnlySpan<RecordId> sources, ref byte[] best, ref byte[] trial)
    {
        var chosen = RecordId.None;
        var budget = BudgetOf(text.Length);
        var isPublic = !_rows.IsPrivate(target);
        foreach (var source in sources)
        {
            if (source == target || source.IsNone || (isPublic && _rows.IsPrivate(source))) continue;
            if (RestsOn(source, target))
            {
                // Spec: content.c: such a source is made a full text, and not used this time.
                Undelta(source);
                continue;
            }

            if (_content.Read(source, out var candidate) != ContentState.Available) continue;

            using (candidate)
            {
                if (candidate!.Length < TextBytesMin) continue;
                if (!DeltaEncoder.TryEncode(candidate.Span, text, trial.AsSpan(0, budget), out var size)) continue;
                if (!Reproduces(candidate.Span, trial.AsSpan(0, size), text)) continue;

                (chosen, budget) = (source, size - 1);
                (best, trial) = (trial, best);
            }
        }

        return (chosen, budget + 1);
    }

    // Replaces stock's hashing before the commit: the text as read back is compared here, byte for byte.
    private static bool Reproduces(ReadOnlySpan<byte> source, ReadOnlySpan<byte> delta, ReadOnlySpan<byte> text)
    {
        var rented = ArrayPool<byte>.Shared.Rent(text.Length);
        try
        {
            var made = rented.AsSpan(0, text.Length);
            return DeltaApplier.TryApply(source, delta, made, out _, verifyChecksum: false) && made.SequenceEqual(text);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private bool RestsOn(RecordId rid, RecordId other)
    {
        var steps = 0L;
        for (var at = _expander.SourceOf(rid); !at.IsNone; at = _expander.SourceOf(at))
        {
            if (at == other) return true;
            if (++steps % 4096 == 0 && steps > _database.QueryInt64("SELECT count(*) FROM delta")) return true;
        }

        return false;
    }

    private long Replace(RecordId target, RecordId source, ReadOnlySpan<byte> delta)
    {
        using var select = _database.Prepare("SELECT length(content) FROM blob WHERE rid=?1");
        var before = select.Bind(1, target).Step() ? select.Int64(0) : 0;

        var rented = ArrayPool<byte>.Shared.Rent(BlobCodec.GetEncodedLengthMax(delta.Length));
        var size = BlobCodec.Encode(Deflater.OfThisThread, delta, rented);
        _rows.Restore(target, rented.AsSpan(0, size));
        _rows.SetSource(target, source);
        ArrayPool<byte>.Shared.Return(rented);
        return before - size;
    }
}
