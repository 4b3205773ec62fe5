using System.Globalization;
using EdgeSync.FleetTests.Fleet;
using EdgeSync.FleetTests.Profiles;
using EdgeSync.FleetTests.Proxy;
using Microsoft.Testing.Platform.Builder;

namespace EdgeSync.FleetTests;

/// <summary>
/// <c>real --seed N [--seeds N] [--severity S] [--topology T] [--leaves N] [--window SECONDS] [--failures FOLDER]</c>
/// runs fleets; <c>real --profiles [--transport T] [--profile NAME,...] [--seed N] [--table PAGE]</c> a megabyte over
/// links of all profiles; with other arguments the tests run.
/// </summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args.FirstOrDefault() == "real") return await RunFleetsAsync(args);

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

    private static async Task<int> RunFleetsAsync(string[] args)
    {
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = true;   // so that every process of the fleet is ended, too
            stop.Cancel();
        };

        var broken = 0;
        try
        {
            if (args.Contains("--profiles")) return await RunProfilesAsync(args, stop.Token);

            foreach (var options in Fleets(args))
            {
                Console.WriteLine(options.ReplayLine);
                var report = await FleetRun.RunAsync(options, stop.Token);
                Console.WriteLine(report);
                if (args.Contains("--trace") && report.Holds) Console.WriteLine(string.Join('\n', report.Log));
                if (report.Holds) continue;

                broken++;
                var folder = Path.Combine(
                    Option(args, "--failures")
                    ?? "failures", $"{options.Seed}-{options.Severity.ToString().ToLowerInvariant()}");
                report.WriteTo(folder);
                Console.WriteLine($"  everything about it: {folder}");
            }
        }
        catch (OperationCanceledException)
        {
            return 130;
        }

        return broken == 0 ? 0 : 1;
    }

    /// <summary>All transports at once, because their links mostly wait.</summary>
    private static async Task<int> RunProfilesAsync(string[] args, CancellationToken cancellationToken)
    {
        Transport[] transports = Option(args, "--transport") is { } name
            ? [Enum.Parse<Transport>(name, ignoreCase: true)]
            : Enum.GetValues<Transport>();
        var profiles = Option(args, "--profile") is { } names
            ? [.. names.Split(',').Select(LinkProfile.Of)]
            : LinkProfile.Named;
        var seed = ulong.Parse(Option(args, "--seed") ?? "1", CultureInfo.InvariantCulture);
        var reports = await Task.WhenAll(transports.Select(transport =>
            Task.Run(() => ProfileRun.RunAsync(transport, profiles, seed, cancellationToken), cancellationToken)));
        foreach (var (transport, report) in transports.Zip(reports))
        {
            Console.WriteLine(report);
            if (report.Holds && !args.Contains("--trace")) continue;

            var folder = Path.Combine(
                Option(args, "--failures") ?? "failures", $"profiles-{transport.ToString().ToLowerInvariant()}");
            report.WriteTo(folder);
            Console.WriteLine($"  everything about it: {folder}");
        }

        if (Option(args, "--table") is { } page) ProfileTable.WriteTo(page, [.. transports.Zip(reports)]);
        return reports.All(report => report.Holds) ? 0 : 1;
    }

    private static IEnumerable<FleetOptions> Fleets(string[] args)
    {
        var first = ulong.Parse(Option(args, "--seed") ?? "1", CultureInfo.InvariantCulture);
        var count = ulong.Parse(Option(args, "--seeds") ?? "1", CultureInfo.InvariantCulture);
        var severities = Option(args, "--severity") is { } name
            ? [Enum.Parse<Severity>(name, ignoreCase: true)]
            : Enum.GetValues<Severity>();
        var topology = Option(args, "--topology") is { } shape
            ? Enum.Parse<Topology>(shape, ignoreCase: true)
            : (Topology?)null;
        var leaves = Option(args, "--leaves") is { } number
            ? int.Parse(number, CultureInfo.InvariantCulture)
            : (int?)null;
        if (leaves is < 1 or > FleetOptions.LeavesMax)
            throw new ArgumentException($"--leaves is 1 to {FleetOptions.LeavesMax}");

        for (var seed = first; seed < first + count; seed++)
            foreach (var severity in severities)
            {
                var options = FleetOptions.Draw(seed, severity, topology, leaves);
                yield return Option(args, "--window") is { } window
                    ? options with { Window = TimeSpan.FromSeconds(double.Parse(window, CultureInfo.InvariantCulture)) }
                    : options;
            }
    }

    private static string? Option(string[] args, string name) =>
        Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
}
