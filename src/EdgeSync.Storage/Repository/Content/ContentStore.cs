using System.Buffers;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage;

/// <summary>
/// The artifacts of a repository by content: names, full texts, deltas, phantoms, private ones.
/// <para>
/// It never links: each record whose text has become readable is queued in <see cref="NewlyAvailable"/>, which the
/// crosslinker drains before the transaction commits.
/// </para>
/// <para>
/// Nothing is stored unverified. A full text is hashed on its way in, and what is stored is the deflated form of the very
/// bytes that were hashed, so it needs no second pass at commit (stock inflates, expands and hashes everything again). A
/// delta is applied and its result hashed as soon as its source can be read; a delta whose source is still missing
/// counts as held but not as available, is checked when the source arrives, and becomes a phantom if it lied. At the
/// commit it is set aside (<see cref="WaitingDeltas"/>): every committed record is readable, or a phantom.
/// </para>
/// </summary>
public sealed class ContentStore : IDisposable
{
    private readonly Repository _repository;
    private readonly ContentCache _cache;
    private readonly ContentExpander _expander;
    private readonly BlobRows _rows;
    private readonly HashPolicySetting _policy;
    private readonly List<RecordId> _pending = [];
    private readonly HashSet<RecordId> _unavailable = [];
    private readonly WaitingDeltas _waiting;
    private long _dataVersion;

    internal ContentStore(Repository repository, RepositoryOptions options)
    {
        _repository = repository;
        ArtifactBytesMax = options.ArtifactBytesMax;
        _cache = new ContentCache(options.ContentCacheBytesMax);
        _expander = new ContentExpander(repository.Database, _cache, options.ArtifactBytesMax);
        _rows = new BlobRows(repository.Database);
        _waiting = new WaitingDeltas(repository.Database, _rows);
        _policy = new HashPolicySetting(repository);
        Deltas = new DeltaStore(repository.Database, this, _rows, _expander);
    }

    /// <summary>Records that became readable in this transaction, oldest first, for the crosslinker to take.</summary>
    public Queue<RecordId> NewlyAvailable { get; } = [];

    /// <summary>Turning full texts into deltas and back.</summary>
    public DeltaStore Deltas { get; }

    /// <summary>The largest artifact accepted.</summary>
    public int ArtifactBytesMax { get; }

    /// <summary>Why the last read answered <see cref="ContentState.Damaged"/>.</summary>
    public ContentFault LastFault => _expander.Fault;

    /// <summary>
    /// While true, deltas whose source is missing or unread are stored without a look, and nothing is queued: a clone that
    /// verifies and links everything at its end.
    /// </summary>
    public bool DefersVerification { get; set; }

    /// <summary>
    /// While true, public artifacts that come as deltas or in stored form are noted in <see cref="Unchecked"/> instead of being
    /// expanded and hashed one by one. Who sets it has them checked, all together, before the transaction commits.
    /// </summary>
    internal bool DefersChecks { get; set; }

    /// <summary>What <see cref="DefersChecks"/> let in.</summary>
    internal UncheckedArrivals Unchecked { get; } = new();

    /// <summary>How new artifacts are named.</summary>
    public HashPolicy HashPolicy
    {
        get => _policy.Value;
        set => _policy.Value = value;
    }

    private Database Database => _repository.Database;

    // --- looking up --------------------------------------------------------------------------------------------------

    /// <summary>The record of a name, phantom or not; none if unknown.</summary>
    public RecordId Find(ArtifactId id) => _rows.Find(id).Rid;

    /// <summary>Record and size of a name; the size of a phantom is -1.</summary>
    public bool TryFind(ArtifactId id, out RecordId rid, out long size)
    {
        (rid, size) = _rows.Find(id);
        return !rid.IsNone;
    }

    /// <summary>The name of a record; empty if there is none.</summary>
    public ArtifactId NameOf(RecordId rid) => _rows.NameOf(rid);

    /// <summary>Size of the expanded text; -1 for a phantom or an unknown record.</summary>
    public long SizeOf(RecordId rid) => _rows.SizeOf(rid);

    public bool IsPrivate(RecordId rid) => _rows.IsPrivate(rid);

