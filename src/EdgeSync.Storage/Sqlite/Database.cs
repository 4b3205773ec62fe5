using System.Globalization;
using EdgeSync.Primitives;
using SQLitePCL;

namespace EdgeSync.Storage.Sqlite;

/// <summary>
/// One SQLite connection, used by one thread at a time. Statements are prepared once per SQL text and borrowed
/// (<see cref="Prepare"/>); SQL in the program is a literal with parameters, never assembled from data.
/// </summary>
/// <remarks>
/// Other programs use the file too: stock Fossil may write it at any time. So writers begin IMMEDIATE, wait for locks
/// (<see cref="DatabaseOptions.BusyTimeout"/>), and detect foreign changes by <see cref="DataVersion"/>. Triggers,
/// views' functions and foreign keys of the file are never trusted: a hostile file must not run anything.
/// </remarks>
public sealed class Database : IDisposable
{
    /// <summary>
    /// False: this SQLite (Debian 12's 3.40.1) counts <c>json_extract</c> among the functions that an untrusted schema
    /// may not call. It would not even read the schema of a repository with synced tables, whose columns are made by
    /// it, so the schema is trusted there; <c>SQLITE_DBCONFIG_DEFENSIVE</c> is as before, and extensions cannot be
    /// loaded.
    /// </summary>
    private static readonly Lazy<bool> MayColumnsUseJson = new(CanMakeJsonColumn);

    /// <summary>The path of a database that lives in memory.</summary>
    public const string InMemory = ":memory:";

    // Statements kept per connection; the program has a few hundred literals.
    private const int CachedStatementsMax = 512;

    private readonly sqlite3 _handle;
    private readonly Dictionary<string, Stack<Statement>> _statements = new(SqlComparer.Instance);
    private readonly HashSet<Statement> _borrowed = new(ReferenceEqualityComparer.Instance);
    private int _cachedCount;
    private int _transactionDepth;
    private bool _isDoomed;
    private bool _isDisposed;
    private bool _hasMark;

    private Database(string path, DatabaseOptions options, sqlite3 handle, bool isImmutable)
    {
        Path = path;
        Options = options;
        IsImmutable = isImmutable;
        _handle = handle;
    }

    public string Path { get; }

    public DatabaseOptions Options { get; }

    /// <summary>
    /// The file was opened without locks, because its folder cannot be written and there is no log beside it.
    /// </summary>
    public bool IsImmutable { get; }

    public bool IsReadOnly => Options.Access == DatabaseAccess.Read;

    public bool IsInMemory => Path == InMemory;

    public bool IsInTransaction => _transactionDepth > 0;

    /// <summary>Runs when an outermost transaction has begun; true when it writes.</summary>
    public Action<bool>? Began { get; set; }

    /// <summary>Runs before the outermost commit, inside the transaction; a throw here rolls back.</summary>
    public Action? Committing { get; set; }

    /// <summary>Runs after the outermost transaction ended; true when it was committed.</summary>
    public Action<bool>? Ended { get; set; }

    /// <summary>Rows that the last INSERT, UPDATE or DELETE changed.</summary>
    public int Changes => raw.sqlite3_changes(_handle);

    /// <summary>Rows changed since the connection was opened.</summary>
    public int TotalChanges => raw.sqlite3_total_changes(_handle);

    public long LastInsertRowId => raw.sqlite3_last_insert_rowid(_handle);

    /// <summary>Changes when another connection has committed to the file; our own commits do not move it.</summary>
    public long DataVersion => QueryInt64("PRAGMA data_version");

    internal sqlite3 Handle => _handle;

