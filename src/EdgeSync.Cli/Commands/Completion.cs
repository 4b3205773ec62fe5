using System.CommandLine;
using System.CommandLine.Completions;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// The completions at the end of an unfinished command line. The scripts of <c>edgesync completion</c> request them
/// with a first argument <c>[suggest:COLUMN]</c> and the line as the second.
/// </summary>
internal static class Completion
{
    private const int NamesMax = 100;

    public static bool IsAsked(string[] args) => args is [['[', 's', 'u', 'g', 'g', 'e', 's', 't', ':', ..], _, ..];

    /// <summary>One word per line; nothing where file names fit best.</summary>
    public static IEnumerable<string> Offer(string[] args, Command root)
    {
        var line = args[1];
        if (int.TryParse(args[0].AsSpan("[suggest:".Length).TrimEnd(']'), out var column)
            && column < line.Length) line = line[..Math.Max(0, column)];
        List<string> words = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)];
        var begun = line.EndsWith(' ') || words.Count == 0 ? "" : words[^1];
        if (begun.Length > 0) words.RemoveAt(words.Count - 1);

        words = [.. CommandWords.WithGroup([.. words])];
        var command = root;
        foreach (var word in words)
        {
            var name = CommandWords.Expand(word, CommandWords.NamesOf(command));
            command = command.Subcommands.FirstOrDefault(c => c.Name == name) ?? command;
        }

        return CandidatesOf(command, words, begun).Where(c => c.StartsWith(begun, StringComparison.Ordinal))
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
    }

    private static IEnumerable<string> CandidatesOf(Command command, List<string> words, string begun)
    {
        var options = CommandLineFaults.OptionsOf(command).Where(o => !o.Hidden).ToList();
        var awaiting = words.Count == 0 ? null
            : options.Find(o => o.Arity.MinimumNumberOfValues > 0 && o.Aliases.Prepend(o.Name).Contains(words[^1]));
        if (awaiting is not null) return ValuesOf(awaiting, words, begun);
        if (begun.StartsWith('-')) return options.SelectMany(HelpPage.ShownNames)
            .Concat(options.SelectMany(FlagOption.NegativesOf)).Where(n => n.Length > 2 || begun.Length < 2);

        var children = command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name);
        return children.Concat(command.Arguments.SelectMany(a => Sources(a.CompletionSources, a.Name, words, begun)));
    }

    private static IEnumerable<string> ValuesOf(Option option, List<string> words, string begun) =>
        Sources(option.CompletionSources, option.HelpName, words, begun);

    private static IEnumerable<string> Sources(List<Func<CompletionContext, IEnumerable<CompletionItem>>> sources,
        string? placeholder, List<string> words, string begun) =>
        ValuesFor(placeholder, begun) is { } values ? OfRepository(words, values)
            : sources.SelectMany(s => s(CompletionContext.Empty)).Select(i => i.Label);

    /// <summary>What a repository has to offer for a placeholder; null when it has nothing.</summary>
    private static Func<Repository, IEnumerable<string>>? ValuesFor(string? placeholder, string begun) =>
        placeholder switch
        {
            "VERSION" or "ARTIFACT" => repository =>
                ["tip", "current", "prev", .. NamesOf(repository), .. HashesOf(repository, begun)],
            "BRANCH" => NamesOf,
            "TAG" => repository => Tags.List(repository).Select(t => t.Name),
            "LOGIN" => repository => repository.Users.List().Select(u => u.Login),
            "LETTERS" => repository => repository.Users.List().Select(u => u.Capabilities).Where(c => c.Length > 0),
            "URL" => repository => SavedPeer.List(repository).Select(r => r.Name),
            "PAGE" or "PAGE-OR-ID" => repository => new WikiPages(repository).List().Select(p => p.Title),
            "TICKET" => repository => new Tickets(repository).List().Select(t => t.TicketId[..10]),
            "TECHNOTE" => repository => new Technotes(repository).List().Select(n => n.TechnoteId[..10]),
            "REMOTE" => repository => SavedPeer.List(repository).Select(r => r.Name),
            "TABLE" => repository => new SyncedTables(repository).List().Select(t => t.Name),
            "UVFILE" => repository => repository.Unversioned.List().Where(f => !f.IsDeletion).Select(f => f.Name),
            "KEY" => _ => StockSettings.Names,
            _ => null,
        };

    private static IEnumerable<string> NamesOf(Repository repository) => Branches.List(repository).Select(b => b.Name)
        .Concat(Tags.List(repository).Select(t => t.Name)).Take(NamesMax);

    // Hashes are offered once a digit was typed.
    private static List<string> HashesOf(Repository repository, string begun)
    {
        var hashes = new List<string>();
        if (begun.Length < 4 || !begun.All(char.IsAsciiHexDigitLower)) return hashes;

        using var select = repository.Database.Prepare(
            "SELECT uuid FROM blob JOIN event ON objid=rid WHERE type='ci' AND uuid GLOB ?1||'*' LIMIT 100");
        select.BindText(1, begun);
        while (select.Step()) hashes.Add((select.Text(0) ?? "")[..Math.Max(16, begun.Length)]);
        return hashes;
    }

    // Of the repository on the line, or of the current folder.
    private static IReadOnlyList<string> OfRepository(
        List<string> words, Func<Repository, IEnumerable<string>> values)
    {
        try
        {
            var at = words.FindLastIndex(w => w is "-R" or "--repo");
            var path = at >= 0 && at + 1 < words.Count ? words[at + 1]
                : RepositoryFinder.Find(Environment.CurrentDirectory);
            using var repository = Repository.Open(path, RepositoryOptions.ReadOnly);
            return [.. values(repository)];
        }
        catch (EdgeSyncException)
        {
            return [];   // no repository here: nothing to offer
        }
    }
}
