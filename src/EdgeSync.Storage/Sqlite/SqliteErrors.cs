using System.Diagnostics.CodeAnalysis;
using EdgeSync.Primitives;
using SQLitePCL;

namespace EdgeSync.Storage.Sqlite;

/// <summary>Turns SQLite's result codes into the one exception of failed operations, by possible reaction.</summary>
internal static class SqliteErrors
{
    [DoesNotReturn]
    public static void Throw(Database database, int resultCode, string action) => throw Create(
        database.Path, resultCode, action, database.LastErrorText());

    public static EdgeSyncException Create(string path, int resultCode, string action, string detail)
    {
        var (kind, reason, hint) = Explain(resultCode & 0xff);
        // SQLite's operation does not matter when the file itself is the cause.
        var isOfFile =
            (resultCode & 0xff) is raw.SQLITE_READONLY or raw.SQLITE_NOTADB or raw.SQLITE_CANTOPEN or raw.SQLITE_PERM
            or raw.SQLITE_FULL
            or raw.SQLITE_BUSY or raw.SQLITE_LOCKED;
        if (isOfFile) return new SqliteException(kind, $"{path} {reason}", hint, resultCode);

        var message = $"{path}: {action}: {reason}";
        if (detail.Length > 0 && !message.Contains(detail, StringComparison.Ordinal)) message += $" ({detail})";
        return new SqliteException(kind, message, hint, resultCode);
    }

    private static (ErrorKind Kind, string Reason, string? Hint) Explain(int code) => code switch
    {
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => (ErrorKind.Unavailable, "is locked by another program",
            "wait until it is done and try again"),
        raw.SQLITE_FULL => (ErrorKind.System, "cannot grow: the disk is full", "free some space; nothing was changed"),
        raw.SQLITE_IOERR => (ErrorKind.System, "reading or writing failed", "check the disk and its free space"),
        raw.SQLITE_CANTOPEN => (ErrorKind.System, "cannot be opened", "check the path and its permissions"),
        raw.SQLITE_READONLY =>
            (
                ErrorKind.System, "cannot be written: the file or its folder is read-only",
                "check the permissions of the file and its folder"),
        raw.SQLITE_PERM =>
            (ErrorKind.System, "cannot be used: permission denied", "check the permissions of the file and its folder"),
        raw.SQLITE_AUTH => (ErrorKind.System, "not permitted", "check the permissions"),
        raw.SQLITE_NOMEM => (ErrorKind.System, "out of memory", null),
        raw.SQLITE_TOOBIG => (ErrorKind.System, "the value is larger than SQLite stores (1,000,000,000 bytes)", null),
        raw.SQLITE_CORRUPT => (ErrorKind.Corrupt, "the database is damaged", "restore a copy, or clone again"),
        raw.SQLITE_NOTADB =>
            (ErrorKind.Usage, "is not a Fossil repository: it is not an SQLite database", "check the path"),
        raw.SQLITE_CONSTRAINT => (ErrorKind.Conflict, "a constraint of the table rejects it", null),
        raw.SQLITE_INTERRUPT => (ErrorKind.Unavailable, "interrupted", null),
        _ => (ErrorKind.Usage, "SQLite reports an error", null),
    };
}

/// <summary>An SQLite call failed; <see cref="ResultCode"/> is SQLite's extended result code.</summary>
public sealed class SqliteException(ErrorKind kind, string message, string? hint, int resultCode)
    : EdgeSyncException(kind, message, hint)
{
    public int ResultCode { get; } = resultCode;

    /// <summary>Another connection holds the lock; trying again later may work.</summary>
    public bool IsBusy => (ResultCode & 0xff) is 5 or 6;

    /// <summary>
    /// The disk failed to read or write, or to open a file: SQLite gives no reason for that one, which may be a missing
    /// permission too. Trying again may work.
    /// </summary>
    public bool IsDiskFault => IsIoError || (ResultCode & 0xff) == 14;

    /// <summary>Reading or writing failed, not for permissions.</summary>
    public bool IsIoError => (ResultCode & 0xff) == 10;

    /// <summary>There is no room on the disk.</summary>
    public bool IsFull => (ResultCode & 0xff) == 13;

    /// <summary>May pass without a change of the repository: the disk fails, or is full.</summary>
    public bool MayPass => IsDiskFault || IsFull;
}
