using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;
using SQLitePCL;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// Creates the ticket tables as the project configured them. The setting is SQL that may be from another server, so it
/// runs behind an authorizer: it may create and fill tables, indexes and views named <c>ticket…</c> or <c>fx_…</c>, and
/// nothing else.
/// </summary>
/// <remarks>
/// Spec: tkt.c, ticket_schema_auth. Differs from Fossil: the script may not begin or end transactions, because ours is
/// open.
/// </remarks>
internal static class TicketSchema
{
    /// <summary>The setting whose value is the script.</summary>
    public const string Setting = "ticket-table";

    /// <summary>
    /// Replaces the present tables by the project's, empty; without the setting, by those of the schema.
    /// </summary>
    public static void Create(Database database)
    {
        string? script;
        using (var setting = database.Prepare("SELECT value FROM config WHERE name=?1"))
        {
            script = setting.BindText(1, Setting).Step() ? setting.Text(0) : null;
        }

        database.Execute("DROP TABLE IF EXISTS ticket; DROP TABLE IF EXISTS ticketchng;");
        if (string.IsNullOrEmpty(script)) database.Execute(RepositorySchema.Tickets);
        else Run(database, script);
    }

    /// <summary>Whether the script creates the tables; tried on a database of its own.</summary>
    public static bool IsUsable(string script)
    {
        using var trial = Database.OpenInMemory();
        try
        {
            Run(trial, script);
            return true;
        }
        catch (EdgeSyncException)
        {
            return false;
        }
    }

    private static void Run(Database database, string script)
    {
        raw.sqlite3_set_authorizer(database.Handle, Authorize, null);
        try
        {
            database.Execute(script);
        }
        catch (EdgeSyncException e)
        {
            throw new EdgeSyncException(
                ErrorKind.Corrupt, $"the setting ticket-table does not create the ticket tables: {e.Message}",
                "edgesync repo config unset ticket-table", e);
        }
        finally
        {
            raw.sqlite3_set_authorizer(database.Handle, (strdelegate_authorizer)null!, null);
        }
    }

    private static int Authorize(object data, int action, string first, string second, string schema, string trigger)
    {
        var isOurs = schema is null or "main" or "repository";
        var isAllowed = action switch
        {
            raw.SQLITE_DROP_VIEW or raw.SQLITE_CREATE_VIEW or raw.SQLITE_CREATE_TABLE => isOurs && IsTicketName(first),
            raw.SQLITE_DROP_INDEX or raw.SQLITE_CREATE_INDEX => isOurs && (IsTicketName(second) || IsTicketName(first)),
            raw.SQLITE_INSERT or raw.SQLITE_UPDATE or raw.SQLITE_DELETE =>
                isOurs && (IsTicketName(first) || HasPrefix(first, "sqlite_")),
            raw.SQLITE_SELECT or raw.SQLITE_FUNCTION or raw.SQLITE_REINDEX or raw.SQLITE_READ => true,
            _ => false,
        };
        return isAllowed ? raw.SQLITE_OK : raw.SQLITE_DENY;
    }

    private static bool IsTicketName(string? name) => HasPrefix(name, "ticket") || HasPrefix(name, "fx_");

    private static bool HasPrefix(string? name, string prefix) =>
        name is not null && name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase);
}
