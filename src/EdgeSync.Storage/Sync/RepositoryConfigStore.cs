using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Storage.Crosslink;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Sync;

/// <summary>
/// The rows that are sent as <c>config</c> cards. Table and column names are from a fixed set, values are bound.
/// </summary>
public sealed class RepositoryConfigStore : IConfigStore
{
    private readonly Repository _repository;

    public RepositoryConfigStore(Repository repository) => _repository = repository;

    private Database Database => _repository.Database;

    public string? Get(string name) => _repository.Settings[name];

    public void Set(string name, string? value, long mtimeSeconds)
    {
        if (value is null) _repository.Settings.Remove(name);
        else _repository.Settings.Set(name, value, mtimeSeconds);
    }

    public IReadOnlyList<ConfigRow> ListByPrefix(string prefix) =>
        [.. _repository.Settings.List(prefix).Select(setting => new ConfigRow(
            ConfigTable.Config, setting.Name, setting.MtimeSeconds, [("value", new ConfigValue(setting.Value))]))];

    public IReadOnlyList<ConfigRow> List(ConfigTable table, long sinceSeconds, Func<string, bool> isWanted)
    {
        var rows = new List<ConfigRow>();
        var shape = ShapeOf(table);
        if (!Database.HasTable(shape.Table)) return rows;

        using var select = Database.Prepare(shape.Select);
        select.Bind(1, sinceSeconds);
        while (select.Step())
        {
            var key = select.Text(0) ?? "";
            if (table == ConfigTable.Config && !isWanted(key)) continue;

            var columns = new List<(string, ConfigValue)>(shape.Columns.Length);
            for (var i = 0; i < shape.Columns.Length; i++)
            {
                var value = Value(select, i + 2);
                if (!value.IsNull) columns.Add((shape.Columns[i], value));
            }

            rows.Add(new ConfigRow(table, key, select.Int64(1), columns));
        }

        return rows;
    }

    public bool Merge(ConfigRow row, bool overwrite)
    {
        var shape = ShapeOf(row.Table);
        if (!Database.HasTable(shape.Table)) return false;

        foreach (var (column, _) in row.Columns)
        {
            if (!shape.Columns.Contains(column)) return false;
        }

        // A script that creates no tables would stop every later rebuild.
        var isTicketTable = row is { Table: ConfigTable.Config, Key: TicketSchema.Setting };
        if (isTicketTable && !row.Columns.All(column => TicketSchema.IsUsable(column.Value.ToString()))) return false;

        // Identifiers below are from the fixed set: names from the wire were compared, never copied into SQL.
        var names = row.Columns.Select(column => column.Column).Distinct().ToArray();
        var known = shape.Columns.Where(names.Contains).ToArray();
        var verb = overwrite ? "REPLACE" : "INSERT OR IGNORE";
        var list = string.Concat(known.Select(column => $",\"{column}\""));
        var values = string.Concat(known.Select((_, i) => $",?{i + 3}"));
        if (Run($"{verb} INTO \"{shape.Table}\"(\"{shape.Key}\",mtime{list}) VALUES(?1,?2{values})") > 0)
            return Changed();

        var sets = string.Concat(known.Select((column, i) => $",\"{column}\"=?{i + 3}"));
        return Run($"UPDATE \"{shape.Table}\" SET mtime=?2{sets} WHERE \"{shape.Key}\"=?1 AND mtime<?2") > 0
            && Changed();

        bool Changed()
        {
            if (row.Table == ConfigTable.Config) _repository.Settings.OnChanged(row.Key);
            return true;
        }

        int Run(string sql)
        {
            using var statement = Database.Prepare(sql);
            statement.BindText(1, row.Key).Bind(2, row.MtimeSeconds);
            for (var i = 0; i < known.Length; i++)
                Bind(statement, i + 3, row.Columns.Last(c => c.Column == known[i]).Value);
            return statement.Run();
        }
    }

    public void Clear(ConfigTable table)
    {
        var sql = table switch
        {
            ConfigTable.User => "DELETE FROM user",
            ConfigTable.Shun => "DELETE FROM shun",
            ConfigTable.ReportFormat => "DELETE FROM reportfmt",
            ConfigTable.Concealed => "DELETE FROM concealed",
            ConfigTable.Subscriber => "DELETE FROM subscriber",
            _ => null,
        };
        if (sql is not null && Database.HasTable(ShapeOf(table).Table)) Database.Execute(sql);
    }

    public UserAccount? FindUser(string login) => _repository.Users.TryGet(login, out var user)
        ? new UserAccount(
            user!.UserId, user.Login, _repository.Users.StoredPasswordOf(login)
            ?? "", user.Capabilities, user.IsExpired)
        : null;

    private static ConfigValue Value(Statement select, int column) => select.ColumnType(column) switch
    {
        SqliteType.Integer => new ConfigValue(select.Int64(column)),
        SqliteType.Blob => new ConfigValue(select.Bytes(column).ToArray()),
        SqliteType.Null => ConfigValue.Null,
        _ => new ConfigValue(select.Text(column)),
    };

    private static void Bind(Statement statement, int index, ConfigValue value)
    {
        switch (value.Value)
        {
            case null:
                statement.BindNull(index);
                break;
            case long number:
                statement.Bind(index, number);
                break;
            case byte[] bytes:
                statement.BindBlob(index, bytes);
                break;
            default:
                statement.BindText(index, value.ToString());
                break;
        }
    }

    private static Shape ShapeOf(ConfigTable table) => table switch
    {
        ConfigTable.User => new("user", "login", ["pw", "cap", "info", "photo", "jx"],
            "SELECT login, mtime, pw, cap, info, photo, jx FROM user WHERE mtime>=?1 ORDER BY login"),
        ConfigTable.Shun => new("shun", "uuid", ["scom"],
            "SELECT uuid, mtime, scom FROM shun WHERE mtime>=?1 ORDER BY uuid"),
        ConfigTable.ReportFormat => new("reportfmt", "title", ["owner", "cols", "sqlcode", "jx"],
            "SELECT title, mtime, owner, cols, sqlcode, jx FROM reportfmt WHERE mtime>=?1 ORDER BY title"),
        ConfigTable.Concealed => new("concealed", "hash", ["content"],
            "SELECT hash, mtime, content FROM concealed WHERE mtime>=?1 ORDER BY hash"),
        ConfigTable.Subscriber =>
            new("subscriber", "semail", ["suname", "sdigest", "sdonotcall", "ssub", "sctime", "smip"],
            "SELECT semail, mtime, suname, sdigest, sdonotcall, ssub, sctime, smip FROM subscriber WHERE mtime>=?1 "
                + "ORDER BY semail"),
        _ => new("config", "name", ["value"],
            "SELECT name, mtime, value FROM config WHERE mtime>=?1 ORDER BY name"),
    };

    private sealed record Shape(string Table, string Key, string[] Columns, string Select);
}
