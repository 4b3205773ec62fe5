using System.CommandLine;
using System.Globalization;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>branch</c>; alone it lists.</summary>
// Spec: branch_cmd in branch.c.
internal static class StockBranchCommand
{
    private const int RecentDefault = 5;

    private static readonly Argument<string> Name = new("NAME");
    private static readonly Argument<string?> Basis = new("BASIS") { Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<bool> NewIsPrivate = new("--private");
    private static readonly Option<string?> Color = new("--bgcolor") { HelpName = "COLOR" };
    private static readonly Option<bool> NoSign = new("--nosign");
    private static readonly Option<string?> Date = new("--date-override") { HelpName = "DATE" };
    private static readonly Option<string?> UserOverride = new("--user-override") { HelpName = "USER" };

    private static readonly Argument<string?> Glob = new("GLOB") { Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string[]> Names = new("BRANCH") { Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<bool> All = new("--all", "-a");
    private static readonly Option<bool> Closed = new("--closed", "-c");
    private static readonly Option<bool> ByTime = new("-t");
    private static readonly Option<bool> Reversed = new("-r");
    private static readonly Option<bool> Private = new("-p");

    public static CommandSpec Create()
    {
        var command = new CommandSpec("branch", "List, start, close and hide branches.", context => List(context, 0))
        {
            new CommandSpec("list", "List branches.", context => List(context, 0))
            {
                Arguments = { Glob },
                Options = { All, Closed, ByTime, Reversed, Private }
            }.Also("ls"),
            new CommandSpec("lsh", "List the newest branches.", ListRecent)
            {
                Arguments = { Glob },
                Options = { All, Closed, Reversed, Private }
            },
            new CommandSpec("info", "Say where open branches end.", Info) { Arguments = { Names } },
            new CommandSpec("current", "Print the branch that is checked out.", Current),
        };
        command.Subcommands.Add(new CommandSpec("new", "Start a branch with an empty check-in.", New)
        {
            Arguments = { Name, Basis },
            Options = { NewIsPrivate, Color, NoSign, Date, UserOverride },
        });
        foreach (var child in BranchCommand.Create().Subcommands.Where(c => c.Name is not ("ls" or "new")).ToList())
            command.Subcommands.Add(child);
        return command;
    }

    private static ExitCode New(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var made = repository.CreateBranch(new BranchOptions
        {
            Name = context.Require(Name),
            Parent = repository.Names.ResolveCheckin(context.Get(Basis) ?? repository.Names.DefaultVersion),
            User = context.Get(UserOverride) ?? context.UserName,
            Date = DateOption.Read(context.Get(Date)),
            Color = context.Get(Color),
            IsPrivate = context.Get(NewIsPrivate),
        });
        context.Output.Text.Write($"New branch: {made.Id}\n");
        return ExitCode.Ok;
    }

    private static ExitCode ListRecent(CommandContext context)
    {
        var text = context.Get(Glob);
        var count = text is null ? RecentDefault
            : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n)
            ? Math.Abs(n)
            : 0;
        return count == 0
            ? throw new EdgeSyncException(
                ErrorKind.Usage, "the lsh subcommand allows one optional numeric argument")
            : List(context, count);
    }

    private static ExitCode List(CommandContext context, int recent)
    {
        using var repository = context.OpenToRead();
        var isPrivate = context.Get(Private);
        var isReversed = context.Get(Reversed);
        var current = CurrentOf(repository);
        IEnumerable<(string Name, bool IsPrivate)> names = Branches.Names(
            repository, context.Get(Closed) ? true : context.Get(All) ? null : false, isPrivate,
            context.Get(ByTime) || recent > 0, isReversed && recent == 0, recent > 0 ? null : context.Get(Glob));
        if (recent > 0) names = isReversed ? names.Take(recent).Reverse() : names.Take(recent);
        foreach (var (name, isSecret) in names)
        {
            var mark = !isPrivate && current is not null && isSecret ? "#" : " ";
            context.Output.Text.Write($"{mark}{(name == current ? "* " : "  ")}{name}\n");
        }

        return ExitCode.Ok;
    }

    private static ExitCode Info(CommandContext context)
    {
        using var repository = context.OpenToRead();
        foreach (var name in context.Get(Names) ?? [])
        {
            var leaf = Branches.OpenLeafOf(repository, name);
            context.Output.Text.Write(leaf.IsNone
                ? $"{name}: not an open branch\n"
                : $"{name}: open as of {DisplayText.Second(Ancestry.DateOf(repository, leaf).ToString())} on "
                    + $"{repository.Content.NameOf(leaf).ToString()[..16]}\n");
        }

        return ExitCode.Ok;
    }

    private static ExitCode Current(CommandContext context)
    {
        using var repository = context.OpenToRead();
        context.Output.Text.Write(
            (CurrentOf(repository) ?? throw new EdgeSyncException(ErrorKind.Usage, "not within an open check-out"))
                + "\n");
        return ExitCode.Ok;
    }

    private static string? CurrentOf(Repository repository) => repository.Names.Checkout.IsNone
        ? null : Branches.Of(repository, repository.Names.Checkout);
}
