using System.Globalization;
using System.Text;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>What went over a cable: in the whole run, and in the quiet time at its end.</summary>
internal sealed record LinkTraffic(long Bytes, int Connections)
{
    public long QuietBytes { get; init; }

    public int QuietConnections { get; init; }
}

/// <summary>What became of a fleet.</summary>
internal sealed class FleetReport(FleetPlan plan)
{
    public FleetPlan Plan => plan;

    /// <summary>Sentences; none means that everything held.</summary>
    public List<string> Broken { get; } = [];

    public TimeSpan? ConvergedAfter { get; set; }

    public int Artifacts { get; set; }

    /// <summary>Syncs that <c>cron</c> made and that succeeded.</summary>
    public int Syncs { get; set; }

    public Dictionary<string, LinkTraffic> Traffic { get; } = [];

    public IReadOnlyList<string> Log { get; set; } = [];

    public IReadOnlyDictionary<string, string> NodeLogs { get; set; } = new Dictionary<string, string>();

    public bool Holds => Broken.Count == 0;

    /// <summary>One line for a run that held.</summary>
    public string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{(Holds ? "holds " : "BROKEN")}  {plan.Options.ReplayLine}  {Artifacts} artifacts, agreement after "
            + $"{ConvergedAfter?.TotalSeconds ?? -1:0.0} s, {Traffic.Values.Sum(t => t.Bytes) / 1024} KiB over "
                + $"{Traffic.Count} links");

    public override string ToString() => string.Join('\n', [Summary, .. Broken.Take(12)]);

    /// <summary>Everything that explains a run afterwards.</summary>
    public void WriteTo(string folder)
    {
        Directory.CreateDirectory(folder);
        var text = new StringBuilder().AppendLine(Summary).AppendLine().AppendLine("BROKEN");
        foreach (var line in Broken) text.AppendLine(line);
        text.AppendLine().AppendLine("TRAFFIC");
        foreach (var (name, traffic) in Traffic) text.AppendLine(CultureInfo.InvariantCulture, $"{name}: {traffic}");
        text.AppendLine().AppendLine("PLAN").Append(plan).AppendLine().AppendLine("WHAT HAPPENED");
        foreach (var line in Log) text.AppendLine(line);
        File.WriteAllText(Path.Combine(folder, "report.txt"), text.ToString());
        foreach (var (name, log) in NodeLogs) File.WriteAllText(Path.Combine(folder, $"{name}.log"), log);
    }
}
