using EdgeSync.Fossil.Sync;

namespace EdgeSync.Simulation.Invariants;

/// <summary>All have the same live rows in synced tables.</summary>
internal static class TableConvergence
{
    public static IEnumerable<string> Broken(World world)
    {
        var first = LiveRows(world, world.Nodes[0]);
        foreach (var node in world.Nodes)
            if (LiveRows(world, node) != first)
                yield return $"table convergence: {node.Name} and {world.Nodes[0].Name} differ";
    }

    private static string LiveRows(World world, SimNode node) => node.Read(world.Now, s =>
        s.Tables is null || !s.Tables.List().Any(t => t.Name == Workload.Table.Name)
            ? SyncedRow.CatalogHash([])
            : SyncedRow.CatalogHash(s.Tables.ListRows(Workload.Table.Name)));
}
