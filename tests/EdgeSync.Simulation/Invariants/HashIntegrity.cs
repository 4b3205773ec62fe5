using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Invariants;

/// <summary>Whatever a repository returns has the requested name.</summary>
internal static class HashIntegrity
{
    public static IEnumerable<string> Broken(World world)
    {
        foreach (var node in world.Nodes)
            foreach (var id in node.Read(world.Now, s => Wrong(s).ToList()))
                yield return $"hash integrity: {node.Name} holds {id.ToShortString()} with other bytes";
    }

    private static IEnumerable<ArtifactId> Wrong(IArtifactStore store)
    {
        foreach (var list in new[] { ArtifactList.Public, ArtifactList.Private })
            foreach (var artifact in store.Walk(list).ToList())
                if (store.TryReadText(artifact.Rid, out var text) && !ArtifactHash.Matches(artifact.Id, text.Bytes))
                    yield return artifact.Id;
    }
}
