using System.CommandLine;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Search;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>search</c>, of comments alone, and <c>fts-config</c>, the settings of its web pages.</summary>
// Spec: search_cmd and fts_config_cmd in search.c.
internal static class StockSearchCommand
{
    private const int LinesDefault = -1000;

    private static readonly (string Setting, string Label, char Letter)[] Areas =
    [
        ("search-ci", "check-in search:", 'c'),
        ("search-doc", "document search:", 'd'),
        ("search-tkt", "ticket search:", 't'),
        ("search-wiki", "wiki search:", 'w'),
        ("search-technote", "tech note search:", 'e'),
        ("search-forum", "forum search:", 'f'),
    ];

    private static readonly Argument<string[]> Pattern = new("PATTERN") { Arity = ArgumentArity.ZeroOrMore };
    private static readonly Argument<string[]> Words = new("SUBCOMMAND") { Arity = new ArgumentArity(0, 2) };
    private static readonly Option<bool> All = new("--all", "-a");
    private static readonly Option<string?> Limit = new("--limit", "-n") { HelpName = "N" };
    private static readonly Option<string?> Width = new("--width", "-W") { HelpName = "WIDTH" };

    public static CommandSpec Create() => new("search", "Search the comments of the timeline.", Run)
    {
        Arguments = { Pattern },
        Options = { All, Limit, Width },
    };

    public static CommandSpec CreateConfig() => new("fts-config", "Print and change what may be searched.", Config)
    {
        Arguments = { Words },
    };

    private static ExitCode Run(CommandContext context)
    {
        if (context.Get(Pattern) is not { Length: > 0 } words) return ExitCode.Ok;

        var width = StockWidth.Of(context.Get(Width), 20, context.Output);
        var limit = context.Get(Limit) is { } text ? int.TryParse(text, out var n) ? n : 0 : LinesDefault;
        using var repository = context.OpenToRead();
        new StockTimelinePrinter(repository, new StockTimelineView(limit, width), context.Output.Text)
            .Print(CommentSearch.Find(repository, string.Join(' ', words), context.Get(All)));
        return ExitCode.Ok;
    }

    private static ExitCode Config(CommandContext context)
    {
        var words = context.Get(Words) ?? [];
        using var repository = words.Length == 0 ? context.OpenToRead() : context.OpenToWrite();
        if (words.Length > 0) Change(repository, words);
        var output = context.Output.Text;
        foreach (var (setting, label, _) in Areas) Line(label, repository.Settings.Boolean(setting) ? "on" : "off");
        Line("Porter stemmer:", repository.Settings.Boolean("search-stemmer") ? "on" : "off");
        if (repository.Database.HasTable("ftsdocs"))
        {
            var isFourth = repository.Database.QueryInt64(
                "SELECT sql GLOB '*fts4*' FROM sqlite_schema WHERE name='ftsidx'") != 0;
            Line("full-text index:", isFourth ? "FTS4" : "FTS5");
            Line("documents:", $"{repository.Database.QueryInt64("SELECT count(*) FROM ftsdocs")}");
        }
        else Line("full-text index:", "disabled");
        return ExitCode.Ok;

        void Line(string label, string value) => output.Write($"{label,-17} {value}\n");
    }

    private static void Change(Repository repository, string[] words)
    {
        string[] verbs = ["reindex", "index", "disable", "enable", "stemmer"];
        var verb = verbs.FirstOrDefault(v => v.StartsWith(words[0], StringComparison.Ordinal))
            ?? throw new EdgeSyncException(
                ErrorKind.Usage, $"unknown \"{words[0]}\" - should be on of: {string.Join(' ', verbs)}");
        if (verb != "reindex" && words.Length < 2)
            throw new EdgeSyncException(ErrorKind.Usage, $"Usage: fossil fts-config {verb} STRING");

        var isOn = words.ElementAtOrDefault(1)?.ToLowerInvariant() is "on" or "yes" or "true" or "1";
        using var transaction = repository.Begin();
        switch (verb)
        {
            case "disable" or "enable":
                foreach (var (setting, _, letter) in Areas.Where(a => words[1].Contains(a.Letter)))
                    repository.Settings.Set(setting, verb == "enable" ? "1" : "0");
                break;
            case "stemmer":
                repository.Settings.Set("search-stemmer", isOn ? "1" : "0");
                break;
            case "index" when !isOn:
                // Spec: search_drop_index in search.c.
                repository.Database.Execute(
                    "DROP TABLE IF EXISTS ftsidx; DROP VIEW IF EXISTS ftscontent; DROP TABLE IF EXISTS ftsdocs;");
                break;
            case "reindex" when !repository.Database.HasTable("ftsdocs"):
                break;
            default:
                throw new EdgeSyncException(
                    ErrorKind.Usage, "the index of Fossil's web pages is not part of edgesync");
        }

        transaction.Commit();
    }
}
