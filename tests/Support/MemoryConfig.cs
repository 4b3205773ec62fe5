using EdgeSync.Fossil.Sync.Store;

namespace EdgeSync.Tests.Support;

internal sealed class MemoryConfig(Func<MemoryState> state) : IConfigStore
{
    public string? Get(string name) =>
        state().Config.TryGetValue(name, out var row) ? row.Columns[0].Value.ToString() : null;

    public void Set(string name, string? value, long mtimeSeconds)
    {
        if (value is null) state().Config.Remove(name);
        else
            state().Config[name] = new ConfigRow(
                ConfigTable.Config, name, mtimeSeconds, [("value", new ConfigValue(value))]);
    }

    public IReadOnlyList<ConfigRow> ListByPrefix(string prefix) =>
        [.. state().Config.Values.Where(r => r.Key.StartsWith(prefix, StringComparison.Ordinal))];

    public IReadOnlyList<ConfigRow> List(ConfigTable table, long sinceSeconds, Func<string, bool> isWanted) =>
        table switch
        {
            ConfigTable.Config =>
                [.. state().Config.Values.Where(r => r.MtimeSeconds >= sinceSeconds && isWanted(r.Key))],
            _ =>
                [.. state().OtherRows.Values
                    .Where(r => r.Table == table && r.MtimeSeconds >= sinceSeconds)
                    .OrderBy(r => r.Key, StringComparer.Ordinal)],
        };

    public bool Merge(ConfigRow row, bool overwrite)
    {
        var known = row.Table == ConfigTable.Config
            ? state().Config.GetValueOrDefault(row.Key)
            : state().OtherRows.GetValueOrDefault((row.Table, row.Key));
        if (known is not null && !overwrite && known.MtimeSeconds >= row.MtimeSeconds) return false;

        if (row.Table == ConfigTable.Config) state().Config[row.Key] = row;
        else state().OtherRows[(row.Table, row.Key)] = row;
        return true;
    }

    public void Clear(ConfigTable table)
    {
        foreach (var key in state().OtherRows.Keys.Where(k => k.Table == table).ToList()) state().OtherRows.Remove(key);
    }

    public UserAccount? FindUser(string login) => state().Users.GetValueOrDefault(login);
}
