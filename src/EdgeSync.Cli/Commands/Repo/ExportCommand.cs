using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Git;

namespace EdgeSync.Cli.Commands.Repo;

internal static class ExportCommand
{
    private static readonly Option<bool> Git = new("--git") { Description = "For git, the only target there is." };
    private static readonly Option<string?> To = new("--output", "-o")
    {
        Description = "File to write (default: stdout).",
        HelpName = "FILE"
    };

    private static readonly Option<string?> MarksIn = new("--import-marks")
    {
        Description = "Leave out what an earlier run has exported.",
        HelpName = "FILE"
    };

    private static readonly Option<string?> MarksOut = new("--export-marks")
    {
        Description = "Write marks for the next run.",
        HelpName = "FILE"
    };

    private static readonly Option<string?> Trunk = new("--rename-trunk")
    {
        Description = "Name of the main branch there (default: trunk).",
        HelpName = "NAME"
    };

    public static CommandSpec Create() => new(
        "export", "Write all check-ins as a stream for 'git fast-import'.", RunAsync)
    {
        Arguments = { Globals.RepoArgument },
        Options = { Git, To, MarksIn, MarksOut, Trunk },
        Notes = "Tickets, wiki pages and technotes have no place in git and are left out.",
        Examples =
        [
            "repo export --git project.fossil --rename-trunk main | git fast-import",
            "repo export --git --import-marks git.marks --export-marks git.marks -o more.txt",
        ],
    };

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var file = context.Get(To);
        if (context.Output.IsJson && file is null)
            throw new EdgeSyncException(ErrorKind.Usage, "--json needs a file to write to", "-o FILE");

        using var repository = context.OpenToRead();
        using var written = file is null ? null : new FileStream(file, FileMode.Create, FileAccess.Write);
        var result = GitExporter.Run(
            repository, written ?? context.Output.Raw,
            new GitExportOptions
            {
                TrunkName = context.Get(Trunk) ?? "trunk",
                MarksToRead = context.Get(MarksIn),
                MarksToWrite = context.Get(MarksOut),
            },
            cancellationToken);

        if (file is not null)
            context.Output.Write(new ExportReport(file, result.Checkins, result.Blobs, result.Tags));
        return Task.FromResult(ExitCode.Ok);
    }
}

internal sealed record ExportReport(string File, long Checkins, long Contents, long Tags) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(
        $"wrote {DisplayText.Name(File)}: {DisplayText.Number(Checkins)} check-ins, {DisplayText.Number(Contents)} "
            + $"contents, {DisplayText.Number(Tags)} tags");
}
