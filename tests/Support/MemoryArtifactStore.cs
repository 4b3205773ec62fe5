using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Tests.Support;

/// <summary>
/// A correct repository in memory: texts, deltas as they came, phantoms made by what artifacts refer to, clusters,
/// private artifacts, shun list. A round works on a copy of the state, so taking it back is exact.
/// </summary>
internal sealed class MemoryArtifactStore : IArtifactStore
{
    private const int ClusterDue = 100;
    private const int ClusterMembersMax = 800;

    private MemoryState _committed;
    private MemoryState _state;
    private StoreAccess? _access;
    private Instant _now;

    public MemoryArtifactStore(string? projectCode, string serverCode)
    {
        _committed = new MemoryState { ProjectCode = projectCode };
        _state = _committed;
        ServerCode = serverCode;
        Unversioned = new MemoryUnversioned(() => _state.Unversioned);
        Config = new MemoryConfig(() => _state);
        Tables = new MemoryTables(() => _state);
    }

    public string? ProjectCode => _state.ProjectCode;

    public string ServerCode { get; }

    public IUnversionedStore Unversioned { get; }

    public IConfigStore Config { get; }

    public ISyncedTableStore? Tables { get; }

    public bool IsReadOnly { get; set; }

    public bool InRound => _access is not null;

    public bool CloneIsOpen => _state.CloneIsOpen;

    public IReadOnlyDictionary<ArtifactId, MemoryRow> Rows => _state.ById;

    /// <summary>The state that a crash would leave: what was committed.</summary>
    public void Crash()
    {
        _state = _committed;
        _access = null;
    }

    // --- round -------------------------------------------------------------------------------------------------------

    public bool Begin(StoreAccess access, Instant now)
    {
        Invariant.Require(_access is null);
        if (access == StoreAccess.Write && IsReadOnly) return false;

        _access = access;
        _now = now;
        if (access == StoreAccess.Write) _state = _committed.Copy();
        return true;
    }

    public bool TrySetSender(in Sender sender) => sender.Nonce is null || Writing().Nonces.Add(sender.Nonce);

    public bool TryCommit(out StoreFault fault)
    {
        Invariant.Require(_access is not null);
        fault = default;
        if (_access == StoreAccess.Write) _committed = _state;
        _access = null;
        return true;
    }

    public void Rollback()
    {
        Invariant.Require(_access is not null);
        _state = _committed;
        _access = null;
    }

    // --- looking up --------------------------------------------------------------------------------------------------

