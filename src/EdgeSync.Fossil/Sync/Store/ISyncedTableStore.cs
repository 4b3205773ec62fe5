namespace EdgeSync.Fossil.Sync.Store;

/// <summary>Type of a column in a synced table.</summary>
public enum SyncedColumnType
{
    Text,
    Integer,
    Real,
    Blob,
}

/// <summary>Which row wins when both sides changed it.</summary>
public enum SyncedConflict
{
    /// <summary>The newer mtime; the incoming row on a tie.</summary>
    MtimeWins,

    /// <summary>Only the first writer may change a row; a row without owner may be claimed.</summary>
    SelfWrite,

    /// <summary>Only the first writer may change a row; a row without owner may not be claimed.</summary>
    OwnerWrite,
}

/// <summary>One column; the names obey <c>[a-z_][a-z0-9_]*</c>.</summary>
public sealed record SyncedColumn(string Name, SyncedColumnType Type, bool IsKey);

/// <summary>What a synced table looks like: <c>x_NAME</c> in the repository.</summary>
public sealed record SyncedTableSchema(
    string Name, int Version, long MtimeSeconds, SyncedConflict Conflict, IReadOnlyList<SyncedColumn> Columns);

/// <summary>
/// One row's identity and state. <paramref name="KeyHash"/> is the SHA1 hex of its sorted key columns.
/// </summary>
public readonly record struct SyncedRowEntry(string KeyHash, long MtimeSeconds, bool IsDeleted, string? Owner);

/// <summary>Letters of capabilities that a login needs for a table, beside those of pull and push.</summary>
public readonly record struct SyncedTableAccess(string Read, string Write)
{
    /// <summary>Every login that may pull or push.</summary>
    public static SyncedTableAccess Usual => new("", "");
}

/// <summary>
/// Synced tables. Values are JSON objects in UTF-8 whose keys the engine has checked against the schema: an
/// implementation quotes identifiers all the same. Lookups by key hash are indexed.
/// </summary>
public interface ISyncedTableStore
{
    IReadOnlyList<SyncedTableSchema> List();

    /// <summary>Creates the table; one that exists with an older version gains the missing columns.</summary>
    void Declare(SyncedTableSchema schema);

    /// <summary>Logins that may read and write a table here: a local setting, not synced with the schema.</summary>
    SyncedTableAccess AccessOf(string table);

    /// <summary>All rows with their deletions, ordered by key hash; without deletions that have expired.</summary>
    IReadOnlyList<SyncedRowEntry> ListRows(string table);

    bool TryFind(string table, string keyHash, out SyncedRowEntry entry);

    /// <summary>The row as a JSON object (of a deletion: its key columns only).</summary>
    bool TryRead(string table, string keyHash, out byte[] json);

    /// <summary>
    /// Inserts or replaces. With <see cref="SyncedRowEntry.IsDeleted"/> only the key columns keep values.
    /// </summary>
    void Put(string table, in SyncedRowEntry entry, ReadOnlySpan<byte> json);
}
