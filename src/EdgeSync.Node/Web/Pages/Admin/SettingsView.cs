using System.Text.Json.Serialization;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Web.Pages.Admin;

/// <summary>A setting of the repository.</summary>
/// <param name="Value">Null: not set; what is only changed on the machine is not shown either.</param>
/// <param name="Words">What it may be; null: any text.</param>
/// <param name="IsLocked">Only the command line changes it.</param>
/// <param name="IsVersionable">A file of a check-in may override it.</param>
internal sealed record SettingRow(
    string Name, string? Value, bool IsSet, IReadOnlyList<string>? Words, bool IsNumber, bool IsLocked,
    bool IsVersionable);

/// <summary>The settings of a repository, each with a form of its own.</summary>
internal sealed record SettingsView(IReadOnlyList<SettingRow> Settings) : IPageModel
{
    /// <summary>Of one value.</summary>
    public const int ValueCharsMax = 10_000;

    private static readonly string[] OnOff = ["on", "off"];

    [JsonIgnore]
    public string Title => "Settings";

    [JsonIgnore]
    public string Csrf { get; init; } = "";

    public static SettingsView Of(Repository repository, PageVisitor visitor) => new(
        [.. StockSettings.Names.Select(name => RowOf(name, repository.Settings[name]))])
    {
        Csrf = visitor.Csrf,
    };

    /// <summary>Sets a setting, or removes it with an empty text.</summary>
    /// <exception cref="EdgeSyncException">The name or the value is refused.</exception>
    public static void Set(Repository repository, string login, string name, string value)
    {
        if (!StockSettings.Names.Contains(name))
            throw new EdgeSyncException(ErrorKind.Usage, $"unknown setting '{name}'");
        if (KnownSettings.IsOfMachine(name))
            throw new EdgeSyncException(
                ErrorKind.Denied, $"{name} is changed on the machine of the repository only",
                $"edgesync repo settings {name} VALUE");
        if (value.Length > ValueCharsMax)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{name}: the value has more than {ValueCharsMax} characters");

        KnownSettings.Require(name, value, isForced: value.Length == 0);
        using var transaction = repository.Begin();
        if (repository.Settings[name] != (value.Length == 0 ? null : value))
        {
            repository.Settings[name] = value.Length == 0 ? null : value;
            AdminLog.Add(repository, "setup_settings", login, $"Set {name} to [{value}].");
        }

        transaction.Commit();
    }

    public void Write(HtmlPage html, PageLinks links)
    {
        html.Add($"<p class=\"faint\">An empty value stands for the default. A setting with a star may be overridden ");
        html.Add($"by a file of a check-in; what names programs or files of the machine is changed there.</p>\n");
        foreach (var setting in Settings) AddSetting(html, links, setting);
    }

    private void AddSetting(HtmlPage html, PageLinks links, SettingRow setting)
    {
        html.Add($"<form class=\"setting\" id=\"{setting.Name}\" method=\"post\" action=\"{links.Settings}\">");
        if (setting.IsLocked)
        {
            html.Add($"<span>{setting.Name}</span> <span class=\"faint\">{(setting.IsSet ? "set" : "not set")}, ");
            html.Add($"changed on the machine</span></form>\n");
            return;
        }

        html.Add($"<input type=\"hidden\" name=\"{PageLogins.CsrfField}\" value=\"{Csrf}\">");
        html.Add($"<input type=\"hidden\" name=\"name\" value=\"{setting.Name}\">");
        html.Add($"<label>{setting.Name}{(setting.IsVersionable ? " *" : "")} ");
        if (setting.Words is { } words) AddChoice(html, setting.Value, words);
        else if (setting.IsNumber)
            html.Add($"<input name=\"value\" inputmode=\"numeric\" pattern=\"-?[0-9]*\" value=\"{setting.Value}\">");
        else if (setting.IsVersionable)
            html.Add($"<textarea name=\"value\" rows=\"2\" maxlength=\"{ValueCharsMax}\">\n{setting.Value}</textarea>");
        else html.Add($"<input name=\"value\" maxlength=\"{ValueCharsMax}\" value=\"{setting.Value}\">");
        html.Add($"</label> <button>Save {setting.Name}</button></form>\n");
    }

    private static void AddChoice(HtmlPage html, string? value, IReadOnlyList<string> words)
    {
        var chosen = value is null || words.Contains(value) ? value
            : words.Count == 2 && Storage.Settings.IsOn(value) ? "on" : words.Count == 2 ? "off" : value;
        html.Add($"<select name=\"value\"><option value=\"\">(default)</option>");
        foreach (var word in chosen is null || words.Contains(chosen) ? words : [.. words, chosen])
        {
            if (word == chosen) html.Add($"<option selected>{word}</option>");
            else html.Add($"<option>{word}</option>");
        }

        html.Add($"</select>");
    }

    private static SettingRow RowOf(string name, string? value)
    {
        var isLocked = KnownSettings.IsOfMachine(name);
        return new SettingRow(
            name, isLocked ? null : value, value is not null,
            KnownSettings.IsSwitch(name) ? OnOff : KnownSettings.WordsOf(name), KnownSettings.IsNumber(name), isLocked,
            StockSettings.IsVersionable(name));
    }
}
