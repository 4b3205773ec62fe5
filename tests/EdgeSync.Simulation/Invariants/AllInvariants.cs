namespace EdgeSync.Simulation.Invariants;

/// <summary>What must hold in a world that has healed.</summary>
internal static class AllInvariants
{
    private static readonly Func<World, IEnumerable<string>>[] Checks =
    [
        HashIntegrity.Broken, DeltaChains.Broken, NoOrphanPhantoms.Broken, SameArtifacts.Broken,
        PrivateStaysPrivate.Broken, UnversionedConvergence.Broken, TableConvergence.Broken, DerivedEqualsRebuild.Broken,
    ];

    public static IEnumerable<string> Broken(World world)
    {
        // Derived tables come last: the check rebuilds them.
        foreach (var check in Checks)
            foreach (var sentence in check(world))
                yield return sentence;
    }
}
