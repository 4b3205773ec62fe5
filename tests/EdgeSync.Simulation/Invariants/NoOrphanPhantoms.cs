using EdgeSync.Fossil.Sync.Store;

namespace EdgeSync.Simulation.Invariants;

/// <summary>Nobody lacks a public artifact that somebody has: phantoms are filled once the network is whole.</summary>
internal static class NoOrphanPhantoms
{
    public static IEnumerable<string> Broken(World world)
    {
        var held = world.Nodes.SelectMany(n => n.PublicIds(world.Now)).Except(world.ShunnedIds).ToHashSet();
        foreach (var node in world.Nodes)
            foreach (var phantom in node.Read(world.Now, s => s.Walk(ArtifactList.Phantoms).ToList()))
                if (held.Contains(phantom.Id))
                    yield return $"no orphan phantoms: {node.Name} still lacks {phantom.Id.ToShortString()}";
    }
}
