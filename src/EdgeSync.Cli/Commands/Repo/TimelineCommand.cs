using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Repo;

internal static class TimelineCommand
{
    private static readonly Option<int> Limit = Choices.Number(
        "--limit", ["-n"], "Maximum number of entries (0: all).", 20);

    private static readonly Option<string> Type = new Option<string>("--type", "-t")
    {
        Description = "Type of entries.",
        HelpName = "TYPE",
        DefaultValueFactory = _ => "ci"
    }
        .Among("all", "ci", "w", "t", "e", "g", "f");

    private static readonly Option<string?> OfBranch = new("--branch")
    {
        Description = "Only check-ins of this branch or tag.",
        HelpName = "BRANCH"
    };

    public static CommandSpec Create() => new("timeline", "Show the timeline, newest first.", Run)
    {
        Arguments = { Globals.RepoArgument },
        Options = { Limit, Type, OfBranch },
        Notes = "Types: ci check-ins, w wiki, t tickets, e technotes, g tag changes, f forum, all.",
        IsPaged = true,
        Examples = [
            "repo timeline -n 5", "repo timeline project.fossil --type all --json", "repo timeline --branch trunk"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var type = context.Require(Type);
        if (context.Get(OfBranch) is { } branch && !Tags.List(repository).Any(t => t.Name == branch))
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"no branch or tag is named '{branch}'", "edgesync repo branch ls");

        var entries = Timeline.List(
            repository, context.Require(Limit), type == "all" ? null : type, context.Get(OfBranch), before: null)
            .Select(e => new TimelineLine(e.Id.ToString(), e.Type, e.Date.ToString(), e.User, e.Comment, e.Branch));
        context.Output.Write(new TimelineReport([.. entries]));
        return ExitCode.Ok;
    }
}

internal sealed record TimelineLine(string Hash, string Type, string Date, string User, string Comment, string? Branch);

internal sealed record TimelineReport(IReadOnlyList<TimelineLine> Entries) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var entry in Entries)
        {
            var user = entry.User.Length == 0 ? "?" : entry.User;
            output.WriteLine(
                $"{entry.Hash[..10]}  {DisplayText.Minute(entry.Date)}  {DisplayText.Name(user)}  "
                    + $"{DisplayText.OneLine(entry.Comment)}");
        }
    }
}
