using System.Globalization;
using EdgeSync.Simulation.Fleet;
using Microsoft.Testing.Platform.Builder;

namespace EdgeSync.Simulation;

/// <summary>
/// <c>sim [memory|sqlite|all|fleet] --seed 0x.. --severity normal|adversarial|hostile --seeds N [--trace] [--iroh]</c>;
/// with other arguments the tests run.
/// </summary>
internal static class Program
{
    private static readonly string[] Names = ["memory", "sqlite", "all", "sim", "fleet"];

    public static async Task<int> Main(string[] args)
    {
        if (args.Length > 0 && (Names.Contains(args[0]) || args.Contains("--seed") || args.Contains("--seeds")))
            return Simulate(args);

        return await RunTestsAsync(args);
    }

    /// <summary>The tests, as the generated entry point would run them.</summary>
    private static async Task<int> RunTestsAsync(string[] args)
    {
        var builder = await TestApplication.CreateBuilderAsync(args);
        builder.AddSelfRegisteredExtensions(args);
        using var tests = await builder.BuildAsync();
        return await tests.RunAsync();
    }

    private static int SimulateFleets(string[] args)
    {
        var fleets = RunsOf(args)
            .Select(run => FleetRunner.OptionsFor(run.Seed, run.Severity))
            .Select(options => options with
            {
                KeepsTrace = args.Contains("--trace"),
                IsIroh = args.Contains("--iroh"),
            })
            .ToList();

        foreach (var options in fleets.DistinctBy(f => f.Severity)) Console.WriteLine(FleetRunner.ReplayLine(options));
        var failed = FleetRunner.RunMany(fleets, result =>
        {
            foreach (var line in result.Trace) Console.Write(line);
            if (fleets.Count <= 10 || args.Contains("--verbose"))
                Console.WriteLine(
                    $"0x{result.Options.Seed:x} {result.Options.Severity} trace {result.TraceHash}, {result.Syncs} "
                        + $"exchanges, {result.Steps} steps, healed after {result.HealedAfter?.TotalSeconds} s, "
                            + $"{result.Topology}");
        });
        foreach (var result in failed) Console.WriteLine(result);
        Console.WriteLine($"{fleets.Count - failed.Count} of {fleets.Count} fleets hold");
        return failed.Count == 0 ? 0 : 1;
    }

    private static int Simulate(string[] args)
    {
        if (args.Contains("fleet")) return SimulateFleets(args);

        var worlds = new List<WorldOptions>();
        foreach (var (seed, severity) in RunsOf(args))
        {
            var options = Runner.OptionsFor(seed, severity) with { KeepsTrace = args.Contains("--trace") };
            if (args.Contains("memory")) options = options with { OnSqlite = false };
            if (args.Contains("sqlite")) options = options with { OnSqlite = true };
            worlds.Add(options);
        }

        if (worlds.Count == 1) Console.WriteLine(Runner.ReplayLine(worlds[0]));
        var failed = Runner.RunMany(worlds, result =>
        {
            foreach (var line in result.Trace) Console.Write(line);
            if (worlds.Count == 1) Console.WriteLine($"trace {result.TraceHash}, {result.SessionsEnded} sessions");
        });
        foreach (var result in failed) Console.WriteLine(result);
        Console.WriteLine($"{worlds.Count - failed.Count} of {worlds.Count} worlds hold");
        return failed.Count == 0 ? 0 : 1;
    }

    /// <summary>One run, or <c>--seeds</c> of them from <c>--seed</c> on, at each severity.</summary>
    private static IEnumerable<(ulong Seed, Severity Severity)> RunsOf(string[] args)
    {
        var seed = ParseNumber(Option(args, "--seed") ?? "1");
        var isOne = Option(args, "--seed") is not null && Option(args, "--seeds") is null;
        var count = isOne ? 1 : ParseNumber(Option(args, "--seeds") ?? "100");
        var severities = Option(args, "--severity") is { } name
            ? [Enum.Parse<Severity>(name, ignoreCase: true)]
            : Enum.GetValues<Severity>();
        for (var i = 0UL; i < count; i++)
            foreach (var severity in severities) yield return (seed + i, severity);
    }

    private static string? Option(string[] args, string name) =>
        Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;

    private static ulong ParseNumber(string text) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        ? ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        : ulong.Parse(text, CultureInfo.InvariantCulture);
}
