using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

internal static class BranchCommand
{
    private static readonly Option<bool> Closed = new("--closed") { Description = "Only closed ones." };
    private static readonly Option<bool> All = new("--all", "-a") { Description = "Open and closed ones." };

    private static readonly Argument<string> Name = new("NAME") { Description = "The branch." };
    private static readonly Option<string> From = new("--from") { Description = "Check-in that it leaves.", HelpName = "VERSION", DefaultValueFactory = _ => "tip" };
    private static readonly Option<string?> Message = new("--message", "-m") { Description = "Comment; otherwise says which branch was created.", HelpName = "TEXT" };
    private static readonly Option<bool> Private = new("--private") { Description = "Never leaves this repository unless asked for." };

    public static Verb Create() => new("branch", "Branches and their newest check-ins.")
    {
        new Verb("ls", "List branches.", RunList) { Options = { Closed, All }, Examples = ["repo branch ls", "repo branch ls --all --json"] },
        new Verb("new", "Start a branch with an empty check-in.", RunNew)
        {
            Arguments = { Name }, Options = { From, Message, AuthorOptions.User, Private },
            Examples = ["repo branch new experiment", "repo branch new fix-1 --from v1.0 -m 'Fixes for 1.0'"],
        },
        new Verb("close", "Close a branch.", RunClose) { Arguments = { Name }, Options = { AuthorOptions.User }, Examples = ["repo branch close experiment"] },
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var closed = context.Get(Closed);
        var all = context.Get(All);
        var branches = Branches.List(repository).Where(b => all || b.IsClosed == closed)
            .Select(b => new BranchEntry(b.Name, b.Tip.ToString(), b.Date.ToString(), b.User, b.IsClosed, b.IsPrivate));
        context.Output.Write(new BranchReport([.. branches]), CliJson.Default.BranchReport);
        return ExitCode.Ok;
    }

    private static ExitCode RunNew(CommandContext context)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToWrite();
        var made = repository.CreateBranch(new BranchOptions
        {
            Name = name,
            Parent = repository.Names.ResolveCheckin(context.Require(From)),
            User = context.UserName,
            Comment = context.Get(Message),
            IsPrivate = context.Get(Private),
        });
        context.Output.Write(new BranchChangeReport("created", name, made.Id.ToString()), CliJson.Default.BranchChangeReport);
        return ExitCode.Ok;
    }

    private static ExitCode RunClose(CommandContext context)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToWrite();
        var leaf = repository.Names.ResolveCheckin(name);
        new TagWriter(repository).Close(leaf, context.UserName);
        context.Output.Write(
            new BranchChangeReport("closed", name, repository.Content.NameOf(leaf).ToString()), CliJson.Default.BranchChangeReport);
        return ExitCode.Ok;
    }
}

/// <param name="Status"><c>created</c> or <c>closed</c>.</param>
internal sealed record BranchChangeReport(string Status, string Name, string Hash) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"branch {Name} {Status} at {Hash[..10]}");
}

internal sealed record BranchEntry(string Name, string Tip, string Date, string User, bool IsClosed, bool IsPrivate);

internal sealed record BranchReport(IReadOnlyList<BranchEntry> Branches) : IReport
{
    public void Print(TextWriter output)
    {
        if (Branches.Count == 0) output.WriteLine("no branches found");
        var width = Branches.Count == 0 ? 0 : Branches.Max(b => b.Name.Length);
        foreach (var branch in Branches)
        {
            var marks = (branch.IsClosed ? "  closed" : "") + (branch.IsPrivate ? "  private" : "");
            output.WriteLine($"{branch.Name.PadRight(width)}  {branch.Tip[..10]}  {Text.Minute(branch.Date)}  {branch.User}{marks}");
        }
    }
}
