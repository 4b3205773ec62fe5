using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
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

    private static readonly Option<string?> OfBranch = new("--branch", "-b")
    {
        Description = "Only check-ins of this branch or tag.",
        HelpName = "BRANCH"
    };

    private static readonly Option<bool> CurrentBranch = new("--current-branch", "-c")
    {
        Description = "Only check-ins of the checkout's branch.",
    };

    private static readonly Option<string?> OfPath = new("--path", "-p")
    {
        Description = "Only check-ins that changed this file, or a file in this folder.",
        HelpName = "PATH"
    };

    private static readonly Option<string?> Before = When(
        TimelineSelection.Before, "Only what is not newer than this.");
    private static readonly Option<string?> After = When(TimelineSelection.After, "Only what is not older than this.");

    private static readonly Option<string?> Descendants = When(
        TimelineSelection.Descendants, "Only check-ins that descend from this one, and itself.");

    private static readonly Option<string?> Ancestors = When(
        TimelineSelection.Ancestors, "Only check-ins that this one descends from, and itself.");

    private static readonly Option<int> Offset = Choices.Number("--offset", [], "Entries to leave out first.", 0);

    private static readonly Option<string?> Format = new("--format", "-F")
    {
        Description = "How to print an entry: oneline, medium, full, or a text with placeholders.",
        HelpName = "FORMAT"
    };

    // Stock's words come before a check-in or date: timeline before tip.
    private static readonly Argument<string?> Origin = new("CHECKIN")
    {
        Description = "With before, after, descendants or ancestors in place of REPO: the check-in, or a date.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static CommandSpec Create() => new("timeline", "Show the timeline, newest first.", Run)
    {
        Arguments = { Globals.RepoArgument, Origin },
        Options =
        {
            Limit, Type, OfBranch, CurrentBranch, OfPath, Before, After, Descendants, Ancestors, Offset, Format,
        },
        Notes = "Types: ci check-ins, w wiki, t tickets, e technotes, g tag changes, f forum, all. Placeholders: %H "
            + "hash, %h its beginning, %a user, %d date, %c comment, %b branch, %t tags, %p phase, %n line end, %%.",
        IsPaged = true,
        Examples =
        [
            "repo timeline -n 5", "repo timeline project.fossil --type all --json", "repo timeline --branch trunk",
            "repo timeline --path src --after 2026-01-01", "repo timeline before tip --format '%h %a %c'",
        ],
    };

    private static Option<string?> When(string word, string description) => new("--" + word)
    {
        Description = description,
        HelpName = word is TimelineSelection.Before or TimelineSelection.After ? "CHECKIN|DATE" : "CHECKIN",
    };

    private static ExitCode Run(CommandContext context)
    {
        var bounds = BoundsOf(context);
        using var repository = context.OpenToRead();
        if (bounds.Count > 0 || context.Get(CurrentBranch) || context.Get(OfPath) is not null
            || context.Get(Format) is not null || context.IsGiven(Offset))
            return ShowDetailed(context, repository, bounds);

        var type = context.Require(Type);
        RequireBranch(context, repository);
        var entries = Timeline.List(
            repository, context.Require(Limit), type == "all" ? null : type, context.Get(OfBranch), before: null)
            .Select(e => new TimelineLine(e.Id.ToString(), e.Type, e.Date.ToString(), e.User, e.Comment, e.Branch));
        context.Output.Write(new TimelineReport([.. entries]));
        return ExitCode.Ok;
    }

    private static ExitCode ShowDetailed(
        CommandContext context, Repository repository, List<(string Word, string Origin)> bounds)
    {
        RequireBranch(context, repository);
        var (limit, type) = (context.Require(Limit), context.Require(Type));
        var path = context.Get(OfPath) is { } named ? context.TreePath(named).TrimEnd('/') : null;
        var query = new DetailedQuery
        {
            Type = type == "all" ? null : type,
            Path = path is "." ? null : path,
            Branch = context.Get(CurrentBranch) ? TimelineSelection.BranchHere(repository) : context.Get(OfBranch),
            Offset = context.Require(Offset),
            // The nearest ones, as stock's.
            RelativesMax = path is null ? limit : 0,
        };
        foreach (var (word, origin) in bounds) query = TimelineSelection.Of(repository, query, word, origin);
        var entries = DetailedTimeline.List(repository, query);
        if (limit > 0) entries = entries.Take(limit);
        if (context.Get(Format) is { } format && !context.Output.IsJson)
        {
            var (lines, text) = (new TimelineFormat(repository), TimelineFormat.Named(format)!);
            foreach (var entry in entries) context.Output.Text.WriteLine(lines.Of(text, entry));
            return ExitCode.Ok;
        }

        context.Output.Write(new TimelineReport([.. entries.Select(TimelineLine.Of)]));
        return ExitCode.Ok;
    }

    private static List<(string Word, string Origin)> BoundsOf(CommandContext context)
    {
        var bounds = new List<(string, string)>();
        if (context.Get(Origin) is { } origin)
        {
            var first = context.Get(Globals.RepoArgument)!;
            context.HasWord = true;
            bounds.Add(TimelineSelection.WordOf(first) is { Length: > 0 } word
                ? (word, origin)
                : throw new EdgeSyncException(
                    ErrorKind.Usage, $"'{first}' is neither before, after, descendants nor ancestors",
                    "edgesync timeline before tip"));
        }

        foreach (var (option, word) in ((Option<string?>, string)[])[
            (Before, TimelineSelection.Before), (After, TimelineSelection.After),
            (Descendants, TimelineSelection.Descendants), (Ancestors, TimelineSelection.Ancestors)])
            if (context.Get(option) is { } value) bounds.Add((word, value));
        return bounds;
    }

    private static void RequireBranch(CommandContext context, Repository repository)
    {
        if (context.Get(OfBranch) is { } branch && !Tags.List(repository).Any(t => t.Name == branch))
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"no branch or tag is named '{branch}'", "edgesync repo branch ls");
    }
}

internal sealed record TimelineLine(string Hash, string Type, string Date, string User, string Comment, string? Branch)
{
    public static TimelineLine Of(DetailedEntry entry) => new(
        entry.Id.ToString(), entry.Type, entry.Date.Replace(' ', 'T') + "Z", entry.User, entry.Comment ?? "",
        entry.Branch);
}

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