    public void Lookup(ReadOnlySpan<ArtifactId> ids, Span<ArtifactEntry> entries)
    {
        for (var i = 0; i < ids.Length; i++)
        {
            var flags = _state.Shunned.Contains(ids[i]) ? ArtifactFlags.Shunned : ArtifactFlags.None;
            var rid = RecordId.None;
            if (_state.ById.TryGetValue(ids[i], out var row))
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
        Invariant.Require(_access is not null);
        var count = 0;
        for (var i = (int)after.Value; i < _state.ByRid.Count && count < target.Length; i++)
        {
            var row = _state.ByRid[i];
            if (!_state.Shunned.Contains(row.Id) && IsIn(list, row))
                target[count++] = new ArtifactListing(row.Rid, row.Id);
        }

        return count;
    }

    public bool Any(ArtifactList list) => List(list, RecordId.None, new ArtifactListing[1]) == 1;

    public RecordId MaxRecordId => new(_state.ByRid.Count);

    public bool IsLeaf(ArtifactId checkin) => _state.ById.TryGetValue(checkin, out var row)
        && row.Text is not null
        && !_state.ByRid.Any(
            r => r.Artifact is { Kind: ArtifactKind.CheckIn } child && child.Parents.Contains(checkin));

    // --- reading -----------------------------------------------------------------------------------------------------

    public bool TryReadText(RecordId rid, out ArtifactText text)
    {
        text = default;
        if (RowOf(rid) is not { Text: { } bytes } row || _state.Shunned.Contains(row.Id)) return false;

        text = new ArtifactText { Id = row.Id, IsPrivate = row.IsPrivate, Bytes = bytes };
        return true;
    }

    public bool TryReadDelta(RecordId rid, out ArtifactText delta)
    {
        delta = default;
        if (RowOf(rid) is not { Text: not null, Delta: { } bytes } row) return false;

        var source = _state.ByRid[(int)row.SourceRid.Value - 1];
        if (_state.Shunned.Contains(row.Id) || _state.Shunned.Contains(source.Id)) return false;
        if (source.IsPrivate && !row.IsPrivate) return false;

        delta = new ArtifactText
        {
            Id = row.Id,
            Source = source.Id,
            SourceRid = source.Rid,
            IsPrivate = row.IsPrivate,
            Bytes = bytes,
        };
        return true;
    }

    public void VisitStored(RecordId after, bool withPrivate, StoredVisitor visit)
    {
        using var deflater = new Deflater();
        for (var rid = new RecordId(after.Value + 1); rid <= MaxRecordId; rid = new RecordId(rid.Value + 1))
        {
            if (RowOf(rid) is not { Text: { } bytes } row || _state.Shunned.Contains(row.Id)) continue;
            if (row.IsPrivate && !withPrivate) continue;

            var isDelta = TryReadDelta(rid, out var delta);
            var stored = new StoredArtifact
            {
                Id = row.Id,
                Source = isDelta ? delta.Source : default,
                IsPrivate = row.IsPrivate,
                ExpandedSize = bytes.Length,
                Bytes = row.Stored ?? BlobCodec.Encode(deflater, isDelta ? delta.Bytes : bytes),
            };
            if (!visit(rid, stored)) return;
        }
    }

    public long SizeOf(RecordId rid) => RowOf(rid)?.Text?.Length ?? -1;

    public RecordId SourceOf(RecordId rid) =>
        RowOf(rid) is { Text: not null, Delta: not null } row ? row.SourceRid : RecordId.None;

    public RecordId SuggestDeltaBase(RecordId rid)
    {
        if (RowOf(rid) is not { Predecessor: var id } || id.IsEmpty) return RecordId.None;

        return _state.ById.TryGetValue(id, out var row) && row is { Text: not null, IsPrivate: false }
            ? row.Rid
            : RecordId.None;
    }

    // --- writing -----------------------------------------------------------------------------------------------------

    public PutOutcome PutText(ArtifactId id, ReadOnlySpan<byte> text, bool isPrivate, out RecordId rid)
    {
        if (IsHeldAlready(id, isPrivate, out rid, out var outcome)) return outcome;
        if (!ArtifactHash.Matches(id, text)) return PutOutcome.WrongHash;

        var row = RowFor(id, isPrivate);
        rid = row.Rid;
        Replace(row with { Text = text.ToArray(), IsPrivate = isPrivate });
        _state.Waiting.Remove(rid);
        Settle(rid);
        return PutOutcome.Stored;
    }

    public PutOutcome PutDelta(
        ArtifactId id, ArtifactId source, ReadOnlySpan<byte> delta, bool isPrivate, out RecordId rid)
    {
        if (IsHeldAlready(id, isPrivate, out rid, out var outcome)) return outcome;
        if (id == source) return PutOutcome.Circular;

        var sourceRow = RowFor(source, isPrivate);
        if (sourceRow.Text is { } sourceText)
        {
            if (!DeltaApplier.TryApply(sourceText, delta, 1 << 28, out var text, out _)) return PutOutcome.BadDelta;
            if (!ArtifactHash.Matches(id, text)) return PutOutcome.WrongHash;

            var row = RowFor(id, isPrivate);
            rid = row.Rid;
            Replace(
                row with { Text = text, Delta = delta.ToArray(), SourceRid = sourceRow.Rid, IsPrivate = isPrivate });
            _state.Waiting.Remove(rid);
            Settle(rid);
            return PutOutcome.Stored;
        }

        if (RestsOn(sourceRow, id)) return PutOutcome.Circular;

        var pending = RowFor(id, isPrivate);
        rid = pending.Rid;
        Replace(pending with { Delta = delta.ToArray(), SourceRid = sourceRow.Rid, IsPrivate = isPrivate });
        _state.Waiting.Add(rid);
        return PutOutcome.Pending;
    }

    public PutOutcome PutStored(
        ArtifactId id, ArtifactId source, long expandedSize, ReadOnlySpan<byte> stored, bool isPrivate,
        out RecordId rid)
    {
        rid = RecordId.None;
        using var inflater = new Inflater();
        if (!BlobCodec.TryDecode(inflater, stored, 1 << 28, out var bytes, out _)) return PutOutcome.BadCompression;
        if (source.IsEmpty && bytes.Length != expandedSize) return PutOutcome.BadCompression;

        var outcome = source.IsEmpty
            ? PutText(id, bytes, isPrivate, out rid)
            : PutDelta(id, source, bytes, isPrivate, out rid);
        if (outcome is PutOutcome.Stored or PutOutcome.Pending) Replace(RowOf(rid)! with { Stored = stored.ToArray() });
        return outcome;
    }

    public void AddPhantoms(ReadOnlySpan<ArtifactId> ids, bool isPrivate)
    {
        Writing();
        foreach (var id in ids)
            if (!_state.Shunned.Contains(id))
                RowFor(id, isPrivate);
    }

    public void LinkArrived() => Writing();

    public PeerMark? FindPeerMark(string peer) => _state.PeerMarks.TryGetValue(peer, out var mark) ? mark : null;

    public void SetPeerMark(string peer, PeerMark mark) => Writing().PeerMarks[peer] = mark;

    public void DropWaiting()
    {
        Writing();
        foreach (var rid in _state.Waiting)
            Replace(RowOf(rid)! with { Delta = null, Stored = null, SourceRid = RecordId.None });
        _state.Waiting.Clear();
    }

    public void SetPrivate(RecordId rid, bool isPrivate)
    {
        Writing();
        var row = _state.ByRid[(int)rid.Value - 1];
        Replace(row with { IsPrivate = isPrivate });
        if (!isPrivate) _state.Unclustered.Add(rid);
    }

    public void ClearUnsent(ReadOnlySpan<RecordId> rids)
    {
        Writing();
        foreach (var rid in rids) _state.Unsent.Remove(rid);
    }

    public void MakeClusters()
    {
        Writing();
        var due = this.Walk(ArtifactList.Unclustered).ToList();
        if (due.Count < ClusterDue) return;

        due.Sort(static (a, b) => a.Id.CompareTo(b.Id));
        for (var at = 0; at < due.Count;)
        {
            var left = due.Count - at;
            var size = left > ClusterMembersMax + ClusterDue ? ClusterMembersMax : left;
            var members = due.GetRange(at, size).ConvertAll(a => a.Id);
            var text = ArtifactDraft.Cluster(members).ToBytes();
            PutText(ArtifactHash.Compute(HashKind.Sha3, text), text, isPrivate: false, out _);
            at += size;
        }
    }

    public void SetProjectCode(string projectCode)
    {
        Invariant.Require(_state.ProjectCode is null);
        Writing().ProjectCode = projectCode;
    }

    public void StartClone() => Writing().CloneIsOpen = true;

    public void FinishClone(Instant now)
    {
        Invariant.Require(Begin(StoreAccess.Write, now));
        _state.CloneIsOpen = false;
        foreach (var row in _state.ByRid.ToList())
            if (row.Text is not null)
                Link(row.Rid);
        Invariant.Require(TryCommit(out _));
    }

    // --- for tests ---------------------------------------------------------------------------------------------------

    /// <summary>Adds an artifact as local work does: it is unsent.</summary>
    public ArtifactId Add(byte[] text, bool isPrivate = false)
    {
        var id = ArtifactHash.Compute(HashKind.Sha3, text);
        Write(() =>
        {
            PutText(id, text, isPrivate, out var rid);
            if (!isPrivate) _state.Unsent.Add(rid);
        });
        return id;
    }

    /// <summary>Stores an artifact as a delta of another, as deltification does.</summary>
    public void Deltify(ArtifactId id, ArtifactId sourceId)
    {
        _access = StoreAccess.Write;
        var (row, source) = (_state.ById[id], _state.ById[sourceId]);
        if (row is { Text: { } text, Delta: null } && source.Text is { } sourceText && !RestsOn(source, id))
            Replace(row with { Delta = DeltaEncoder.Encode(sourceText, text), SourceRid = source.Rid, Stored = null });
        Invariant.Require(TryCommit(out _));
    }

    public void Shun(ArtifactId id)
    {
        Write(() => _state.Shunned.Add(id));
    }

    /// <summary>Local work: a change that is there at once, without the copy that makes a round undoable.</summary>
    public void Write(Action change)
    {
        Invariant.Require(_access is null);
        _access = StoreAccess.Write;
        change();
        Invariant.Require(TryCommit(out _));
    }

    /// <summary>Names of everything held as text, public or also private, in order.</summary>
    public IReadOnlyList<ArtifactId> HeldIds(bool withPrivate = false) =>
        [.. _state.ByRid.Where(r => r.Text is not null && (withPrivate || !r.IsPrivate)).Select(r => r.Id).Order()];

    public IEnumerable<ArtifactId> Phantoms => _state.ByRid.Where(r => !r.IsHeld).Select(r => r.Id);

    public MemoryState State => _state;

    private MemoryState Writing()
    {
        Invariant.Require(_access == StoreAccess.Write);
        return _state;
    }

    private MemoryRow? RowOf(RecordId rid) =>
        rid.Value >= 1 && rid.Value <= _state.ByRid.Count ? _state.ByRid[(int)rid.Value - 1] : null;

    private bool IsIn(ArtifactList list, MemoryRow row) => list switch
    {
        ArtifactList.Phantoms => !row.IsHeld && !row.IsPrivate,
        ArtifactList.PrivatePhantoms => !row.IsHeld && row.IsPrivate,
        ArtifactList.Private => row.Text is not null && row.IsPrivate,
        ArtifactList.Public => row.Text is not null && !row.IsPrivate,
        ArtifactList.Unclustered => row.Text is not null && !row.IsPrivate && _state.Unclustered.Contains(row.Rid),
        ArtifactList.Unsent => row.Text is not null && !row.IsPrivate && _state.Unsent.Contains(row.Rid),
        ArtifactList.Clusters => !row.IsPrivate && row.Artifact is { Kind: ArtifactKind.Cluster },
        _ => false,
    };

    private bool IsHeldAlready(ArtifactId id, bool isPrivate, out RecordId rid, out PutOutcome outcome)
    {
        Writing();
        rid = RecordId.None;
        outcome = PutOutcome.Shunned;
        if (_state.Shunned.Contains(id)) return true;
        if (!_state.ById.TryGetValue(id, out var row) || !row.IsHeld) return false;

        rid = row.Rid;
        if (row.IsPrivate && !isPrivate) SetPrivate(rid, false);

        // A delta that waits may be overtaken by a form that can be read.
        outcome = PutOutcome.AlreadyHeld;
        return row.Text is not null;
    }

    private MemoryRow RowFor(ArtifactId id, bool isPrivate)
    {
        if (_state.ById.TryGetValue(id, out var row)) return row;

        row = new MemoryRow(new RecordId(_state.ByRid.Count + 1), id, isPrivate);
        _state.ById[id] = row;
        _state.ByRid.Add(row);
        if (!isPrivate) _state.Unclustered.Add(row.Rid);
        return row;
    }

    private void Replace(MemoryRow row)
    {
        _state.ById[row.Id] = row;
        _state.ByRid[(int)row.Rid.Value - 1] = row;
    }

    // A text has come: links it, and turns deltas that waited for it into texts.
    private void Settle(RecordId first)
    {
        var due = new Queue<RecordId>([first]);
        while (due.TryDequeue(out var rid))
        {
            if (!_state.CloneIsOpen) Link(rid);
            var text = RowOf(rid)!.Text!;
            foreach (var waiting in _state.Waiting.Select(w => RowOf(w)!).Where(r => r.SourceRid == rid).ToList())
            {
                var isGood = DeltaApplier.TryApply(text, waiting.Delta, 1 << 28, out var made, out _)
                    && ArtifactHash.Matches(waiting.Id, made);
                Replace(
                    isGood ? waiting with { Text = made }
                        : waiting with { Delta = null, Stored = null, SourceRid = RecordId.None });
                _state.Waiting.Remove(waiting.Rid);
                if (isGood) due.Enqueue(waiting.Rid);
            }
        }
    }

    private void Link(RecordId rid)
    {
        var row = RowOf(rid)!;
        if (row.Artifact is not null || !ArtifactParser.TryParse(row.Text, out var artifact)) return;

        Replace(
            row with
            {
                Artifact = artifact,
                Predecessor = artifact.Parents.IsEmpty ? row.Predecessor
                : artifact.Parents[0]
            });
        foreach (var id in References.Of(artifact))
            if (!_state.Shunned.Contains(id))
                RowFor(id, row.IsPrivate);
        if (artifact.Kind == ArtifactKind.Cluster)
            foreach (var member in artifact.Members)
                if (_state.ById.TryGetValue(member, out var clustered))
                    _state.Unclustered.Remove(clustered.Rid);
        if (artifact.Kind == ArtifactKind.CheckIn) NotePredecessors(artifact);
    }

    private void NotePredecessors(Artifact checkin)
    {
        if (checkin.Parents.IsEmpty) return;
        if (!_state.ById.TryGetValue(checkin.Parents[0], out var parent) || parent.Artifact is null) return;

        foreach (var file in checkin.Files)
        {
            var at = parent.Artifact.Files.Find(file.Name);
            if (at < 0 || file.Id.IsEmpty || parent.Artifact.Files[at].Id == file.Id) continue;
            if (_state.ById.TryGetValue(file.Id, out var row) && row.Predecessor.IsEmpty && row.Rid > parent.Rid)
                Replace(row with { Predecessor = parent.Artifact.Files[at].Id });
        }
    }

    private bool RestsOn(MemoryRow row, ArtifactId id)
    {
        for (var at = row; at is not null; at = at.Delta is null ? null : RowOf(at.SourceRid))
            if (at.Id == id)
                return true;
        return false;
    }
}
