namespace EdgeSync.Simulation.Invariants;

/// <summary>
/// All repositories hold the same public artifacts, but for what some have shunned, and none was lost.
/// </summary>
internal static class SameArtifacts
{
    public static IEnumerable<string> Broken(World world)
    {
        var all = world.Nodes.SelectMany(n => n.PublicIds(world.Now)).Except(world.ShunnedIds).ToHashSet();
        foreach (var node in world.Nodes)
        {
            var missing = all.Except(node.PublicIds(world.Now)).ToList();
            if (missing.Count > 0)
                yield return $"same artifacts: {node.Name} lacks {missing.Count}, first {missing[0].ToShortString()}";
        }
    }
}
