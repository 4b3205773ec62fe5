using EdgeSync.Browser.History;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Store;

/// <summary>
/// A repository in two files: contents as they were received, and an index of rounds that is read into memory when the
/// store opens (docs/adr/0088). Derived are only check-ins with their tags, and what sync asks for: phantoms, clusters,
/// what was not sent yet. A round that is taken back, or that a crash cut off, leaves nothing.
/// </summary>
/// <remarks>
/// <code>
///   contents  ── append ─▶ flush ─┐
///   records of the round ─────────┴─▶ index: append ─▶ flush = committed
/// </code>
/// </remarks>
public sealed class PageStore : IArtifactStore, IDisposable
{
    private const int ClusterDue = 100;
    private const int ClusterMembersMax = 800;

    private readonly IStoreFile _contentsHandle;
    private readonly IStoreFile _indexHandle;
    private readonly StoreTexts _texts;
    private readonly IndexFile _index;
    private readonly RecordWriter _round = new();
    private readonly StoreArrivals _arrivals;
    private readonly Dictionary<RecordId, RecordId> _predecessors = [];   // of this run's commits, for deltas
    private StoreAccess? _access;

    private PageStore(IStoreFile contents, IStoreFile index)
    {
        (_contentsHandle, _indexHandle) = (contents, index);
        _texts = new StoreTexts(contents);
        _arrivals = new StoreArrivals(_texts, _round);
        _index = new IndexFile(index);
        Config = new StoreConfig(this);
        Load();
    }

    public string? ProjectCode => Config.Get("project-code");

    public string ServerCode => Config.Get("server-code") ?? "";

    public IUnversionedStore Unversioned { get; } = new NoUnversionedFiles();

    public IConfigStore Config { get; }

    public ISyncedTableStore? Tables => null;

    public RecordId MaxRecordId => new(State.Rows.Count);

    /// <summary>Check-ins and their tags.</summary>
    public HistoryIndex History => State.History;

    /// <summary>Bytes of contents.</summary>
    public long ContentBytes => _texts.End;

    /// <summary>Artifacts that were made here and not sent yet.</summary>
    public int UnsentCount => State.Unsent.Count;

    /// <summary>A clone has begun and has not ended.</summary>
    public bool CloneIsOpen => State.CloneIsOpen;

    internal StoreState State { get; private set; } = new();

    /// <summary>Opens a store, or makes an empty one of two empty files, which it closes in the end.</summary>
    /// <exception cref="EdgeSyncException">The files are not a store.</exception>
    public static PageStore Open(IStoreFile contents, IStoreFile index, Entropy entropy)
    {
        var store = new PageStore(contents, index);
        if (store.ServerCode.Length > 0) return store;

        Invariant.Require(store.Begin(StoreAccess.Write, default));
        store.Config.Set("server-code", entropy.NextHex(40), 0);
        Invariant.Require(store.TryCommit(out _));
        return store;
    }

    // --- the round ---------------------------------------------------------------------------------------------------

    public bool Begin(StoreAccess access, Instant now)
    {
        Invariant.Require(_access is null);
        _access = access;
        return true;
    }

    // A page answers no requests, so there are no nonces.
    public bool TrySetSender(in Sender sender) => true;

    public bool TryCommit(out StoreFault fault)
    {
        Invariant.Require(_access is not null);
        fault = default;
        if (!_round.IsEmpty)
        {
            try
            {
                _texts.Flush();
                _index.Append(_round.Written, _texts.End);
            }
            catch
            {
                Rollback();
                throw;
            }

            _round.Clear();
        }

        _access = null;
        return true;
    }

    public void Rollback()
    {
        Invariant.Require(_access is not null);
        if (!_round.IsEmpty) Load();
        _access = null;
    }

    // --- looking up --------------------------------------------------------------------------------------------------

    public void Lookup(ReadOnlySpan<ArtifactId> ids, Span<ArtifactEntry> entries)
    {
        for (var i = 0; i < ids.Length; i++)
        {
            var flags = State.Shunned.Contains(ids[i]) ? ArtifactFlags.Shunned : ArtifactFlags.None;
            var rid = RecordId.None;
            if (State.ById.TryGetValue(ids[i], out var row))
            {
                rid = row.Rid;
                flags |= ArtifactFlags.Known;
                if (row.IsHeld) flags |= ArtifactFlags.Held;
                if (row.IsPrivate) flags |= ArtifactFlags.Private;
            }

            entries[i] = new ArtifactEntry(rid, flags);
        }
    }

