using SQLitePCL;

namespace EdgeSync.Storage.Sqlite;

/// <summary>
/// One stored blob, read or written piece by piece, so that large content needs no second copy in memory.
/// </summary>
public sealed class IncrementalBlob : IDisposable
{
    private readonly Database _database;
    private readonly sqlite3_blob _handle;

    internal IncrementalBlob(Database database, string table, string column, long rowId, bool canWrite)
    {
        _database = database;
        var code = raw.sqlite3_blob_open(
            database.Handle, "main", table, column, rowId, canWrite ? 1 : 0, out _handle);
        if (code != raw.SQLITE_OK) SqliteErrors.Throw(database, code, $"opening {table}.{column} of row {rowId}");
        SizeBytes = raw.sqlite3_blob_bytes(_handle);
    }

    public int SizeBytes { get; }

    public void Read(int offset, Span<byte> target)
    {
        var code = raw.sqlite3_blob_read(_handle, target, offset);
        if (code != raw.SQLITE_OK) SqliteErrors.Throw(_database, code, "reading a stored blob");
    }

    public void Write(int offset, ReadOnlySpan<byte> source)
    {
        var code = raw.sqlite3_blob_write(_handle, source, offset);
        if (code != raw.SQLITE_OK) SqliteErrors.Throw(_database, code, "writing a stored blob");
    }

    public void Dispose() => _handle.Dispose();
}
