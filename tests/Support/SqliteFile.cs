using SQLitePCL;

namespace EdgeSync.Tests.Support;

/// <summary>
/// A plain look into any SQLite file, independent of our own wrapper, so that a fault in that one shows.
/// </summary>
internal sealed class SqliteFile : IDisposable
{
    private readonly sqlite3 _handle;

    static SqliteFile() => Batteries_V2.Init();

    public SqliteFile(string path, bool writable = false)
    {
        var code = raw.sqlite3_open_v2(
            path, out _handle, writable ? raw.SQLITE_OPEN_READWRITE : raw.SQLITE_OPEN_READONLY, null);
        if (code != raw.SQLITE_OK) throw new IOException($"SQLite cannot open {path}: code {code}");
        raw.sqlite3_busy_timeout(_handle, 10_000);
        raw.sqlite3_exec(_handle, "PRAGMA foreign_keys=OFF");   // on in some builds; stock never turns them on
    }

    public IEnumerable<object?[]> Query(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_handle, sql, out var statement), sql);
        using (statement)
        {
            for (int code; (code = raw.sqlite3_step(statement)) != raw.SQLITE_DONE;)
            {
                if (code != raw.SQLITE_ROW) Check(code, sql);
                var row = new object?[raw.sqlite3_column_count(statement)];
                for (var i = 0; i < row.Length; i++) row[i] = Column(statement, i);
                yield return row;
            }
        }
    }

    public object? Scalar(string sql) => Query(sql).Select(row => row[0]).FirstOrDefault();

    public long Count(string sql) => (long)Scalar(sql)!;

    public void Execute(string sql) => Check(raw.sqlite3_exec(_handle, sql), sql);

    public void Dispose() => _handle.Dispose();

    private static object? Column(sqlite3_stmt statement, int index) => raw.sqlite3_column_type(statement, index) switch
    {
        raw.SQLITE_INTEGER => raw.sqlite3_column_int64(statement, index),
        raw.SQLITE_FLOAT => raw.sqlite3_column_double(statement, index),
        raw.SQLITE_TEXT => raw.sqlite3_column_text(statement, index).utf8_to_string(),
        raw.SQLITE_BLOB => raw.sqlite3_column_blob(statement, index).ToArray(),
        _ => null,
    };

    private void Check(int code, string sql)
    {
        if (code is not (raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE))
            throw new IOException($"SQLite code {code}: {raw.sqlite3_errmsg(_handle).utf8_to_string()} in {sql}");
    }
}