    /// <summary>What the record is stored as a delta of; none for a full text.</summary>
    public RecordId SourceOf(RecordId rid) => _expander.SourceOf(rid);

    /// <summary>True if the text can be read: no phantom at the end of its delta chain.</summary>
    public bool IsAvailable(RecordId rid)
    {
        Validate();
        var steps = 0L;
        for (var at = rid; ; at = _expander.SourceOf(at))
        {
            if (at.IsNone || _cache.Contains(at)) return true;
            if (_unavailable.Contains(at) || _rows.SizeOf(at) < 0) break;
            if (++steps % 4096 == 0 && steps > Database.QueryInt64("SELECT count(*) FROM delta")) break;
        }

        _unavailable.Add(rid);
        return false;
    }

    // --- reading -----------------------------------------------------------------------------------------------------

    /// <summary>The text; dispose it. Null unless the answer is <see cref="ContentState.Available"/>.</summary>
    public ContentState Read(RecordId rid, out ArtifactContent? content)
    {
        Validate();
        return _expander.Expand(rid, out content);
    }

    /// <summary>The text; dispose it.</summary>
    /// <exception cref="EdgeSyncException">Not there, only a phantom, or damaged.</exception>
    public ArtifactContent Get(RecordId rid)
    {
        var state = Read(rid, out var content);
        return state == ContentState.Available ? content! : throw Explain(rid, state);
    }

    /// <inheritdoc cref="Get(RecordId)"/>
    public ArtifactContent Get(ArtifactId id)
    {
        var rid = Find(id);
        return rid.IsNone
            ? throw new EdgeSyncException(ErrorKind.NotFound, $"{_repository.Path} has no artifact {id}")
            : Get(rid);
    }

    /// <summary>
    /// A copy of the stored bytes (4-byte size and zlib stream) as they are, and what they are a delta of. False for a
    /// phantom or an unknown record.
    /// </summary>
    public bool TryReadStored(RecordId rid, out byte[] stored, out RecordId source)
    {
        stored = [];
        source = RecordId.None;
        using var select = Database.Prepare("SELECT content FROM blob WHERE rid=?1 AND size>=0");
        if (!select.Bind(1, rid).Step()) return false;

        stored = select.Bytes(0).ToArray();
        source = _expander.SourceOf(rid);
        return true;
    }

    // --- writing -----------------------------------------------------------------------------------------------------

