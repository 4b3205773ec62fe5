using System.Text;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Crosslink.Rebuild;

/// <summary>
/// Drops all that can be derived, and creates the tables again; large indexes last, when their rows are in.
/// </summary>
internal static class DerivedSchema
{
    // Spec: rebuild.c, rebuild_db. Everything else in the file is dropped.
    // Differs from Fossil: stock drops its full-text index and fills it again. We cannot fill it, and its rows about
    // artifacts stay valid, so it stays; later documents are indexed by stock's next "rebuild".
    private static readonly string[] _kept =
    [
        "admin_log", "blob", "delta", "rcvfrom", "user", "alias", "config", "shun", "private", "reportfmt", "concealed",
        "accesslog", "modreq", "purgeevent", "purgeitem", "unversioned", "subscriber", "pending_alert", "chat",
    ];

    private static readonly string[] _lateIndexes = ["mlink_i1", "mlink_i2", "mlink_i3", "mlink_i4", "event_i1"];

    /// <summary>Tables that a rebuild creates again, or drops as unknown.</summary>
    public static List<string> ListDerivedTables(Database database)
    {
        var names = new List<string>();
        using var query = database.Prepare(
            """
            SELECT name FROM main.sqlite_schema WHERE type='table'
               AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'fx_*' AND name<>'ftsdocs' AND name NOT GLOB 'ftsidx*'
            """);
        while (query.Step())
        {
            var name = query.Text(0)!;
            if (Array.IndexOf(_kept, name) < 0) names.Add(name);
        }

        return names;
    }

    /// <summary>False if a rebuild would drop unknown tables.</summary>
    public static bool HasOnlyKnownTables(Database database) => ListDerivedTables(database)
        .TrueForAll(name => name is "forumpost" || RepositorySchema.DerivedTables.Contains(name));

    public static void Recreate(Database database)
    {
        foreach (var name in ListDerivedTables(database))
            database.Execute($"DROP TABLE IF EXISTS {TicketColumn.Quote(name)}");
        database.Execute("DROP TABLE IF EXISTS fx_cherrypick_wait");
        CreateTables(database);
        TicketSchema.Create(database);
        database.Execute(
            """
            CREATE VIEW IF NOT EXISTS artifact(rid,rcvid,size,atype,srcid,hash,content) AS
              SELECT blob.rid,rcvid,size,1,srcid,uuid,content FROM blob LEFT JOIN delta ON (blob.rid=delta.rid)
            """);
    }

    public static void CreateTables(Database database) => database.Execute(Select(isLate: false));

    public static void CreateLateIndexes(Database database) => database.Execute(Select(isLate: true));

    private static string Select(bool isLate)
    {
        var script = new StringBuilder();
        foreach (var statement in RepositorySchema.Derived.Split(';'))
        {
            var text = statement.Trim();
            if (text.Length == 0) continue;
            var isLateIndex = text.StartsWith("CREATE INDEX", StringComparison.Ordinal)
                && Array.Exists(_lateIndexes, name => text.Contains($" {name} ", StringComparison.Ordinal));
            if (isLateIndex == isLate) script.Append(text).Append(";\n");
        }

        Invariant.Require(script.Length > 0);
        return script.ToString();
    }
}
