using System.CommandLine;
using System.CommandLine.Completions;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;

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
        if (awaiting is not null) return ValuesOf(awaiting, words);
        if (begun.StartsWith('-')) return options.SelectMany(HelpPage.ShownNames)
            .Concat(options.SelectMany(FlagOption.NegativesOf)).Where(n => n.Length > 2 || begun.Length < 2);

        var children = command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name);
        return children.Concat(command.Arguments.SelectMany(a => Sources(a.CompletionSources, a.Name, words)));
    }

    private static IEnumerable<string> ValuesOf(Option option, List<string> words) =>
        Sources(option.CompletionSources, option.HelpName, words);

    private static IEnumerable<string> Sources(List<Func<CompletionContext, IEnumerable<CompletionItem>>> sources,
        string? placeholder, List<string> words) =>
        placeholder is "VERSION" or "BRANCH" ? NamesOfRepository(words) : sources
            .SelectMany(s => s(CompletionContext.Empty)).Select(i => i.Label);

    // Branches and tags of the repository on the line, or of the current folder.
    private static IEnumerable<string> NamesOfRepository(List<string> words)
    {
        try
        {
            var at = words.FindLastIndex(w => w is "-R" or "--repo");
            var path = at >= 0 && at + 1 < words.Count ? words[at + 1]
                : RepositoryFinder.Find(Environment.CurrentDirectory);
            using var repository = Repository.Open(path, RepositoryOptions.ReadOnly);
            return ["tip", .. Branches.List(repository).Select(b => b.Name)
                .Concat(Tags.List(repository).Select(t => t.Name)).Take(NamesMax)];
        }
        catch (EdgeSyncException)
        {
            return [];   // no repository here: nothing to offer
        }
    }
}
