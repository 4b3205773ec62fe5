using System.CommandLine;
using System.Globalization;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>timeline</c>.</summary>
// Spec: timeline_cmd in timeline.c.
internal static class StockTimelineCommand
{
    private static readonly Argument<string[]> When = new("WHEN")
    {
        Description = "before, after, descendants, children, ancestors or parents; and a check-in or date.",
        Arity = new ArgumentArity(0, 2)
    };

    private static readonly Option<string?> Limit = Text("--limit", "N", "-n", "--count");
    private static readonly Option<string?> Width = Text("--width", "N", "-W");
    private static readonly Option<string?> Type = Text("--type", "TYPE", "-t");
    private static readonly Option<string?> Path = Text("--path", "PATH", "-p");
    private static readonly Option<string?> Format = Text("--format", "FORMAT", "-F");
    private static readonly Option<string?> OfBranch = Text("--branch", "BRANCH", "-b");
    private static readonly Option<string?> Offset = Text("--offset", "N");
    private static readonly Option<bool> CurrentBranch = new("--current-branch", "-c");
    private static readonly Option<bool> Files = new("--showfiles", "-f");
    private static readonly Option<bool> OneLine = new("--oneline");
    private static readonly Option<bool> Medium = new("--medium");
    private static readonly Option<bool> Full = new("--full");

    public static CommandSpec Create() => new("timeline", "Show what happened, newest first.", Run)
    {
        Arguments = { When },
        Options =
        {
            Limit, Width, Type, Path, Format, OfBranch, Offset, CurrentBranch, Files, OneLine, Medium, Full,
        },
    };

    private static Option<string?> Text(string name, string helpName, params string[] aliases) =>
        new(name, aliases) { HelpName = helpName, Description = "As stock has it." };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var limit = NumberOf(context.Get(Limit), -20);
        var view = new StockTimelineView(
            limit, StockWidth.Of(context.Get(Width), 20, context.Output), FormatOf(context),
            context.IsVerbose || context.Get(Files));
        var entries = DetailedTimeline.List(repository, QueryOf(context, repository, limit));
        if (context.Output.IsJson)
        {
            var lines = (limit == 0 ? entries : entries.Take(Math.Abs(limit))).Select(TimelineLine.Of);
            context.Output.Write(new TimelineReport([.. lines]));
            return ExitCode.Ok;
        }

        new StockTimelinePrinter(repository, view, context.Output.Text).Print(entries);
        return ExitCode.Ok;
    }

    private static string? FormatOf(CommandContext context) => TimelineFormat.Named(
        context.Get(Full) ? "full" : context.Get(Medium) ? "medium" : context.Get(OneLine) ? "oneline"
        : context.Get(Format));

    private static DetailedQuery QueryOf(CommandContext context, Repository repository, int limit)
    {
        var words = context.Get(When) ?? [];
        var word = words.Length < 2 ? "" : TimelineSelection.WordOf(words[0]);
        var origin = words.LastOrDefault() ?? "now";
        var path = context.Get(Path) is { } named ? context.TreePath(named).TrimEnd('/') : null;
        var query = new DetailedQuery
        {
            Type = context.Get(Type) is { } type ? (type is ['a', ..] ? null : type) : path is null ? null : "ci",
            Path = path is "." ? null : path,
            Branch = context.Get(CurrentBranch) ? TimelineSelection.BranchHere(repository) : context.Get(OfBranch),
            Offset = NumberOf(context.Get(Offset), 0),
            RelativesMax = path is null ? Math.Abs(limit) : 0,
        };
        return TimelineSelection.Of(repository, query, word, origin);
    }

    private static int NumberOf(string? text, int otherwise) => text is null ? otherwise
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0;
}

/// <summary>Options and lines that several of stock's listings share.</summary>
internal static class StockWidth
{
    /// <summary>The width of a line: of the option, of the terminal, or 0.</summary>
    /// <exception cref="EdgeSyncException">It is too small.</exception>
    public static int Of(string? text, int above, Output output)
    {
        if (text is null) return output.IsTerminal ? Console.WindowWidth : 0;

        var width = int.TryParse(text, out var number) ? number : 0;
        return width == 0 || width > above ? width : throw new EdgeSyncException(
            ErrorKind.Usage, $"-W|--width value must be >{above} or 0");
    }
}
