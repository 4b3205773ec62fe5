using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Repo;

internal static class BranchCommand
{
    private static readonly Option<bool> Closed = new("--closed") { Description = "Only closed ones." };
    private static readonly Option<bool> All = new("--all", "-a") { Description = "Open and closed ones." };

    private static readonly Argument<string> Name = new("NAME") { Description = "The branch." };
    private static readonly Option<string> From = new("--from")
    {
        Description = "Check-in to branch from.",
        HelpName = "VERSION",
        DefaultValueFactory = _ => "tip"
    };
    private static readonly Option<string?> Message = new("--message", "-m")
    {
        Description = "Comment (default: the name of the new branch).",
        HelpName = "TEXT"
    };
    private static readonly Option<bool> Private = new("--private")
    {
        Description = "Send it only to peers that request private artifacts."
    };

    public static CommandSpec Create() => new("branch", "List, start, close and hide branches.")
    {
        new CommandSpec("ls", "List branches.", RunList)
        {
            Options = { Closed, All },
            Examples = ["repo branch ls", "repo branch ls --all --json"]
        }.Also("list"),
        new CommandSpec("new", "Start a branch with an empty check-in.", RunNew)
        {
            Arguments = { Name }, Options = { From, Message, AuthorOptions.User, Private },
            Examples = ["repo branch new experiment", "repo branch new fix-1 --from v1.0 -m 'Fixes for 1.0'"],
        },
        Change(
            "close", "Close a branch.", "closed", (writer, rid, user) => writer.Close(rid, user),
            (writer, rid) => writer.IsClosed(rid)),
        Change(
            "reopen", "Open a closed branch again.", "reopened", (writer, rid, user) => writer.Reopen(rid, user),
            (writer, rid) => !writer.IsClosed(rid)),
        Change(
            "hide", "Leave a branch out of timelines.", "hidden", (writer, rid, user) => writer.Hide(rid, user),
            (writer, rid) => writer.IsHidden(rid)),
        Change(
            "unhide", "Show a hidden branch again.", "shown", (writer, rid, user) => writer.Unhide(rid, user),
            (writer, rid) => !writer.IsHidden(rid)),
    };

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var closed = context.Get(Closed);
        var all = context.Get(All);
        var branches = Branches.List(repository).Where(b => all || b.IsClosed == closed)
            .Select(b => new BranchEntry(b.Name, b.Tip.ToString(), b.Date.ToString(), b.User, b.IsClosed, b.IsPrivate));
        context.Output.Write(new BranchReport([.. branches]));
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
        context.Output.Write(new BranchChangeReport("created", name, made.Id.ToString()));
        return ExitCode.Ok;
    }

    private static CommandSpec Change(
        string name, string summary, string status, Func<TagWriter, RecordId, string, AuthoredArtifact> change,
        Func<TagWriter, RecordId, bool> isDone) =>
        new(name, summary, context => RunChange(context, status, change, isDone))
        {
            Arguments = { Name },
            Options = { AuthorOptions.User },
            Examples = [$"repo branch {name} experiment"],
        };

    private static ExitCode RunChange(
        CommandContext context, string status, Func<TagWriter, RecordId, string, AuthoredArtifact> change,
        Func<TagWriter, RecordId, bool> isDone)
    {
        var name = context.Require(Name);
        using var repository = context.OpenToWrite();
        var tip = repository.Names.ResolveCheckin(name);
        var writer = new TagWriter(repository);
        if (isDone(writer, tip)) status = "already_" + status;
        else change(writer, tip, context.UserName);
        context.Output.Write(
            new BranchChangeReport(status, name, repository.Content.NameOf(tip).ToString()));
        return ExitCode.Ok;
    }
}

/// <param name="Status"><c>created</c>, <c>closed</c>, <c>reopened</c>, <c>hidden</c> or <c>shown</c>, or
/// <c>already_…</c>.</param>
internal sealed record BranchChangeReport(string Status, string Name, string Hash) : IReport
{
    public void Print(TextWriter output) =>
        output.WriteLine($"branch {DisplayText.Name(Name)} {Status.Replace('_', ' ')} at {Hash[..10]}");
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
            output.WriteLine(
                $"{DisplayText.Name(branch.Name).PadRight(width)}  {branch.Tip[..10]}  "
                    + $"{DisplayText.Minute(branch.Date)}  {DisplayText.Name(branch.User)}{marks}");
        }
    }
}