    /// <exception cref="EdgeSyncException">The file does not exist, is not a database, or is locked.</exception>
    public static Database Open(string path, DatabaseOptions options)
    {
        SqliteLibrary.EnsureLoaded();
        if (path != InMemory && options.Access != DatabaseAccess.Create && !File.Exists(path))
        {
            throw new EdgeSyncException(ErrorKind.NotFound, $"{path} does not exist", "check the path");
        }

        var database = OpenHandle(path, options, immutable: false);
        try
        {
            database.Configure();
            return database;
        }
        catch (SqliteException e) when (options.Access == DatabaseAccess.Read && CanOpenImmutable(path, e))
        {
            database.Dispose();
            database = OpenHandle(path, options, immutable: true);
        }
        catch
        {
            database.Dispose();
            throw;
        }

        try
        {
            database.Configure();
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>A private database in memory, for tests and simulation.</summary>
    public static Database OpenInMemory() => Open(InMemory, new DatabaseOptions
    {
        Access = DatabaseAccess.Create,
        Journal = DatabaseJournal.AsFound,
        Durability = Durability.None,
    });

    /// <summary>
    /// Borrows the prepared statement of this SQL; dispose returns it. Pass a literal: the text is the cache key.
    /// </summary>
    public Statement Prepare(string sql)
    {
        if (_statements.TryGetValue(sql, out var idle) && idle.TryPop(out var statement))
        {
            _borrowed.Add(statement);
            return statement.Borrow();
        }

        return Compile(sql, isCached: _cachedCount < CachedStatementsMax);
    }

    /// <summary>Prepares SQL that is not worth keeping, such as a user's query.</summary>
    public Statement PrepareOnce(string sql) => Compile(sql, isCached: false);

    /// <summary>
    /// As <see cref="PrepareOnce"/>; a second statement behind the first is rejected rather than ignored.
    /// </summary>
    /// <exception cref="EdgeSyncException">There are several.</exception>
    public Statement PrepareOnly(string sql)
    {
        var code = raw.sqlite3_prepare_v3(_handle, sql, 0u, out var first, out var tail);
        first?.Dispose();
        if (code == raw.SQLITE_OK && !string.IsNullOrWhiteSpace(tail))
        {
            var tailCode = raw.sqlite3_prepare_v3(_handle, tail, 0u, out var second);
            var isStatement = tailCode != raw.SQLITE_OK || second is { IsInvalid: false };
            second?.Dispose();
            if (isStatement)
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"several SQL statements; the second is: {Shorten(tail.Trim())}",
                    "run them one at a time");
        }

        return Compile(sql, isCached: false);
    }

    /// <summary>
    /// Until it is disposed, statements that are prepared may only select, and only from the tables that are named.
    /// </summary>
    /// <param name="mayRead">True for the name of a table that may be read.</param>
    public IDisposable RestrictReads(Func<string, bool> mayRead) => new ReadRestriction(this, mayRead);

    /// <summary>Until it is disposed, all statements together take at most so many steps.</summary>
    public StepLimit LimitSteps(long stepsMax) => new(this, stepsMax);

    /// <summary>Prepares the statements of a user's script one after the other; each is disposed before the
    /// next.</summary>
    /// <exception cref="EdgeSyncException">One is not SQL.</exception>
    public IEnumerable<Statement> PrepareEach(string script)
    {
        var rest = script;
        while (!string.IsNullOrWhiteSpace(rest))
        {
            var code = raw.sqlite3_prepare_v3(_handle, rest, 0u, out var handle, out var tail);
            if (code != raw.SQLITE_OK)
            {
                handle?.Dispose();
                SqliteErrors.Throw(this, raw.sqlite3_extended_errcode(_handle), $"preparing {Shorten(rest.Trim())}");
            }

            // White space and comments are not statements.
            if (handle is { IsInvalid: false })
            {
                using var statement = new Statement(this, rest, handle, isCached: false).Borrow();
                _borrowed.Add(statement);
                yield return statement;
            }

            rest = tail ?? "";
        }
    }

    /// <summary>Whether a text ends with a whole statement.</summary>
    public static bool IsComplete(string script) => raw.sqlite3_complete(script) != 0;

    /// <summary>Runs a script of statements without parameters.</summary>
    public void Execute(string script)
    {
        var code = raw.sqlite3_exec(_handle, script);
        if (code != raw.SQLITE_OK)
            SqliteErrors.Throw(this, raw.sqlite3_extended_errcode(_handle), $"running {Shorten(script)}");
    }

    /// <summary>First column of the first row, or <paramref name="otherwise"/> when there is none.</summary>
    public long QueryInt64(string sql, long otherwise = 0)
    {
        using var statement = Prepare(sql);
        return statement.Step() ? statement.Int64(0) : otherwise;
    }

    /// <summary>First column of the first row; null when there is none, or NULL.</summary>
    public double? QueryDouble(string sql)
    {
        using var statement = Prepare(sql);
        return statement.Step() && !statement.IsNull(0) ? statement.Double(0) : null;
    }

    /// <summary>First column of the first row as text; null when there is none, or NULL.</summary>
    public string? QueryText(string sql)
    {
        using var statement = Prepare(sql);
        return statement.Step() ? statement.Text(0) : null;
    }

    public bool HasTable(string name)
    {
        using var statement = Prepare("SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?1");
        return statement.BindText(1, name).Step();
    }

    public bool HasColumn(string table, string column)
    {
        using var statement = Prepare("SELECT 1 FROM pragma_table_info(?1) WHERE name=?2");
        return statement.BindText(1, table).BindText(2, column).Step();
    }

    /// <summary>Begins a write transaction, or joins the one that runs.</summary>
    public Transaction Begin()
    {
        if (_transactionDepth == 0) Start("BEGIN IMMEDIATE", canWrite: true);
        _transactionDepth++;
        return new Transaction(this);
    }

    /// <summary>Begins a read transaction: all reads until it ends see one state of the file.</summary>
    public Transaction BeginRead()
    {
        if (_transactionDepth == 0) Start("BEGIN", canWrite: false);
        _transactionDepth++;
        return new Transaction(this);
    }

    public IncrementalBlob OpenBlob(string table, string column, long rowId, bool canWrite = false) =>
        new(this, table, column, rowId, canWrite);

    /// <summary>
    /// Checkpoints the write-ahead log; false when readers or another writer prevented it.
    /// </summary>
    public bool Checkpoint(bool truncate)
    {
        if (IsReadOnly || IsInMemory) return true;

        var code = raw.sqlite3_wal_checkpoint_v2(
            _handle, "main", truncate ? raw.SQLITE_CHECKPOINT_TRUNCATE : raw.SQLITE_CHECKPOINT_PASSIVE,
            out var logPages, out var foldedPages);
        if (code is raw.SQLITE_BUSY or raw.SQLITE_LOCKED) return false;
        if (code != raw.SQLITE_OK) SqliteErrors.Throw(this, code, "folding the write-ahead log back");
        return logPages == foldedPages;
    }

    public void SetDurability(Durability durability) => Execute(durability switch
    {
        // Without the write-ahead log a commit is the removal of the journal: EXTRA flushes the folder too. With it,
        // the same as FULL.
        Durability.Full => "PRAGMA synchronous=EXTRA",
        Durability.Normal => "PRAGMA synchronous=NORMAL",
        _ => "PRAGMA synchronous=OFF",
    });

    /// <summary>Copies the whole database into <paramref name="target"/> while others read and write it.</summary>
    public void BackUpTo(Database target)
    {
        const int PagesPerStep = 1024;
        using var backup = raw.sqlite3_backup_init(target.Handle, "main", _handle, "main");
        if (backup is null || backup.IsInvalid)
            SqliteErrors.Throw(target, raw.sqlite3_errcode(target.Handle), "starting a backup");

        int code;
        do
        {
            code = raw.sqlite3_backup_step(backup, PagesPerStep);
        }
        while (code == raw.SQLITE_OK);

        if (code != raw.SQLITE_DONE) SqliteErrors.Throw(target, code, $"copying {Path}");
    }

    /// <summary>Ends the call on another thread with an error.</summary>
    public void Interrupt() => raw.sqlite3_interrupt(_handle);

    /// <summary>Rolls back an open transaction, checkpoints the log and closes the file.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;

        _isDisposed = true;
        if (raw.sqlite3_get_autocommit(_handle) == 0) raw.sqlite3_exec(_handle, "ROLLBACK");
        foreach (var statement in _borrowed) statement.Handle.Dispose();
        foreach (var idle in _statements.Values)
        {
            foreach (var statement in idle) statement.Handle.Dispose();
        }

        FoldLog();
        _handle.Dispose();
    }

