using EdgeSync.Fossil.Sync.Store;

namespace EdgeSync.Simulation.Invariants;

/// <summary>Phantoms of public artifacts are filled once the network is whole: no repository lacks one.</summary>
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