    /// <summary>
    /// Stores a text that was made here and names it by the hash policy; content that is known under its other name
    /// keeps that. Answers the record, new or not.
    /// </summary>
    public RecordId Put(ReadOnlySpan<byte> text, bool isPrivate = false, bool isUnsent = false)
    {
        Invariant.Require(Database.IsInTransaction);
        var policy = HashPolicy;
        var id = default(ArtifactId);
        if (policy.OtherNames() is var other and not HashKind.None)
        {
            var known = ArtifactHash.Compute(other, text);
            if (!_rows.Find(known).Rid.IsNone) id = known;
        }

        if (id.IsEmpty) id = ArtifactHash.Compute(policy.NewNames(), text);
        var outcome = PutVerified(id, text, isPrivate, out var rid);
        if (outcome == PutOutcome.Shunned)
        {
            throw new EdgeSyncException(
                ErrorKind.Denied, $"artifact {id} is shunned in {_repository.Path}", $"edgesync repo shun --remove {id}");
        }

        if (outcome == PutOutcome.TooLarge)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"an artifact of {text.Length} bytes is over the limit of {ArtifactBytesMax}");
        }

        if (isUnsent && outcome == PutOutcome.Stored && !isPrivate) _rows.AddUnsent(rid);
        return rid;
    }

    /// <summary>Stores a text that somebody named, after hashing it.</summary>
    public PutOutcome PutText(ArtifactId id, ReadOnlySpan<byte> text, bool isPrivate, out RecordId rid)
    {
        Invariant.Require(Database.IsInTransaction);
        rid = RecordId.None;
        return ArtifactHash.Matches(id, text) ? PutVerified(id, text, isPrivate, out rid) : PutOutcome.WrongHash;
    }

    /// <summary>Stores a delta as a delta. A source that is not known becomes a phantom.</summary>
    public PutOutcome PutDelta(
        ArtifactId id, ArtifactId source, ReadOnlySpan<byte> delta, bool isPrivate, out RecordId rid)
    {
        Invariant.Require(Database.IsInTransaction);
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
    /// Stores bytes in stored form (4-byte size, zlib stream), as they come in a clone: of a full text, or of a delta if
    /// there is a <paramref name="source"/>.
    /// </summary>
    public PutOutcome PutStored(
        ArtifactId id, ArtifactId source, long expandedSize, ReadOnlySpan<byte> stored, bool isPrivate, out RecordId rid)
    {
        Invariant.Require(Database.IsInTransaction);
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

    /// <summary>Notes a name that we lack; answers its record, or none if it is shunned. Known names are left alone.</summary>
    public RecordId AddPhantom(ArtifactId id, bool isPrivate = false)
    {
        Invariant.Require(Database.IsInTransaction);
        var (rid, size) = _rows.Find(id);
        if (!rid.IsNone)
        {
            // One that was given up is asked for again.
            if (size < 0) _rows.RenewPhantom(rid);
            return rid;
        }

        if (_repository.Shuns.Contains(id)) return RecordId.None;

        rid = _rows.InsertPhantom(id);
        if (isPrivate) _rows.MakePrivate(rid);
        else _rows.AddUnclustered(rid);
        _unavailable.Add(rid);
        return rid;
    }

    /// <summary>Makes phantoms of all deltas whose source is missing.</summary>
    public void DropWaiting()
    {
        Invariant.Require(Database.IsInTransaction);
        _pending.Clear();
        _rows.ListWaiting(_pending);
        foreach (var rid in _pending) Empty(rid);
        _waiting.Clear();
    }

    /// <summary>Moves a record to the private or the public side.</summary>
    public void SetPrivate(RecordId rid, bool isPrivate)
    {
        if (isPrivate) _rows.MakePrivate(rid);
        else if (_rows.MakePublic(rid)) _rows.AddUnclustered(rid);
    }

    /// <summary>Puts a record on the list of what was made here and not yet pushed.</summary>
    public void MarkUnsent(RecordId rid) => _rows.AddUnsent(rid);

    /// <summary>Forgets what memory holds of the content, because the rows may have changed under it.</summary>
    public void ForgetCached()
    {
        _cache.Clear();
        _unavailable.Clear();
        _policy.Forget();
    }

    /// <summary>Before the commit: what still waits for its source leaves the readable records.</summary>
    internal void SetAsideWaiting()
    {
        if (!DefersVerification && _rows.HasNewSources) _waiting.ParkAll();
    }

    internal void OnTransactionEnded(bool committed)
    {
        _policy.Forget();
        _rows.HasNewSources = false;
        _waiting.OnTransaction();
        NewlyAvailable.Clear();
        Unchecked.Clear();
        DefersChecks = false;
        if (committed) return;

        // What was cached may never have been.
        ForgetCached();
    }

    public void Dispose()
    {
        _cache.Clear();
        _expander.Dispose();
    }

    /// <summary>True if the text of <paramref name="rid"/> is what its name says; false too if it cannot be read.</summary>
    internal bool IsTrue(RecordId rid)
    {
        if (_expander.Expand(rid, out var content) != ContentState.Available) return false;

        using (content) return ArtifactHash.Matches(_rows.NameOf(rid), content!.Span);
    }

    internal void Drop(RecordId rid) => _cache.Remove(rid);

    /// <summary>What is stored as a delta of this record.</summary>
    internal void ListDependants(RecordId rid, List<RecordId> dependants) => _rows.ListDependants(rid, dependants);

    /// <summary>Gives up the content of a record and keeps its name: a phantom again.</summary>
    internal void GiveUp(RecordId rid) => Empty(rid);

    // The bytes are known to be what the name says.
    private PutOutcome PutVerified(ArtifactId id, ReadOnlySpan<byte> text, bool isPrivate, out RecordId rid)
    {
        if (!TryPlace(id, isPrivate, mayReplacePending: true, out rid, out var outcome)) return outcome;
        if (text.Length > ArtifactBytesMax) return PutOutcome.TooLarge;

        var rented = ArrayPool<byte>.Shared.Rent(BlobCodec.GetEncodedLengthMax(text.Length));
        try
        {
            var size = BlobCodec.Encode(Deflater.OfThisThread, text, rented);
            Write(ref rid, id, text.Length, rented.AsSpan(0, size), isPrivate);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        using var copy = DefersVerification ? null : ArtifactContent.Copy(text);
        Arrived(rid, copy);
        return PutOutcome.Stored;
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

        if (DefersVerification || !IsAvailable(sourceRid))
        {
            if (!TryBreakCircle(rid, sourceRid)) return PutOutcome.Circular;

            Write(ref rid, id, size, stored, isPrivate);
            _rows.SetSource(rid, sourceRid);
            _unavailable.Add(rid);
            return PutOutcome.Pending;
        }

        using var sourceText = Get(sourceRid);
        if (_expander.Apply(rid, sourceText.Span, delta, out var text) != ContentState.Available) return PutOutcome.BadDelta;

        using (text)
        {
            if (!ArtifactHash.Matches(id, text!.Span)) return PutOutcome.WrongHash;

            // A public artifact never rests on a private one: those who may not see the source could not read it.
            if (!isPrivate && _rows.IsPrivate(sourceRid)) return PutVerified(id, text.Span, isPrivate, out rid);

            Write(ref rid, id, size, stored, isPrivate);
            _rows.SetSource(rid, sourceRid);
            Arrived(rid, text);
            return PutOutcome.Stored;
        }
    }

    // In a clone: the bytes go straight to the file, and the end of the clone looks at all of them on all cores.
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

        _rows.SetSource(rid, sourceRid);
        return PutOutcome.Pending;
    }

    private bool MayDeferCheck(ArtifactId source, bool isPrivate) =>
        DefersChecks && !isPrivate && (source.IsEmpty || !_rows.IsPrivate(Find(source)));

    // In a round of thousands: like a clone, but the check comes before the commit.
    private PutOutcome PutUnchecked(
        ArtifactId id, ArtifactId source, long size, ReadOnlySpan<byte> stored, out RecordId rid)
    {
        rid = RecordId.None;
        if (size < 0) return PutOutcome.BadCompression;
        if (id == source) return PutOutcome.Shunned;
        if (!TryPlace(id, isPrivate: false, mayReplacePending: source.IsEmpty, out rid, out var outcome)) return outcome;

        var sourceRid = source.IsEmpty ? RecordId.None : AddPhantom(source);
        if (!source.IsEmpty && sourceRid.IsNone) return PutOutcome.Shunned;

        // Circles are found by the check: looking for them here would follow every chain to its end.
        var wasKnown = !rid.IsNone;
        Write(ref rid, id, size, stored, isPrivate: false);
        _unavailable.Clear();
        Unchecked.Add(rid, wasKnown);
        if (sourceRid.IsNone) return PutOutcome.Stored;

        _rows.SetSource(rid, sourceRid);
        return PutOutcome.Pending;
    }

    // True: to be written, with the record in rid of a phantom, or of a delta that waits for its source in vain while the
    // text itself has come.
    private bool TryPlace(ArtifactId id, bool isPrivate, bool mayReplacePending, out RecordId rid, out PutOutcome outcome)
    {
        outcome = PutOutcome.Shunned;
        rid = RecordId.None;
        if (_repository.Shuns.Contains(id)) return false;

        (rid, var size) = _rows.Find(id);
        if (rid.IsNone || size < 0) return true;

        outcome = PutOutcome.AlreadyHeld;
        if (!isPrivate) SetPrivate(rid, isPrivate: false);
        return mayReplacePending && !DefersVerification && !IsAvailable(rid);
    }

    private void Write(ref RecordId rid, ArtifactId id, long size, ReadOnlySpan<byte> stored, bool isPrivate)
    {
        if (id.Kind == HashKind.Sha3 && HashPolicy == HashPolicy.Auto) HashPolicy = HashPolicy.Sha3;

        var receiveId = _repository.ReceiveLog.CurrentId();
        if (rid.IsNone)
        {
            rid = _rows.Insert(id, receiveId, size, stored);
            if (isPrivate) _rows.MakePrivate(rid);
            else _rows.AddUnclustered(rid);
            return;
        }

        _rows.Fill(rid, receiveId, size, stored);
        _rows.ClearSource(rid);
        _waiting.Forget(rid);
        if (isPrivate) _rows.MakePrivate(rid);
        else SetPrivate(rid, isPrivate: false);
    }

    /// <summary>The text of a record is here: checks and queues all that waited for it.</summary>
    private void Arrived(RecordId rid, ArtifactContent? text)
    {
        if (DefersVerification) return;

        if (text is not null) _cache.Add(rid, text);
        _unavailable.Remove(rid);
        NewlyAvailable.Enqueue(rid);

        _pending.Clear();
        _waiting.Unpark(rid);
        _rows.ListDependants(rid, _pending);
        while (_pending.Count > 0)
        {
            var waiting = _pending[^1];
            _pending.RemoveAt(_pending.Count - 1);
            _unavailable.Remove(waiting);
            if (!IsTrue(waiting))
            {
                // It lied, or its delta does not fit: keep the name, ask for it again.
                Empty(waiting);
                continue;
            }

            NewlyAvailable.Enqueue(waiting);
            _waiting.Unpark(waiting);
            _rows.ListDependants(waiting, _pending);
        }
    }

    /// <summary>
    /// Two peers may each hold what the other holds as a delta of it. If the source waits for the very record that is to
    /// be a delta of it, the one with the greater rid is given up and asked for again. If that is the one that just came
    /// (false), it is not kept. A peer that knows only such deltas is thus asked a few times, not for ever.
    /// </summary>
    private bool TryBreakCircle(RecordId rid, RecordId source)
    {
        if (rid.IsNone || DefersVerification) return true;

        var steps = 0L;
        for (var at = source; !at.IsNone;)
        {
            var next = WaitsFor(at);
            if (next == rid)
            {
                if (at < rid) return false;

                Empty(at);
                return true;
            }

            // A circle that another program left in the file.
            if (++steps % 4096 == 0 && steps > Database.QueryInt64("SELECT count(*) FROM blob")) return false;
            at = next;
        }

        return true;
    }

    private RecordId WaitsFor(RecordId rid)
    {
        var source = _expander.SourceOf(rid);
        return source.IsNone ? _waiting.SourceOf(rid) : source;
    }

    private void Empty(RecordId rid)
    {
        _rows.Empty(rid);
        _waiting.Forget(rid);
        _cache.Remove(rid);
        _unavailable.Add(rid);
    }

    private bool TryInflate(ReadOnlySpan<byte> stored, out ArtifactContent? payload)
    {
        payload = null;
        if (!BlobCodec.TryReadSize(stored, out var size) || size > ArtifactBytesMax || size > stored.Length * 1040L) return false;

        var room = ArtifactContent.Rent(size);
        if (BlobCodec.TryDecode(Inflater.OfThisThread, stored, room.Room, out var written, out _) && written == size)
        {
            payload = room;
            return true;
        }

        room.Dispose();
        return false;
    }

    // Other programs write too: what we remember is good only while the file has not changed behind us.
    private void Validate()
    {
        if (Database.IsInTransaction) return;

        var version = Database.DataVersion;
        if (version != _dataVersion) ForgetCached();
        _dataVersion = version;
    }

    internal void OnTransactionBegun()
    {
        _waiting.OnTransaction();
        var version = Database.DataVersion;
        if (version != _dataVersion) ForgetCached();
        _dataVersion = version;
    }

    private EdgeSyncException Explain(RecordId rid, ContentState state) => state switch
    {
        ContentState.Unknown => new(ErrorKind.NotFound, $"{_repository.Path} has no record {rid}"),
        ContentState.Phantom => new(
            ErrorKind.NotFound, $"artifact {NameOf(rid)} is known by name only: its content never arrived",
            "edgesync pull"),
        ContentState.SourceMissing => new(
            ErrorKind.NotFound, $"artifact {NameOf(rid)} is stored as a delta of something that never arrived",
            "edgesync pull"),
        _ => new(
            ErrorKind.Corrupt, $"artifact {NameOf(rid)} is damaged: at {NameOf(LastFault.Rid)}, {LastFault.Reason}",
            $"edgesync repo verify -R {_repository.Path}"),
    };
}