    internal string LastErrorText() => raw.sqlite3_errmsg(_handle).utf8_to_string();

    internal void Return(Statement statement)
    {
        _borrowed.Remove(statement);
        if (!statement.IsCached || _isDisposed)
        {
            statement.Handle.Dispose();
            return;
        }

        if (!_statements.TryGetValue(statement.Sql, out var idle))
        {
            idle = new Stack<Statement>(1);
            _statements.Add(statement.Sql, idle);
        }

        idle.Push(statement);
    }

    internal void EndTransaction(bool commit)
    {
        Invariant.Require(_transactionDepth > 0);
        if (_transactionDepth > 1)
        {
            _transactionDepth--;
            _isDoomed |= !commit;
            return;
        }

        if (commit && _isDoomed)
        {
            RollBack();
            throw new InvariantException("Invariant broken: a transaction whose inner part failed was committed");
        }

        if (!commit)
        {
            RollBack();
            return;
        }

        try
        {
            Committing?.Invoke();
            Run("COMMIT");
        }
        catch
        {
            RollBack();
            throw;
        }

        _transactionDepth = 0;
        Ended?.Invoke(true);
    }

    private static Database OpenHandle(string path, DatabaseOptions options, bool immutable)
    {
        var flags = raw.SQLITE_OPEN_NOMUTEX | options.Access switch
        {
            DatabaseAccess.Read => raw.SQLITE_OPEN_READONLY,
            DatabaseAccess.Write => raw.SQLITE_OPEN_READWRITE,
            _ => raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE,
        };
        var name = path;
        if (immutable)
        {
            flags |= raw.SQLITE_OPEN_URI;
            name = ImmutableUri(path);
        }

        var code = raw.sqlite3_open_v2(name, out var handle, flags, null);
        if (code == raw.SQLITE_OK) return new Database(path, options, handle, immutable);

        var error = SqliteErrors.Create(path, code, "opening", raw.sqlite3_errmsg(handle).utf8_to_string());
        handle.Dispose();
        throw error;
    }

