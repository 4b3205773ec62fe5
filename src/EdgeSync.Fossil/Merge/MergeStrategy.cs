using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Merge;

/// <summary>How a file that both sides have changed is merged.</summary>
public enum MergeStrategy
{
    /// <summary>Line by line, with markers where both changed the same lines.</summary>
    ThreeWay,

    /// <summary>The version that is merged in is taken.</summary>
    LastWriterWins,

    /// <summary>Always a conflict; the version here stays.</summary>
    Binary,

    /// <summary>All versions are kept until one is picked; the version here stays.</summary>
    ConflictFork,
}

/// <summary>
/// Which strategy a file is merged with: the first line of <c>.edgesync-merge</c> whose glob fits.
/// <code>
/// # glob             strategy
/// *.lock             last-writer-wins
/// assets/*           conflict-fork
/// *.png              binary
/// </code>
/// A glob without a slash is compared with the last part of the path, one with a slash with all of it.
/// </summary>
public sealed class MergeStrategies
{
    private static readonly (string Word, MergeStrategy Strategy)[] Known =
    [
        ("three-way", MergeStrategy.ThreeWay), ("last-writer-wins", MergeStrategy.LastWriterWins),
        ("binary", MergeStrategy.Binary), ("conflict-fork", MergeStrategy.ConflictFork),
    ];

    private readonly List<(NameGlob Glob, bool IsOfPath, MergeStrategy Strategy)> _rules = [];
    private readonly MergeStrategy _otherwise;

    /// <param name="text">The file; null without one.</param>
    /// <param name="otherwise">For files that no line fits.</param>
    /// <exception cref="EdgeSyncException">A line is none.</exception>
    public MergeStrategies(string? text, MergeStrategy otherwise)
    {
        _otherwise = otherwise;
        foreach (var line in (text ?? "").Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.Length == 0 || line[0] == '#') continue;

            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length != 2)
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"'{line}' in .edgesync-merge is not a glob and a strategy",
                    "edgesync merge --help");

            _rules.Add((new NameGlob(words[0]), words[0].Contains('/', StringComparison.Ordinal), Parse(words[1])));
        }
    }

    /// <summary>The words, for messages and help.</summary>
    public static IEnumerable<string> Words => Known.Select(k => k.Word);

    /// <exception cref="EdgeSyncException">No strategy has this name.</exception>
    public static MergeStrategy Parse(string word)
    {
        foreach (var (known, strategy) in Known)
            if (known == word) return strategy;
        throw new EdgeSyncException(
            ErrorKind.Usage, $"unknown merge strategy '{word}'; there are {string.Join(", ", Words)}",
            "edgesync merge --help");
    }

    public static string WordOf(MergeStrategy strategy) => Known.First(k => k.Strategy == strategy).Word;

    public MergeStrategy Of(string path)
    {
        var last = path[(path.LastIndexOf('/') + 1)..];
        foreach (var (glob, isOfPath, strategy) in _rules)
            if (glob.Matches(isOfPath ? path : last)) return strategy;
        return _otherwise;
    }
}
