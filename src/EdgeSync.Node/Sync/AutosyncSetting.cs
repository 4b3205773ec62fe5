using EdgeSync.Agent;

namespace EdgeSync.Node.Sync;

/// <summary>
/// The setting <c>autosync</c> of a repository, as one command applies it: values separated by commas, of which
/// <c>COMMAND=VALUE</c> is for that command and the others for all. Without a value it is on. Spec: db.c
/// db_get_for_subsystem, sync.c autosync.
/// </summary>
/// <param name="Mode">What is synced.</param>
/// <param name="IsAllPeers">With every remembered remote, not only the last one.</param>
internal readonly record struct AutosyncSetting(AutosyncMode Mode, bool IsAllPeers)
{
    /// <param name="setting">The value of a setting, or null.</param>
    /// <param name="command">As the setting names it.</param>
    public static AutosyncSetting Of(Func<string, string?> setting, string command) =>
        Parse(setting("autosync") ?? "on", command, Storage.Settings.IsOn(setting("dont-push")));

    internal static AutosyncSetting Parse(string text, string command, bool neverPush)
    {
        var value = ValueFor(text, command);
        if (value is "0" or "off" or "no" or "false") return new AutosyncSetting(AutosyncMode.Off, false);

        var isPullOnly = neverPush || value.Contains("pull", StringComparison.Ordinal);
        return new AutosyncSetting(
            isPullOnly ? AutosyncMode.PullOnly : AutosyncMode.On, value.Contains("all", StringComparison.Ordinal));
    }

    private static string ValueFor(string text, string command)
    {
        var otherwise = "on";
        foreach (var entry in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = entry.Split('=', 2);
            if (parts.Length == 2 && parts[0] == command) return parts[1].ToLowerInvariant();
            if (parts.Length == 1) otherwise = parts[0].ToLowerInvariant();
        }

        return otherwise;
    }
}
