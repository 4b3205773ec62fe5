using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// Values that are checked while the command line is parsed, so that errors are in our words.
/// </summary>
internal static class Choices
{
    /// <summary>One of some words, which completion offers too.</summary>
    public static T Among<T>(this T option, params string[] words)
        where T : Option
    {
        option.Validators.Add(result => Check(result, result.Tokens, option.Name, words));
        option.CompletionSources.Add(_ => words.Select(w => new System.CommandLine.Completions.CompletionItem(w)));
        return option;
    }

    /// <inheritdoc cref="Among{T}"/>
    public static Argument<string> Among(this Argument<string> argument, params string[] words)
    {
        argument.Validators.Add(result => Check(result, result.Tokens, argument.Name, words));
        argument.CompletionSources.Add(_ => words.Select(w => new System.CommandLine.Completions.CompletionItem(w)));
        return argument;
    }

    /// <summary>A whole number from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public static Option<int> Number(string name, string[] aliases, string description, int otherwise, int min = 0,
        int max = int.MaxValue) => new(name, aliases)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => otherwise,
            CustomParser = result =>
            {
                var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
                if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                    && number >= min && number <= max) return number;

                var range = max == int.MaxValue ? $"{min} or more" : $"{min} to {max}";
                result.AddError($"{name}: '{text}' is not a whole number ({range})");
                return otherwise;
            },
        };

    /// <summary>A duration, such as <c>30s</c>.</summary>
    public static Option<TimeSpan> Duration(string name, string description, TimeSpan otherwise) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        DefaultValueFactory = _ => otherwise,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (Durations.TryParse(text, out var span)) return span;

            result.AddError($"{name}: {Durations.FaultOf(text)}");
            return default;
        },
    };

    private static void Check(SymbolResult result, IReadOnlyList<Token> tokens, string name, string[] words)
    {
        foreach (var token in tokens)
        {
            if (words.Contains(token.Value)) continue;

            var suggestion = Suggestions.Nearest(token.Value, words);
            result.AddError(
                $"{name}: '{token.Value}' is not one of {string.Join(", ", words)}{Suggestions.Question(suggestion)}");
        }
    }
}