    // Without locks and without a log: only sound while no process writes, so only where none can.
    private static bool CanOpenImmutable(string path, SqliteException error) =>
        (error.ResultCode & 0xff) is raw.SQLITE_CANTOPEN or raw.SQLITE_READONLY
        && !(File.Exists(path + "-wal") && new FileInfo(path + "-wal").Length > 0);

    private static string ImmutableUri(string path)
    {
        var full = System.IO.Path.GetFullPath(path).Replace('\\', '/');
        return "file:" + string.Join('/', full.Split('/').Select(Uri.EscapeDataString)) + "?immutable=1";
    }

    private static string Shorten(string sql) => sql.Length <= 120 ? sql : sql[..120] + "…";

    private void Configure()
    {
        raw.sqlite3_extended_result_codes(_handle, 1);
        raw.sqlite3_busy_timeout(_handle, (int)Options.BusyTimeout.TotalMilliseconds);
        SetFlag(raw.SQLITE_DBCONFIG_ENABLE_FKEY, false);
        SetFlag(raw.SQLITE_DBCONFIG_ENABLE_TRIGGER, false);
        SetFlag(raw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, !MayColumnsUseJson.Value);
        if (Options.Journal != DatabaseJournal.None) SetFlag(raw.SQLITE_DBCONFIG_DEFENSIVE, true);
        Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA cache_size={-Options.PageCacheBytesMax / 1024}"));

        // The first read: detects a file that is not a database, and recovers a log left by a crash.
        var schemaVersion = QueryInt64("PRAGMA schema_version");
        if (IsReadOnly) return;

        SetDurability(Options.Durability);
        if (IsInMemory) return;
        if (Options.Journal == DatabaseJournal.None) Execute("PRAGMA journal_mode=OFF");

        // Left by a run that was killed, or by one still running: the last one to close the file removes it.
        _hasMark = schemaVersion > 0 && JournalMark.IsSet(this);
        if (Options.Journal == DatabaseJournal.WriteAhead && schemaVersion > 0) UseWriteAheadLog();
    }

    /// <summary>
    /// Switches to the write-ahead log. A new file is first written in the file's own mode, since stock refuses a main
    /// file that is still a stub; call this when its first transaction is committed.
    /// </summary>
    public void UseWriteAheadLog()
    {
        if (QueryText("PRAGMA journal_mode") == "wal") return;

        // Another program may hold a lock, or the disk be full: then the mode stays, and everything works, only slower.
        try
        {
            JournalMark.Set(this);
            _hasMark = true;
            // a run that was closing may have removed it
            if (QueryText("PRAGMA journal_mode=WAL") == "wal") JournalMark.Set(this);
        }
        catch (SqliteException e) when (e.IsBusy || e.IsFull)
        {
        }
    }

