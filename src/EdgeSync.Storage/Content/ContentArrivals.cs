using System.Buffers;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Content;

/// <summary>
/// Stores arriving artifacts: texts, deltas, stored forms, names only. Decides what is checked at once, what when its
/// source arrives, and what at the end of the round; <see cref="ContentStore"/> states the guarantee.
/// </summary>
internal sealed class ContentArrivals(
    Repository repository, ContentCache cache, ContentExpander expander, BlobRows rows, WaitingDeltas waiting,
    ReadableRecords readable)
{
    private const int QuickLevel = 1;

    private readonly List<RecordId> _pending = [];

    [ThreadStatic]
    private static Deflater? _quickOfThisThread;

    // Set while texts are compressed quickly, with the records of those that were.
    private bool _isQuick;
    private readonly List<RecordId> _quickly = [];

    /// <summary>Records that became readable in this transaction, oldest first.</summary>
    public Queue<RecordId> NewlyAvailable { get; } = [];

    /// <inheritdoc cref="ContentStore.DefersVerification"/>
    public bool DefersVerification { get; set; }

    /// <inheritdoc cref="ContentStore.DefersChecks"/>
    public bool DefersChecks { get; set; }

    /// <summary>The arrivals stored under <see cref="DefersChecks"/>.</summary>
    public UncheckedArrivals Unchecked { get; } = new();

    private Database Database => repository.Database;

    private int ArtifactBytesMax => repository.Content.ArtifactBytesMax;

    /// <summary>Stores a text with a given name, after hashing it.</summary>
    public PutOutcome PutText(ArtifactId id, ReadOnlySpan<byte> text, bool isPrivate, out RecordId rid)
    {
        rid = RecordId.None;
        return ArtifactHash.Matches(id, text) ? PutVerified(id, text, isPrivate, out rid) : PutOutcome.WrongHash;
    }

    /// <summary>Stores a delta as a delta. An unknown source becomes a phantom.</summary>
    public PutOutcome PutDelta(
        ArtifactId id, ArtifactId source, ReadOnlySpan<byte> delta, bool isPrivate, out RecordId rid)
    {
        rid = RecordId.None;
        if (!DeltaReader.TryReadTargetSize(delta, out var size)) return PutOutcome.BadDelta;
        if (size > ArtifactBytesMax) return PutOutcome.TooLarge;

        var rented = ArrayPool<byte>.Shared.Rent(BlobCodec.GetEncodedLengthMax(delta.Length));
        try
        {
            var stored = rented.AsSpan(0, BlobCodec.Encode(Deflater.OfThisThread, delta, rented));
            return MayDeferCheck(source, isPrivate)
                ? PutUnchecked(id, source, size, stored, out rid)
                : PutStoredDelta(id, source, size, delta, stored, isPrivate, out rid);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>
    /// Stores bytes in stored form (4-byte size, zlib stream), as they arrive in a clone: of a full text, or of a delta
    /// if there is a <paramref name="source"/>.
    /// </summary>
    public PutOutcome PutStored(
        ArtifactId id, ArtifactId source, long expandedSize, ReadOnlySpan<byte> stored, bool isPrivate,
        out RecordId rid)
    {
        rid = RecordId.None;
        if (expandedSize > ArtifactBytesMax) return PutOutcome.TooLarge;
        if (DefersVerification) return PutUnverified(id, source, expandedSize, stored, isPrivate, out rid);
        if (MayDeferCheck(source, isPrivate)) return PutUnchecked(id, source, expandedSize, stored, out rid);
        if (!TryInflate(stored, out var payload)) return PutOutcome.BadCompression;

        using (payload)
        {
            if (!source.IsEmpty)
            {
                if (!DeltaReader.TryReadTargetSize(payload!.Span, out var size)) return PutOutcome.BadDelta;
                if (size != expandedSize) return PutOutcome.BadCompression;
                return PutStoredDelta(id, source, size, payload.Span, stored, isPrivate, out rid);
            }

            if (payload!.Length != expandedSize) return PutOutcome.BadCompression;
            if (!ArtifactHash.Matches(id, payload.Span)) return PutOutcome.WrongHash;
            if (!TryPlace(id, isPrivate, mayReplacePending: true, out rid, out var outcome)) return outcome;

            Write(ref rid, id, payload.Length, stored, isPrivate);
            Arrived(rid, payload);
            return PutOutcome.Stored;
        }
    }

    /// <summary>
    /// Records a missing artifact's name; returns its record, or none if it is shunned. Known names are left alone.
    /// </summary>
    public RecordId AddPhantom(ArtifactId id, bool isPrivate = false)
    {
        var (rid, size) = rows.Find(id);
        if (!rid.IsNone)
        {
            // One that was given up is requested again.
            if (size < 0) rows.RenewPhantom(rid);
            return rid;
        }

        if (repository.Shuns.Contains(id)) return RecordId.None;

        rid = rows.InsertPhantom(id);
        if (isPrivate) rows.MakePrivate(rid);
        else rows.AddUnclustered(rid);
        readable.Exclude(rid);
        return rid;
    }

    /// <summary>Makes phantoms of all deltas whose source is missing.</summary>
    public void DropWaiting()
    {
        _pending.Clear();
        rows.ListWaiting(_pending);
        foreach (var record in _pending) GiveUp(record);
        waiting.Clear();
    }

    /// <summary>Stores a text whose hash was verified.</summary>
    public PutOutcome PutVerified(ArtifactId id, ReadOnlySpan<byte> text, bool isPrivate, out RecordId rid)
    {
        if (!TryPlace(id, isPrivate, mayReplacePending: true, out rid, out var outcome)) return outcome;
        if (text.Length > ArtifactBytesMax) return PutOutcome.TooLarge;

        var rented = ContentBuffers.Rent(BlobCodec.GetEncodedLengthMax(text.Length));
        try
        {
            var deflater = _isQuick ? _quickOfThisThread ??= new Deflater(QuickLevel) : Deflater.OfThisThread;
            var size = BlobCodec.Encode(deflater, text, rented);
            Write(ref rid, id, text.Length, rented.AsSpan(0, size), isPrivate);
            if (_isQuick) _quickly.Add(rid);
        }
        finally
        {
            ContentBuffers.Return(rented);
        }

        using var copy = DefersVerification || !cache.MayHold(text.Length) ? null : ArtifactContent.Copy(text);
        Arrived(rid, copy);
        return PutOutcome.Stored;
    }

    /// <inheritdoc cref="ContentStore.CompressQuickly"/>
    public void CompressQuickly() => _isQuick = true;

    /// <summary>Texts are compressed as always again; returns the records whose texts were compressed less.</summary>
    public List<RecordId> EndQuickly()
    {
        var records = _quickly.ToList();
        StopQuickly();
        return records;
    }

    /// <summary>Gives up the content of a record and keeps its name: a phantom again.</summary>
    public void GiveUp(RecordId rid)
    {
        rows.Empty(rid);
        waiting.Forget(rid);
        cache.Remove(rid);
        readable.Exclude(rid);
    }

    /// <summary>
    /// True if the text of <paramref name="rid"/> matches its name; false too if it cannot be read.
    /// </summary>
    public bool IsTrue(RecordId rid)
    {
        if (expander.Expand(rid, out var content) != ContentState.Available) return false;

        using (content) return ArtifactHash.Matches(rows.NameOf(rid), content!.Span);
    }

    /// <summary>Moves a record to the private or the public side.</summary>
    public void SetPrivate(RecordId rid, bool isPrivate)
    {
        if (isPrivate) rows.MakePrivate(rid);
        else if (rows.MakePublic(rid)) rows.AddUnclustered(rid);
    }

    public void OnTransactionEnded()
    {
        NewlyAvailable.Clear();
        Unchecked.Clear();
        DefersChecks = false;
        StopQuickly();
    }

    private void StopQuickly()
    {
        _isQuick = false;
        _quickly.Clear();
    }

    private PutOutcome PutStoredDelta(
        ArtifactId id, ArtifactId source, int size, ReadOnlySpan<byte> delta, ReadOnlySpan<byte> stored, bool isPrivate,
        out RecordId rid)
    {
        rid = RecordId.None;

        // Stock sends a file whose permission alone changed as a delta of itself.
        if (id == source) return PutOutcome.Circular;
        if (!TryPlace(id, isPrivate, mayReplacePending: false, out rid, out var outcome)) return outcome;

        var sourceRid = AddPhantom(source, isPrivate);
        if (sourceRid.IsNone) return PutOutcome.Shunned;

        if (DefersVerification || !readable.Contains(sourceRid))
        {
            if (!TryBreakCycle(rid, sourceRid)) return PutOutcome.Circular;

            Write(ref rid, id, size, stored, isPrivate);
            rows.SetSource(rid, sourceRid);
            readable.Exclude(rid);
            return PutOutcome.Pending;
        }

        using var sourceText = repository.Content.Get(sourceRid);
        if (expander.Apply(rid, sourceText.Span, delta, out var text) != ContentState.Available)
            return PutOutcome.BadDelta;

        using (text)
        {
            if (!ArtifactHash.Matches(id, text!.Span)) return PutOutcome.WrongHash;

            // A public artifact never has a private source: a user without the source could not read it.
            if (!isPrivate && rows.IsPrivate(sourceRid)) return PutVerified(id, text.Span, isPrivate, out rid);

            Write(ref rid, id, size, stored, isPrivate);
            rows.SetSource(rid, sourceRid);
            Arrived(rid, text);
            return PutOutcome.Stored;
        }
    }

    // In a clone: the bytes go straight to the file, and the end of the clone verifies all of them on all cores.
    private PutOutcome PutUnverified(
        ArtifactId id, ArtifactId source, long size, ReadOnlySpan<byte> stored, bool isPrivate, out RecordId rid)
    {
        rid = RecordId.None;
        if (size < 0) return PutOutcome.BadCompression;
        if (id == source) return PutOutcome.Circular;
        if (!TryPlace(id, isPrivate, mayReplacePending: false, out rid, out var outcome)) return outcome;

        var sourceRid = source.IsEmpty ? RecordId.None : AddPhantom(source, isPrivate);
        if (!source.IsEmpty && sourceRid.IsNone) return PutOutcome.Shunned;

        Write(ref rid, id, size, stored, isPrivate);
        if (sourceRid.IsNone) return PutOutcome.Stored;

        rows.SetSource(rid, sourceRid);
        return PutOutcome.Pending;
    }

    private bool MayDeferCheck(ArtifactId source, bool isPrivate) =>
        DefersChecks && !isPrivate && (source.IsEmpty || !rows.IsPrivate(rows.Find(source).Rid));

    // In a round of thousands: like a clone, but the check precedes the commit.
    private PutOutcome PutUnchecked(
        ArtifactId id, ArtifactId source, long size, ReadOnlySpan<byte> stored, out RecordId rid)
    {
        rid = RecordId.None;
        if (size < 0) return PutOutcome.BadCompression;
        if (id == source) return PutOutcome.Circular;
        if (!TryPlace(id, isPrivate: false, mayReplacePending: source.IsEmpty, out rid, out var outcome))
            return outcome;

        var sourceRid = source.IsEmpty ? RecordId.None : AddPhantom(source);
        if (!source.IsEmpty && sourceRid.IsNone) return PutOutcome.Shunned;

        // Delta cycles are found by the check: searching here would follow every chain to its end.
        var wasKnown = !rid.IsNone;
        Write(ref rid, id, size, stored, isPrivate: false);
        readable.Forget();
        Unchecked.Add(rid, wasKnown);
        if (sourceRid.IsNone) return PutOutcome.Stored;

        rows.SetSource(rid, sourceRid);
        return PutOutcome.Pending;
    }

    // True: to be written, into the record in rid of a phantom, or of a waiting delta whose own text has now arrived.
    private bool TryPlace(
        ArtifactId id, bool isPrivate, bool mayReplacePending, out RecordId rid, out PutOutcome outcome)
    {
        outcome = PutOutcome.Shunned;
        rid = RecordId.None;
        if (repository.Shuns.Contains(id)) return false;

        (rid, var size) = rows.Find(id);
        if (rid.IsNone || size < 0) return true;

        outcome = PutOutcome.AlreadyHeld;
        if (!isPrivate) SetPrivate(rid, isPrivate: false);
        return mayReplacePending && !DefersVerification && !readable.Contains(rid);
    }

    private void Write(ref RecordId rid, ArtifactId id, long size, ReadOnlySpan<byte> stored, bool isPrivate)
    {
        if (id.Kind == HashKind.Sha3 && repository.Content.HashPolicy == HashPolicy.Auto)
            repository.Content.HashPolicy = HashPolicy.Sha3;

        var receiveId = repository.ReceiveLog.CurrentId();
        if (rid.IsNone)
        {
            rid = rows.Insert(id, receiveId, size, stored);
            if (isPrivate) rows.MakePrivate(rid);
            else rows.AddUnclustered(rid);
            return;
        }

        rows.Fill(rid, receiveId, size, stored);
        rows.ClearSource(rid);
        waiting.Forget(rid);
        if (isPrivate) rows.MakePrivate(rid);
        else SetPrivate(rid, isPrivate: false);
    }

    /// <summary>The text of a record arrived: checks and queues all that waited for it.</summary>
    private void Arrived(RecordId rid, ArtifactContent? text)
    {
        if (DefersVerification) return;

        if (text is not null) cache.Add(rid, text);
        readable.Include(rid);
        NewlyAvailable.Enqueue(rid);

        _pending.Clear();
        waiting.Unpark(rid);
        rows.ListDependants(rid, _pending);
        while (_pending.Count > 0)
        {
            var dependant = _pending[^1];
            _pending.RemoveAt(_pending.Count - 1);
            readable.Include(dependant);
            if (!IsTrue(dependant))
            {
                // The hash does not match, or the delta does not apply: keep the name, request it again.
                GiveUp(dependant);
                continue;
            }

            NewlyAvailable.Enqueue(dependant);
            waiting.Unpark(dependant);
            rows.ListDependants(dependant, _pending);
        }
    }

    /// <summary>
    /// Two peers may each hold the other's artifact as a delta of their own. If the source waits for the very record
    /// that is to be a delta of it, the one with the greater rid is given up and requested again. If that is the new
    /// arrival (false), it is not kept. A peer with only such deltas thus gets a few requests, not endless ones.
    /// </summary>
    private bool TryBreakCycle(RecordId rid, RecordId source)
    {
        if (rid.IsNone || DefersVerification) return true;

        var steps = 0L;
        for (var at = source; !at.IsNone;)
        {
            var next = WaitsFor(at);
            if (next == rid)
            {
                if (at < rid) return false;

                GiveUp(at);
                return true;
            }

            // A cycle that another program left in the file.
            if (++steps % 4096 == 0 && steps > Database.QueryInt64("SELECT count(*) FROM blob")) return false;
            at = next;
        }

        return true;
    }

    private RecordId WaitsFor(RecordId rid)
    {
        var source = expander.SourceOf(rid);
        return source.IsNone ? waiting.SourceOf(rid) : source;
    }

    private bool TryInflate(ReadOnlySpan<byte> stored, out ArtifactContent? payload)
    {
        payload = null;
        if (!BlobCodec.TryReadSize(stored, out var size) || size > ArtifactBytesMax || size > stored.Length * 1040L)
            return false;

        var room = ArtifactContent.Rent(size);
        if (BlobCodec.TryDecode(Inflater.OfThisThread, stored, room.Room, out var written, out _) && written == size)
        {
            payload = room;
            return true;
        }

        room.Dispose();
        return false;
    }
}
