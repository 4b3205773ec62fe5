using EdgeSync.Agent;
using EdgeSync.Agent.Announcements;
using EdgeSync.Agent.Peers;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>
/// A store in memory as an agent's repository. It outlives the programs that use it, and takes a moment to answer.
/// </summary>
internal sealed class FleetRepository(
    SimProcess process, MemoryNode node, FleetMemory memory, Entropy entropy,
    Func<bool> isUnreadable) : IAgentRepository, ISessionStore
{
    private static readonly TimeSpan QueryTime = TimeSpan.FromMilliseconds(1);

    public string Name => node.Name;

    public ISessionStore Sessions => this;

    public bool IsExclusive => false;

    public Task<SessionStore> OpenAsync(CancellationToken cancellationToken) =>
        RunAsync(() => new SessionStore(node.Store, entropy, node.Store.ProjectCode, () => { }), cancellationToken);

    // As on a thread of its own: others may come between the steps of a session.
    public async Task<T> RunAsync<T>(Func<T> step, CancellationToken cancellationToken)
    {
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        return step();
    }

    public async Task<RepositoryChanges> ReadChangesAsync(RecordId after, CancellationToken cancellationToken)
    {
        await Task.Delay(QueryTime, process.Time, cancellationToken);
        RequireReadable();
        return node.Read(process.Now, store => ChangesAfter(store, after));
    }

    public async Task<bool> HoldsAsync(ArtifactId id, CancellationToken cancellationToken)
    {
        await Task.Yield();
        RequireReadable();
        return node.Read(process.Now, s => s.Lookup(id).IsHeld);
    }

    public Task PersistAsync(IReadOnlyList<AgentEffect> writes)
    {
        foreach (var write in writes) memory.Persist(write);
        return Task.CompletedTask;
    }

    private void RequireReadable()
    {
        if (isUnreadable()) throw new EdgeSyncException(ErrorKind.System, $"the disk of {node.Name} fails");
    }

    private RepositoryChanges ChangesAfter(IArtifactStore store, RecordId after)
    {
        var artifacts = new List<NewArtifact>();
        foreach (var artifact in store.Walk(ArtifactList.Public))
            if (artifact.Rid > after && node.Memory.Rows.TryGetValue(artifact.Id, out var row)
            && row.Artifact is { Kind: not ArtifactKind.Cluster })
                artifacts.Add(new NewArtifact(artifact.Rid, artifact.Id));
        if (artifacts.Count > RepositoryChanges.ArtifactsMax)
            artifacts.RemoveRange(0, artifacts.Count - RepositoryChanges.ArtifactsMax);
        return new RepositoryChanges
        {
            Artifacts = artifacts,
            MaxRid = store.MaxRecordId,
            FirstPhantom = store.Walk(ArtifactList.Phantoms).Select(a => a.Rid).FirstOrDefault(),
            UnversionedCatalog = store.Unversioned.CatalogHash,
            TableCatalog = FleetInvariants.TableCatalog(store),
        };
    }
}

/// <summary>The stored state of an agent on a machine without SQLite.</summary>
internal sealed class FleetMemory
{
    private readonly SortedDictionary<string, PeerRecord> _peers = new(StringComparer.Ordinal);
    private RecordId? _watermark;

    public AgentMemory Current => new() { PublishedRid = _watermark, Peers = [.. _peers.Values] };

    public void Persist(AgentEffect write)
    {
        switch (write)
        {
            case AgentEffect.PersistWatermark mark:
                _watermark = mark.PublishedRid;
                break;
            case AgentEffect.PersistPeer persist:
                _peers[persist.Peer.PeerId] = persist.Peer;
                break;
            case AgentEffect.ForgetPeer forget:
                _peers.Remove(forget.PeerId);
                break;
        }
    }
}
