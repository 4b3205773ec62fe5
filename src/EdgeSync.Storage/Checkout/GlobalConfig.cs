using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// Stock's per-user database: settings that hold for every repository, and lists of repositories and checkouts. It is
/// used where it exists; only a command that stores something there by request creates it.
/// </summary>
// Spec: db_configdb_name in db.c.
public static class GlobalConfig
{
    /// <summary>The file, or null when there is none.</summary>
    public static string? Path
    {
        get
        {
            foreach (var path in Candidates())
                if (File.Exists(path)) return path;
            return null;
        }
    }

    /// <summary>A setting of the user, null when it is not set or cannot be read.</summary>
    public static string? Get(string name) => Use(
        DatabaseAccess.Read,
        database =>
        {
            using var select = database.Prepare("SELECT CAST(value AS TEXT) FROM global_config WHERE name=?1");
            return select.BindText(1, name).Step() ? select.Text(0) : null;
        });

    /// <summary>Stores a setting of the user, or removes it; creates the file when there is none.</summary>
    /// <exception cref="EdgeSyncException">The file cannot be written.</exception>
    public static void Set(string name, string? value)
    {
        using var database = OpenToWrite();
        using var change = database.Prepare(
            value is null ? "DELETE FROM global_config WHERE name=?1"
                : "REPLACE INTO global_config(name,value) VALUES(?1,?2)");
        change.BindText(1, name);
        if (value is not null) change.BindText(2, value);
        change.Run();
    }

    /// <summary>What stock keeps under names that begin so, sorted, without the prefix.</summary>
    /// <param name="prefix">Such as <c>repo:</c>.</param>
    public static IReadOnlyList<string> List(string prefix)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        Use(DatabaseAccess.Read, database =>
        {
            using var select = database.Prepare(
                "SELECT substr(name,length(?1)+1) FROM global_config WHERE substr(name,1,length(?1))=?1");
            select.BindText(1, prefix);
            while (select.Step()) names.Add(select.Text(0) ?? "");
            return null;
        });
        return [.. names];
    }

    /// <summary>Lets stock's <c>all</c> find the checkout. A list that cannot be written is left as it is.</summary>
    public static void Record(string repositoryPath, string localRoot) => Use(
        DatabaseAccess.Write,
        database =>
        {
            using var replace = database.Prepare("REPLACE INTO global_config(name,value) VALUES(?1,?2)");
            replace.BindText(1, "repo:" + repositoryPath).BindText(2, "1").Run();
            replace.Reset().BindText(1, "ckout:" + localRoot).BindText(2, repositoryPath).Run();
            return null;
        });

    // Spec: db_open_config in db.c; the schema is zConfigSchema in schema.c.
    private static Database OpenToWrite()
    {
        var path = Path ?? Candidates().FirstOrDefault(c => Directory.Exists(System.IO.Path.GetDirectoryName(c)))
            ?? throw new EdgeSyncException(
                ErrorKind.NotFound, "there is no folder for the settings of the user", "HOME=FOLDER");
        var isNew = !File.Exists(path);
        var database = Database.Open(path, new DatabaseOptions
        {
            Access = DatabaseAccess.Create,
            Journal = DatabaseJournal.AsFound,
        });
        if (isNew)
        {
            database.Execute(
                "CREATE TABLE global_config(name TEXT PRIMARY KEY, value TEXT); PRAGMA application_id=252006675;");
        }

        return database;
    }

    private static IEnumerable<string> Candidates()
    {
        if (Variable("FOSSIL_HOME") is { } own)
        {
            yield return System.IO.Path.Combine(own, ".fossil");
            yield break;
        }

        var home = Variable("HOME");
        if (home is not null) yield return System.IO.Path.Combine(home, ".fossil");
        if (Variable("XDG_CONFIG_HOME") is { } config) yield return System.IO.Path.Combine(config, "fossil.db");
        if (home is not null) yield return System.IO.Path.Combine(home, ".config", "fossil.db");
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static string? Use(DatabaseAccess access, Func<Database, string?> work)
    {
        if (Path is not { } path) return null;

        try
        {
            using var database = Database.Open(path, new DatabaseOptions
            {
                Access = access,
                Journal = DatabaseJournal.AsFound,
                BusyTimeout = TimeSpan.FromSeconds(1),
            });
            return database.HasTable("global_config") ? work(database) : null;
        }
        catch (EdgeSyncException)
        {
            return null;   // a convenience of another program
        }
    }
}
