using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>
/// Asks for phantoms. What was asked for in three rounds, and neither came nor was announced again, is given up: it
/// does not hold up the rest. A reply that brings no artifact at all is an answer for everything that was asked: the
/// server has none.
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

    /// <summary>What another session asks for was the only thing left.</summary>
    public bool LeftToOthers { get; private set; }

    /// <summary>Given up.</summary>
    public List<ArtifactId> Missing { get; } = [];

    /// <summary>The time at which the session goes on.</summary>
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

    /// <summary>True if a request would ask for something.</summary>
    public bool HasWork()
    {
        LeftToOthers = false;
        var hasWork = HasWork(ArtifactList.Phantoms)
            || ((options.Actions & SyncActions.Private) != 0 && HasWork(ArtifactList.PrivatePhantoms));
        LeftToOthers &= !hasWork;
        return hasWork;
    }

    /// <summary>
    /// Counts what was asked for in vain. <paramref name="announced"/>: what the server's reply said that it has.
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

            // Spec: stock's session ends when nothing came, so a repository with lasting phantoms pulls nothing in one
            // round.
            var attempts = received == 0 ? AttemptsMax : _attempts.GetValueOrDefault(artifact.Rid) + 1;
            _attempts[artifact.Rid] = attempts;
            if (attempts == AttemptsMax) Missing.Add(artifact.Id);
        }

        // Spec: stock asks for 200, or twice what just came.
        _gimmesMax = Math.Clamp(received * 2, GimmesMin, GimmesMax);
        ReleaseClaims();
    }

    /// <summary>No reply comes to what was asked for: others may ask.</summary>
    public void ReleaseClaims()
    {
        _asked.Clear();
        options.Claim?.Release();
    }

    /// <summary>From here on the server is asked in another way, so what it could not give may come.</summary>
    public void StartAgain()
    {
        _attempts.Clear();
        Missing.Clear();
    }

    /// <summary>At the end of a clone, or where nothing moves any more: what did not come, or came damaged.</summary>
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

    // Phantoms are asked for anyway.
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
