using System.CommandLine;
using System.Text.Json;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Repo;

internal static class TreeOptions
{
    public static Option<string> Folder { get; } = new("--dir", "-d")
    {
        Description = "Folder to write into.",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => ".",
    };
}

internal static class CheckoutCommand
{
    private static readonly Argument<string?> Version = new("VERSION") { Description = "Check-in; otherwise the newest.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<bool> Force = new("--force", "-f") { Description = "Replace files that are there." };

    public static Verb Create() => new("co", "Write all files of a check-in into a folder.", Run)
    {
        Arguments = { Version },
        Options = { TreeOptions.Folder, Force },
        Notes =
            "Nothing is written when a file is in the way, unless --force is given; nothing at all when a content is not here, or two "
            + "files would be one (names that differ in case, on some file systems).",
        Examples = ["repo co -R project.fossil -d work", "repo co v1.0 -d work --force"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var tree = CheckInTree.Load(repository, repository.Names.ResolveCheckin(context.Get(Version)));
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
        foreach (var file in Files) output.WriteLine($"  {file}");
        output.WriteLine($"checked out {Files.Count} files");
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("checkin"u8, Checkin);
        json.Put("files"u8, Files);
    }
}
