using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// Requests phantoms. An artifact requested in three rounds that neither arrived nor was announced again is given up:
/// it does not hold up the rest. A reply without any artifact is final for everything requested: the server has none of
/// them.
/// </summary>
internal sealed class ClientPull(IArtifactStore store, ClientOptions options)
{
    private const int AttemptsMax = 3;
    private const int GimmesMin = 500;
    private const int GimmesMax = 20_000;
    private const int MissingShownMax = 1000;

    private readonly Dictionary<RecordId, int> _attempts = [];
    private readonly List<ArtifactListing> _asked = [];
    private int _gimmesMax = GimmesMin;
    private Instant _now;

    /// <summary>Gimme cards in the last request.</summary>
    public int GimmesWritten { get; private set; }

    /// <summary>Only artifacts that another session is requesting were left.</summary>
    public bool LeftToOthers { get; private set; }

    /// <summary>Given up.</summary>
    public List<ArtifactId> Missing { get; } = [];

    /// <summary>The time at which the session continues.</summary>
    public void OnTurn(Instant now)
    {
        _now = now;
        options.Claim?.OnHeard(now);
    }

    public void WriteGimmes(XferWriter writer, bool isFirst)
    {
        if (isFirst) WriteWanted(writer);
        _asked.Clear();
        Write(ArtifactList.Phantoms, writer);
        if ((options.Actions & SyncActions.Private) != 0) Write(ArtifactList.PrivatePhantoms, writer);
        GimmesWritten = _asked.Count;
    }

    /// <summary>True if there are artifacts to request.</summary>
    public bool HasWork()
    {
        LeftToOthers = false;
        var hasWork = HasWork(ArtifactList.Phantoms)
            || ((options.Actions & SyncActions.Private) != 0 && HasWork(ArtifactList.PrivatePhantoms));
        LeftToOthers &= !hasWork;
        return hasWork;
    }

    /// <summary>
    /// Counts unanswered requests. <paramref name="announced"/>: the artifacts that the server's reply announced.
    /// </summary>
    public void OnReplyEnd(HashSet<RecordId> announced, int received)
    {
        foreach (var artifact in _asked)
        {
            if (!store.Lookup(artifact.Id).IsPhantom || announced.Contains(artifact.Rid))
            {
                _attempts.Remove(artifact.Rid);
                continue;
            }

            // Spec: stock's session ends when nothing arrived, so a repository with lasting phantoms pulls nothing in
            // one round.
            var attempts = received == 0 ? AttemptsMax : _attempts.GetValueOrDefault(artifact.Rid) + 1;
            _attempts[artifact.Rid] = attempts;
            if (attempts == AttemptsMax) Missing.Add(artifact.Id);
        }

        // Spec: stock requests 200, or twice the number that just arrived.
        _gimmesMax = Math.Clamp(received * 2, GimmesMin, GimmesMax);
        ReleaseClaims();
    }

    /// <summary>No reply will arrive: other sessions may request these artifacts.</summary>
    public void ReleaseClaims()
    {
        _asked.Clear();
        options.Claim?.Release();
    }

    /// <summary>From here on requests take another form, so artifacts that the server could not send may
    /// arrive.</summary>
    public void StartAgain()
    {
        _attempts.Clear();
        Missing.Clear();
    }

    /// <summary>At the end of a clone, or without further progress: artifacts that did not arrive, or arrived
    /// damaged.</summary>
    public void NoteMissing(Instant now)
    {
        Invariant.Require(store.Begin(StoreAccess.Read, now));
        foreach (var phantom in store.Walk(ArtifactList.Phantoms))
            if (!Missing.Contains(phantom.Id) && Missing.Count < MissingShownMax)
                Missing.Add(phantom.Id);
        store.Rollback();
    }

    private bool HasWork(ArtifactList list)
    {
        foreach (var phantom in store.Walk(list))
        {
            if (!MayRequest(phantom.Rid)) continue;
            if (options.Claim?.IsFree(_now, phantom.Id) != false) return true;

            LeftToOthers = true;
        }

        return false;
    }

    private bool MayRequest(RecordId rid) => _attempts.GetValueOrDefault(rid) < AttemptsMax;

    // Phantoms are requested anyway.
    private void WriteWanted(XferWriter writer)
    {
        foreach (var id in options.Wanted)
        {
            var entry = store.Lookup(id);
            if (entry.IsHeld || entry.IsPhantom || entry.IsShunned || options.Claim?.TryTake(_now, id) == false)
                continue;
            if (!options.Faults.At(FaultSite.ClientGimmeDrop)) writer.Gimme(id);
        }
    }

    private void Write(ArtifactList list, XferWriter writer)
    {
        foreach (var phantom in store.Walk(list))
        {
            if (_asked.Count >= _gimmesMax) return;
            if (!MayRequest(phantom.Rid) || options.Claim?.TryTake(_now, phantom.Id) == false) continue;

            _asked.Add(phantom);
            if (!options.Faults.At(FaultSite.ClientGimmeDrop)) writer.Gimme(phantom.Id);
        }
    }
}
