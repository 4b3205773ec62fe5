using System.CommandLine;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// Expands the words of a command line that name a command. As in Fossil an unambiguous prefix of a name stands for it;
/// <c>help</c> before the words of a command shows its page.
/// </summary>
internal static class CommandWords
{
    /// <summary>The first word, which decides the part of the tree to build; null when there is none.</summary>
    public static string? First(string[] args) => Next(args, 0) is var at and >= 0 ? args[at] : null;

    /// <summary>The word after it, null when there is none.</summary>
    public static string? Second(string[] args) =>
        Next(args, 0) is var first and >= 0 && Next(args, first + 1) is var second and >= 0 ? args[second] : null;

    /// <summary>
    /// The command line with <c>repo</c> in front of a command of that group that was called without it: one whose name
    /// (in full, or another name) is none of the program's own, or whose beginning fits none of them.
    /// </summary>
    public static string[] WithGroup(string[] args)
    {
        var at = Next(args, 0);
        if (at >= 0 && args[at] == "help") at = Next(args, at + 1);
        if (at < 0) return args;

        var (word, own, verbs) = (args[at], CommandLine.Names, Repo.RepoCommand.Names);
        var isOwn = own.Any(n => n.Name == word || n.Aliases.Contains(word))
            || (!Repo.RepoCommand.IsName(word) && Fitting(word, own).Count > 0);
        return isOwn || verbs.All(v => v.Name != Expand(word, verbs)) ? args : [.. args[..at], "repo", .. args[at..]];
    }

    /// <summary>The name that the word stands for; the word itself when it is unknown or ambiguous.</summary>
    public static string Expand(string word, IReadOnlyList<(string Name, string[] Aliases)> known)
    {
        foreach (var (name, aliases) in known)
        {
            if (name == word || aliases.Contains(word)) return name;
        }

        return Fitting(word, known) is [var only] ? known.First(k => k.Name == only || k.Aliases.Contains(only)).Name
            : word;
    }

    /// <summary>The names that begin with the word; aliases where no name does.</summary>
    public static IReadOnlyList<string> Fitting(string word, IReadOnlyList<(string Name, string[] Aliases)> known)
    {
        if (word.Length == 0) return [];

        List<string> names = [.. known.Select(k => k.Name).Where(n => n.StartsWith(word, StringComparison.Ordinal))];
        return names.Count > 0 ? names
            : [.. known.SelectMany(k => k.Aliases).Where(a => a.StartsWith(word, StringComparison.Ordinal))];
    }

    /// <summary>
    /// Expands the command's words along the tree, and turns <c>help WORDS</c> into <c>WORDS --help</c>.
    /// </summary>
    public static string[] Expand(string[] args, Command root)
    {
        List<string> words = [.. SplitEmpty(args)];
        var asksHelp = false;
        var command = root;
        for (var at = Next(words, 0); at >= 0 && command.Subcommands.Count > 0; at = Next(words, at))
        {
            if (words[at] == "help")
            {
                words.RemoveAt(at);
                asksHelp = true;
                continue;
            }

            var name = Expand(words[at], NamesOf(command));
            if (command.Subcommands.FirstOrDefault(c => c.Name == name) is not { } child) break;

            words[at] = name;
            command = child;
            at++;
        }

        if (asksHelp) words.Insert(0, "--help");
        return [.. words];
    }

    /// <summary>The names below a command.</summary>
    public static IReadOnlyList<(string Name, string[] Aliases)> NamesOf(Command command) =>
        [.. command.Subcommands.Select(c => (c.Name, c.Aliases.ToArray()))];

    // "--name=" is an empty value, not a missing one.
    private static IEnumerable<string> SplitEmpty(string[] args)
    {
        var isBehind = false;
        foreach (var word in args)
        {
            isBehind |= word == "--";
            if (!isBehind && word.Length > 2 && word[0] == '-'
                && word.IndexOf('=', StringComparison.Ordinal) == word.Length - 1)
            {
                yield return word[..^1];
                yield return "";
            }
            else
            {
                yield return word;
            }
        }
    }

    private static int Next(IReadOnlyList<string> args, int from)
    {
        for (var i = from; i < args.Count; i++)
        {
            if (args[i] == "--") return -1;
            if (args[i].Length == 0 || args[i][0] != '-') return i;
            // options of the whole program that take a value
            if (args[i] is "-R" or "--repo" or "--memory-limit") i++;
        }

        return -1;
    }
}
