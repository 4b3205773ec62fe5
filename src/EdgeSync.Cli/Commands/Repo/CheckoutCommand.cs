using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Repo;

internal static class TreeOptions
{
    /// <summary>The check-in as an argument; <c>--version</c> is the same, as in the other commands.</summary>
    public static Argument<string?> VersionArgument { get; } = new("VERSION")
    {
        Description = "Check-in (default: the newest).",
        Arity = ArgumentArity.ZeroOrOne
    };

    public static Option<string?> Version { get; } = new("--version", "-r")
    {
        Description = "The check-in, in place of the argument.",
        HelpName = "VERSION"
    };

    /// <summary>Null for the newest.</summary>
    public static string? VersionOf(CommandContext context)
    {
        var (word, option) = (context.Get(VersionArgument), context.Get(Version));
        return word is null || option is null
            ? word ?? option
            : throw new EdgeSyncException(
                ErrorKind.Usage, $"two versions are named: {word} and {option}",
                "--version VERSION, or the argument, not both");
    }

    public static Option<string> Folder { get; } = new("--dir", "-d")
    {
        Description = "Folder to write into.",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => ".",
    };
}

internal static class CheckoutCommand
{
    private static readonly Option<bool> Force = new("--force", "-f") { Description = "Replace existing files." };

    public static CommandSpec Create() => new("co", "Write all files of a check-in into a folder.", Run)
    {
        Arguments = { TreeOptions.VersionArgument },
        Options = { TreeOptions.Folder, Force, TreeOptions.Version },
        Notes = """
            Nothing is written when a file exists already, unless --force is given; nor when content is missing, or two files
            would have one name (names that differ in case, on some file systems).
            """,
        Examples = ["repo co -R project.fossil -d work", "repo co v1.0 -d work --force"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var tree = CheckInTree.Load(repository, repository.Names.ResolveCheckin(TreeOptions.VersionOf(context)));
        var folder = context.Require(TreeOptions.Folder);
        var force = context.Get(Force);
        var files = TreeFile.AllOf(tree);
        using var disk = DiskFolder.Create(folder);
        new TreeWriter(repository, disk).Write(files, replace: force);
        var report = new CheckoutReport(repository.Content.NameOf(tree.Rid).ToString(), [.. files.Select(f => f.Name)]);
        context.Output.Write(report);
        return ExitCode.Ok;
    }
}

internal sealed record CheckoutReport(string Checkin, IReadOnlyList<string> Files) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var file in Files) output.WriteLine($"  {DisplayText.Name(file)}");
        output.WriteLine($"checked out {Files.Count} files");
    }
}
