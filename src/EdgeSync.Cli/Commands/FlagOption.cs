using System.CommandLine;
using System.Runtime.CompilerServices;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>A setting's flag as options of the command line: its own, and for a switch the negative one.</summary>
internal sealed class FlagOption
{
    private static readonly ConditionalWeakTable<SettingFlag, FlagOption> Made = [];
    private static readonly ConditionalWeakTable<Option, Option> Negatives = [];

    private readonly SettingFlag _flag;
    private readonly Option _option;
    private readonly Option<bool>? _negative;

    private FlagOption(SettingFlag flag)
    {
        _flag = flag;
        string[] aliases = [.. flag.Aliases];
        _option = flag.IsSwitch ? new Option<string?>(flag.Name, aliases) : new Option<string[]>(flag.Name, aliases);
        _option.Description = flag.Description;
        _option.HelpName = flag.HelpName;
        _option.Arity = flag.IsSwitch ? ArgumentArity.ZeroOrOne : ArgumentArity.OneOrMore;
        if (flag.AllowsEmpty) _option.TakesEmpty();
        _option.CompletionSources.Add(
            _ => (flag.Words ?? []).Select(w => new System.CommandLine.Completions.CompletionItem(w)));
        if (flag.Negative is not { } negative) return;

        _negative = new Option<bool>(negative)
        {
            Arity = ArgumentArity.Zero,
            Hidden = true,
            Description = $"Not {flag.Name}."
        };
        Negatives.Add(_option, _negative);
    }

    /// <summary>The same option for every command with the flag.</summary>
    public static FlagOption Of(SettingFlag flag) => Made.GetValue(flag, static f => new FlagOption(f));

    public static bool HasNegative(Option option) => Negatives.TryGetValue(option, out _);

    /// <summary>The other form of a switch, for completion.</summary>
    public static IEnumerable<string> NegativesOf(Option option) =>
        Negatives.TryGetValue(option, out var negative) ? [negative.Name] : [];

    /// <summary>Adds these flags to a command, with a heading for each on its help page.</summary>
    public static void AddTo(Command command, IReadOnlyList<SettingFlag> flags)
    {
        foreach (var flag in flags)
        {
            var made = Of(flag);
            command.Options.Add(made._option);
            if (made._negative is { } negative) command.Options.Add(negative);
        }
    }

    /// <summary>The heading of a flag's option.</summary>
    public static string? HeadingOf(IReadOnlyList<SettingFlag> flags, Option option)
    {
        var flag = flags.FirstOrDefault(f => Of(f)._option == option);
        return flag switch
        {
            null or { IsCommon: true } => "Most used",
            _ when flag.Path.StartsWith("repositories", StringComparison.Ordinal) => "What is synced, and how",
            _ when flag.Path.StartsWith("nats.login", StringComparison.Ordinal)
                || flag.Path.StartsWith("nats.tls", StringComparison.Ordinal) =>
                "Login and TLS on the NATS server that is joined",
            _ when flag.Path.StartsWith("nats", StringComparison.Ordinal) => "NATS",
            _ when flag.Path.StartsWith("http", StringComparison.Ordinal) => "Web server",
            _ when flag.Path.StartsWith("assets", StringComparison.Ordinal) => "Assets",
            _ when flag.Path.StartsWith("hub", StringComparison.Ordinal) => "Hub",
            _ when flag.Path.StartsWith("bridge", StringComparison.Ordinal) => "Bridge",
            _ => "Node, log and telemetry",
        };
    }

    /// <summary>The value on the command line, or null.</summary>
    /// <exception cref="EdgeSyncException">It contradicts itself, or is not a valid value.</exception>
    public SettingInput? Read(CommandContext context)
    {
        var given = context.ResultOf(_option);
        if (_negative is not null && context.ResultOf(_negative) is not null)
        {
            return given is null ? SettingInput.Of(false) : throw new EdgeSyncException(
                ErrorKind.Usage, $"{_option.Name} and {_negative.Name} contradict each other",
                    $"{_option.Name} or {_negative.Name}");
        }

        if (given is null) return null;

        var isList = _flag.Kind is SettingKind.List or SettingKind.Users or SettingKind.Remotes;
        if (!isList && given.IdentifierTokenCount > 1) throw new EdgeSyncException(ErrorKind.Usage,
            $"{_option.Name} is given twice");

        return _flag.Parse([.. given.Tokens.Select(t => t.Value)]);
    }
}
