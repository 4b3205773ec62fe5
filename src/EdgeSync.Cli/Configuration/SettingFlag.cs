using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;
using EdgeSync.Cli.Commands;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Configuration;

/// <summary>What a flag's text may be.</summary>
internal enum SettingKind
{
    Text,
    Number,
    Duration,

    /// <summary>True when the flag stands there; a variable says 1, true, yes, on or their opposites.</summary>
    Switch,

    /// <summary>As <see cref="Switch"/>, but it says no.</summary>
    OffSwitch,

    /// <summary>The flag may be repeated, the variable holds commas.</summary>
    List,

    /// <summary>As <see cref="List"/>, of <c>LOGIN:CAPS</c>.</summary>
    Users,

    /// <summary>
    /// The flag may be repeated, the variable holds blanks; each word is one hub: its addresses, with commas between.
    /// </summary>
    Remotes,
}

/// <summary>
/// One setting as a command takes it: the flag, its environment variable, and the place in <c>edgesync.json</c> that
/// both
/// overrule. <c>repositories[*].poll</c> is a place in each repository; several places stand with commas between.
/// </summary>
internal sealed class SettingFlag
{
    private static readonly ConditionalWeakTable<Option, Option> Negatives = [];

    private readonly Option _option;
    private readonly Option<bool>? _negative;

    public SettingFlag(
        string path, SettingKind kind, string flag, string? variable, string description, string? helpName = null,
            string[]? aliases = null, bool isCommon = false)
    {
        (Path, Kind, Variable, IsCommon) = (path, kind, variable, isCommon);
        var isSwitch = kind is SettingKind.Switch or SettingKind.OffSwitch;
        _option = isSwitch ? new Option<string?>(flag, aliases ?? []) : new Option<string[]>(flag, aliases ?? []);
        _option.Description = Describe(description, SettingDefaults.TextOf(path, kind), variable);
        _option.HelpName = isSwitch ? "true|false" : helpName
            ?? (kind == SettingKind.Duration ? "TIME" : kind == SettingKind.Number ? "N" : "TEXT");
        _option.Arity = isSwitch ? ArgumentArity.ZeroOrOne : ArgumentArity.OneOrMore;
        if (SettingDefaults.WordsOf(path) is { } words) _option.CompletionSources.Add(_ =>
            words.Select(w => new System.CommandLine.Completions.CompletionItem(w)));
        if (kind != SettingKind.Switch) return;

        _negative = new Option<bool>("--no-" + flag[2..])
        {
            Arity = ArgumentArity.Zero,
            Hidden = true,
            Description = $"Not {flag}."
        };
        Negatives.Add(_option, _negative);
    }

    public string Path { get; }

    public SettingKind Kind { get; }

    public string? Variable { get; }

    /// <summary>One of the few that most people need: they come first on the help page.</summary>
    public bool IsCommon { get; }

    public Option Option => _option;

    /// <summary>An empty text has a meaning, which the description tells.</summary>
    public SettingFlag TakesEmpty()
    {
        _option.TakesEmpty();
        return this;
    }

    /// <summary>
    /// A switch has two forms: <c>--push</c> (with <c>=true</c> or <c>=false</c>, if one likes) and <c>--no-push</c>.
    /// </summary>
    public static bool HasNegative(Option option) => Negatives.TryGetValue(option, out _);

    /// <summary>The other form of a switch, for completion.</summary>
    public static IEnumerable<string> NegativesOf(Option option) =>
        Negatives.TryGetValue(option, out var negative) ? [negative.Name] : [];

    /// <summary>Lets a command take these flags, with a heading for each on its help page.</summary>
    public static void AddTo(Command command, IReadOnlyList<SettingFlag> flags)
    {
        foreach (var flag in flags)
        {
            command.Options.Add(flag._option);
            if (flag._negative is { } negative) command.Options.Add(negative);
        }
    }

