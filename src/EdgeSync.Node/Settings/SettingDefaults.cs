namespace EdgeSync.Node.Settings;

/// <summary>
/// What a setting is when nobody sets it, for help pages: read from the settings themselves, so it cannot be wrong.
/// </summary>
internal static class SettingDefaults
{
    private static readonly Lazy<Dictionary<string, SettingNode>> Values = new(static () =>
    {
        var values = new Dictionary<string, SettingNode>(StringComparer.Ordinal);
        Add(values, "", SettingFields.Write(new NodeSettings()));
        Add(values, "repositories[*].", SettingFields.Write(new RepositorySettings()));
        Add(values, "repositories[*].watch.", SettingFields.Write(new WatchSettings()));
        Add(values, "bridge.projects[*].", SettingFields.Write(new BridgeProject()));
        return values;
    });

    /// <summary>Null when nothing is worth telling.</summary>
    public static string? TextOf(string path, SettingKind kind) =>
        Values.Value.GetValueOrDefault(path.Split(',')[0]) switch
        {
            SettingSwitch { IsOn: true } when kind == SettingKind.Switch => "on",
            SettingText { Text.Length: > 0 } text => text.Text,
            SettingNumber number => number.Digits,
            _ => null,
        };

    /// <summary>The words that a place takes, for completion; null where it takes more.</summary>
    public static string[]? WordsOf(string path) => path switch
    {
        "nats.role" => ["peer", "hub", "leaf"],
        "log.format" => ["auto", "text", "json"],
        "log.level" => ["debug", "info", "warning", "error"],
        "repositories[*].autosync" => ["on", "off", "pullonly"],
        _ => null,
    };

    private static void Add(Dictionary<string, SettingNode> values, string prefix, SettingMap map)
    {
        foreach (var name in map.Names)
        {
            if (map[name] is SettingMap child) Add(values, $"{prefix}{name}.", child);
            else values[prefix + name] = map[name]!;
        }
    }
}
