using System.Buffers;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage.Content;
using EdgeSync.Storage.Crosslink;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Sync;

/// <summary>
/// The repository as the sync engine uses it. A round is one transaction, and the crosslinker runs inside its commit;
/// borrowed texts, deltas and stored bytes are in one buffer that the next call may overwrite.
/// </summary>
public sealed class RepositoryArtifactStore : IArtifactStore, IDisposable
{
    // A buffer that one giant needed is not kept for the many small ones.
    private const int KeptBufferBytesMax = 4 * 1024 * 1024;

    private readonly Repository _repository;
    private readonly ArtifactLists _lists;
    private readonly CloneProgress _clone;
    private readonly BulkArrivals _bulk;
    private Transaction? _round;
    private ArtifactContent? _text;
    private byte[] _buffer = [];

    public RepositoryArtifactStore(Repository repository)
    {
        _repository = repository;
        _lists = new ArtifactLists(repository);
        _clone = new CloneProgress(repository);
        _bulk = new BulkArrivals(repository);
        Config = new RepositoryConfigStore(repository);
        Tables = new SyncedTableStore(repository);
    }

    public string? ProjectCode => _repository.Settings["project-code"];

    public string ServerCode => _repository.ServerCode;

    /// <summary>Called with the progress at the end of a clone: verifying and linking take longer than the
    /// transfer.</summary>
    public Action<RebuildProgress>? Finishing { get; set; }

    public IUnversionedStore Unversioned => _repository.Unversioned;

    public IConfigStore Config { get; }

    public ISyncedTableStore? Tables { get; }

    public RecordId MaxRecordId => new(Database.QueryInt64("SELECT coalesce(max(rid),0) FROM blob"));

    private Database Database => _repository.Database;

    private ContentStore Content => _repository.Content;

    // --- the round ---------------------------------------------------------------------------------------------------

    public bool Begin(StoreAccess access, Instant now)
    {
        Invariant.Require(_round is null);
        if (access == StoreAccess.Write && _repository.IsReadOnly) return false;

        _round = access == StoreAccess.Write ? Database.Begin() : Database.BeginRead();
        _repository.RoundTime = now;
        Content.DefersVerification = access == StoreAccess.Write && _clone.IsRunning;
        return true;
    }

    public bool TrySetSender(in Sender sender) => _repository.ReceiveLog.TrySetOrigin(
        sender.UserId, sender.Nonce, sender.Address.Length == 0 ? null : sender.Address);

    public bool TryCommit(out StoreFault fault)
    {
        Invariant.Require(_round is not null);
        fault = default;
        Release();
        try
        {
            if (!_bulk.TryFinish(out fault))
            {
                _round.Dispose();
                return false;
            }

            _round.Commit();
            return true;
        }
        finally
        {
            EndRound();
        }
    }

    public void Rollback()
    {
        Release();
        _round?.Dispose();
        EndRound();
    }

    // --- looking up --------------------------------------------------------------------------------------------------

    public void Lookup(ReadOnlySpan<ArtifactId> ids, Span<ArtifactEntry> entries) => _lists.Lookup(ids, entries);

    public int List(ArtifactList list, RecordId after, Span<ArtifactListing> target) =>
        _lists.List(list, after, target);

    public bool Any(ArtifactList list)
    {
        Span<ArtifactListing> one = stackalloc ArtifactListing[1];
        return _lists.List(list, RecordId.None, one) > 0;
    }

    public bool IsLeaf(ArtifactId checkin)
    {
        using var select = Database.Prepare("SELECT 1 FROM leaf JOIN blob USING(rid) WHERE uuid=?1");
        return select.Bind(1, checkin).Step();
    }

    // --- reading -----------------------------------------------------------------------------------------------------

    public bool TryReadText(RecordId rid, out ArtifactText text)
    {
        Release();
        text = default;
        if (!_lists.TryDescribe(rid, out var row) || Content.Read(rid, out _text) != ContentState.Available)
            return false;

        text = new ArtifactText { Id = row.Id, IsPrivate = row.IsPrivate, Bytes = _text!.Span };
        return true;
    }

    public bool TryReadDelta(RecordId rid, out ArtifactText delta)
    {
        Release();
        delta = default;
        if (!_lists.TryDescribe(rid, out var row) || !MaySendDelta(row, out var source)) return false;

        using var select = Database.Prepare("SELECT content FROM blob WHERE rid=?1");
        if (!select.Bind(1, rid).Step()) return false;

        var stored = select.Bytes(0);
        if (!BlobCodec.TryReadSize(stored, out var size) || size > Content.ArtifactBytesMax) return false;

        var room = Reserve(size);
        if (!BlobCodec.TryDecode(Inflater.OfThisThread, stored, room, out var written, out _)) return false;

        delta = new ArtifactText
        {
            Id = row.Id,
            IsPrivate = row.IsPrivate,
            Source = source.Id,
            SourceRid = row.Source,
            Bytes = room[..written],
        };
        return true;
    }

    public void VisitStored(RecordId after, bool withPrivate, StoredVisitor visit)
    {
        Release();
        var mayShun = _lists.MayShun;
        using var select = _lists.SelectStored(after, withPrivate);
        while (select.Step())
        {
            var isPrivate = select.Boolean(4);
            var size = select.Int64(2);
            var source = select.Artifact(5);
            var isDelta = !select.IsNull(6);
            ReadOnlySpan<byte> bytes;
            if (!isDelta || MaySendDelta(source, isPrivate, select.Boolean(7), mayShun)) bytes = select.Bytes(3);
            else if (TryDeflateText(select.Record(0), out bytes)) source = default;
            else continue;

            var stored = new StoredArtifact
            {
                Id = select.Artifact(1),
                Source = source,
                IsPrivate = isPrivate,
                ExpandedSize = size,
                Bytes = bytes,
            };
            if (!visit(select.Record(0), stored)) return;
        }
    }