    public int List(ArtifactList list, RecordId after, Span<ArtifactListing> target)
    {
        var count = 0;
        foreach (var row in RowsOf(list, after))
        {
            if (count == target.Length) break;
            if (IsIn(list, row)) target[count++] = new ArtifactListing(row.Rid, row.Id);
        }

        return count;
    }

    public bool Any(ArtifactList list)
    {
        Span<ArtifactListing> one = stackalloc ArtifactListing[1];
        return List(list, RecordId.None, one) == 1;
    }

    public bool IsLeaf(ArtifactId checkin) => History.IsLeaf(checkin);

    // --- reading -----------------------------------------------------------------------------------------------------

    public bool TryReadText(RecordId rid, out ArtifactText text)
    {
        text = default;
        if (State.Find(rid) is not { HasText: true } row || IsShunned(row)) return false;

        text = new ArtifactText { Id = row.Id, IsPrivate = row.IsPrivate, Bytes = _texts.TextOf(row) };
        return true;
    }

    public bool TryReadDelta(RecordId rid, out ArtifactText delta)
    {
        delta = default;
        if (State.Find(rid) is not { HasText: true, Source.IsNone: false } row || IsShunned(row)) return false;

        var source = State.Find(row.Source)!;
        if (IsShunned(source) || (source.IsPrivate && !row.IsPrivate)) return false;

        delta = new ArtifactText
        {
            Id = row.Id,
            Source = source.Id,
            SourceRid = source.Rid,
            IsPrivate = row.IsPrivate,
            Bytes = _texts.Unpack(row),
        };
        return true;
    }

    public void VisitStored(RecordId after, bool withPrivate, StoredVisitor visit)
    {
        for (var i = (int)after.Value; i < State.Rows.Count; i++)
        {
            var row = State.Rows[i];
            if (!row.HasText || IsShunned(row) || (row.IsPrivate && !withPrivate)) continue;

            var isDelta = TryReadDelta(row.Rid, out var delta);
            var stored = new StoredArtifact
            {
                Id = row.Id,
                Source = isDelta ? delta.Source : default,
                IsPrivate = row.IsPrivate,
                ExpandedSize = row.Size,
                Bytes = isDelta == !row.Source.IsNone
                    ? _texts.Stored(row)
                    : BlobCodec.Encode(Deflater.OfThisThread, _texts.TextOf(row)),
            };
            if (!visit(row.Rid, stored)) return;
        }
    }

    public long SizeOf(RecordId rid) => State.Find(rid) is { HasText: true } row ? row.Size : -1;

    public RecordId SourceOf(RecordId rid) =>
        State.Find(rid) is { HasText: true } row ? row.Source : RecordId.None;

    public RecordId SuggestDeltaBase(RecordId rid)
    {
        if (!_predecessors.TryGetValue(rid, out var source)) return RecordId.None;

        return State.Find(source) is { HasText: true, IsPrivate: false } ? source : RecordId.None;
    }

    /// <summary>The text of an artifact that is here.</summary>
    /// <exception cref="EdgeSyncException">It is missing, shunned, or its bytes are damaged.</exception>
    public ReadOnlyMemory<byte> Read(ArtifactId id)
    {
        if (IsReadable(id)) return _texts.TextOf(State.ById[id]);

        throw new EdgeSyncException(
            ErrorKind.NotFound, $"artifact {id.ToShortString()} is not here", "sync, then try again");
    }

    /// <summary>Whether the text of an artifact is here.</summary>
    public bool Holds(ArtifactId id) => State.ById.TryGetValue(id, out var row) && row.HasText;

    /// <summary>Whether <see cref="Read"/> has the text of an artifact.</summary>
    internal bool IsReadable(ArtifactId id) =>
        State.ById.TryGetValue(id, out var row) && row.HasText && !IsShunned(row);

    /// <summary>Artifacts whose name begins with these hex digits, at most two.</summary>
    internal List<ArtifactId> FindByPrefix(string prefix) =>
        [.. State.Rows.Where(r => r.HasText && r.Id.ToString().StartsWith(prefix, StringComparison.Ordinal))
            .Select(r => r.Id).Take(2)];

