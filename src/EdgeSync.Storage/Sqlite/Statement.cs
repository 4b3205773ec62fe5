using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using EdgeSync.Primitives;
using SQLitePCL;

namespace EdgeSync.Storage.Sqlite;

/// <summary>
/// One prepared statement, borrowed from its <see cref="Database"/>: bind (from 1), step, read columns (from 0), and
/// dispose, which returns it for the next caller of the same SQL. Spans that it returns are valid until the next <see
/// cref="Step"/>, <see cref="Reset"/> or <see cref="Dispose"/>.
/// </summary>
public sealed class Statement : IDisposable
{
    private readonly Database _database;
    private readonly sqlite3_stmt _handle;
    private bool _isBorrowed;
    private bool _hasBindings;

    internal Statement(Database database, string sql, sqlite3_stmt handle, bool isCached)
    {
        _database = database;
        _handle = handle;
        Sql = sql;
        IsCached = isCached;
    }

    public string Sql { get; }

    internal bool IsCached { get; }

    public int ColumnCount => raw.sqlite3_column_count(_handle);

    /// <summary>True if running it cannot change the database file.</summary>
    public bool IsReadOnly => raw.sqlite3_stmt_readonly(_handle) != 0;

    internal sqlite3_stmt Handle => _handle;

    internal Statement Borrow()
    {
        Invariant.Require(!_isBorrowed);
        _isBorrowed = true;
        return this;
    }

    public Statement Bind(int index, long value) => Check(raw.sqlite3_bind_int64(_handle, index, value));

    public Statement Bind(int index, RecordId value) => Check(raw.sqlite3_bind_int64(_handle, index, value.Value));

    public Statement Bind(int index, double value) => Check(raw.sqlite3_bind_double(_handle, index, value));

    public Statement BindNull(int index) => Check(raw.sqlite3_bind_null(_handle, index));

    /// <summary>Binds text given as UTF-8; the bytes are copied.</summary>
    public Statement BindText(int index, ReadOnlySpan<byte> utf8) => utf8.IsEmpty
        ? Check(raw.sqlite3_bind_text(_handle, index, ""))
        : Check(raw.sqlite3_bind_text(_handle, index, utf8));

    /// <summary>Binds text, or NULL.</summary>
    [SkipLocalsInit]
    public Statement BindText(int index, string? value)
    {
        if (value is null) return BindNull(index);
        if (value.Length == 0) return BindText(index, ReadOnlySpan<byte>.Empty);

        var sizeMax = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (sizeMax <= 512)
        {
            Span<byte> small = stackalloc byte[512];
            return BindText(index, small[..Encoding.UTF8.GetBytes(value, small)]);
        }

        var rented = ArrayPool<byte>.Shared.Rent(sizeMax);
        try
        {
            return BindText(index, rented.AsSpan(0, Encoding.UTF8.GetBytes(value, rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Binds the name as lower-case hex text, as in every table.</summary>
    [SkipLocalsInit]
    public Statement Bind(int index, ArtifactId value)
    {
        Span<byte> hex = stackalloc byte[ArtifactId.HexLengthMax];
        value.TryWriteHex(hex, out var size);
        return BindText(index, hex[..size]);
    }

    /// <summary>
    /// Binds bytes; they are copied. Content too large for that goes through <see cref="IncrementalBlob"/>.
    /// </summary>
    public Statement BindBlob(int index, ReadOnlySpan<byte> value) => value.IsEmpty
        ? BindZeroes(index, 0)
        : Check(raw.sqlite3_bind_blob(_handle, index, value));

    /// <summary>Binds a blob of zeroes that an <see cref="IncrementalBlob"/> fills afterwards.</summary>
    public Statement BindZeroes(int index, int size) => Check(raw.sqlite3_bind_zeroblob(_handle, index, size));

    /// <summary>Goes to the next row; false at the end.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(_handle);
        if (code == raw.SQLITE_ROW) return true;
        if (code != raw.SQLITE_DONE) Fail(code);
        return false;
    }

    /// <summary>Runs to the end and resets, bindings kept; returns the number of rows changed.</summary>
    public int Run()
    {
        while (Step())
        {
        }

        raw.sqlite3_reset(_handle);
        return _database.Changes;
    }

    /// <summary>Back to before the first row. Bindings stay.</summary>
    public Statement Reset()
    {
        raw.sqlite3_reset(_handle);
        return this;
    }

    public bool IsNull(int column) => raw.sqlite3_column_type(_handle, column) == raw.SQLITE_NULL;

    public long Int64(int column) => raw.sqlite3_column_int64(_handle, column);

    public int Int32(int column) => raw.sqlite3_column_int(_handle, column);

    public bool Boolean(int column) => raw.sqlite3_column_int(_handle, column) != 0;

    public double Double(int column) => raw.sqlite3_column_double(_handle, column);

    public RecordId Record(int column) => new(raw.sqlite3_column_int64(_handle, column));

    /// <summary>The bytes of a blob, or of text as UTF-8; empty for NULL. SQLite's own memory: see the type.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(_handle, column);

    /// <summary>Text as a string; null for NULL.</summary>
    public string? Text(int column) => IsNull(column) ? null : Encoding.UTF8.GetString(Bytes(column));

    /// <summary>The artifact name in the column; empty for any other text.</summary>
    public ArtifactId Artifact(int column) => ArtifactId.TryParse(Bytes(column), out var id) ? id : default;

    public string ColumnName(int column) => raw.sqlite3_column_name(_handle, column).utf8_to_string();

    public SqliteType ColumnType(int column) => (SqliteType)raw.sqlite3_column_type(_handle, column);

    /// <summary>Returns the statement: reset, bindings dropped.</summary>
    public void Dispose()
    {
        if (!_isBorrowed) return;

        _isBorrowed = false;
        raw.sqlite3_reset(_handle);
        if (_hasBindings)
        {
            raw.sqlite3_clear_bindings(_handle);
            _hasBindings = false;
        }

        _database.Return(this);
    }

    private Statement Check(int code)
    {
        _hasBindings = true;
        if (code != raw.SQLITE_OK) SqliteErrors.Throw(_database, code, $"binding a value of: {Sql}");
        return this;
    }

    private void Fail(int code)
    {
        var extended = raw.sqlite3_extended_errcode(_database.Handle);
        var error = SqliteErrors.Create(
            _database.Path, extended == 0 ? code : extended, $"running {Sql}", _database.LastErrorText());
        raw.sqlite3_reset(_handle);
        throw error;
    }
}

/// <summary>SQLite's five storage classes.</summary>
public enum SqliteType
{
    Integer = 1,
    Real = 2,
    Text = 3,
    Blob = 4,
    Null = 5,
}