    public long SizeOf(RecordId rid) => Content.SizeOf(rid);

    public RecordId SourceOf(RecordId rid) => Content.SourceOf(rid);

    public RecordId SuggestDeltaBase(RecordId rid)
    {
        // A content that reappeared, or whose permission alone changed, has rows that name a later version, or itself.
        var found = One("SELECT pid FROM plink WHERE cid=?1 AND isprim AND pid<cid", rid);
        if (found.IsNone)
            found = One("SELECT pid FROM mlink WHERE fid=?1 AND pid>0 AND pid<fid ORDER BY pid DESC LIMIT 1", rid);
        return !found.IsNone && _lists.TryDescribe(found, out var row) && !row.IsPrivate ? found : RecordId.None;
    }

    // --- writing -----------------------------------------------------------------------------------------------------

    public PutOutcome PutText(ArtifactId id, ReadOnlySpan<byte> text, bool isPrivate, out RecordId rid) =>
        Content.PutText(id, text, isPrivate, out rid);

    public PutOutcome PutDelta(
        ArtifactId id, ArtifactId source, ReadOnlySpan<byte> delta, bool isPrivate, out RecordId rid)
    {
        _bulk.Count();
        return Content.PutDelta(id, source, delta, isPrivate, out rid);
    }

    public PutOutcome PutStored(
        ArtifactId id, ArtifactId source, long expandedSize, ReadOnlySpan<byte> stored, bool isPrivate,
        out RecordId rid)
    {
        _bulk.Count();
        return Content.PutStored(id, source, expandedSize, stored, isPrivate, out rid);
    }

    public void AddPhantoms(ReadOnlySpan<ArtifactId> ids, bool isPrivate)
    {
        foreach (var id in ids) Content.AddPhantom(id, isPrivate);
    }

    public void LinkArrived()
    {
        // A fault in a bulk is found again at the commit, which reports it.
        if (!_clone.IsRunning && _bulk.TryFinish(out _)) _repository.Crosslinker.LinkPending();
    }

    public void DropWaiting() => Content.DropWaiting();

    public void SetPrivate(RecordId rid, bool isPrivate) => Content.SetPrivate(rid, isPrivate);

    public void ClearUnsent(ReadOnlySpan<RecordId> rids)
    {
        using var delete = Database.Prepare("DELETE FROM unsent WHERE rid=?1");
        foreach (var rid in rids) delete.Bind(1, rid).Run();
    }

    public PeerMark? FindPeerMark(string peer) => new PeerMarks(Database).Find(peer);

    public void SetPeerMark(string peer, PeerMark mark) => new PeerMarks(Database).Set(peer, mark);

    public void MakeClusters()
    {
        // A cluster is public: it must not name artifacts made private after they had been put on the list.
        Database.Execute("DELETE FROM unclustered WHERE rid IN (SELECT rid FROM private)");
        new ClusterMaker(_repository, _repository.Crosslinker).Make();
    }

    // --- clone -------------------------------------------------------------------------------------------------------

    public void SetProjectCode(string projectCode) => _repository.Settings.Set("project-code", projectCode);

    public void StartClone()
    {
        _clone.Start();
        Content.DefersVerification = true;
    }

    public void FinishClone(Instant now)
    {
        Invariant.Require(_round is null);
        _repository.RoundTime = now;
        try
        {
            _clone.Finish(Finishing);
        }
        finally
        {
            _repository.RoundTime = null;
        }
    }

    public void Dispose()
    {
        Rollback();
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    // A public artifact with a private source: expanded, and deflated again.
    private bool TryDeflateText(RecordId rid, out ReadOnlySpan<byte> stored)
    {
        Release();
        stored = default;
        if (Content.Read(rid, out _text) != ContentState.Available) return false;

        var room = Reserve(BlobCodec.GetEncodedLengthMax(_text!.Length));
        stored = room[..BlobCodec.Encode(Deflater.OfThisThread, _text.Span, room)];
        return true;
    }

    private bool MaySendDelta(ArtifactId source, bool isPrivate, bool isSourcePrivate, bool mayShun) =>
        !source.IsEmpty && (isPrivate || !isSourcePrivate) && !(mayShun && _repository.Shuns.Contains(source));

    // The delta may be sent if every user with access to the artifact has access to its source.
    private bool MaySendDelta(in ArtifactRow row, out ArtifactRow source)
    {
        source = default;
        if (row.Source.IsNone) return false;
        return _lists.TryDescribe(row.Source, out source, phantomsToo: true) && (row.IsPrivate || !source.IsPrivate);
    }

    private RecordId One(string sql, RecordId rid)
    {
        using var select = Database.Prepare(sql);
        return select.Bind(1, rid).Step() ? select.Record(0) : RecordId.None;
    }

    private Span<byte> Reserve(int size)
    {
        if (_buffer.Length < size)
        {
            if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = ArrayPool<byte>.Shared.Rent(size);
        }

        return _buffer.AsSpan(0, size);
    }

    private void Release()
    {
        _text?.Dispose();
        _text = null;
        if (_buffer.Length <= KeptBufferBytesMax) return;

        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private void EndRound()
    {
        _round = null;
        _repository.RoundTime = null;
        _repository.ReceiveLog.ClearOrigin();
        _bulk.Reset();
        Content.DefersVerification = false;
    }
}
