using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class PurgeCommand
{
    private static readonly Option<bool> DryRun = new("--dry-run", "-n")
    {
        Description = "Only print what would be removed."
    };

    public static CommandSpec Create() =>
        new("purge", "Remove the content of all shunned artifacts from the file, for good.", RunAsync)
        {
            Options = { DryRun },
            Notes = "The repository is rebuilt afterwards. Peers keep their copy until they shun it too.",
            Examples = ["repo purge --dry-run", "repo purge"],
        };

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var isDry = context.Get(DryRun);
        using var repository = isDry ? context.OpenToRead() : context.OpenToWrite();
        var held = ListHeld(repository);
        if (!isDry && held.Count > 0) RebuildCommand.Rebuild(context, repository, cancellationToken);

        var status = held.Count == 0 ? "already_purged" : isDry ? "would_purge" : "purged";
        context.Output.Write(new PurgeReport(status, held));
        return Task.FromResult(ExitCode.Ok);
    }

    private static List<PurgeLine> ListHeld(Repository repository)
    {
        using var select = repository.Database.Prepare(
            "SELECT uuid, size FROM blob JOIN shun USING(uuid) WHERE size>=0 ORDER BY uuid");
        var held = new List<PurgeLine>();
        while (select.Step()) held.Add(new PurgeLine(select.Text(0) ?? "", select.Int64(1)));
        return held;
    }
}

internal sealed record PurgeLine(string Hash, long Bytes);

/// <param name="Status"><c>purged</c>, <c>would_purge</c> or <c>already_purged</c>.</param>
internal sealed record PurgeReport(string Status, IReadOnlyList<PurgeLine> Artifacts) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var artifact in Artifacts)
            output.WriteLine(
                $"{(Status == "purged" ? "removed" : "would remove")} {artifact.Hash} "
                    + $"({DisplayText.Bytes(artifact.Bytes)})");
        if (Artifacts.Count == 0) output.WriteLine("nothing to purge");
    }
}
