namespace EdgeSync.Node.Settings;

/// <summary>The differences between the settings in force and those just read.</summary>
internal sealed class NewSettings
{
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);

    public NewSettings(LoadedSettings before, LoadedSettings now)
    {
        // With secrets: the values for display have none.
        var values = SettingsJson.Flatten(before.Settings, isByElement: false).ToDictionary(v => v.Path, v => v.Value);
        foreach (var (path, value) in SettingsJson.Flatten(now.Settings, isByElement: false))
        {
            if (!values.Remove(path, out var was) || was != value) _changed.Add(path);
        }

        foreach (var gone in values.Keys) _changed.Add(gone);

        // Without a broker of our own, its settings cannot be applied while the node runs.
        var (old, fresh) = (before.Settings.Nats, now.Settings.Nats);
        CanChangeNats = old.Server is null && fresh.Server is null
            && before.Settings.HasNats == now.Settings.HasNats && old.IsClient == fresh.IsClient;
    }

    public bool CanChangeNats { get; }

    /// <summary>Settings that only a restart applies.</summary>
    public IEnumerable<string> Waiting => Changed.Where(path =>
        !SettingShape.At(path).IsLive || (!CanChangeNats && path.StartsWith("nats.", StringComparison.Ordinal)));

    public bool Any => _changed.Count > 0;

    public IEnumerable<string> Changed => _changed.Order(StringComparer.Ordinal);

    public bool Has(string prefix) => _changed.Any(path => path.StartsWith(prefix, StringComparison.Ordinal));
}
