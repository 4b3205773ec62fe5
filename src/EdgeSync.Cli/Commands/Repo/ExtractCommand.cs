using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Repo;

internal static class ExtractCommand
{
    private static readonly Argument<string[]> Names = new("FILES")
    {
        Description = "Files to write (default: all).",
        Arity = ArgumentArity.ZeroOrMore
    };
    private static readonly Option<string?> Version = new("--version", "-r")
    {
        Description = "Check-in (default: the newest).",
        HelpName = "VERSION"
    };

    public static CommandSpec Create() => new("extract", "Write files of a check-in, replacing existing ones.", Run)
    {
        Arguments = { Names },
        Options = { Version, TreeOptions.Folder },
        Examples = ["repo extract README.md src/main.c", "repo extract --version v1.0 -d /tmp/v1"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var version = context.Get(Version) ?? "tip";
        var tree = CheckInTree.Load(repository, repository.Names.ResolveCheckin(version));
        var wanted = context.Get(Names) ?? [];
        var files = wanted.Length == 0
            ? TreeFile.AllOf(tree)
            : [.. wanted.Select(name => TreeFile.Get(tree, name, version))];
        using var disk = DiskFolder.Create(context.Require(TreeOptions.Folder));
        new TreeWriter(repository, disk).Write(files, replace: true);
        context.Output.Write(new ExtractReport([.. files.Select(f => f.Name)]));
        return ExitCode.Ok;
    }
}

internal sealed record ExtractReport(IReadOnlyList<string> Files) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var file in Files) output.WriteLine(DisplayText.Name(file));
    }
}
