using System.Globalization;
using System.Text;
using System.Text.Json;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Sync;

/// <summary>
/// Synced tables: small tables of the user that are synced beside the artifacts. Table NAME is stored as
/// <c>fx_x_NAME</c>, and all schemas in <c>fx_sync_schema</c>: stock's <c>rebuild</c> drops unknown tables, except
/// those whose names begin with <c>fx_</c>.
/// <code>
/// "$key" | "$mtime" | "$deleted" | "$owner" | "$json" | one generated column for each declared one
/// </code>
/// The row's JSON is kept as received, so that both sides compare the same bytes; the declared columns read from it.
/// </summary>
public sealed class SyncedTableStore : ISyncedTableStore
{
    /// <summary>Days that the mark of a deletion is kept and sent.</summary>
    public const string TombstoneSetting = "edgesync-tombstone-days";

    private const long TombstoneDaysDefault = 90;
    private const string AccessSetting = "edgesync-table-access:";

    private readonly Repository _repository;

    public SyncedTableStore(Repository repository) => _repository = repository;

    private Database Database => _repository.Database;

    /// <summary>
    /// One hash for the state of all tables: SHA1 over <c>NAME SP VERSION SP CATALOGHASH LF</c>, in order of name; null
    /// where there is none.
    /// </summary>
    public string? CatalogHash
    {
        get
        {
            var schemas = List();
            if (schemas.Count == 0) return null;

            var hasher = new ArtifactHasher(HashKind.Sha1);
            foreach (var schema in schemas)
                hasher.Append(
                    Encoding.UTF8.GetBytes(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{schema.Name} {schema.Version} {SyncedRow.CatalogHash(ListRows(schema.Name))}\n")));
            return hasher.Finish().ToString();
        }
    }

    public IReadOnlyList<SyncedTableSchema> List()
    {
        var schemas = new List<SyncedTableSchema>();
        if (!Database.HasTable("fx_sync_schema")) return schemas;

        using var select = Database.Prepare("SELECT name, version, mtime, schema FROM fx_sync_schema ORDER BY name");
        while (select.Step())
        {
            var name = select.Text(0)!;
            if (IsIdentifier(name)
                && SyncedRow.TryParseSchema(name, select.Int32(1), select.Int64(2), select.Bytes(3), out var schema))
            {
                schemas.Add(schema);
            }
        }

        return schemas;
    }

    public void Declare(SyncedTableSchema schema)
    {
        var table = TableOf(schema.Name);
        using var transaction = _repository.Begin();
        Database.Execute(
            "CREATE TABLE IF NOT EXISTS fx_sync_schema(name TEXT PRIMARY KEY, version INTEGER, mtime INTEGER, schema "
                + "TEXT)");
        if (!Database.HasTable("fx_x_" + schema.Name))
        {
            Database.Execute(
                $"""
                CREATE TABLE {table}(
                  "$key" TEXT PRIMARY KEY, "$mtime" INTEGER NOT NULL, "$deleted" INTEGER NOT NULL DEFAULT 0, "$owner" TEXT,
                  "$json" TEXT NOT NULL
                ) WITHOUT ROWID
                """);
        }

        foreach (var column in schema.Columns)
        {
            Invariant.Require(IsIdentifier(column.Name));
            if (HasColumn("fx_x_" + schema.Name, column.Name)) continue;

            var type = column.Type switch
            {
                SyncedColumnType.Integer => "INTEGER",
                SyncedColumnType.Real => "REAL",
                SyncedColumnType.Blob => "BLOB",
                _ => "TEXT",
            };
            Database.Execute(
                $"ALTER TABLE {table} ADD COLUMN \"{column.Name}\" {type} GENERATED ALWAYS AS "
                    + $"(json_extract(\"$json\",'$.{column.Name}')) VIRTUAL");
        }

        using (var replace = Database.Prepare(
            "REPLACE INTO fx_sync_schema(name,version,mtime,schema) VALUES(?1,?2,?3,?4)"))
        {
            replace.BindText(1, schema.Name).Bind(2, schema.Version).Bind(3, schema.MtimeSeconds)
                .BindText(4, SyncedRow.WriteSchema(schema)).Run();
        }

        transaction.Commit();
    }

    /// <summary>From the setting <c>edgesync-table-access:NAME</c>: letters to read, a blank, letters to write.
    /// </summary>
    public SyncedTableAccess AccessOf(string table) =>
        _repository.Settings[AccessSetting + table]?.Split(' ') is [var read, var write]
            ? new SyncedTableAccess(read, write) : SyncedTableAccess.Usual;

    /// <summary>Changes who may read and write a table here.</summary>
    public void SetAccess(string table, SyncedTableAccess access)
    {
        using var transaction = _repository.Begin();
        _repository.Settings[AccessSetting + table] =
            access == SyncedTableAccess.Usual ? null : $"{access.Read} {access.Write}";
        transaction.Commit();
    }

    /// <summary>Removes the table here; false if there is none. Other copies keep theirs.</summary>
    public bool Remove(string name)
    {
        if (!IsIdentifier(name) || !Database.HasTable("fx_x_" + name)) return false;

        using var transaction = _repository.Begin();
        Database.Execute($"DROP TABLE {TableOf(name)}");
        using (var delete = Database.Prepare("DELETE FROM fx_sync_schema WHERE name=?1"))
            delete.BindText(1, name).Run();
        _repository.Settings[AccessSetting + name] = null;
        transaction.Commit();
        return true;
    }

    public IReadOnlyList<SyncedRowEntry> ListRows(string table)
    {
        var rows = new List<SyncedRowEntry>();
        using var select = Database.Prepare(
            $"""
            SELECT "$key", "$mtime", "$deleted", "$owner" FROM {TableOf(table)}
             WHERE NOT ("$deleted" AND "$mtime"<?1) ORDER BY "$key"
            """);
        select.Bind(1, Horizon);
        while (select.Step()) rows.Add(ReadEntry(select));
        return rows;
    }

    public bool TryFind(string table, string keyHash, out SyncedRowEntry entry)
    {
        using var select = Database.Prepare(
            $"""
            SELECT "$key", "$mtime", "$deleted", "$owner" FROM {TableOf(table)}
             WHERE "$key"=?1 AND NOT ("$deleted" AND "$mtime"<?2)
            """);
        var isFound = select.BindText(1, keyHash).Bind(2, Horizon).Step();
        entry = isFound ? ReadEntry(select) : default;
        return isFound;
    }

    public bool TryRead(string table, string keyHash, out byte[] json)
    {
        using var select = Database.Prepare($"SELECT \"$json\" FROM {TableOf(table)} WHERE \"$key\"=?1");
        var isFound = select.BindText(1, keyHash).Step();
        json = isFound ? select.Bytes(0).ToArray() : [];
        return isFound;
    }

    public void Put(string table, in SyncedRowEntry entry, ReadOnlySpan<byte> json)
    {
        if (entry.IsDeleted) RemoveExpired(table);
        var kept = entry.IsDeleted ? KeysOnly(table, json) : json;
        using var replace = Database.Prepare(
            $"REPLACE INTO {TableOf(table)}(\"$key\",\"$mtime\",\"$deleted\",\"$owner\",\"$json\") "
                + $"VALUES(?1,?2,?3,?4,?5)");
        replace.BindText(1, entry.KeyHash).Bind(2, entry.MtimeSeconds).Bind(3, entry.IsDeleted ? 1 : 0)
            .BindText(4, entry.Owner).BindText(5, kept).Run();
    }

    // Deletions before this time have reached everyone, or come too late.
    private long Horizon => _repository.Now.UnixSeconds
        - ((long.TryParse(_repository.Settings[TombstoneSetting], NumberStyles.None, CultureInfo.InvariantCulture,
            out var days) && days is > 0 and < 100_000 ? days : TombstoneDaysDefault) * 86_400);

    private void RemoveExpired(string table)
    {
        using var delete = Database.Prepare(
            $"DELETE FROM {TableOf(table)} WHERE \"$deleted\" AND \"$mtime\"<?1");
        delete.Bind(1, Horizon).Run();
    }

    private static SyncedRowEntry ReadEntry(Statement select) =>
        new(select.Text(0)!, select.Int64(1), select.Boolean(2), select.Text(3));

    // Generated columns are not in table_info.
    private bool HasColumn(string table, string column)
    {
        using var select = Database.Prepare("SELECT 1 FROM pragma_table_xinfo(?1) WHERE name=?2");
        return select.BindText(1, table).BindText(2, column).Step();
    }

    private byte[] KeysOnly(string table, ReadOnlySpan<byte> json)
    {
        var schema = List().First(known => known.Name == table);
        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        using var target = new MemoryStream();
        using (var writer = new Utf8JsonWriter(target))
        {
            writer.WriteStartObject();
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (schema.Columns.Any(column => column.IsKey && column.Name == member.Name)) member.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return target.ToArray();
    }

    private static string TableOf(string name)
    {
        Invariant.Require(IsIdentifier(name));
        return $"\"fx_x_{name}\"";
    }

    // Spec: names are [a-z_][a-z0-9_]*. Checked again here, since they are part of SQL text.
    private static bool IsIdentifier(string name) =>
        name.Length is > 0 and <= 64 && name[0] is (>= 'a' and <= 'z') or '_' && Ascii.IsValid(name)
        && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_');
}
