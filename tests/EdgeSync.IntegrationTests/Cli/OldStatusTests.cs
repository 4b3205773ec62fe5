using System.Text.Json;
using EdgeSync.Cli.Commands.Node;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Sync;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>A changed status word is reported beside its old one for one version.</summary>
public sealed class OldStatusTests
{
    [Test]
    [Arguments("verified", "sound")]
    [Arguments("damaged", null)]
    public void Verify_reports_the_old_word_of_a_changed_status(string status, string? old)
    {
        var report = new VerifyOutcomeReport("a.fossil", status, 1, 1, 0, 10, 0, 0, [], null);

        Assert.Equal((status, old), WordsOf(JsonOf(report)));
    }

    [Test]
    [Arguments("no_peer", "nobody_to_sync_with")]
    [Arguments("synced", null)]
    public void Sync_now_reports_the_old_word_of_a_changed_status(string status, string? old) =>
        Assert.Equal((status, old), WordsOf(JsonOf(new SyncNowReport(status, []))));

    [Test]
    [Arguments("already_in_sync", "already_in_step")]
    [Arguments("failed", null)]
    public void A_target_reports_the_old_word_of_a_changed_status(string status, string? old)
    {
        var report = new SyncNowReport("synced", [new SyncNowResult("a.fossil", "nats", status, null, 0, 0)]);

        Assert.Equal((status, old), WordsOf(JsonOf(report).GetProperty("targets")[0]));
    }

    private static (string?, string?) WordsOf(JsonElement json) => (
        json.GetProperty("status").GetString(),
        json.TryGetProperty("old_status", out var old) ? old.GetString() : null);

    private static JsonElement JsonOf(IReport report)
    {
        using var results = new MemoryStream();
        using (var output = Output.To(results, Stream.Null, isJson: true)) output.Write(report);
        return JsonDocument.Parse(results.ToArray()).RootElement;
    }
}
