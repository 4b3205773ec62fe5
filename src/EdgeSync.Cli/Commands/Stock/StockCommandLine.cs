using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>
/// The command line of a program called <c>fossil</c>: stock's names and unique prefixes, options with one dash or two
/// anywhere, <c>-R</c>, <c>--chdir</c> and <c>-U</c> in front of or behind the command.
/// </summary>
// Spec: main.c, find_option; dispatch.c, dispatch_name_search.
internal static class StockCommandLine
{
    /// <summary>Options of every command that have no meaning here, and how many words follow them.</summary>
    private static readonly Dictionary<string, int> Ignored = new(StringComparer.Ordinal)
    {
        ["quiet"] = 0,
        ["utc"] = 0,
        ["localtime"] = 0,
        ["nocgi"] = 0,
        ["no-th-hook"] = 0,
        ["sqlstats"] = 0,
        ["sqltrace"] = 0,
        ["sshtrace"] = 0,
        ["httptrace"] = 0,
        ["systemtrace"] = 0,
        ["cgitrace"] = 0,
        ["comfmtflags"] = 1,
        ["comment-format"] = 1,
        ["errorlog"] = 1,
        ["ssl-identity"] = 1,
        ["vfs"] = 1,
    };

    private static readonly Dictionary<string, string> Renamed = new(StringComparer.Ordinal)
    {
        ["R"] = "--repo",
        ["repository"] = "--repo",
        ["json"] = "--json",
        ["help"] = "--help",
    };

    /// <exception cref="EdgeSyncException">There is no such command, or its words are wrong.</exception>
    public static ParseResult Parse(string[] args, Output output, CancellationToken? stop)
    {
        var root = new CommandSpec("fossil", "EdgeSync, called by Fossil's name.");
        root.Options.Clear();
        Globals.AddTo(root);
        root.Options.Add(new Option<bool>("--help")
        {
            Description = "Print this page.",
            Arity = ArgumentArity.Zero,
            Recursive = true,
            Action = new HelpAction(output)
        });

        List<string> words = [.. args];
        var commandAt = FirstWord(words);
        if (commandAt < 0) throw new EdgeSyncException(ErrorKind.Usage, "Usage: fossil COMMAND ...");

        if (words[commandAt] == "help" && FirstWord(words, commandAt + 1) is var topic and >= 0)
        {
            words.RemoveAt(commandAt);
            words.Add("--help");
            commandAt = topic - 1;
        }

        var made = StockVerbs.Find(words[commandAt]);
        root.Subcommands.Add(made);
        CommandSpec.Attach(root, output, stop);
        words[commandAt] = made.Name;
        Command command = made;
        for (var at = FirstWord(words, commandAt + 1); at >= 0 && command.Subcommands.Count > 0;
             at = FirstWord(words, at + 1))
        {
            command = StockVerbs.FindChild(command, words[at]);
            words[at] = command.Name;
        }

        string[] written = [.. Options(words, command)];
        var parse = root.Parse(written, new ParserConfiguration { ResponseFileTokenReplacer = null });
        CommandLineFaults.Require(parse, written, takesEmpty: true);
        return parse;
    }

    // Options of the whole program in front of the command, with their values.
    private static int FirstWord(List<string> words, int from = 0)
    {
        for (var i = from; i < words.Count; i++)
        {
            if (words[i] == "--") return -1;
            if (words[i] is not ['-', _, ..]) return i;

            var name = words[i].TrimStart('-');
            if (name is "R" or "repository" or "chdir" or "U" or "user" || Ignored.GetValueOrDefault(name) > 0) i++;
        }

        return -1;
    }

    /// <summary>Options as the tree spells them; those without a meaning are left out.</summary>
    private static IEnumerable<string> Options(List<string> words, Command command)
    {
        var known = CommandLineFaults.OptionsOf(command)
            .SelectMany(o => o.Aliases.Prepend(o.Name).Select(n => (Name: n.TrimStart('-'), Option: o)))
            .ToLookup(n => n.Name, n => n.Option, StringComparer.Ordinal);
        for (var i = 0; i < words.Count; i++)
        {
            if (words[i] == "--")
            {
                foreach (var word in words.Skip(i)) yield return word;
                yield break;
            }

            if (words[i] is not ['-', _, ..])
            {
                yield return words[i];
                continue;
            }

            var name = words[i].TrimStart('-');
            var equals = name.IndexOf('=', StringComparison.Ordinal);
            var value = equals < 0 ? null : name[(equals + 1)..];
            if (equals >= 0) name = name[..equals];
            if (name == "chdir")
            {
                Environment.CurrentDirectory = value ?? words.ElementAtOrDefault(++i) ?? ".";
                continue;
            }

            var option = known[name].FirstOrDefault(o => o != Globals.Repo || name is "R" or "repo");
            if (name is "U" && command.Options.Contains(AuthorOptions.User)) option = AuthorOptions.User;
            var written = Renamed.GetValueOrDefault(name) ?? option?.Name;
            if (written is null || (name is "U" or "user" && option != AuthorOptions.User))
            {
                if (name is "U" or "user" || Ignored.ContainsKey(name))
                {
                    if (value is null && (name is "U" or "user" || Ignored[name] > 0)) i++;
                    continue;
                }

                throw new EdgeSyncException(
                    ErrorKind.Usage, $"unrecognized command-line option or missing argument: {words[i]}");
            }

            var takesValue = written == "--repo" || option is { Arity.MinimumNumberOfValues: > 0 };
            if (value is null && takesValue && i + 1 < words.Count) value = words[++i];
            yield return value is ['-', ..] ? $"{written}={value}" : written;
            if (value is not (null or ['-', ..])) yield return value;
        }
    }
}
