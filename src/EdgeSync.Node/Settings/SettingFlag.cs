using System.Globalization;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>The type of a flag's text.</summary>
internal enum SettingKind
{
    Text,
    Number,
    Duration,

    /// <summary>True when the flag is given; a variable holds 1, true, yes, on or their opposites.</summary>
    Switch,

    /// <summary>As <see cref="Switch"/>, inverted.</summary>
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
/// One setting on a command line: the flag, its environment variable, and the place in <c>edgesync.json</c> that both
/// override. <c>repositories[*].poll</c> is a place in each repository; several places are separated by commas.
/// </summary>
internal sealed class SettingFlag
{
    public SettingFlag(
        string path, SettingKind kind, string flag, string? variable, string description, string? helpName = null,
            string[]? aliases = null, bool isCommon = false)
    {
        (Path, Kind, Name, Variable, IsCommon, Aliases) = (path, kind, flag, variable, isCommon, aliases ?? []);
        Description = Describe(description, SettingDefaults.TextOf(path, kind), variable);
        HelpName = IsSwitch ? "true|false" : helpName
            ?? (kind == SettingKind.Duration ? "TIME" : kind == SettingKind.Number ? "N" : "TEXT");
    }

    public string Path { get; }

    public SettingKind Kind { get; }

    /// <summary>With its dashes.</summary>
    public string Name { get; }

    public IReadOnlyList<string> Aliases { get; }

    public string? Variable { get; }

    /// <summary>With its default and its variable.</summary>
    public string Description { get; }

    /// <summary>The placeholder for the value on a help page.</summary>
    public string HelpName { get; }

    /// <summary>One of the most used flags, listed first on the help page.</summary>
    public bool IsCommon { get; }

    public bool IsSwitch => Kind is SettingKind.Switch or SettingKind.OffSwitch;

    /// <summary>
    /// A switch has two forms: <c>--push</c> (optionally with <c>=true</c> or <c>=false</c>) and <c>--no-push</c>.
    /// </summary>
    public string? Negative => Kind == SettingKind.Switch ? "--no-" + Name[2..] : null;

    /// <summary>The only accepted words; null without such a list.</summary>
    public IReadOnlyList<string>? Words => SettingShape.At(Path.Split(',')[0]).Words;

    /// <summary>An empty text has a meaning, given in the description.</summary>
    public bool AllowsEmpty { get; private set; }

    /// <inheritdoc cref="AllowsEmpty"/>
    public SettingFlag TakesEmpty()
    {
        AllowsEmpty = true;
        return this;
    }

    /// <summary>Parses the words of the flag; a switch needs none.</summary>
    public SettingInput Parse(IReadOnlyList<string> words) =>
        Kind is SettingKind.List or SettingKind.Users or SettingKind.Remotes
        ? SettingInput.List(words.Where(w => w.Length > 0).Select(w => Element(w, Name)))
        : Parse(words.Count == 0 ? "true" : words[0], Name);

    /// <summary>The value of the environment variable, or null.</summary>
    public SettingInput? FromEnvironment() =>
        Variable is not null && Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text
            ? Parse(text, Variable) : null;

    private SettingInput Parse(string text, string who)
    {
        switch (Kind)
        {
            case SettingKind.Number:
                return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _)
                    ? SettingInput.Of(text)
                    : throw Refuse(who, text, "a whole number");
            case SettingKind.Duration:
                return Durations.TryParse(text, out _) ? SettingInput.Of(text)
                    : throw new EdgeSyncException(ErrorKind.Usage, $"{who}: {Durations.FaultOf(text)}");
            case SettingKind.Switch or SettingKind.OffSwitch:
                var isOn = text.ToLowerInvariant() switch
                {
                    "1" or "true" or "yes" or "on" => true,
                    "0" or "false" or "no" or "off" => false,
                    _ => throw Refuse(who, text, "true or false"),
                };
                return SettingInput.Of(isOn == (Kind == SettingKind.Switch));
            case SettingKind.List or SettingKind.Users or SettingKind.Remotes:
                return SettingInput.List(
                    Split(text, Kind == SettingKind.Remotes ? ' ' : ',').Select(w => Element(w, who)));
            default:
                return SettingInput.Of(text);
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

    private IEnumerable<(string Below, string Text)> Element(string word, string who)
    {
        if (Kind == SettingKind.List) return [("", word)];
        if (Kind == SettingKind.Remotes) return Split(word, ',').Select((url, i) => ($".urls[{i}]", url));

        return word.Split(':') is [{ Length: > 0 } login, { Length: > 0 } caps]
            ? [(".login", login), (".caps", caps)]
            : throw Refuse(who, word, "LOGIN:CAPS, such as alice:gio");
    }

    private static string[] Split(string text, char separator) =>
        text.Split(separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static EdgeSyncException Refuse(string who, string text, string expected) =>
        new(ErrorKind.Usage, $"{who}: '{text}' is not {expected}");
}
