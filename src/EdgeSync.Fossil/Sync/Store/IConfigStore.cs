namespace EdgeSync.Fossil.Sync.Store;

/// <summary>The tables whose rows are sent as <c>config</c> cards.</summary>
public enum ConfigTable
{
    /// <summary><c>config</c>: key name, column value.</summary>
    Config,

    /// <summary><c>user</c>: key login, columns pw cap info photo jx.</summary>
    User,

    /// <summary><c>shun</c>: key uuid, column scom.</summary>
    Shun,

    /// <summary><c>reportfmt</c>: key title, columns owner cols sqlcode jx.</summary>
    ReportFormat,

    /// <summary><c>concealed</c>: key hash, column content.</summary>
    Concealed,

    /// <summary>
    /// <c>subscriber</c>: key semail, columns suname sdigest sdonotcall ssub sctime smip. May be absent.
    /// </summary>
    Subscriber,
}

/// <summary>An SQL value: null, <see cref="long"/>, text or blob.</summary>
public readonly record struct ConfigValue(object? Value)
{
    public static ConfigValue Null => default;

    public bool IsNull => Value is null;

    public override string ToString() => Value?.ToString() ?? "";
}

/// <summary>
/// One row: its primary key, its time in Unix seconds, and its other columns (those that are null may be left out).
/// </summary>
public sealed record ConfigRow(
    ConfigTable Table, string Key, long MtimeSeconds, IReadOnlyList<(string Column, ConfigValue Value)> Columns);

/// <summary>A user that can log in.</summary>
/// <param name="Password">The stored form: 40 hex digits of shared secret, or clear text, or empty.</param>
/// <param name="Capabilities">The letters as stored, not expanded.</param>
/// <param name="IsExpired">True when an invitation's time is over: the user may not log in.</param>
public sealed record UserAccount(
    long UserId, string Login, string Password, string Capabilities, bool IsExpired = false);

/// <summary>Settings, users and other rows of configuration, as the sync engine uses them.</summary>
public interface IConfigStore
{
    /// <summary>A row of table <c>config</c>; null if absent.</summary>
    string? Get(string name);

    /// <summary>Writes (with <paramref name="mtimeSeconds"/>) or, with a null value, deletes.</summary>
    void Set(string name, string? value, long mtimeSeconds);

    /// <summary>
    /// Rows of table <c>config</c> whose name starts with <paramref name="prefix"/>, ordered by name.
    /// </summary>
    IReadOnlyList<ConfigRow> ListByPrefix(string prefix);

    /// <summary>
    /// Rows of a table that have an mtime of at least <paramref name="sinceSeconds"/>; rows without mtime are left out.
    /// Of
    /// <see cref="ConfigTable.Config"/> only those that <paramref name="isWanted"/> accepts by name.
    /// </summary>
    IReadOnlyList<ConfigRow> List(ConfigTable table, long sinceSeconds, Func<string, bool> isWanted);

    /// <summary>
    /// Inserts the row, or overwrites the named columns of an older one; returns whether anything changed. With
    /// <paramref name="overwrite"/> the time does not matter and unnamed columns take their defaults.
    /// </summary>
    bool Merge(ConfigRow row, bool overwrite);

    /// <summary>
    /// Deletes all rows of a table (never of <see cref="ConfigTable.Config"/>), before an overwriting pull.
    /// </summary>
    void Clear(ConfigTable table);

    /// <summary>
    /// The user by login; null if there is none. Also for the four special users, such as <c>nobody</c>.
    /// </summary>
    UserAccount? FindUser(string login);
}
