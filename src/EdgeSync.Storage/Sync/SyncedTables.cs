using System.Globalization;
using System.Text.Json;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Sync;

/// <summary>Synced tables as their users have them: declared, extended by columns, filled and queried.</summary>
public sealed class SyncedTables(Repository repository)
{
    private const int VersionFirst = 1;

    private readonly SyncedTableStore _store = new(repository);

    /// <summary>By name.</summary>
    public IReadOnlyList<SyncedTableSchema> List() => _store.List();

    /// <exception cref="EdgeSyncException">There is no such table.</exception>
    public SyncedTableSchema Get(string name) => _store.List().FirstOrDefault(s => s.Name == name)
        ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"{repository.Path} has no synced table '{name}'", "edgesync repo schema list")
        {
            Candidates = [.. _store.List().Select(s => s.Name)],
        };

    /// <summary>
    /// Declares a table, or adds columns to one: its version grows, and peers take the new columns over.
    /// </summary>
    /// <param name="name">Lower-case letters, digits and low lines.</param>
    /// <param name="columns"><c>NAME:TYPE[:pk]</c>, with commas between them.</param>
    /// <param name="conflict">Which row wins: the newer one, or always that of the first writer.</param>
    /// <returns>False when all of it was there before.</returns>
    /// <exception cref="EdgeSyncException">A name or type is not valid, or a key would change.</exception>
    public bool Declare(string name, string columns, SyncedConflict conflict)
    {
        var asked = Parse(name, columns, conflict);
        var before = _store.List().FirstOrDefault(s => s.Name == name);
        if (before is null)
        {
            _store.Declare(asked);
            return true;
        }

        var added = asked.Columns.Where(c => before.Columns.All(b => b.Name != c.Name)).ToList();
        if (added.Any(c => c.IsKey) || before.Conflict != conflict
            || asked.Columns.Any(c => before.Columns.Any(b => b.Name == c.Name && b != c)))
        {
            throw new EdgeSyncException(
                ErrorKind.Conflict,
                $"the table '{name}' exists with another key, type or strategy: columns can be added",
                $"edgesync repo schema show {name}");
        }

        if (added.Count == 0) return false;

        _store.Declare(before with
        {
            Version = before.Version + 1,
            MtimeSeconds = repository.Now.UnixSeconds,
            Columns = [.. before.Columns, .. added],
        });
        return true;
    }

    /// <summary>Removes the table here; other copies keep theirs.</summary>
    /// <exception cref="EdgeSyncException">There is no such table.</exception>
    public void Remove(string name)
    {
        Get(name);
        _store.Remove(name);
    }

    /// <summary>Writes a row, newer than the one that is there.</summary>
    /// <param name="table">Its name.</param>
    /// <param name="values">By column; the keys at least. What is absent becomes null.</param>
    /// <exception cref="EdgeSyncException">A column does not exist, or a value is not of its type.</exception>
    public void Put(string table, IReadOnlyDictionary<string, string?> values)
    {
        var (json, hash) = RowOf(Get(table), values);
        Store(table, hash, json, isDeleted: false);
    }

    /// <summary>Deletes a row; the mark of it is synced like a row.</summary>
    /// <param name="table">Its name.</param>
    /// <param name="key">The keys.</param>
    /// <returns>False when there was no such row.</returns>
    public bool Delete(string table, IReadOnlyDictionary<string, string?> key)
    {
        var (json, hash) = RowOf(Get(table), key);
        if (!_store.TryFind(table, hash, out var entry) || entry.IsDeleted) return false;

        Store(table, hash, json, isDeleted: true);
        return true;
    }

    /// <summary>The row with these keys as JSON; null if there is none.</summary>
    public string? Read(string table, IReadOnlyDictionary<string, string?> key)
    {
        var (_, hash) = RowOf(Get(table), key);
        return _store.TryFind(table, hash, out var entry) && !entry.IsDeleted
            && _store.TryRead(table, hash, out var json)
            ? System.Text.Encoding.UTF8.GetString(json)
            : null;
    }

    /// <summary>The rows that fit a condition: names of columns, and the rows as text.</summary>
    /// <param name="table">Its name.</param>
    /// <param name="condition">SQL on the columns, or null for all.</param>
    /// <exception cref="EdgeSyncException">The condition is not SQL, or reads another table.</exception>
    public (IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string?>> Rows) Query(
        string table, string? condition)
    {
        var schema = Get(table);
        string[] columns = [.. schema.Columns.Select(c => c.Name)];
        var list = string.Join(',', columns.Select(c => $"\"{c}\""));
        var sql = $"SELECT {list} FROM \"fx_x_{schema.Name}\" WHERE NOT \"$deleted\" AND ({condition ?? "1"}) "
            + "ORDER BY \"$key\"";
        using var restriction = repository.Database.RestrictReads(t => t == "fx_x_" + schema.Name);
        using var select = repository.Database.PrepareOnly(sql);
        var rows = new List<IReadOnlyList<string?>>();
        while (select.Step()) rows.Add([.. Enumerable.Range(0, columns.Length).Select(select.Text)]);
        return (columns, rows);
    }

    private void Store(string table, string hash, byte[] json, bool isDeleted)
    {
        using var transaction = repository.Begin();
        var (mtime, owner) = (repository.Now.UnixSeconds, (string?)null);
        if (_store.TryFind(table, hash, out var before))
            (mtime, owner) = (Math.Max(mtime, before.MtimeSeconds + 1), before.Owner);
        _store.Put(table, new SyncedRowEntry(hash, mtime, isDeleted, owner), json);
        transaction.Commit();
    }

    private static (byte[] Json, string Hash) RowOf(
        SyncedTableSchema schema, IReadOnlyDictionary<string, string?> values)
    {
        foreach (var name in values.Keys)
        {
            if (schema.Columns.All(c => c.Name != name))
            {
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"the table '{schema.Name}' has no column '{name}'",
                    $"edgesync repo schema show {schema.Name}");
            }
        }

        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            foreach (var column in schema.Columns)
                if (values.TryGetValue(column.Name, out var value)) WriteValue(json, column, value);
            json.WriteEndObject();
        }

        var row = text.ToArray();
        if (SyncedRow.TryCheck(schema, row, out var hash)) return (row, hash);

        var keys = string.Join(", ", schema.Columns.Where(c => c.IsKey).Select(c => c.Name));
        throw new EdgeSyncException(
            ErrorKind.Usage, $"a row of '{schema.Name}' needs {keys}", $"edgesync repo schema show {schema.Name}");
    }

    private static void WriteValue(Utf8JsonWriter json, SyncedColumn column, string? value)
    {
        if (value is null) json.WriteNull(column.Name);
        else if (column.Type == SyncedColumnType.Integer)
        {
            if (!long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
                throw Refuse("a whole number");

            json.WriteNumber(column.Name, number);
        }
        else if (column.Type == SyncedColumnType.Real)
        {
            if (!double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                || !double.IsFinite(number)) throw Refuse("a number");

            json.WriteNumber(column.Name, number);
        }
        else
        {
            json.WriteString(column.Name, value);
        }

        EdgeSyncException Refuse(string expected) =>
            new(ErrorKind.Usage, $"{column.Name}: '{value}' is not {expected}", $"{column.Name}=NUMBER");
    }

    private SyncedTableSchema Parse(string name, string columns, SyncedConflict conflict)
    {
        if (!TableNames.IsValid(name))
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{name}' is not a name for a table",
                "lower-case letters, digits and _, such as pump_1");
        }

        var parsed = new List<SyncedColumn>();
        foreach (var text in columns.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = text.Split(':');
            var type = Array.IndexOf(TableNames.Types, parts.ElementAtOrDefault(1) ?? "");
            var isKey = parts is [_, _, "pk"];
            if (type < 0 || parts.Length > (isKey ? 3 : 2) || !TableNames.IsColumn(parts[0])
                || parsed.Any(c => c.Name == parts[0]))
            {
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"'{text}' is not NAME:TYPE[:pk], with a type of text, integer, real or blob",
                    "--columns id:text:pk,state:text");
            }

            parsed.Add(new SyncedColumn(parts[0], (SyncedColumnType)type, isKey));
        }

        return parsed.Any(c => c.IsKey)
            ? new SyncedTableSchema(name, VersionFirst, repository.Now.UnixSeconds, conflict, parsed)
            : throw new EdgeSyncException(
                ErrorKind.Usage, "a synced table needs a key", "--columns id:text:pk,state:text");
    }

    /// <summary>What may be called how.</summary>
    private static class TableNames
    {
        public static readonly string[] Types = ["text", "integer", "real", "blob"];

        public static bool IsValid(string name) => name.Length is > 0 and <= 64
            && (name[0] is >= 'a' and <= 'z' or '_') && !name.StartsWith("x_", StringComparison.Ordinal)
            && name is not ("blob" or "delta" or "event" or "mlink" or "unversioned")
            && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_');

        public static bool IsColumn(string name) =>
            (IsValid(name) || name.StartsWith("x_", StringComparison.Ordinal)) && name is not ("mtime" or "_owner");
    }
}
