using SQLitePCL;

namespace EdgeSync.Storage.Sqlite;

/// <summary>
/// Records, in the file itself, that edgesync switched it to the write-ahead log: a run that was killed leaves a file
/// in our mode, and the next run that closes it as the last restores its own mode.
/// <code>
/// own mode ─Set▶ own mode + mark ─▶ log + mark ─ closed, or killed and closed by another run ─▶ own mode + mark ─▶ own
/// mode
/// </code>
/// A kill at any arrow leaves a state of this diagram. A file that others put into that mode has no mark, and keeps it.
/// </summary>
internal static class JournalMark
{
    // A name that stock's rebuild leaves alone. SQLite stores no mode but the log in the file, so there is none to
    // record.
    private const string Create = "CREATE TABLE IF NOT EXISTS fx_journal(mode TEXT)";
    private const string Find = "SELECT name FROM sqlite_schema WHERE name='fx_journal'";
    private const string Drop = "DROP TABLE IF EXISTS fx_journal";

    public static void Set(Database database) => database.Execute(Create);

    public static bool IsSet(Database database) => ReadText(database.Handle, Find, out _) is not null;

    /// <summary>
    /// Restores the file's own mode. False: other processes have it open, and the last of ours will do it.
    /// </summary>
    /// <param name="database">About to be closed; no transaction is open.</param>
    /// <param name="resultCode">The code from SQLite; anything but OK and busy is a fault of the disk or the
    /// file.</param>
    public static bool TryRestore(Database database, out int resultCode)
    {
        // Another run may have closed it properly since.
        if (ReadText(database.Handle, Find, out resultCode) is null
            || ReadText(database.Handle, "PRAGMA journal_mode=DELETE", out resultCode) != "delete") return false;

        resultCode = raw.sqlite3_exec(database.Handle, Drop);
        return resultCode == raw.SQLITE_OK;
    }

    // Null: no row, or a fault that the code names.
    private static string? ReadText(sqlite3 handle, string sql, out int resultCode)
    {
        resultCode = raw.sqlite3_prepare_v2(handle, sql, out var statement);
        if (resultCode != raw.SQLITE_OK) return null;

        using (statement)
        {
            resultCode = raw.sqlite3_step(statement);
            var text = resultCode == raw.SQLITE_ROW ? raw.sqlite3_column_text(statement, 0).utf8_to_string() : null;
            if (resultCode is raw.SQLITE_ROW or raw.SQLITE_DONE) resultCode = raw.SQLITE_OK;
            return text;
        }
    }
}
