using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Store;

/// <summary>
/// The repository as the sync engine uses it. Synchronous, used by one thread at a time, and set-based where sets are
/// large. All calls but <see cref="Begin"/> are made inside a round.
/// <para>
/// Guarantees of an implementation: (1) a round is one transaction, and nothing of it is visible to others before <see
/// cref="TryCommit"/> returns true; (2) every artifact is hashed before the commit that makes it held (see <see
/// cref="PutDelta"/> for deltas that wait for their source); (3) <see cref="TryCommit"/> also derives everything that
/// follows from the new artifacts (events, links, tags, clusters), except in a clone, where <see cref="FinishClone"/>
/// does; (4) shunned artifacts are never listed, never read and never stored.
/// </para>
/// </summary>
public interface IArtifactStore
{
    /// <summary>The project; null in a store that is to be cloned into.</summary>
    string? ProjectCode { get; }

    /// <summary>This copy's own code: 40 hex digits.</summary>
    string ServerCode { get; }

    /// <summary>Unversioned files.</summary>
    IUnversionedStore Unversioned { get; }

    /// <summary>Settings, users and the other rows that travel as <c>config</c> cards.</summary>
    IConfigStore Config { get; }

    /// <summary>Synced tables (<c>x_*</c>), our extension; null where a store has none.</summary>
    ISyncedTableStore? Tables { get; }

    // --- the round ---------------------------------------------------------------------------------------------------

    /// <summary>
    /// Starts a round. <see cref="StoreAccess.Write"/> takes the write lock at once. Returns false, having started
    /// nothing, when writing was requested and the file is read-only.
    /// </summary>
    bool Begin(StoreAccess access, Instant now);

    /// <summary>
    /// Records the sender of this round's artifacts (the <c>rcvfrom</c> row, made lazily with the first artifact).
    /// Returns false if <see cref="Sender.Nonce"/> was used before: a replayed request, to be rejected.
    /// </summary>
    bool TrySetSender(in Sender sender);

    /// <summary>
    /// Verifies, links and commits. False: nothing of the round remains, and <paramref name="fault"/> is the reason.
    /// </summary>
    bool TryCommit(out StoreFault fault);

    /// <summary>Discards everything since <see cref="Begin"/>.</summary>
    void Rollback();

    // --- looking up --------------------------------------------------------------------------------------------------

    /// <summary>
    /// Looks up all <paramref name="ids"/>; <paramref name="entries"/> has the same length and order.
    /// </summary>
    void Lookup(ReadOnlySpan<ArtifactId> ids, Span<ArtifactEntry> entries);

    /// <summary>
    /// Fills <paramref name="target"/> with rows of <paramref name="list"/> whose rid is greater than
    /// <paramref name="after"/>, ascending; returns how many (fewer than fit: the list has ended).
    /// </summary>
    int List(ArtifactList list, RecordId after, Span<ArtifactListing> target);

    /// <summary>True if the list has a row.</summary>
    bool Any(ArtifactList list);

    /// <summary>The greatest rid, which bounds a clone; <see cref="RecordId.None"/> in an empty store.</summary>
    RecordId MaxRecordId { get; }

    /// <summary>True if the artifact is a check-in that has no child on its own branch.</summary>
    bool IsLeaf(ArtifactId checkin);

    // --- reading -----------------------------------------------------------------------------------------------------

    /// <summary>
    /// The expanded text. False: no such rid, a phantom, or shunned. The span of <paramref name="text"/> is valid until
    /// the next call on the store.
    /// </summary>
    bool TryReadText(RecordId rid, out ArtifactText text);

    /// <summary>
    /// The delta as the repository holds it, inflated. False: stored as a full text, or its source is private or
    /// shunned while the artifact is not (so that its text must be sent instead). The span is valid until the next
    /// call.
    /// </summary>
    bool TryReadDelta(RecordId rid, out ArtifactText delta);

    /// <summary>
    /// The stored forms of held artifacts, for <c>cfile</c> cards: those whose rid is greater than
    /// <paramref name="after"/>, in rid order, until <paramref name="visit"/> returns false; private ones only
    /// <paramref name="withPrivate"/>. A public artifact stored against a private one is given as a full text.
    /// Unreadable ones are left out. Each is valid during its visit, which may not call the store.
    /// </summary>
    void VisitStored(RecordId after, bool withPrivate, StoredVisitor visit);

