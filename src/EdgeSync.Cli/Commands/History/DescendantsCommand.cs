using System.CommandLine;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Commands.Stock;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.History;

/// <summary>Listings of check-ins by descent.</summary>
internal static class DescendantsCommand
{
    private static readonly Argument<string?> Version = new("VERSION")
    {
        Description = "Check-in (default: the one checked out, or the newest).",
        Arity = ArgumentArity.ZeroOrOne
    };

    private static readonly Option<string?> Width = new("--width", "-W")
    {
        Description = "Width of lines (0: no limit).",
        HelpName = "N"
    };

    private static readonly Option<bool> All = new("--all", "-a") { Description = "Open and closed leaves." };
    private static readonly Option<bool> Closed = new("--closed", "-c") { Description = "Only closed leaves." };
    private static readonly Option<bool> ByBranch = new("--bybranch") { Description = "In the order of branches." };

    private static readonly Option<bool> Multiple = new("--multiple", "-m")
    {
        Description = "Only leaves of branches that have several open ones."
    };

    public static CommandSpec CreateDescendants() => new(
        "descendants", "List the leaves that descend from a check-in.", RunDescendants)
    {
        Arguments = { Version },
        Options = { Width },
        IsPaged = true,
        Examples = ["repo descendants trunk", "repo descendants v1.0 --json"],
    };

    public static CommandSpec CreateAncestors() => new(
        "ancestors", "List the check-ins that a check-in descends from, newest first.", RunAncestors)
    {
        Arguments = { Version },
        Options = { Limit, Width },
        IsPaged = true,
        Examples = ["repo ancestors trunk -n 5"],
    };

    public static CommandSpec CreateLeaves() => new("leaves", "List check-ins that nothing follows.", RunLeaves)
    {
        Options = { All, Closed, ByBranch, Multiple, Width },
        IsPaged = true,
        Examples = ["repo leaves", "repo leaves --multiple", "repo leaves -a --json"],
    };

    private static readonly Option<int> Limit = Choices.Number(
        "--limit", ["-n"], "Maximum number of entries (0: all).", 20);

    private static ExitCode RunDescendants(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var from = repository.Names.ResolveCheckin(context.Get(Version) ?? repository.Names.DefaultVersion);
        var query = new DetailedQuery { Among = Ancestry.LeavesFrom(repository, from) };
        var width = StockWidth.Of(context.Get(Width), 20, context.Output);
        if (context.Output is { IsStock: true, IsJson: false })
        {
            new StockTimelinePrinter(repository, new StockTimelineView(0, width), context.Output.Text)
                .Print(DetailedTimeline.List(repository, query));
            return ExitCode.Ok;
        }

        context.Output.Write(
            new TimelineReport([.. DetailedTimeline.List(repository, query).Select(TimelineLine.Of)]));
        return ExitCode.Ok;
    }

    private static ExitCode RunAncestors(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var from = repository.Names.ResolveCheckin(context.Get(Version) ?? repository.Names.DefaultVersion);
        var query = new DetailedQuery { AncestorsOf = from, RelativesMax = context.Require(Limit), Type = "ci" };
        context.Output.Write(
            new TimelineReport([.. DetailedTimeline.List(repository, query).Select(TimelineLine.Of)]));
        return ExitCode.Ok;
    }

    private static ExitCode RunLeaves(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var isForked = context.Get(Multiple);
        var query = new DetailedQuery
        {
            IsLeaf = true,
            IsClosed = context.Get(Closed) ? true : context.Get(All) ? null : false,
            IsForked = isForked,
            IsByBranch = isForked || context.Get(ByBranch),
        };
        var width = StockWidth.Of(context.Get(Width), 39, context.Output);
        var entries = DetailedTimeline.List(repository, query);
        if (context.Output is { IsStock: true, IsJson: false })
            new StockLeavesPrinter(repository, query, width, context.Output.Text).Print(entries);
        else context.Output.Write(new TimelineReport([.. entries.Select(TimelineLine.Of)]));
        return ExitCode.Ok;
    }
}
