using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Crosslink.Rebuild;

namespace EdgeSync.Cli.Commands.Repo;

internal static class RebuildCommand
{
    private static readonly Option<bool> Vacuum = new("--vacuum")
    {
        Description = "Rewrite the file without free pages."
    };
    private static readonly Option<bool> Compress = new("--compress")
    {
        Description = "Store more content as deltas, to save space."
    };
    private static readonly Option<bool> Cluster = new("--cluster")
    {
        Description = "Create clusters, so that peers announce less."
    };

    public static CommandSpec Create() => new("rebuild", "Recreate every derived table from the artifacts.", RunAsync)
    {
        Arguments = { Globals.RepoArgument },
        Options = { Vacuum, Compress, Cluster },
        Notes = "One transaction: an interruption leaves the repository as it was. Shunned artifacts lose their "
            + "content.",
        Examples = ["repo rebuild project.fossil", "repo rebuild --vacuum --compress --cluster"],
    };

    public static RebuildReport Rebuild(
        CommandContext context, Repository repository, CancellationToken cancellationToken)
    {
        using var progress = new Progress(context.Output, "rebuilding");
        return Rebuilder.Run(
            repository,
            new RebuildOptions
            {
                MakesClusters = context.Get(Cluster),
                Compresses = context.Get(Compress),
                Vacuums = context.Get(Vacuum),
                Progress = at => progress.Report(at.Done, at.Total, () => at.Phase switch
                {
                    RebuildPhase.Reading => "reading",
                    RebuildPhase.Linking => "linking",
                    _ => "finishing",
                }),
            },
            cancellationToken);
    }

    public static RebuildOutcomeReport ReportOf(Repository repository, RebuildReport report, TimeSpan elapsed) => new(
        repository.Path, report.Damages.Count == 0
        ? "rebuilt"
        : "rebuilt_with_damage", report.ReadCount, report.LinkedCount, report.PhantomCount,
        report.ShunnedCount, report.ClusterCount, report.DeltaCount, report.DeltaBytesSaved, report.Damages,
        (long)elapsed.TotalMilliseconds);

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        using var repository = Repository.Open(
            context.RepositoryPath, RepositoryOptions.Default with { Clock = context.Clock, AcceptsAnySchema = true });
        var begin = context.Clock.GetTimestamp();
        var report = Rebuild(context, repository, cancellationToken);
        context.Output.Write(ReportOf(repository, report, context.Clock.GetElapsedTime(begin)));
        return Task.FromResult(report.Damages.Count == 0 ? ExitCode.Ok : ExitCode.Corrupt);
    }
}

/// <param name="Status"><c>rebuilt</c> or <c>rebuilt_with_damage</c>.</param>
internal sealed record RebuildOutcomeReport(
    string Repository, string Status, int Read, int Linked, int Phantoms, int ShunnedRemoved, int Clusters, int Deltas,
    long DeltaBytesSaved, IReadOnlyList<string> Damages, long Milliseconds) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var damage in Damages) output.WriteLine($"damaged: {DisplayText.OneLine(damage)}");
        output.WriteLine(
            $"rebuilt {Repository}: read {DisplayText.Number(Read)} artifacts, linked {DisplayText.Number(Linked)}, "
                + $"{DisplayText.Span(TimeSpan.FromMilliseconds(Milliseconds))}");
        if (ShunnedRemoved > 0) output.WriteLine($"removed the content of {ShunnedRemoved} shunned artifacts");
        if (Clusters > 0) output.WriteLine($"made {Clusters} clusters");
        if (Deltas > 0)
            output.WriteLine(
                $"made {DisplayText.Number(Deltas)} deltas, which save {DisplayText.Bytes(DeltaBytesSaved)}");
    }
}
