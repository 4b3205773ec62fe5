using System.Globalization;
using EdgeSync.FleetTests.Proxy;

namespace EdgeSync.FleetTests.Profiles;

/// <summary>What one profile made of the megabyte.</summary>
/// <param name="After">From the check-in at the hub until the leaf held it; null: not in its time.</param>
/// <param name="Seen">Artifacts of the megabyte that it held in the end.</param>
/// <param name="Failures">Exchanges that ended without success, and were tried again.</param>
/// <param name="Watched">How long all of this took to happen.</param>
internal sealed record ProfileResult(
    LinkProfile Profile, TimeSpan? After, int Seen, long BytesDown, long BytesUp, int Connections, int Failures,
    TimeSpan Processor, TimeSpan Watched)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"  {Profile.Name,-6} {(After is { } after ? $"{after.TotalSeconds,6:0.0} s" : "   never")}  "
            + $"{BytesDown / 1024,6} KiB down {BytesUp / 1024,5} KiB up  {Connections,3} connections  {Failures,2} "
                + $"failed  {Processor.TotalSeconds,5:0.00} s of processor");
}

/// <summary>What became of all profiles over one transport.</summary>
internal sealed class ProfileReport(Transport transport)
{
    public List<ProfileResult> Results { get; } = [];

    /// <summary>Sentences; none means that everything held.</summary>
    public List<string> Broken { get; } = [];

    public IReadOnlyList<string> Log { get; set; } = [];

    public Dictionary<string, string> NodeLogs { get; } = [];

    public bool Holds => Broken.Count == 0;

    public override string ToString() =>
        string.Join('\n', [$"{(Holds ? "holds " : "BROKEN")}  a megabyte over {transport}", .. Results, .. Broken]);

    public void WriteTo(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "report.txt"), $"{this}\n\n{string.Join('\n', Log)}\n");
        foreach (var (name, log) in NodeLogs) File.WriteAllText(Path.Combine(folder, $"{name}.log"), log);
    }
}
