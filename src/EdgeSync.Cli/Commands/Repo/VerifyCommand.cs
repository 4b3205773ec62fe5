using System.CommandLine;
using System.Text.Json;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Verification;

namespace EdgeSync.Cli.Commands.Repo;

internal static class VerifyCommand
{
    private static readonly Option<bool> Repair = new("--repair")
    {
        Description = "Repair what can be repaired without losing readable content."
    };
    private static readonly Option<bool> Quick = new("--quick")
    {
        Description = "Check the content only, not the SQLite file."
    };
    private static readonly Option<int> IssuesMax = Choices.Number(
        "--limit", ["-n"], "Maximum number of issues (0: all).", 100);

    public static CommandSpec Create() => new("verify", "Read and hash everything, and report every fault.", RunAsync)
    {
        Arguments = { Globals.RepoArgument },
        Options = { Repair, Quick, IssuesMax },
        Notes = "Exits with 8 when something is damaged. Phantoms (announced, not yet received) are remarks, not "
            + "damage.",
        Examples = ["repo verify project.fossil", "repo verify --repair", "repo verify --json"],
    };

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken) =>
        Task.FromResult(Run(context, cancellationToken));

    private static ExitCode Run(CommandContext context, CancellationToken cancellationToken)
    {
        var mends = context.Get(Repair);
        using var repository = mends ? context.OpenToWrite() : context.OpenToRead();
        var report = Verify(context, repository, cancellationToken);
        RepairResult? repair = null;
        if (mends && !report.IsSound)
        {
            repair = RepositoryRepair.Run(repository, report);
            if (repair.Value.NeedsRebuild) RebuildCommand.Rebuild(context, repository, cancellationToken);
            report = Verify(context, repository, cancellationToken);
        }

        context.Output.Write(ReportOf(context, repository.Path, report, repair));
        return report.IsSound ? ExitCode.Ok : ExitCode.Corrupt;
    }

    private static VerifyReport Verify(
        CommandContext context, Repository repository, CancellationToken cancellationToken)
    {
        using var progress = new Progress(context.Output, "verifying");
        return Verifier.Run(
            repository,
            new VerifyOptions
            {
                ChecksDatabase = !context.Get(Quick),
                Progress = at =>
                    progress.Report(
                        at.DoneCount, at.TotalCount, () => at.Stage == VerifyStage.Content ? "artifacts" : "tables"),
            },
            cancellationToken);
    }

    private static VerifyOutcomeReport ReportOf(
        CommandContext context, string path, VerifyReport report, RepairResult? repair)
    {
        var limit = context.Get(IssuesMax);
        var issues = new List<VerifyLine>();
        foreach (var issue in report.Issues)
        {
            if (limit > 0 && issues.Count == limit) break;

            issues.Add(new VerifyLine(
                WordOf(issue.Kind), issue.IsNote, issue.Rid.IsNone ? null : issue.Rid.Value,
                issue.Id.IsEmpty ? null : issue.Id.ToString(), issue.Text, issue.Hint));
        }

        return new VerifyOutcomeReport(
            path, report.IsSound ? "verified" : "damaged", report.ArtifactCount, report.CheckedCount,
            report.PhantomCount, report.CheckedBytes, report.ErrorCount, report.Issues.Count, issues,
            repair is { } r ? new RepairLine(r.EmptiedCount, r.RescuedCount, r.SizesCorrected, r.RowsRemoved) : null);
    }

    private static string WordOf(VerifyIssueKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());
}

internal sealed record VerifyLine(string Kind, bool IsNote, long? Rid, string? Hash, string Text, string Hint);

internal sealed record RepairLine(int Emptied, int Rescued, int SizesCorrected, int RowsRemoved);

/// <param name="Status"><c>verified</c> or <c>damaged</c>.</param>
internal sealed record VerifyOutcomeReport(
    string Repository, string Status, int Artifacts, int Checked, int Phantoms, long CheckedBytes, int Errors,
    int IssueCount,
    IReadOnlyList<VerifyLine> Issues, RepairLine? Repair) : IReport
{
    /// <summary>The status under its old word, for one version; null where it has not changed.</summary>
    public string? OldStatus => Status == "verified" ? "sound" : null;

    public void Print(TextWriter output)
    {
        foreach (var issue in Issues)
        {
            var what = issue.Hash is null ? "" : $" {issue.Hash[..10]}";
            output.WriteLine(
                $"{(issue.IsNote ? "note" : "error")} {issue.Kind}{what}: {DisplayText.OneLine(issue.Text)} "
                    + $"({issue.Hint})");
        }

        if (IssueCount > Issues.Count) output.WriteLine($"… and {IssueCount - Issues.Count} more (-n 0 shows all)");
        if (Repair is { } r)
            output.WriteLine(
                $"repaired: {r.Emptied} damaged artifacts given up, {r.Rescued} rescued, {r.SizesCorrected} sizes "
                    + $"corrected, {r.RowsRemoved} rows removed");
        output.WriteLine(Status == "verified"
            ? $"repository integrity verified: {DisplayText.Number(Checked)} artifacts, "
                + $"{DisplayText.Bytes(CheckedBytes)}"
            : $"repository damaged: {DisplayText.Number(Errors)} errors in {DisplayText.Number(Artifacts)} artifacts");
    }
}
