using System.Globalization;

namespace EdgeSync.Simulation.Fleet;

/// <summary>Runs fleets by seed, and prints how to run a failing one again.</summary>
internal static class FleetRunner
{
    private const ulong SqliteEvery = 64;

    public static string ReplayLine(FleetOptions options) => string.Create(
        CultureInfo.InvariantCulture,
        $"scripts/dev.sh sim fleet --seed 0x{options.Seed:x} --severity "
            + $"{options.Severity.ToString().ToLowerInvariant()}{(options.IsIroh ? " --iroh" : "")}");

    /// <summary>A few run on real repositories, which cost much more.</summary>
    public static FleetOptions OptionsFor(ulong seed, Severity severity) =>
        new(seed, severity, OnSqlite: seed % SqliteEvery == 0);

    public static FleetResult Run(FleetOptions options)
    {
        Fleet? fleet = null;
        try
        {
            fleet = new Fleet(options);
            var broken = fleet.Run();
            return ResultOf(options, fleet, broken);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return ResultOf(options, fleet, [e.ToString()]);
        }
        finally
        {
            fleet?.Dispose();
        }
    }

    public static List<FleetResult> RunMany(IEnumerable<FleetOptions> fleets, Action<FleetResult>? onEnd = null)
    {
        var failed = new List<FleetResult>();
        Parallel.ForEach(fleets, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, options =>
        {
            var result = Run(options);
            lock (failed)
            {
                if (result.Broken.Count > 0) failed.Add(result);
                onEnd?.Invoke(result);
            }
        });
        return failed;
    }

    private static FleetResult ResultOf(FleetOptions options, Fleet? fleet, List<string> broken) => new(
        options,
        fleet?.TraceHash ?? "",
        fleet?.Topology ?? "",
        broken,
        fleet?.TraceLines ?? [],
        fleet?.SyncsStarted ?? 0,
        fleet?.Clock.Steps ?? 0,
        fleet?.HealedAfter);
}

/// <summary>What became of one fleet.</summary>
internal sealed record FleetResult(
    FleetOptions Options, string TraceHash, string Topology, List<string> Broken, List<string> Trace, int Syncs,
    long Steps, TimeSpan? HealedAfter)
{
    public override string ToString() =>
        $"{FleetRunner.ReplayLine(Options)}\n  {Topology}\n  {string.Join("\n  ", Broken.Take(6))}";
}