    /// <summary>
    /// The size of the expanded text, without reading it; -1 for a phantom or an unknown rid.
    /// </summary>
    long SizeOf(RecordId rid);

    /// <summary>The delta source in storage; <see cref="RecordId.None"/> for a full text.</summary>
    RecordId SourceOf(RecordId rid);

    /// <summary>
    /// A public, held artifact of a smaller rid that resembles <paramref name="rid"/>: for a check-in its primary
    /// parent, for a file an earlier version. <see cref="RecordId.None"/> if none is found.
    /// </summary>
    RecordId SuggestDeltaBase(RecordId rid);

    // --- writing -----------------------------------------------------------------------------------------------------

    /// <summary>
    /// Stores a full text after checking its hash. Fills a phantom in place, keeping its rid. A public arrival of an
    /// artifact that was private makes it public.
    /// </summary>
    PutOutcome PutText(ArtifactId id, ReadOnlySpan<byte> text, bool isPrivate, out RecordId rid);

    /// <summary>
    /// Stores a delta, as a delta. If the text of <paramref name="source"/> is at hand the result is checked now (or at
    /// the latest by <see cref="TryCommit"/>). If not, <paramref name="source"/> becomes a phantom, the outcome is <see
    /// cref="PutOutcome.Pending"/>, and the artifact is checked and linked in the round in which its source arrives; if
    /// it is wrong it becomes a phantom itself and its bytes are dropped. Deltas that wait for each other are never
    /// kept: of two, one is rejected (<see cref="PutOutcome.Circular"/>) or given up.
    /// </summary>
    PutOutcome PutDelta(ArtifactId id, ArtifactId source, ReadOnlySpan<byte> delta, bool isPrivate, out RecordId rid);

    /// <summary>
    /// Stores the bytes of a <c>cfile</c> card: as <see cref="PutText"/> or, with a <paramref name="source"/> that is
    /// not empty, as <see cref="PutDelta"/>. Checks may run in parallel and report in <see cref="TryCommit"/>.
    /// <paramref name="expandedSize"/> is what the peer claims for the full text, and is checked too.
    /// </summary>
    PutOutcome PutStored(
        ArtifactId id, ArtifactId source, long expandedSize, ReadOnlySpan<byte> stored, bool isPrivate,
        out RecordId rid);

    /// <summary>Records that the artifacts exist though they are missing here. Known and shunned ids are left
    /// alone.</summary>
    void AddPhantoms(ReadOnlySpan<ArtifactId> ids, bool isPrivate);

    /// <summary>
    /// Links the arrivals of this round, so that everything they refer to is known or a phantom. The engine calls it
    /// before it requests missing artifacts; <see cref="TryCommit"/> does it for the rest. Does nothing in a clone.
    /// </summary>
    void LinkArrived();

    /// <summary>Gives up every delta that waits for its source: it becomes a phantom, to be requested again.</summary>
    void DropWaiting();

    /// <summary>Moves a held artifact or a phantom to the private or public side.</summary>
    void SetPrivate(RecordId rid, bool isPrivate);

    /// <summary>Removes these from <see cref="ArtifactList.Unsent"/>.</summary>
    void ClearUnsent(ReadOnlySpan<RecordId> rids);

    /// <summary>The push mark of a peer; null if none is stored.</summary>
    PeerMark? FindPeerMark(string peer);

    void SetPeerMark(string peer, PeerMark mark);

    /// <summary>
    /// Gathers unclustered artifacts into cluster artifacts as stock does: when at least 100 public, held ones are
    /// unclustered, sorted by name, 800 a cluster while more than 100 remain.
    /// </summary>
    void MakeClusters();

    // --- clone -------------------------------------------------------------------------------------------------------

    /// <summary>
    /// Stores the project code that the server sent; only called while <see cref="ProjectCode"/> is null.
    /// </summary>
    void SetProjectCode(string projectCode);

    /// <summary>
    /// Called once before the first artifact of a clone (again after an interrupted one): from here on commits verify
    /// but do not link.
    /// </summary>
    void StartClone();

    /// <summary>
    /// Everything has arrived: hashes what was not hashed yet, links all artifacts and derives all tables. Damaged
    /// artifacts become phantoms. Called outside a round; again if the process died before the engine recorded the end.
    /// </summary>
    void FinishClone(Instant now);
}
