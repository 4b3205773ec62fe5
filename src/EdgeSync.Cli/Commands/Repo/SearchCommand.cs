using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;
using EdgeSync.Storage.Search;

namespace EdgeSync.Cli.Commands.Repo;

internal static class SearchCommand
{
    private static readonly string[] AreaNames = ["files", "comments", "wiki", "tickets", "technotes", "forum"];

    private static readonly Argument<string[]> Words = new("WORDS")
    {
        Description = "Words that all occur; 'begin*' is the beginning of one, 'two words' a phrase.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<string[]> In = new Option<string[]>("--in")
    {
        Description = $"Look here only: {string.Join(", ", AreaNames)}; may be repeated.",
        HelpName = "AREA",
    }.Among(AreaNames);

    private static readonly Option<int> Limit = Choices.Number(
        "--limit", ["-n"], "Maximum number of hits.", 20, min: 1);

    private static readonly Option<bool> Fresh = new("--reindex") { Description = "Make the index anew first." };

    public static CommandSpec Create() => new(
        "search", "Search files, comments, wiki, tickets, technotes and the forum.", RunAsync)
    {
        Arguments = { Words },
        Options = { In, Limit, Fresh },
        Notes = "The index is a file beside the repository, NAME-search. It is kept up to date by each search, is "
            + "never synced, and can be deleted. Files are those at the end of the main branch.",
        IsPaged = true,
        Examples = ["repo search memory leak", "repo search 'out of memory' --in wiki --in tickets -n 5"],
    };

    private static Task<ExitCode> RunAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var names = context.Get(In) ?? [];
        var areas = names.Aggregate(
            SearchAreas.None, (sum, name) => sum | (SearchAreas)(1 << Array.IndexOf(AreaNames, name)));
        using var repository = context.OpenToRead();
        using var index = SearchIndex.Open(repository, context.Get(Fresh));
        index.Update(cancellationToken);
        var hits = index.Find(
            context.Require(Words), areas == SearchAreas.None ? SearchAreas.All : areas, context.Get(Limit));
        context.Output.Write(new SearchReport([.. hits.Select(LineOf)]));
        return Task.FromResult(ExitCode.Ok);
    }

    private static SearchLine LineOf(SearchHit hit) => new(
        AreaNames[int.Log2((int)hit.Area)], hit.Name, hit.Title, hit.Snippet, hit.Date?.ToString());
}

internal sealed record SearchLine(string Area, string Name, string Title, string Snippet, string? Date);

internal sealed record SearchReport(IReadOnlyList<SearchLine> Hits) : IReport
{
    public void Print(TextWriter output)
    {
        foreach (var hit in Hits)
        {
            var name = hit.Area is "files" or "wiki" ? hit.Name
                : $"{hit.Name[..Math.Min(10, hit.Name.Length)]} {hit.Title}";
            var date = hit.Date is { } known ? DisplayText.Minute(known) : "";
            var words = hit.Snippet.Split(['\n', '\r', '\t', ' '], StringSplitOptions.RemoveEmptyEntries);
            output.WriteLine($"{hit.Area,-9}  {date,-16}  {DisplayText.OneLine(name)}");
            output.WriteLine($"           {DisplayText.OneLine(string.Join(' ', words))}");
        }
    }
}
