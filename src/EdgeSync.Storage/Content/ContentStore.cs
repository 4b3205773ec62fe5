using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Content;

/// <summary>
/// The artifacts of a repository by content: names, full texts, deltas, phantoms, private ones.
/// <para>
/// It never links: each record whose text has become readable is queued in <see cref="NewlyAvailable"/>, which the
/// crosslinker drains before the transaction commits.
/// </para>
/// <para>
/// Nothing is stored unverified. A full text is hashed on its way in, and what is stored is the deflated form of the
/// very bytes that were hashed, so it needs no second pass at commit (stock inflates, expands and hashes everything
/// again). A delta is applied and its result hashed as soon as its source can be read; a delta whose source is still
/// missing counts as held but not as available, is checked when the source arrives, and becomes a phantom if its hash
/// differs. At the commit it is set aside (<see cref="WaitingDeltas"/>): every committed record is readable, or a
/// phantom.
/// </para>
/// </summary>
public sealed class ContentStore : IDisposable
{
    private readonly Repository _repository;
    private readonly ContentCache _cache;
    private readonly ContentExpander _expander;
    private readonly BlobRows _rows;
    private readonly HashPolicySetting _policy;
    private readonly ReadableRecords _readable;
    private readonly ContentArrivals _arrivals;
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
        _readable = new ReadableRecords(repository.Database, _rows, _cache, _expander);
        _arrivals = new ContentArrivals(repository, _cache, _expander, _rows, _waiting, _readable);
        _policy = new HashPolicySetting(repository);
        Deltas = new DeltaStore(repository.Database, this, _rows, _expander);
    }

    /// <summary>Records that became readable in this transaction, oldest first, for the crosslinker to take.</summary>
    public Queue<RecordId> NewlyAvailable => _arrivals.NewlyAvailable;

    /// <summary>Turning full texts into deltas and back.</summary>
    public DeltaStore Deltas { get; }

    /// <summary>The largest artifact accepted.</summary>
    public int ArtifactBytesMax { get; }

    /// <summary>Why the last read returned <see cref="ContentState.Damaged"/>.</summary>
    public ContentFault LastFault => _expander.Fault;

    /// <summary>
    /// While true, deltas whose source is missing or unread are stored unchecked, and nothing is queued: a clone
    /// verifies and links everything at its end.
    /// </summary>
    public bool DefersVerification
    {
        get => _arrivals.DefersVerification;
        set => _arrivals.DefersVerification = value;
    }

    /// <summary>
    /// While true, public artifacts that arrive as deltas or in stored form are listed in <see cref="Unchecked"/>
    /// instead of being expanded and hashed one by one. The setter has to check them, all together, before the
    /// transaction commits.
    /// </summary>
    internal bool DefersChecks
    {
        get => _arrivals.DefersChecks;
        set => _arrivals.DefersChecks = value;
    }

    /// <summary>The arrivals stored under <see cref="DefersChecks"/>.</summary>
    internal UncheckedArrivals Unchecked => _arrivals.Unchecked;

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
        return _readable.Contains(rid);
    }

    // --- reading -----------------------------------------------------------------------------------------------------

    /// <summary>The text; dispose it. Null unless the result is <see cref="ContentState.Available"/>.</summary>
    public ContentState Read(RecordId rid, out ArtifactContent? content)
    {
        Validate();
        return _expander.Expand(rid, out content);
    }

    /// <summary>The text; dispose it.</summary>
    /// <exception cref="EdgeSyncException">It does not exist, is a phantom, or is damaged.</exception>
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
    /// Stores a local text and names it by the hash policy; content with a stored name under the other hash keeps that.
    /// Returns the record, new or not.
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
        var outcome = _arrivals.PutVerified(id, text, isPrivate, out var rid);
        if (outcome == PutOutcome.Shunned)
        {
            throw new EdgeSyncException(
                ErrorKind.Denied, $"artifact {id} is shunned in {_repository.Path}", $"edgesync repo unshun {id}");
        }

        if (outcome == PutOutcome.TooLarge)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"an artifact of {text.Length} bytes is over the limit of {ArtifactBytesMax}");
        }

        if (isUnsent && outcome == PutOutcome.Stored && !isPrivate) _rows.AddUnsent(rid);
        return rid;
    }

    /// <summary>
    /// Until <see cref="CompressWell"/> or the end of the transaction, texts are stored with a quick compression: most
    /// of those that an import brings become deltas before it ends.
    /// </summary>
    internal void CompressQuickly()
    {
        Invariant.Require(Database.IsInTransaction);
        _arrivals.CompressQuickly();
    }

    /// <summary>Compresses again, as always, what was stored quickly and has not become a delta.</summary>
    internal void CompressWell()
    {
        foreach (var rid in _arrivals.EndQuickly()) Deltas.Recompress(rid);
    }

    /// <summary>Stores a text with a given name, after hashing it.</summary>
    public PutOutcome PutText(ArtifactId id, ReadOnlySpan<byte> text, bool isPrivate, out RecordId rid)
    {
        Invariant.Require(Database.IsInTransaction);
        return _arrivals.PutText(id, text, isPrivate, out rid);
    }

    /// <summary>Stores a delta as a delta. An unknown source becomes a phantom.</summary>
    public PutOutcome PutDelta(
        ArtifactId id, ArtifactId source, ReadOnlySpan<byte> delta, bool isPrivate, out RecordId rid)
    {
        Invariant.Require(Database.IsInTransaction);
        return _arrivals.PutDelta(id, source, delta, isPrivate, out rid);
    }

    /// <summary>
    /// Stores bytes in stored form (4-byte size, zlib stream), as they arrive in a clone: of a full text, or of a delta
    /// if there is a <paramref name="source"/>.
    /// </summary>
    public PutOutcome PutStored(
        ArtifactId id, ArtifactId source, long expandedSize, ReadOnlySpan<byte> stored, bool isPrivate,
        out RecordId rid)
    {
        Invariant.Require(Database.IsInTransaction);
        return _arrivals.PutStored(id, source, expandedSize, stored, isPrivate, out rid);
    }

    /// <summary>
    /// Records a missing artifact's name; returns its record, or none if it is shunned. Known names are left alone.
    /// </summary>
    public RecordId AddPhantom(ArtifactId id, bool isPrivate = false)
    {
        Invariant.Require(Database.IsInTransaction);
        return _arrivals.AddPhantom(id, isPrivate);
    }

    /// <summary>Makes phantoms of all deltas whose source is missing.</summary>
    public void DropWaiting()
    {
        Invariant.Require(Database.IsInTransaction);
        _arrivals.DropWaiting();
    }

    /// <summary>Moves a record to the private or the public side.</summary>
    public void SetPrivate(RecordId rid, bool isPrivate) => _arrivals.SetPrivate(rid, isPrivate);

    /// <summary>Adds a record to the list of local artifacts not yet pushed.</summary>
    public void MarkUnsent(RecordId rid) => _rows.AddUnsent(rid);

    /// <summary>Texts that are kept for the next reader.</summary>
    internal long CachedBytes => _cache.Bytes;

    /// <summary>Drops cached content, because the rows may have changed.</summary>
    public void ForgetCached()
    {
        _cache.Clear();
        _readable.Forget();
        _policy.Forget();
    }

    /// <summary>Before the commit: deltas that still wait for their source leave the readable records.</summary>
    internal void SetAsideWaiting()
    {
        if (!DefersVerification && _rows.HasNewSources) _waiting.ParkAll();
    }

    internal void OnTransactionEnded(bool committed)
    {
        _policy.Forget();
        _rows.HasNewSources = false;
        _waiting.OnTransaction();
        _arrivals.OnTransactionEnded();
        if (committed) return;

        // The cached content may have been rolled back.
        ForgetCached();
    }

    public void Dispose()
    {
        _cache.Clear();
        _expander.Dispose();
    }

    /// <summary>
    /// True if the text of <paramref name="rid"/> matches its name; false too if it cannot be read.
    /// </summary>
    internal bool IsTrue(RecordId rid) => _arrivals.IsTrue(rid);

    internal void Drop(RecordId rid) => _cache.Remove(rid);

    /// <summary>What is stored as a delta of this record.</summary>
    internal void ListDependants(RecordId rid, List<RecordId> dependants) => _rows.ListDependants(rid, dependants);

    /// <summary>Gives up the content of a record and keeps its name: a phantom again.</summary>
    internal void GiveUp(RecordId rid) => _arrivals.GiveUp(rid);

    // Other programs write too: the cache is valid only while the file has not changed.
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
            "edgesync repo pull"),
        ContentState.SourceMissing => new(
            ErrorKind.NotFound, $"artifact {NameOf(rid)} is stored as a delta of something that never arrived",
            "edgesync repo pull"),
        _ => new(
            ErrorKind.Corrupt, $"artifact {NameOf(rid)} is damaged: at {NameOf(LastFault.Rid)}, {LastFault.Reason}",
            $"edgesync repo verify -R {_repository.Path}"),
    };
}