    /// <summary>Runs a round that writes; if it throws, the store is as before.</summary>
    internal T Write<T>(Instant now, Func<T> round)
    {
        Invariant.Require(Begin(StoreAccess.Write, now));
        var isDone = false;
        try
        {
            var result = round();
            isDone = true;
            Invariant.Require(TryCommit(out _));
            return result;
        }
        finally
        {
            if (!isDone) Rollback();
        }
    }

    // --- writing -----------------------------------------------------------------------------------------------------

    public PutOutcome PutText(ArtifactId id, ReadOnlySpan<byte> text, bool isPrivate, out RecordId rid)
    {
        RequireWriting();
        if (_arrivals.IsHeldAlready(id, isPrivate, out rid, out var outcome)) return outcome;
        if (text.Length > StoreTexts.ArtifactBytesMax) return PutOutcome.TooLarge;
        if (!ArtifactHash.Matches(id, text)) return PutOutcome.WrongHash;

        return _arrivals.PutChecked(
            id, text.ToArray(), BlobCodec.Encode(Deflater.OfThisThread, text), isPrivate, out rid);
    }

    public PutOutcome PutDelta(
        ArtifactId id, ArtifactId source, ReadOnlySpan<byte> delta, bool isPrivate, out RecordId rid)
    {
        RequireWriting();
        if (_arrivals.IsHeldAlready(id, isPrivate, out rid, out var outcome)) return outcome;

        return _arrivals.PutDelta(
            id, source, delta, BlobCodec.Encode(Deflater.OfThisThread, delta), isPrivate, out rid);
    }

    public PutOutcome PutStored(
        ArtifactId id, ArtifactId source, long expandedSize, ReadOnlySpan<byte> stored, bool isPrivate,
        out RecordId rid)
    {
        RequireWriting();
        if (_arrivals.IsHeldAlready(id, isPrivate, out rid, out var outcome)) return outcome;
        if (!BlobCodec.TryDecode(
            Inflater.OfThisThread, stored, StoreTexts.ArtifactBytesMax, out var bytes, out var fault))
            return fault == BlobFault.OverLimit ? PutOutcome.TooLarge : PutOutcome.BadCompression;
        if (!source.IsEmpty) return _arrivals.PutDelta(id, source, bytes, stored, isPrivate, out rid);
        if (bytes.Length != expandedSize) return PutOutcome.BadCompression;

        return ArtifactHash.Matches(id, bytes)
            ? _arrivals.PutChecked(id, bytes, stored, isPrivate, out rid)
            : PutOutcome.WrongHash;
    }

    public void AddPhantoms(ReadOnlySpan<ArtifactId> ids, bool isPrivate)
    {
        RequireWriting();
        foreach (var id in ids)
            if (!State.Shunned.Contains(id))
                _arrivals.RowFor(id, isPrivate);
    }

    // Each arrival is linked as soon as its text is known.
    public void LinkArrived()
    {
    }

    public PeerMark? FindPeerMark(string peer) => State.PeerMarks.TryGetValue(peer, out var mark) ? mark : null;

    public void SetPeerMark(string peer, PeerMark mark)
    {
        RequireWriting();
        State.PeerMarks[peer] = mark;
        _round.Begin(RecordKind.PeerMark).Text(peer).Int32((int)mark.Through.Value).Int64(mark.ComparedAt.UnixTicks);
    }

    public void DropWaiting()
    {
        RequireWriting();
        _arrivals.DropWaiting();
    }

    public void SetPrivate(RecordId rid, bool isPrivate)
    {
        RequireWriting();
        _arrivals.SetPrivate(State.Find(rid)!, isPrivate);
    }

    public void ClearUnsent(ReadOnlySpan<RecordId> rids)
    {
        RequireWriting();
        foreach (var rid in rids)
            if (State.Unsent.Remove(rid))
                _round.Begin(RecordKind.Sent).Int32((int)rid.Value);
    }

