namespace EdgeSync.Node.Settings;

/// <summary>
/// The default of a setting, for help pages: read from the settings themselves, so it cannot be wrong.
/// </summary>
internal static class SettingDefaults
{
    private static readonly Lazy<Dictionary<string, string>> Values = new(static () =>
    {
        var settings = new NodeSettings { Repositories = [new RepositorySettings { Watch = new WatchSettings() }] };
        settings.Bridge.Projects.Add(new BridgeProject());
        return SettingsJson.Flatten(settings, isByElement: true)
            .ToDictionary(v => v.Path.Replace("[0]", "[*]", StringComparison.Ordinal), v => v.Value);
    });

    /// <summary>Null when there is nothing to show.</summary>
    public static string? TextOf(string path, SettingKind kind) =>
        Values.Value.GetValueOrDefault(path.Split(',')[0]) switch
        {
            null or "null" or "false" or "\"\"" or ['[', ..] => null,
            "true" => kind == SettingKind.Switch ? "on" : null,
            var value => value.Trim('"'),
        };
}
