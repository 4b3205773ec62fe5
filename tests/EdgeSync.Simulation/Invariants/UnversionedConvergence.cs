using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Invariants;

/// <summary>All have the same unversioned files, with the content of their hashes.</summary>
internal static class UnversionedConvergence
{
    public static IEnumerable<string> Broken(World world)
    {
        var first = world.Nodes[0].Read(world.Now, s => s.Unversioned.CatalogHash);
        foreach (var node in world.Nodes)
        {
            if (node.Read(world.Now, s => s.Unversioned.CatalogHash) != first)
                yield return $"unversioned convergence: {node.Name} and {world.Nodes[0].Name} differ";
            foreach (var name in node.Read(world.Now, s => s.Unversioned.List().Where(e => !e.IsDeletion)
                .Where(e => !s.Unversioned.TryRead(e.Name, out var bytes) || !ArtifactHash.Matches(e.Hash, bytes))
                .Select(e => e.Name).ToList()))
                yield return $"unversioned convergence: {node.Name} has other bytes in {name}";
        }
    }
}
