using System.Globalization;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// Where a clone stands. The next sequence number is written down with every batch, so that an interrupted clone goes
/// on from there. It then ends with a look at the server's whole catalogue, because a server that was rebuilt in
/// between may number its artifacts differently.
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

    /// <summary>The next rid to ask for; 0 when all have come.</summary>
    public long Seqno { get; private set; }

    /// <summary>Why it cannot go on; null while it can.</summary>
    public string? Failure { get; private set; }

    /// <summary>True once nothing is left to ask for (phantoms apart).</summary>
    public bool IsDone { get; private set; }

    /// <summary>
    /// True when sources of deltas are still missing though all batches have come, or when the server speaks version 1,
    /// which announces everything and wants to be asked.
    /// </summary>
    public bool AsksForPhantoms { get; private set; }

    /// <summary>The catalogue is due: behind the last batch of a clone that was interrupted.</summary>
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

    /// <summary>False: what was begun is a copy of another project.</summary>
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

    /// <summary>Answers whether the clone came nearer to its end.</summary>
    public bool OnReplyEnd(int received, int rounds, bool hasPhantoms, Instant now)
    {
        var catalogCame = AsksForPhantoms && WantsCatalog;
        _catalogSeen |= catalogCame;

        // Without clone_seqno the server speaks version 1: it has announced all, and is asked for it.
        var isVersion1 = !_seqnoSeen && Seqno > 0 && _projectSeen;
        if (isVersion1 && hasPhantoms) AsksForPhantoms = true;
        if (isVersion1 && AsksForPhantoms && !hasPhantoms) Seqno = 0;
        _store.Config.Set(StateKey, Seqno.ToString(CultureInfo.InvariantCulture), now.UnixSeconds);
        var moved = Seqno != _savedSeqno || received > 0 || catalogCame;
        _savedSeqno = Seqno;
        _emptyBatches = moved ? 0 : _emptyBatches + 1;

        // At least two rounds: the first one may not have been logged in.
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
    /// Links all that came. The note that a clone is under way goes last: a death in between makes the next session do
    /// this again.
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
