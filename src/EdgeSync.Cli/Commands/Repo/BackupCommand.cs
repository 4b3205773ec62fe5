using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Repo;

internal static class BackupCommand
{
    private static readonly Argument<string[]> Paths = new("PATH")
    {
        HelpName = "[REPO] PATH",
        Description = "The new file; optionally preceded by the repository file, in place of -R.",
        Arity = new ArgumentArity(1, 2),
    };

    private static readonly Option<bool> Overwrite = new("--overwrite")
    {
        Description = "Replace a file of that name."
    };

    public static CommandSpec Create() =>
        new("backup", "Copy a repository, whole and self-contained, while others use it.", Run)
        {
            Arguments = { Paths },
            Options = { Overwrite },
            Examples = ["repo backup project.fossil /mnt/usb/project-$(date +%F).fossil"],
        };

    private static ExitCode Run(CommandContext context)
    {
        var paths = context.Require(Paths);
        var target = paths[^1];
        if (Directory.Exists(target) && !context.Output.IsStock)
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{target} is a folder, and a new file is needed", "name a file in it");

        using var repository = paths.Length == 1 ? context.OpenToRead() : context.OpenToRead(paths[0]);
        if (Directory.Exists(target)) target = Path.Combine(target, Path.GetFileName(repository.Path));
        repository.BackUp(target, context.Get(Overwrite));
        context.Output.Write(new BackupReport(repository.Path, target, new FileInfo(target).Length));
        return ExitCode.Ok;
    }
}

internal sealed record BackupReport(string Repository, string Target, long Bytes) : IReport
{
    public void Print(TextWriter output) =>
        output.WriteLine($"copied {Repository} to {Target} ({DisplayText.Bytes(Bytes)})");

    public void PrintAsStock(TextWriter output)
    {
        // Stock is silent.
    }
}
