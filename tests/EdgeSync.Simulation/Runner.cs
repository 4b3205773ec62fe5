using System.Globalization;

namespace EdgeSync.Simulation;

/// <summary>Runs worlds by seed, and prints how to run a failing one again.</summary>
internal static class Runner
{
    /// <summary>The line that replays a world.</summary>
    public static string ReplayLine(WorldOptions options) => string.Create(
        CultureInfo.InvariantCulture,
        $"scripts/dev.sh sim {(options.OnSqlite ? "sqlite" : "memory")} --seed 0x{options.Seed:x} --severity "
            + $"{options.Severity.ToString().ToLowerInvariant()}");

    /// <summary>One world in every eighth runs on real repositories; they cost twenty times as much.</summary>
    public static WorldOptions OptionsFor(ulong seed, Severity severity) =>
        new(seed, severity, OnSqlite: seed % 8 == 0);

    public static WorldResult Run(WorldOptions options)
    {
        using var world = new World(options);
        try
        {
            var broken = world.Run();
            return new WorldResult(options, world.Trace.Hash, broken, world.Trace.Lines, world.SessionsEnded);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return new WorldResult(options, world.Trace.Hash, [e.ToString()], world.Trace.Lines, world.SessionsEnded);
        }
    }

    /// <summary>Runs many worlds on all cores; answers those that failed.</summary>
    public static List<WorldResult> RunMany(IEnumerable<WorldOptions> worlds, Action<WorldResult>? onEnd = null)
    {
        var failed = new List<WorldResult>();
        Parallel.ForEach(worlds, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, options =>
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
}

/// <summary>What became of one world.</summary>
internal sealed record WorldResult(
    WorldOptions Options, string TraceHash, List<string> Broken, List<string> Trace, int SessionsEnded)
{
    public override string ToString() =>
        $"{Runner.ReplayLine(Options)}\n  {string.Join("\n  ", Broken.Take(6))}";
}