    public void MakeClusters()
    {
        RequireWriting();
        var due = State.Unclustered.Select(rid => State.Find(rid)!)
            .Where(r => r.HasText && !r.IsPrivate && !IsShunned(r)).Select(r => r.Id).ToList();
        if (due.Count < ClusterDue) return;

        due.Sort();
        for (var at = 0; at < due.Count;)
        {
            var left = due.Count - at;
            var size = left > ClusterMembersMax + ClusterDue ? ClusterMembersMax : left;
            var text = ArtifactDraft.Cluster(due.GetRange(at, size)).ToBytes();
            PutText(ArtifactHash.Compute(HashKind.Sha3, text), text, isPrivate: false, out _);
            at += size;
        }
    }

    /// <summary>Adds an artifact that was made here: it is sent by the next session.</summary>
    /// <param name="predecessor">What a delta of it may be made from; empty: nothing.</param>
    internal ArtifactId Add(ReadOnlySpan<byte> text, ArtifactId predecessor = default)
    {
        var id = ArtifactHash.Compute(HashKind.Sha3, text);
        if (PutText(id, text, isPrivate: false, out var rid) != PutOutcome.Stored) return id;

        State.Unsent.Add(rid);
        _round.Begin(RecordKind.Unsent).Int32((int)rid.Value);
        if (!predecessor.IsEmpty && State.ById.TryGetValue(predecessor, out var row) && row.Rid < rid)
            _predecessors[rid] = row.Rid;
        return id;
    }

    /// <summary>A record of the round; the caller changes the state that it stands for.</summary>
    internal RecordWriter Record(RecordKind kind)
    {
        RequireWriting();
        return _round.Begin(kind);
    }

    internal void SetConfig(string name, string? value, long mtime)
    {
        RequireWriting();
        State.SetConfig(name, value, mtime);
        _round.Begin(RecordKind.Config).Text(name).Text(value).Int64(mtime);
    }

    internal bool Shun(ArtifactId id)
    {
        RequireWriting();
        if (!State.Shunned.Add(id)) return false;

        _round.Begin(RecordKind.Shun).Id(id);
        return true;
    }

    // --- clone -------------------------------------------------------------------------------------------------------

    public void SetProjectCode(string projectCode)
    {
        Invariant.Require(ProjectCode is null);
        SetConfig("project-code", projectCode, 0);
    }

    public void StartClone() => SetConfig(StoreState.CloneKey, "1", 0);

    /// <summary>
    /// Everything was verified and linked as it arrived. Deltas whose source never came become phantoms.
    /// </summary>
    public void FinishClone(Instant now)
    {
        Invariant.Require(Begin(StoreAccess.Write, now));
        DropWaiting();
        SetConfig(StoreState.CloneKey, null, 0);
        Invariant.Require(TryCommit(out _));
    }

    public void Dispose()
    {
        _contentsHandle.Dispose();
        _indexHandle.Dispose();
    }

    // --- inside ------------------------------------------------------------------------------------------------------

    private void RequireWriting() => Invariant.Require(_access == StoreAccess.Write);

    private void Load()
    {
        _round.Clear();
        _predecessors.Clear();
        var state = new StoreState();
        _texts.Load(state, _index.Load(state.Apply));
        state.FindWaiting();
        State = _arrivals.State = state;
    }

    private bool IsShunned(StoreRow row) => State.Shunned.Count > 0 && State.Shunned.Contains(row.Id);

    private IEnumerable<StoreRow> RowsOf(ArtifactList list, RecordId after)
    {
        var set = list switch
        {
            ArtifactList.Unclustered => State.Unclustered,
            ArtifactList.Unsent => State.Unsent,
            ArtifactList.Phantoms or ArtifactList.PrivatePhantoms => State.Phantoms,
            _ => null,
        };
        if (set is null) return State.Rows.Skip((int)after.Value);

        return set.GetViewBetween(new RecordId(after.Value + 1), new RecordId(int.MaxValue))
            .Select(rid => State.Find(rid)!);
    }

    private bool IsIn(ArtifactList list, StoreRow row) => !IsShunned(row) && list switch
    {
        ArtifactList.Phantoms => !row.IsPrivate,
        ArtifactList.PrivatePhantoms => row.IsPrivate,
        ArtifactList.Private => row.HasText && row.IsPrivate,
        ArtifactList.Clusters => row.HasText && row is { IsPrivate: false, IsCluster: true },
        _ => row.HasText && !row.IsPrivate,
    };
}
