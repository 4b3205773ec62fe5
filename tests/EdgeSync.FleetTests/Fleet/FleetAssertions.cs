using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>What must hold when all have stopped. Each statement names what it defends.</summary>
internal static class FleetAssertions
{
    /// <summary>Keep-alives and one poll, not a conversation.</summary>
    private const long QuietBytesMax = 96 * 1024;

    /// <summary>
    /// A fallback poll may dial once or twice in quiet time; a node that dials more often spins. Behind a bridge each
    /// leaf polls every two seconds, because a bridge never announces what its server received.
    /// </summary>
    private const int QuietConnectionsMax = 6, QuietConnectionsPerLeaf = 3;

    public static void Of(
        FleetReport report, FleetEnvironment ground, IReadOnlyList<FleetNode> holders, IEnumerable<string> acknowledged)
    {
        var wanted = acknowledged.ToList();
        foreach (var node in holders)
        {
            IsIntact(report, ground, node);
            HoldsEverythingOnce(report, node, wanted);
        }

        HoldTheSame(report, holders);
        report.Broken.AddRange(Storms(report));
        NobodyPanics(report, holders);
    }

    /// <summary>Both programs find every artifact whole.</summary>
    private static void IsIntact(FleetReport report, FleetEnvironment ground, FleetNode node)
    {
        Try(report, () => ground.EdgeSync.MustBeIntact(node.Repository));
        if (StockFossil.Program is not null) Try(report, () => ground.Fossil.MustBeIntact(node.Repository));
    }

    /// <summary>What was acknowledged anywhere is everywhere, and nothing is there twice.</summary>
    private static void HoldsEverythingOnce(FleetReport report, FleetNode node, List<string> acknowledged)
    {
        using var file = new SqliteFile(node.Repository, writable: true);
        var comments = file.Query("SELECT coalesce(ecomment, comment), count(*) FROM event WHERE type='ci' GROUP BY 1")
            .ToDictionary(row => (string)row[0]!, row => (long)row[1]!);
        if (acknowledged.Where(comment => !comments.ContainsKey(comment)).ToList() is { Count: > 0 } lost)
            report.Broken.Add(
                $"{node.Name} lost acknowledged check-ins: "
                    + $"{string.Join("; ", lost.Take(5))}{(lost.Count > 5 ? $" and {lost.Count - 5} more" : "")}");
        if (comments.Where(pair => pair.Value > 1).ToList() is { Count: > 0 } doubled)
            report.Broken.Add($"{node.Name} has check-ins more than once: {string.Join("; ", doubled.Take(5))}");
        if (file.Count("SELECT count(*)-count(DISTINCT uuid) FROM blob") is not 0 and var twins)
            report.Broken.Add($"{node.Name} stores {twins} artifacts twice");
    }

    /// <summary>Artifact by artifact, with sizes.</summary>
    private static void HoldTheSame(FleetReport report, IReadOnlyList<FleetNode> holders)
    {
        if (report.ConvergedAfter is null) return;

        foreach (var node in holders.Skip(1))
            Try(
                report,
                () => RepositoryComparer.MustHoldSameArtifactsButClusters(holders[0].Repository, node.Repository));
    }

    /// <summary>When all agree, the cables are silent but for keep-alives and polls: what breaks that.</summary>
    public static IEnumerable<string> Storms(FleetReport report)
    {
        var connectionsMax = QuietConnectionsMax + (QuietConnectionsPerLeaf * report.Plan.Options.Leaves);
        foreach (var (name, traffic) in report.Traffic)
        {
            if (traffic.QuietBytes > QuietBytesMax)
                yield return $"{name} carries {traffic.QuietBytes} B while there is nothing to say";
            if (traffic.QuietConnections > connectionsMax)
                yield return $"{name} is dialled {traffic.QuietConnections} times while all is well";
        }
    }

    /// <summary>Faults of cables are no bugs of ours: no program prints "bug" or a stack.</summary>
    private static void NobodyPanics(FleetReport report, IReadOnlyList<FleetNode> holders)
    {
        foreach (var node in holders)
            if (node.Log.Split('\n').FirstOrDefault(IsPanic) is { } line)
                report.Broken.Add($"{node.Name} logs: {line.Trim()}");
    }

    private static bool IsPanic(string line) =>
        line.Contains("Unhandled", StringComparison.Ordinal)
        || line.Contains("   at EdgeSync.", StringComparison.Ordinal)
            || line.Contains("Invariant", StringComparison.Ordinal);

    private static void Try(FleetReport report, Action check)
    {
        try
        {
            check();
        }
        catch (Xunit.Sdk.XunitException e)
        {
            report.Broken.Add(e.Message);
        }
    }
}
