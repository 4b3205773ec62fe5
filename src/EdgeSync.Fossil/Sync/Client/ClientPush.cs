using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// Finds out what the server lacks and sends it. Small pushes work as in stock: unsent artifacts go at once, the rest
/// is announced and the server requests it. When the server requests much, its whole catalogue is fetched once, and
/// everything that it lacks is sent in few large requests without waiting for gimme cards (<see cref="BulkPlan"/>).
/// What it holds since an earlier push is not announced again (<see cref="PeerMemory"/>).
/// </summary>
internal sealed class ClientPush(IArtifactStore store, ClientOptions options)
{
    private const int SendsMax = 3;
    private const int GimmesForCatalog = 100;
    private const int AnnouncementsForCatalog = 1000;

    // A server that lacks this share of the artifacts to announce likely lacks more; for one that lacks less,
    // announcing many names would be mostly waste. Stock makes no difference, and announces.
    private const int UnsentShareForCatalog = 10;

    private readonly HashSet<RecordId> _queue = [];
    private readonly HashSet<RecordId> _announced = [];
    private readonly HashSet<RecordId> _textOnly = [];
    private readonly Dictionary<RecordId, int> _sends = [];
    private readonly List<RecordId> _inFlight = [];
    private readonly List<RecordId> _announcing = [];
    private readonly HashSet<RecordId> _planned = [];
    private readonly PeerMemory _memory = new(store, options);
    private BulkPlan? _plan;
    private RecordId _through;
    private bool _hasGivenUp;
    private bool _isRefuted;
    private int _planDone;
    private int _planInFlight;
    private int _gimmesInReply;
    private bool _isPrepared;
    private bool _announcementsDue = true;

    /// <summary>The artifacts that the server has, by its announcements and by what it accepted.</summary>
    public HashSet<RecordId> RemoteHas { get; } = [];

    /// <summary>Whether the next request should request the server's catalogue.</summary>
    public bool WantsCatalog { get; private set; }

    /// <summary>The catalogue is not available (no read permission), or was received.</summary>
    public bool CatalogDone { get; private set; }

    public int FilesSent { get; private set; }

    public int DeltasSent { get; private set; }

    public bool HasWork =>
        WantsCatalog || _announcementsDue || _queue.Count > 0 || (_plan is not null && _planDone < _plan.Steps.Count);

    /// <summary>True if everything was announced, and the server received everything that it requested.</summary>
    private bool IsComplete => !HasWork && !_hasGivenUp && !_through.IsNone;

    /// <summary>Before the first request: collects the work.</summary>
    public void Prepare(Instant now)
    {
        if (_isPrepared) return;

        _isPrepared = true;
        foreach (var artifact in store.Walk(ArtifactList.Unsent)) _queue.Add(artifact.Rid);
        _memory.Recall(now);

        // Announcing that many costs as much as receiving the catalogue, and makes the server request in small
        // portions.
        var due = store.Walk(ArtifactList.Unclustered, _memory.AnnouncedAfter)
            .Take(Math.Max(AnnouncementsForCatalog, UnsentShareForCatalog * _queue.Count))
            .Count();
        WantsCatalog = due >= AnnouncementsForCatalog
            && (_queue.Count == 0 || due < UnsentShareForCatalog * _queue.Count);
    }

    /// <summary>Writes files and announcements. Nothing is removed from a list before the server has replied.</summary>
    public void Write(XferWriter writer, PeerVersion peer, long budgetBytes)
    {
        Invariant.Require(_isPrepared);
        FilesSent = DeltasSent = 0;
        _inFlight.Clear();
        _announcing.Clear();
        _planInFlight = 0;

        // The catalogue omits what the same request names, so that request names nothing.
        if (WantsCatalog) return;

        var sender = new ArtifactSender(store, writer, _queue, peer, WithPrivate)
        {
            BudgetBytes = budgetBytes,
            Style = _queue.Count > ClientOptions.ManyArtifacts ? DeltaStyle.AsStored : DeltaStyle.AgainstParent,
            TextOnly = _textOnly,
            Faults = options.Faults,
        };
        WriteQueue(sender);
        WritePlan(sender);
        FilesSent = sender.FilesSent;
        DeltasSent = sender.DeltasSent;
        WriteAnnouncements(writer, sender);
    }

    /// <summary>The server requests an artifact.</summary>
    public void OnGimme(ArtifactId id)
    {
        _gimmesInReply++;
        var entry = store.Lookup(id);
        if (!entry.IsHeld || entry.IsShunned || (entry.IsPrivate && !WithPrivate)) return;
        if (_planned.Contains(entry.Rid)) return;

        // The server requests again what it was sent: either that was lost, or the server never stores it.
        var sends = _sends.GetValueOrDefault(entry.Rid);
        _isRefuted |= _memory.Refutes(entry.Rid);
        if (sends >= SendsMax)
        {
            _hasGivenUp = true;
            return;
        }

        if (sends > 0) _textOnly.Add(entry.Rid);
        RemoteHas.Remove(entry.Rid);
        _queue.Add(entry.Rid);
    }

