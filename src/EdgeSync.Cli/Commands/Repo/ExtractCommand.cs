using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class ExtractCommand
{
    private static readonly Argument<string[]> Names = new("FILES") { Description = "Files to write; otherwise all.", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string?> Version = new("--version", "-r") { Description = "Check-in; otherwise the newest.", HelpName = "VERSION" };

    public static Verb Create() => new("extract", "Write files of a check-in, replacing what is there.", Run)
    {
        Arguments = { Names },
        Options = { Version, TreeOptions.Folder },
        Examples = ["repo extract README.md src/main.c", "repo extract --version v1.0 -d /tmp/v1"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToRead();
        using var tree = CheckinTree.Open(repository, repository.Names.ResolveCheckin(context.Get(Version)));
        var wanted = context.Get(Names) ?? [];
        var files = wanted.Length == 0 ? [.. tree.Files] : wanted.Select(name => Require(tree, name)).ToList();
        var writer = new TreeWriter(repository, context.Require(TreeOptions.Folder));
        foreach (var file in files) writer.Write(file, replace: true);
        context.Output.Write(new ExtractReport([.. files.Select(f => f.Name)]), CliJson.Default.ExtractReport);
        return ExitCode.Ok;
    }

    private static TreeFile Require(CheckinTree tree, string name) => tree.TryFind(name, out var file)
        ? file
        : throw new EdgeSyncException(ErrorKind.NotFound, $"the check-in has no file '{name}'", "edgesync repo ls");
}

internal sealed record ExtractReport(IReadOnlyList<string> Files) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var file in Files) output.WriteLine(file);
    }
}
