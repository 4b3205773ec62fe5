using System.CommandLine;
using System.Text.Json;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Repo;

internal static class BackupCommand
{
    private static readonly Argument<string> To = new("PATH") { Description = "New file." };

    public static Verb Create() => new("backup", "Copy a repository, whole and self-contained, while others use it.", Run)
    {
        Arguments = { To },
        Examples = ["repo backup -R project.fossil /mnt/usb/project-$(date +%F).fossil"],
    };

    private static ExitCode Run(CommandContext context)
    {
        var target = context.Require(To);
        using var repository = context.OpenToRead();
        repository.BackUp(target);
        context.Output.Write(new BackupReport(repository.Path, target, new FileInfo(target).Length));
        return ExitCode.Ok;
    }
}

internal sealed record BackupReport(string Repository, string Target, long Bytes) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"copied {Repository} to {Target} ({Progress.Bytes(Bytes)})");

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("repository"u8, Repository);
        json.Put("target"u8, Target);
        json.Put("bytes"u8, Bytes);
    }
}
