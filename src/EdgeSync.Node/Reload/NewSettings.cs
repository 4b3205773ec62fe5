using EdgeSync.Node.Settings;

namespace EdgeSync.Node.Reload;

/// <summary>What differs between the settings in force and those that were read anew.</summary>
internal sealed class NewSettings
{
    /// <summary>Parts that take new values while everything runs. The rest is read at start only.</summary>
    private static readonly string[] Live =
    [
        "repositories", "log.", "telemetry.", "hub.nobody_caps", "hub.users", "hub.checkpoint", "hub.exit_without_leaves", "http.status_access", "http.hosts",
        "nats.urls", "nats.remotes", "nats.login.", "nats.tls.", "nats.users", "nats.members", "nats.token", "nats.pending_max",
    ];

    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);

    public NewSettings(LoadedSettings before, LoadedSettings now)
    {
        // Secrets are not among the values as they are shown, so the sections are compared as they are.
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        Flatten(SettingFields.Write(before.Settings), "", (path, value) => values[path] = value);
        Flatten(SettingFields.Write(now.Settings), "", (path, value) =>
        {
            if (!values.Remove(path, out var old) || old != value) _changed.Add(path);
        });
        foreach (var gone in values.Keys) _changed.Add(gone);

        // Without a broker of our own, what is said of it cannot be taken over while it runs.
        CanChangeNats = before.Settings.Nats.Server is null && now.Settings.Nats.Server is null
            && before.Settings.Nats.IsUseful == now.Settings.Nats.IsUseful && before.Settings.Nats.IsClient == now.Settings.Nats.IsClient;
    }

    public bool CanChangeNats { get; }

    /// <summary>Places that only a restart takes over.</summary>
    public IEnumerable<string> Waiting => _changed
        .Where(path => !Live.Any(live => path.StartsWith(live, StringComparison.Ordinal)) || (!CanChangeNats && path.StartsWith("nats.", StringComparison.Ordinal)))
        .Order(StringComparer.Ordinal);

    public bool Any => _changed.Count > 0;

    public IEnumerable<string> Changed => _changed.Order(StringComparer.Ordinal);

    public bool Has(string prefix) => _changed.Any(path => path.StartsWith(prefix, StringComparison.Ordinal));

    private static void Flatten(SettingNode node, string path, Action<string, string> put)
    {
        switch (node)
        {
            case SettingMap map:
                foreach (var name in map.Names) Flatten(map[name]!, path.Length == 0 ? name : $"{path}.{name}", put);
                break;
            case SettingList list:
                put(path, list.ToJson());
                break;
            default:
                put(path, node.ToJson());
                break;
        }
    }
}
