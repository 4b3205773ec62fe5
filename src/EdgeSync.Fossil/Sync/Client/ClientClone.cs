using System.Globalization;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// The position of a clone. The next sequence number is stored with every batch, so that an interrupted clone resumes
/// there. It then ends by comparing the server's whole catalogue, because a server that was rebuilt in between may
/// number its artifacts differently.
/// </summary>
internal sealed class ClientClone
{
    /// <summary>Row of table config while a clone is under way.</summary>
    public const string StateKey = "edgesync-clone-seqno";

    private readonly IArtifactStore _store;
    private readonly ClientOptions _options;
    private readonly bool _isResumed;
    private long _savedSeqno;
    private bool _isStarted;
    private bool _seqnoSeen;
    private bool _projectSeen;
    private int _emptyBatches;
    private bool _catalogSeen;

    public ClientClone(IArtifactStore store, ClientOptions options)
    {
        (_store, _options) = (store, options);
        Invariant.Require(store.Begin(StoreAccess.Read, default));
        var state = store.Config.Get(StateKey);
        store.Rollback();
        _isResumed = long.TryParse(state, CultureInfo.InvariantCulture, out var seqno) && seqno >= 0;
        Seqno = _savedSeqno = _isResumed ? seqno : 1;
    }

    /// <summary>The next rid to request; 0 when all have arrived.</summary>
    public long Seqno { get; private set; }

    /// <summary>Why it cannot continue; null while it can.</summary>
    public string? Failure { get; private set; }

    /// <summary>True once nothing is left to request (phantoms apart).</summary>
    public bool IsDone { get; private set; }

    /// <summary>
    /// True when sources of deltas are still missing after all batches, or when the server uses version 1, which
    /// announces everything and expects requests.
    /// </summary>
    public bool AsksForPhantoms { get; private set; }

    /// <summary>The catalogue is due: after the last batch of a resumed clone.</summary>
    public bool WantsCatalog => _isResumed && Seqno == 0 && !_catalogSeen;

    /// <summary>True when the next request is an ordinary pull.</summary>
    public bool IsPull => Seqno == 0;

    public void Write(XferWriter writer)
    {
        if (Seqno == 0) AsksForPhantoms = true;
        else writer.Clone(_options.CloneVersion, Seqno);
    }

    public void OnReplyStart(bool canWrite)
    {
        _seqnoSeen = _projectSeen = false;
        if (_isStarted || !canWrite) return;

        _store.StartClone();
        _isStarted = true;
    }

    /// <summary>False: the clone so far is of another project.</summary>
    public bool TryAcceptProject(string projectCode)
    {
        _projectSeen = true;
        if (_store.ProjectCode is null) _store.SetProjectCode(projectCode);
        return _store.ProjectCode == projectCode;
    }

    public void OnSeqno(long next)
    {
        _seqnoSeen = true;
        Seqno = next;
    }

    /// <summary>Returns whether the clone made progress.</summary>
    public bool OnReplyEnd(int received, int rounds, bool hasPhantoms, Instant now)
    {
        var catalogCame = AsksForPhantoms && WantsCatalog;
        _catalogSeen |= catalogCame;

        // Without clone_seqno the server uses version 1: it has announced all artifacts and expects requests.
        var isVersion1 = !_seqnoSeen && Seqno > 0 && _projectSeen;
        if (isVersion1 && hasPhantoms) AsksForPhantoms = true;
        if (isVersion1 && AsksForPhantoms && !hasPhantoms) Seqno = 0;
        _store.Config.Set(StateKey, Seqno.ToString(CultureInfo.InvariantCulture), now.UnixSeconds);
        var moved = Seqno != _savedSeqno || received > 0 || catalogCame;
        _savedSeqno = Seqno;
        _emptyBatches = moved ? 0 : _emptyBatches + 1;

        // At least two rounds: the first one may have been without a login.
        if (rounds < 2) return true;
        if (Seqno == 0) IsDone = !WantsCatalog;
        else if (_emptyBatches >= _options.IdleRoundsMax)
        {
            IsDone = true;
            if (!AsksForPhantoms) Failure = "the server does not go on with the clone";
        }

        return moved;
    }

    /// <summary>
    /// Links all arrivals. The note that a clone is under way is removed last: if the process dies in between, the next
    /// session repeats this.
    /// </summary>
    public void Finish(Instant now)
    {
        _store.FinishClone(now);
        Invariant.Require(_store.Begin(StoreAccess.Write, now));
        _store.Config.Set(StateKey, null, now.UnixSeconds);
        Invariant.Require(_store.TryCommit(out _));
    }

    public void OnLost() => Seqno = _savedSeqno;
}