    private static bool CanMakeJsonColumn()
    {
        const int known = 3_041_000;
        if (raw.sqlite3_libversion_number() < known) return false;
        if (raw.sqlite3_open(InMemory, out var scratch) != raw.SQLITE_OK) return false;

        using (scratch)
        {
            raw.sqlite3_db_config(scratch, raw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, out _);
            return raw.sqlite3_exec(scratch, "CREATE TABLE t(j, c AS (json_extract(j,'$.c')))") == raw.SQLITE_OK;
        }
    }

    private void SetFlag(int flag, bool value)
    {
        var code = raw.sqlite3_db_config(_handle, flag, value ? 1 : 0, out _);
        if (code != raw.SQLITE_OK) SqliteErrors.Throw(this, code, "configuring the connection");
    }

    private Statement Compile(string sql, bool isCached)
    {
        var code = raw.sqlite3_prepare_v3(
            _handle, sql, isCached ? (uint)raw.SQLITE_PREPARE_PERSISTENT : 0u, out var handle);
        if (code != raw.SQLITE_OK)
        {
            handle?.Dispose();
            SqliteErrors.Throw(this, raw.sqlite3_extended_errcode(_handle), $"preparing {Shorten(sql)}");
        }

        if (handle is null || handle.IsInvalid)
        {
            throw new EdgeSyncException(ErrorKind.Usage, $"no SQL statement in: {Shorten(sql)}");
        }

        if (isCached) _cachedCount++;
        var statement = new Statement(this, sql, handle, isCached).Borrow();
        _borrowed.Add(statement);
        return statement;
    }

    private void Start(string sql, bool canWrite)
    {
        _isDoomed = false;
        Run(sql);
        try
        {
            Began?.Invoke(canWrite);
        }
        catch
        {
            raw.sqlite3_exec(_handle, "ROLLBACK");
            throw;
        }
    }

    private void Run(string sql)
    {
        using var statement = Prepare(sql);
        statement.Run();
    }

    private void RollBack()
    {
        // Some errors (full disk, I/O) have rolled back already.
        if (raw.sqlite3_get_autocommit(_handle) == 0) raw.sqlite3_exec(_handle, "ROLLBACK");
        _transactionDepth = 0;
        Ended?.Invoke(false);
    }

    private void FoldLog()
    {
        if (IsReadOnly || IsInMemory) return;

        // Best effort: while another program has the file open, that one checkpoints the log when it closes. A log left
        // here loses nothing; it only makes the main file look old to stock's size check.
        raw.sqlite3_busy_timeout(_handle, 250);
        var code = raw.SQLITE_OK;
        if (_hasMark && JournalMark.TryRestore(this, out code)) return;

        WarnOf(code, "giving the file its own journal mode back");
        WarnOf(
            raw.sqlite3_wal_checkpoint_v2(_handle, "main", raw.SQLITE_CHECKPOINT_TRUNCATE, out _, out _),
            "folding the write-ahead log back");
    }

    // A file that others have open is fine: the last of them does it.
    private void WarnOf(int code, string action)
    {
        if ((code & 0xff) is raw.SQLITE_OK or raw.SQLITE_BUSY or raw.SQLITE_LOCKED) return;

        Options.Warned?.Invoke(
            $"{action} failed, no data is lost: {SqliteErrors.Create(Path, code, action, LastErrorText()).Message}");
    }

    // Literals are interned, so equality is one reference test; the hash samples instead of reading all.
    private sealed class SqlComparer : IEqualityComparer<string>
    {
        public static readonly SqlComparer Instance = new();

        public bool Equals(string? x, string? y) => string.Equals(x, y);

        public int GetHashCode(string sql)
        {
            var length = sql.Length;
            if (length < 8) return string.GetHashCode(sql.AsSpan());
            return HashCode.Combine(
                length, sql[7], sql[length / 2], sql[length / 3], sql[^1], sql[^2], sql[^4], sql[^6]);
        }
    }
}
