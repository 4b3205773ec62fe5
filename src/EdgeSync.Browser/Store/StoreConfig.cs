using System.Globalization;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Store;

/// <summary>
/// Settings of the project, and the shun list. Users, reports and subscribers are not kept: a page needs none of them,
/// and their secrets do not belong into one.
/// </summary>
internal sealed class StoreConfig(PageStore store) : IConfigStore
{
    public string? Get(string name) => store.State.Config.TryGetValue(name, out var row) ? row.Value : null;

    public void Set(string name, string? value, long mtimeSeconds) => store.SetConfig(name, value, mtimeSeconds);

    public IReadOnlyList<ConfigRow> ListByPrefix(string prefix) =>
        [.. store.State.Config.Where(c => c.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(RowOf)];

    public IReadOnlyList<ConfigRow> List(ConfigTable table, long sinceSeconds, Func<string, bool> isWanted) =>
        table == ConfigTable.Config
            ? [.. store.State.Config.Where(c => c.Value.Mtime >= sinceSeconds && isWanted(c.Key)).Select(RowOf)]
            : [];

    public bool Merge(ConfigRow row, bool overwrite)
    {
        if (row.Table == ConfigTable.Shun)
            return ArtifactId.TryParse(row.Key, out var id) && store.Shun(id);
        if (row.Table != ConfigTable.Config) return false;
        if (!overwrite && store.State.Config.TryGetValue(row.Key, out var held) && held.Mtime >= row.MtimeSeconds)
            return false;

        var value = row.Columns.FirstOrDefault(c => c.Column == "value").Value;
        store.SetConfig(
            row.Key, value.IsNull ? null : Convert.ToString(value.Value, CultureInfo.InvariantCulture),
            row.MtimeSeconds);
        return true;
    }

    public void Clear(ConfigTable table)
    {
        // Nothing of these tables is here; the shun list only grows.
    }

    public UserAccount? FindUser(string login) => null;

    private static ConfigRow RowOf(KeyValuePair<string, (string Value, long Mtime)> row) =>
        new(ConfigTable.Config, row.Key, row.Value.Mtime, [("value", new ConfigValue(row.Value.Value))]);
}

/// <summary>A page has no unversioned files: its sessions do not ask for them.</summary>
internal sealed class NoUnversionedFiles : IUnversionedStore
{
    /// <summary>SHA1 of nothing.</summary>
    public string CatalogHash => "da39a3ee5e6b4b0d3255bfef95601890afd80709";

    public IReadOnlyList<UnversionedEntry> List() => [];

    public bool TryFind(string name, out UnversionedEntry entry)
    {
        entry = default;
        return false;
    }

    public bool TryRead(string name, out ReadOnlySpan<byte> content)
    {
        content = default;
        return false;
    }

    public void Put(in UnversionedEntry entry, ReadOnlySpan<byte> content) => throw NotHere();

    public void Touch(string name, long mtimeSeconds) => throw NotHere();

    public void Delete(string name, long mtimeSeconds) => throw NotHere();

    public void Forget(string name) => throw NotHere();

    private static EdgeSyncException NotHere() =>
        new(ErrorKind.Usage, "a page has no unversioned files", "use a leaf of the program");
}
