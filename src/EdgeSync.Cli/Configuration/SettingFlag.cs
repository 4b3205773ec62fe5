using System.CommandLine;
using System.Globalization;
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

    /// <summary>The flag may be repeated, the variable holds blanks; each word is one hub: its addresses, with commas between.</summary>
    Remotes,
}

/// <summary>
/// One setting as a command takes it: the flag, its environment variable, and the place in <c>edgesync.json</c> that both
/// overrule. <c>repositories[*].poll</c> is a place in each repository; several places stand with commas between.
/// </summary>
internal sealed class SettingFlag
{
    private readonly Option<string[]> _option;

    public SettingFlag(
        string path, SettingKind kind, string flag, string? variable, string description, string? helpName = null, string[]? aliases = null)
    {
        (Path, Kind, Variable) = (path, kind, variable);
        var isSwitch = kind is SettingKind.Switch or SettingKind.OffSwitch;
        _option = new Option<string[]>(flag, aliases ?? [])
        {
            Description = variable is null ? description : $"{description} {variable}.",
            HelpName = isSwitch ? null : helpName ?? (kind == SettingKind.Duration ? "TIME" : kind == SettingKind.Number ? "N" : "TEXT"),
            Arity = isSwitch ? new ArgumentArity(0, 1) : ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
    }

    public string Path { get; }

    public SettingKind Kind { get; }

    public string? Variable { get; }

    public Option Option => _option;

    /// <summary>What the command line says, or null.</summary>
    public SettingNode? FromFlag(CommandContext context)
    {
        if (!context.IsGiven(_option)) return null;

        var words = context.Get(_option) ?? [];
        if (Kind is SettingKind.List or SettingKind.Users or SettingKind.Remotes) return SettingList.Of(words.Select(w => Element(w, _option.Name)));
        if (words.Length > 1) throw new EdgeSyncException(ErrorKind.Usage, $"{_option.Name} is given twice");

        return Parse(words.Length == 0 ? "true" : words[0], _option.Name);
    }

    /// <summary>What the environment says, or null.</summary>
    public SettingNode? FromEnvironment() =>
        Variable is not null && Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text ? Parse(text, Variable) : null;

    private SettingNode Parse(string text, string who)
    {
        switch (Kind)
        {
            case SettingKind.Number:
                return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                    ? SettingNode.Of(number)
                    : throw Refuse(who, text, "a whole number");
            case SettingKind.Duration:
                return Durations.TryParse(text, out _) ? SettingNode.Of(text) : throw Refuse(who, text, "a span of time: 30s, 10m, 2h or 7d");
            case SettingKind.Switch or SettingKind.OffSwitch:
                var isOn = text.ToLowerInvariant() switch
                {
                    "1" or "true" or "yes" or "on" => true,
                    "0" or "false" or "no" or "off" => false,
                    _ => throw Refuse(who, text, "true or false"),
                };
                return SettingNode.Of(isOn == (Kind == SettingKind.Switch));
            case SettingKind.List or SettingKind.Users:
                return SettingList.Of(text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(w => Element(w, who)));
            case SettingKind.Remotes:
                return SettingList.Of(text.Split(' ', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(w => Element(w, who)));
            default:
                return SettingNode.Of(text);
        }
    }

    private SettingNode Element(string word, string who)
    {
        if (Kind == SettingKind.List) return SettingNode.Of(word);
        if (Kind == SettingKind.Remotes) return new SettingMap { ["urls"] = SettingList.Of(word.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(SettingNode.Of)) };

        return word.Split(':') is [{ Length: > 0 } login, { Length: > 0 } caps]
            ? new SettingMap { ["login"] = SettingNode.Of(login), ["caps"] = SettingNode.Of(caps) }
            : throw Refuse(who, word, "LOGIN:CAPS, such as alice:gio");
    }

    private static EdgeSyncException Refuse(string who, string text, string expected) =>
        new(ErrorKind.Usage, $"{who}: '{text}' is not {expected}");
}
