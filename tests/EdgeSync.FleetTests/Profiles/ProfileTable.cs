using System.Globalization;
using System.Text;

namespace EdgeSync.FleetTests.Profiles;

/// <summary>All profiles over all transports as a section of the figures' page, which is replaced as a whole.</summary>
internal static class ProfileTable
{
    private const string Title = "## Bad links";

    public static void WriteTo(string page, IReadOnlyList<(Transport Transport, ProfileReport Report)> runs)
    {
        var text = File.Exists(page) ? File.ReadAllText(page) : "# Figures\n";
        var start = text.IndexOf($"\n{Title}\n", StringComparison.Ordinal);
        var end = start < 0 ? -1 : text.IndexOf("\n## ", start + 1, StringComparison.Ordinal);
        var before = start < 0 ? text.TrimEnd('\n') + "\n" : text[..start];
        var after = end < 0 ? "" : text[end..];
        File.WriteAllText(page, $"{before}\n{Title}\n\n{Section(runs)}{after}");
    }

    private static string Section(IReadOnlyList<(Transport Transport, ProfileReport Report)> runs)
    {
        var text = new StringBuilder()
            .AppendLine(
                CultureInfo.InvariantCulture,
                $"A megabyte that does not compress, from a check-in at the hub until a leaf behind the link holds it, "
                    + $"`scripts/dev.sh sim real --profiles`, {DateTime.UtcNow:yyyy-MM-dd}.")
            .AppendLine(
                "All links and transports at once through the fault proxy; KiB are what came down and went up, with "
                    + "everything that was sent again.")
            .AppendLine("`worst` is also reset twice on the way; on `hell` it need not arrive.")
            .AppendLine()
            .Append("| Link | Mbit/s · RTT · loss |");
        foreach (var (transport, _) in runs) text.Append(CultureInfo.InvariantCulture, $" {Words(transport)} | KiB |");
        text.AppendLine().Append("| --- | --- |");
        foreach (var _ in runs) text.Append(" --- | --- |");
        text.AppendLine();
        foreach (var profile in runs[0].Report.Results.Select(result => result.Profile))
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {profile.Name} | {profile.MegabitsPerSecond} · {profile.RoundTrip.TotalMilliseconds} ms · "
                    + $"{profile.Loss * 100:0.#} % |");
            foreach (var (_, report) in runs)
                text.Append(Cells(report.Results.FirstOrDefault(result => result.Profile == profile)));
            text.AppendLine();
        }

        text.AppendLine();
        var broken = runs.SelectMany(run => run.Report.Broken).ToList();
        text.AppendLine(
            broken.Count == 0 ? "Everything held, byte for byte, in the eyes of both programs."
                : $"Broken: {string.Join("; ", broken)}");
        return text.ToString();
    }

    private static string Cells(ProfileResult? result) => result is null
        ? " – | – |"
        : string.Create(
            CultureInfo.InvariantCulture,
            $" {(result.After is { } after ? $"{after.TotalSeconds:0.0} s" : NotWithin(result.Watched))}"
                + $"{(result.Failures > 0 ? $", {result.Failures} failed" : "")}"
                + $" | {result.BytesDown / 1024} + {result.BytesUp / 1024} |");

    private static string NotWithin(TimeSpan watched) => $"not in {watched.TotalSeconds:0} s";

    private static string Words(Transport transport) => transport switch
    {
        Transport.Http => "HTTP",
        Transport.NatsClient => "client of nats-server",
        _ => "leafnode",
    };
}
