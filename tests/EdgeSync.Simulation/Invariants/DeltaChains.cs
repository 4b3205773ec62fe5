using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Invariants;

/// <summary>Every held artifact can be read: its chain of deltas ends in a full text, without loops.</summary>
internal static class DeltaChains
{
    public static IEnumerable<string> Broken(World world)
    {
        foreach (var node in world.Nodes)
            foreach (var id in node.Read(world.Now, s => Unreadable(s).ToList()))
                yield return $"delta chains: {node.Name} holds {id.ToShortString()} and cannot read it";
    }

    private static IEnumerable<ArtifactId> Unreadable(IArtifactStore store)
    {
        foreach (var list in new[] { ArtifactList.Public, ArtifactList.Private })
            foreach (var artifact in store.Walk(list).ToList())
                if (!store.TryReadText(artifact.Rid, out _) || IsLoop(store, artifact.Rid))
                    yield return artifact.Id;
    }

    private static bool IsLoop(IArtifactStore store, RecordId rid)
    {
        var seen = new HashSet<RecordId>();
        for (var at = rid; !at.IsNone; at = store.SourceOf(at))
            if (!seen.Add(at))
                return true;
        return false;
    }
}