    /// <summary>The heading of a flag's option.</summary>
    public static string? HeadingOf(IReadOnlyList<SettingFlag> flags, Option option)
    {
        var flag = flags.FirstOrDefault(f => f._option == option);
        return flag switch
        {
            null or { IsCommon: true } => "Most used",
            _ when flag.Path.StartsWith("repositories", StringComparison.Ordinal) => "What is synced, and how",
            _ when flag.Path.StartsWith("nats.login", StringComparison.Ordinal)
                || flag.Path.StartsWith("nats.tls", StringComparison.Ordinal) =>
                "Login and TLS on the NATS server that is joined",
            _ when flag.Path.StartsWith("nats", StringComparison.Ordinal) => "NATS",
            _ when flag.Path.StartsWith("http", StringComparison.Ordinal) => "Web server",
            _ when flag.Path.StartsWith("hub", StringComparison.Ordinal) => "Hub",
            _ when flag.Path.StartsWith("bridge", StringComparison.Ordinal) => "Bridge",
            _ => "Node, log and telemetry",
        };
    }

    /// <summary>What the command line says, or null.</summary>
    public SettingNode? FromFlag(CommandContext context)
    {
        var given = context.ResultOf(_option);
        if (_negative is not null && context.ResultOf(_negative) is not null)
        {
            return given is null ? SettingNode.Of(false) : throw new EdgeSyncException(
                ErrorKind.Usage, $"{_option.Name} and {_negative.Name} contradict each other",
                    $"{_option.Name} or {_negative.Name}");
        }

        if (given is null) return null;

        List<string> words = [.. given.Tokens.Select(t => t.Value)];
        if (Kind is SettingKind.List or SettingKind.Users or SettingKind.Remotes) return SettingList.Of(words
            .Where(w => w.Length > 0).Select(w => Element(w, _option.Name)));
        if (given.IdentifierTokenCount > 1) throw new EdgeSyncException(ErrorKind.Usage,
            $"{_option.Name} is given twice");

        return Parse(words.Count == 0 ? "true" : words[0], _option.Name);
    }

    /// <summary>What the environment says, or null.</summary>
    public SettingNode? FromEnvironment() =>
        Variable is not null && Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text
            ? Parse(text, Variable) : null;

    private SettingNode Parse(string text, string who)
    {
        switch (Kind)
        {
            case SettingKind.Number:
                return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                    ? SettingNode.Of(number)
                    : throw Refuse(who, text, "a whole number");
            case SettingKind.Duration:
                return Durations.TryParse(text, out _) ? SettingNode.Of(text)
                    : throw new EdgeSyncException(ErrorKind.Usage, $"{who}: {Durations.FaultOf(text)}");
            case SettingKind.Switch or SettingKind.OffSwitch:
                var isOn = text.ToLowerInvariant() switch
                {
                    "1" or "true" or "yes" or "on" => true,
                    "0" or "false" or "no" or "off" => false,
                    _ => throw Refuse(who, text, "true or false"),
                };
                return SettingNode.Of(isOn == (Kind == SettingKind.Switch));
            case SettingKind.List or SettingKind.Users:
                return SettingList.Of(text.Split(',',
                    StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    .Select(w => Element(w, who)));
            case SettingKind.Remotes:
                return SettingList.Of(text.Split(' ',
                    StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    .Select(w => Element(w, who)));
            default:
                return SettingNode.Of(text);
        }
    }

    // "Pause between polls. [LEAF_POLL]" with the default before the full stop.
    private static string Describe(string description, string? otherwise, string? variable)
    {
        if (otherwise is not null
            && !description.Contains("(default",
            StringComparison.Ordinal)) description = $"{description.TrimEnd('.')} (default {otherwise}).";
        return variable is null ? description : $"{description} [{variable}]";
    }

    private SettingNode Element(string word, string who)
    {
        if (Kind == SettingKind.List) return SettingNode.Of(word);
        if (Kind == SettingKind.Remotes) return new SettingMap
        {
            ["urls"] = SettingList.Of(word.Split(',',
            StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(SettingNode.Of))
        };

        return word.Split(':') is [{ Length: > 0 } login, { Length: > 0 } caps]
            ? new SettingMap { ["login"] = SettingNode.Of(login), ["caps"] = SettingNode.Of(caps) }
            : throw Refuse(who, word, "LOGIN:CAPS, such as alice:gio");
    }

    private static EdgeSyncException Refuse(string who, string text, string expected) =>
        new(ErrorKind.Usage, $"{who}: '{text}' is not {expected}");
}
