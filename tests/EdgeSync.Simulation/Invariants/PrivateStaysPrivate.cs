namespace EdgeSync.Simulation.Invariants;

/// <summary>What was private where it was made is public nowhere.</summary>
internal static class PrivateStaysPrivate
{
    public static IEnumerable<string> Broken(World world)
    {
        foreach (var node in world.Nodes)
            foreach (var id in node.PublicIds(world.Now).Where(world.PrivateIds.Contains))
                yield return $"private stays private: {node.Name} shows {id.ToShortString()}";
    }
}
