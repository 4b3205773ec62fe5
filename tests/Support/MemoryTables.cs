using EdgeSync.Fossil.Sync.Store;

namespace EdgeSync.Tests.Support;

internal sealed class MemoryTables(Func<MemoryState> state) : ISyncedTableStore
{
    public IReadOnlyList<SyncedTableSchema> List() =>
        [.. state().Schemas.Values.OrderBy(s => s.Name, StringComparer.Ordinal)];

    public void Declare(SyncedTableSchema schema) => state().Schemas[schema.Name] = schema;

    public Dictionary<string, SyncedTableAccess> Access { get; } = [];

    public SyncedTableAccess AccessOf(string table) => Access.GetValueOrDefault(table, SyncedTableAccess.Usual);

    public IReadOnlyList<SyncedRowEntry> ListRows(string table) =>
        [.. state().TableRows.Where(r => r.Key.Table == table).Select(r => r.Value.Entry)];

    public bool TryFind(string table, string keyHash, out SyncedRowEntry entry)
    {
        var found = state().TableRows.TryGetValue((table, keyHash), out var row);
        entry = row?.Entry ?? default;
        return found;
    }

    public bool TryRead(string table, string keyHash, out byte[] json)
    {
        var found = state().TableRows.TryGetValue((table, keyHash), out var row);
        json = row?.Json ?? [];
        return found;
    }

    public void Put(string table, in SyncedRowEntry entry, ReadOnlySpan<byte> json) =>
        state().TableRows[(table, entry.KeyHash)] = new MemoryTableRow(entry, json.ToArray());
}