    /// <summary>The request got a reply without an error: the server has what it carried.</summary>
    public void OnReplyEnd(PeerVersion peer, bool catalogWasRequested, bool canWrite)
    {
        foreach (var rid in _inFlight)
        {
            _sends[rid] = _sends.GetValueOrDefault(rid) + 1;
            _planned.Remove(rid);
            if (!_queue.Contains(rid)) RemoteHas.Add(rid);
        }

        _announced.UnionWith(_announcing);
        if (canWrite && _inFlight.Count > 0)
            store.ClearUnsent(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_inFlight));
        _planDone += _planInFlight;
        _planInFlight = 0;
        if (catalogWasRequested)
        {
            WantsCatalog = false;
            CatalogDone = true;
            PlanWhatIsLacking(peer);
        }
        else if (WantsCatalog)
        {
            // Decided while that request was built; the next one requests it.
        }
        else if (_gimmesInReply >= GimmesForCatalog && !CatalogDone) WantsCatalog = true;

        _announcementsDue = catalogWasRequested || _isRefuted;
        _isRefuted = false;
        _gimmesInReply = 0;
        _inFlight.Clear();
    }

    /// <summary>
    /// Called before a reply is read: the reply may request again an artifact that this request sent.
    /// </summary>
    public void OnReplyStart()
    {
        _gimmesInReply = 0;
        foreach (var rid in _inFlight) _queue.Remove(rid);
    }

    /// <summary>The request or its reply was lost: all of it is due again.</summary>
    public void OnLost()
    {
        foreach (var rid in _inFlight) _queue.Add(rid);
        _inFlight.Clear();
        _announcing.Clear();
        _planInFlight = 0;
    }

    /// <summary>The session is over: stores what the server holds now.</summary>
    public void NoteEnd(Instant now)
    {
        if (IsComplete) _memory.Note(_through, now);
    }

    /// <summary>The server does not grant reading: continue artifact by artifact.</summary>
    public void OnCatalogDenied()
    {
        WantsCatalog = false;
        CatalogDone = true;
    }

    private bool WithPrivate => (options.Actions & SyncActions.Private) != 0;

    private void WriteQueue(ArtifactSender sender)
    {
        var ascending = new List<RecordId>(_queue);
        ascending.Sort();
        foreach (var rid in ascending)
        {
            if (options.Faults.At(FaultSite.ClientFileSkip)) continue;
            if (!sender.TrySend(rid)) break;
        }

        foreach (var rid in _queue)
            if (sender.HasSent(rid))
                _inFlight.Add(rid);
    }

    private void WritePlan(ArtifactSender sender)
    {
        if (_plan is null || sender.IsFull) return;

        var steps = _plan.Steps;
        for (var i = _planDone; i < steps.Count; i++)
        {
            sender.SendPlanned(steps[i].Rid, steps[i].IsRoot);
            _inFlight.Add(steps[i].Rid);
            _planInFlight++;
            if (sender.IsFull && steps[i].EndsGroup) break;
        }
    }

    private void PlanWhatIsLacking(PeerVersion peer)
    {
        var lacking = new List<RecordId>();
        foreach (var artifact in store.Walk(ArtifactList.Public))
            if (!RemoteHas.Contains(artifact.Rid))
                lacking.Add(artifact.Rid);

        _plan = BulkPlan.Make(store, lacking, rootLast: peer != PeerVersion.Ours);
        _through = store.MaxRecordId;
        _planDone = 0;
        _planned.UnionWith(lacking);
        _queue.ExceptWith(lacking);
    }

    private void WriteAnnouncements(XferWriter writer, ArtifactSender sender)
    {
        // After the catalogue the plan lists what is missing; announcing would only make the server request it.
        var isVerily = (options.Actions & SyncActions.Verily) != 0;
        if (_plan is null)
        {
            AnnounceList(
                isVerily ? ArtifactList.Public : ArtifactList.Unclustered, _memory.AnnouncedAfter, isPrivate: false,
                writer, sender);
            _through = store.MaxRecordId;
        }

        if (WithPrivate && !options.Faults.At(FaultSite.ClientPrivateSkip))
            AnnounceList(ArtifactList.Private, RecordId.None, isPrivate: true, writer, sender);
    }

    private void AnnounceList(
        ArtifactList list, RecordId after, bool isPrivate, XferWriter writer, ArtifactSender sender)
    {
        foreach (var artifact in store.Walk(list, after))
        {
            if (_announced.Contains(artifact.Rid) || RemoteHas.Contains(artifact.Rid) || sender.HasSent(artifact.Rid))
                continue;

            writer.IGot(artifact.Id, isPrivate);
            _announcing.Add(artifact.Rid);
        }
    }
}
