using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync;

/// <summary>Rows and schemas of synced tables as JSON, checked before a store sees them.</summary>
public static class SyncedRow
{
    private const int ColumnsMax = 64;

    /// <summary>
    /// The catalogue hash: SHA1 over <c>KEYHASH SP MTIME LF</c> of the live rows in order of key hash.
    /// </summary>
    public static string CatalogHash(IReadOnlyList<SyncedRowEntry> rows)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        foreach (var row in rows)
        {
            if (row.IsDeleted) continue;

            hash.AppendData(Encoding.ASCII.GetBytes(
                string.Create(
                    System.Globalization.CultureInfo.InvariantCulture, $"{row.KeyHash} {row.MtimeSeconds}\n")));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>SHA1 over <c>KEYHASH SP TEXT LF</c> of the live rows in order of key hash.</summary>
    public static string ContentHash(IReadOnlyList<SyncedRowEntry> rows, Func<string, byte[]> read)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        foreach (var row in rows.Where(r => !r.IsDeleted))
        {
            hash.AppendData(Encoding.ASCII.GetBytes(row.KeyHash));
            hash.AppendData(" "u8);
            hash.AppendData(read(row.KeyHash));
            hash.AppendData("\n"u8);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>
    /// The table with the columns of both: the newer declaration where it has all of the other's, otherwise a newer one
    /// with the added columns in order of their names. Null when nothing is to be added, or keys, types or strategies
    /// differ.
    /// </summary>
    public static SyncedTableSchema? TryUnite(SyncedTableSchema known, SyncedTableSchema incoming)
    {
        if (incoming.Conflict != known.Conflict) return null;

        var missing = incoming.Columns.Where(c => !known.Columns.Contains(c)).ToList();
        var own = known.Columns.Where(c => !incoming.Columns.Contains(c)).ToList();
        if (missing.Any(c => c.IsKey || known.Columns.Any(k => k.Name == c.Name)) || own.Any(c => c.IsKey)) return null;
        if (own.Count == 0 && incoming.Version > known.Version) return incoming;
        if (missing.Count == 0 || known.Columns.Count + missing.Count > ColumnsMax) return null;

        return known with
        {
            Version = Math.Max(known.Version, incoming.Version) + 1,
            MtimeSeconds = Math.Max(known.MtimeSeconds, incoming.MtimeSeconds),
            Columns =
            [
                .. known.Columns.Where(incoming.Columns.Contains),
                .. own.Concat(missing).OrderBy(c => c.Name, StringComparer.Ordinal),
            ],
        };
    }

    /// <summary>
    /// Checks a row: an object whose names are columns of the schema, each once, with all key columns and plain values.
    /// Its key hash is the SHA1 over the sorted <c>name=value</c> of the key columns, joined by NUL.
    /// </summary>
    public static bool TryCheck(SyncedTableSchema schema, ReadOnlySpan<byte> json, out string keyHash)
    {
        keyHash = "";
        if (!TryReadValues(json, out var values)) return false;

        foreach (var name in values.Keys)
            if (!schema.Columns.Any(c => c.Name == name))
                return false;

        var key = new StringBuilder();
        foreach (var column in schema.Columns.Where(c => c.IsKey).OrderBy(c => c.Name, StringComparer.Ordinal))
        {
            if (!values.TryGetValue(column.Name, out var value) || value is null) return false;
            if (key.Length > 0) key.Append('\0');
            key.Append(column.Name).Append('=').Append(value);
        }

        keyHash = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(key.ToString())));
        return true;
    }

    /// <summary>A schema as its card carries it.</summary>
    public static byte[] WriteSchema(SyncedTableSchema schema)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartArray("columns");
            foreach (var column in schema.Columns)
            {
                json.WriteStartObject();
                json.WriteString("name", column.Name);
                json.WriteString("type", TypeNames[(int)column.Type]);
                json.WriteBoolean("pk", column.IsKey);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("conflict", ConflictNames[(int)schema.Conflict]);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Reads a schema; false if any part of it is invalid.</summary>
    public static bool TryParseSchema(
        string table, int version, long mtimeSeconds, ReadOnlySpan<byte> bytes, out SyncedTableSchema schema)
    {
        schema = new SyncedTableSchema(table, version, mtimeSeconds, SyncedConflict.MtimeWins, []);
        try
        {
            var reader = new Utf8JsonReader(bytes);
            using var json = JsonDocument.ParseValue(ref reader);
            if (json.RootElement.ValueKind != JsonValueKind.Object) return false;
            if (!json.RootElement.TryGetProperty("columns", out var list) || list.ValueKind != JsonValueKind.Array)
                return false;

            var columns = new List<SyncedColumn>();
            foreach (var item in list.EnumerateArray())
            {
                if (!TryParseColumn(item, out var column) || columns.Count == ColumnsMax) return false;
                if (columns.Any(c => c.Name == column.Name)) return false;
                columns.Add(column);
            }

            var conflict = Array.IndexOf(ConflictNames, TextOf(json.RootElement, "conflict"));
            if (conflict < 0 || !columns.Any(c => c.IsKey)) return false;

            schema = schema with { Columns = columns, Conflict = (SyncedConflict)conflict };
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static readonly string[] TypeNames = ["text", "integer", "real", "blob"];

    private static readonly string[] ConflictNames = ["mtime-wins", "self-write", "owner-write"];

    private static bool TryParseColumn(JsonElement item, out SyncedColumn column)
    {
        column = new SyncedColumn("", SyncedColumnType.Text, false);
        if (item.ValueKind != JsonValueKind.Object) return false;

        var name = TextOf(item, "name");
        var type = Array.IndexOf(TypeNames, TextOf(item, "type"));
        var isKey = item.TryGetProperty("pk", out var pk) && pk.ValueKind == JsonValueKind.True;
        if (type < 0 || !TableName.IsIdentifier(Encoding.UTF8.GetBytes(name)) || name is "mtime" or "_owner")
            return false;

        column = new SyncedColumn(name, (SyncedColumnType)type, isKey);
        return true;
    }

    private static string TextOf(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        ? value.GetString()!
        : "";

    private static bool TryReadValues(ReadOnlySpan<byte> bytes, out Dictionary<string, string?> values)
    {
        values = new Dictionary<string, string?>(StringComparer.Ordinal);
        try
        {
            var reader = new Utf8JsonReader(bytes);
            using var json = JsonDocument.ParseValue(ref reader);
            if (json.RootElement.ValueKind != JsonValueKind.Object) return false;

            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array) return false;

                var text = property.Value.ValueKind switch
                {
                    JsonValueKind.Null => null,
                    JsonValueKind.String => property.Value.GetString(),
                    _ => property.Value.GetRawText(),
                };
                if (!values.TryAdd(property.Name, text)) return false;
            }

            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate.
            return false;
        }
    }
}
