using System.CommandLine;
using System.CommandLine.Parsing;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// The errors of a command line, in terms of the typed words. A word that begins with <c>-</c> is an option unless it
/// follows <c>--</c>, never a name. Empty words are not names either (<see cref="Emptiness"/>).
/// </summary>
internal static class CommandLineFaults
{
    /// <exception cref="EdgeSyncException">The first fault.</exception>
    /// <param name="parse">What was parsed.</param>
    /// <param name="args">Of what.</param>
    /// <param name="takesEmpty">Empty words are names like any other, as for stock.</param>
    public static void Require(ParseResult parse, string[] args, bool takesEmpty = false)
    {
        var command = parse.CommandResult.Command;
        var fault = UnknownOption(parse, args) ?? UnknownWord(parse) ?? (takesEmpty ? null : Empty(parse));
        if (fault is null && parse.Action is not HelpAction) fault = Refused(parse);
        if (fault is null) return;

        throw new EdgeSyncException(ErrorKind.Usage, fault, $"{CommandSpec.PathOf(command)} --help");
    }

    /// <summary>The options of a command, including those of the commands above it.</summary>
    public static IEnumerable<Option> OptionsOf(Command command)
    {
        foreach (var option in command.Options) yield return option;
        for (var above = ParentOf(command); above is not null; above = ParentOf(above))
        {
            foreach (var option in above.Options.Where(o => o.Recursive)) yield return option;
        }
    }

    public static Command? ParentOf(Command command) => command.Parents.OfType<Command>().FirstOrDefault();

    private static string? UnknownOption(ParseResult parse, string[] args)
    {
        var command = parse.CommandResult.Command;
        var values = OptionsOf(command).Select(o => parse.GetResult(o)).OfType<OptionResult>()
            .Where(r => !r.Implicit).ToList();
        foreach (var token in parse.Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash))
        {
            if (token.Type != TokenType.Argument || token.Value is not ['-', _, ..]
                || !args.Contains(token.Value)) continue;

            var owner = values.Find(r => r.Tokens.Any(t => ReferenceEquals(t, token)));
            if (owner is null) return $"unknown option {token.Value}{Question(command, token.Value)}";
            if (LooksLikeOption(token.Value))
                return $"{owner.Option.Name} needs a value, and {token.Value} looks like an "
                    + $"option{Question(command, token.Value)} (a value that begins with '-' is written "
                        + $"{owner.Option.Name}=VALUE)";
        }

        return null;
    }

    private static string Question(Command command, string word)
    {
        var name = word.Split('=')[0];
        var known = OptionsOf(command).Where(o => !o.Hidden).SelectMany(o => o.Aliases.Prepend(o.Name));
        return name.StartsWith("--", StringComparison.Ordinal) ? Suggestions.Question(Suggestions.Nearest(name, known))
            : "";
    }

    // A negative number or a sentence that begins with a dash is a value; --force in the place of one is an error.
    private static bool LooksLikeOption(string text)
    {
        var name = text.TrimStart('-').Split('=')[0];
        return text.Length - text.TrimStart('-').Length <= 2 && name.Length > 0 && char.IsAsciiLetter(name[0])
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
    }

    private static string? UnknownWord(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        if ((parse.UnmatchedTokens is [var first, ..] ? first : WordBesideCommands(parse)) is not { } word) return null;

        var path = CommandSpec.PathOf(command);
        if (command.Subcommands.Count == 0) return $"unexpected argument '{word}'";

        var names = command.Subcommands.SelectMany(c => c.Aliases.Prepend(c.Name)).ToList();
        var fitting = CommandWords.Fitting(word, CommandWords.NamesOf(command));
        if (fitting.Count > 1)
            return $"{path} has several commands that begin with '{word}': {string.Join(", ", fitting)}";

        var suggestion = Suggestions.Nearest(word, names);
        if (suggestion is null && command.Name == "edgesync")
        {
            var verbs = Repo.RepoCommand.Names.SelectMany(n => n.Aliases.Prepend(n.Name));
            suggestion = Suggestions.Nearest(word, verbs);
        }

        return $"{path} has no command '{word}'{Suggestions.Question(suggestion)}";
    }

    // A group whose own argument names a file takes no other word: it was meant as a command.
    private static string? WordBesideCommands(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        if (command.Subcommands.Count == 0) return null;

        var words = command.Arguments.SelectMany(a => parse.GetResult(a)?.Tokens ?? []).Select(t => t.Value);
        return words.FirstOrDefault(w => w.Length > 0 && w.All(char.IsAsciiLetter) && !Path.Exists(w));
    }

    private static string? Empty(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        foreach (var option in OptionsOf(command))
        {
            if (parse.GetResult(option) is { Implicit: false } given
                && IsEmpty(given.Tokens, option)) return EmptySentence(option.Name);
        }

        foreach (var argument in command.Arguments)
        {
            if (parse.GetResult(argument) is { } given
                && IsEmpty(given.Tokens, argument)) return EmptySentence(argument.HelpName ?? argument.Name);
        }

        return null;
    }

    private static bool IsEmpty(IReadOnlyList<Token> tokens, Symbol symbol) =>
        tokens.Any(t => t.Value.Length == 0) && !Emptiness.IsAllowed(symbol);

    private static string EmptySentence(string name) => $"{name} is empty (is a variable of the shell unset?)";

    private static string? Refused(ParseResult parse)
    {
        if (parse.Errors is not [var first, ..]) return null;

        var command = parse.CommandResult.Command;
        foreach (var option in OptionsOf(command))
        {
            if (parse.GetResult(option) is not { Implicit: false } given) continue;
            if (given.Tokens.Count < option.Arity.MinimumNumberOfValues) return $"{option.Name} needs a value";
            if (given.Tokens.Count > option.Arity.MaximumNumberOfValues) return $"{option.Name} is given twice";
        }

        if (command.Subcommands.Count > 0)
            return $"{CommandSpec.PathOf(command)} needs a command: "
                + $"{string.Join(", ", command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name))}";

        foreach (var argument in command.Arguments)
        {
            var count = parse.GetResult(argument)?.Tokens.Count ?? 0;
            if (count < argument.Arity.MinimumNumberOfValues) return $"{argument.Name} is missing";
        }

        return command.Options
            .FirstOrDefault(o => o.Required && parse.GetResult(o) is null or { Implicit: true }) is { } missing
            ? $"{missing.Name} is missing"
            : first.Message.TrimEnd('.');
    }
}
