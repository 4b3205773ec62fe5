using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Repo;

internal static class LsCommand
{
    private static readonly Option<bool> Long = new("--long", "-l") { Description = "Print hash and permission too." };

    public static CommandSpec Create() => new("ls", "List the files of a check-in.", Run)
    {
        Arguments = { TreeOptions.VersionArgument },
        Options = { Long, TreeOptions.Version },
        IsPaged = true,
        Examples = ["repo ls", "repo ls -l trunk", "repo ls 2024-01-31 --json"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var tree = CheckInTree.Load(repository, repository.Names.ResolveCheckin(TreeOptions.VersionOf(context)));
        var files = TreeFile.AllOf(tree).ConvertAll(f => new LsFile(f.Name, f.Id.ToString(), LetterOf(f.Permission)));
        context.Output.Write(
            new LsReport(repository.Content.NameOf(tree.Rid).ToString(), files) { IsLong = context.Get(Long) });
        return ExitCode.Ok;
    }

    private static string LetterOf(FilePermission permission) => permission switch
    {
        FilePermission.Executable => "x",
        FilePermission.Symlink => "l",
        _ => "-",
    };
}

/// <param name="Perm"><c>-</c>, <c>x</c> (executable) or <c>l</c> (symbolic link).</param>
internal sealed record LsFile(string Name, string Hash, string Perm);

internal sealed record LsReport(string Checkin, IReadOnlyList<LsFile> Files) : IReport
{
    [System.Text.Json.Serialization.JsonIgnore]
    internal bool IsLong { get; init; }

    public void Print(TextWriter output)
    {
        foreach (var file in Files)
            output.WriteLine(
                IsLong ? $"{file.Hash[..10]}  {file.Perm}  {DisplayText.Name(file.Name)}"
                    : DisplayText.Name(file.Name));
    }
}
