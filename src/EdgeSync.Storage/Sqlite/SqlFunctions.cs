using System.Text;
using EdgeSync.Primitives;
using SQLitePCL;

namespace EdgeSync.Storage.Sqlite;

/// <summary>
/// Functions for a user's own statements, as stock's shell has them: <c>content(X)</c>, <c>symbolic_name_to_rid(X)</c>
/// and <c>now()</c>. Spec: sqlcmd.c.
/// </summary>
internal static class SqlFunctions
{
    public static void Register(Repository repository)
    {
        var handle = repository.Database.Handle;
        raw.sqlite3_create_function(handle, "now", 0, null, (context, _, _) =>
            raw.sqlite3_result_int64(context, repository.Now.UnixSeconds));
        raw.sqlite3_create_function(handle, "symbolic_name_to_rid", 1, null, (context, _, arguments) =>
        {
            if (Find(repository, arguments[0]) is { IsNone: false } rid) raw.sqlite3_result_int64(context, rid.Value);
            else raw.sqlite3_result_null(context);
        });
        raw.sqlite3_create_function(handle, "content", 1, null, (context, _, arguments) =>
        {
            if (Find(repository, arguments[0]) is not { IsNone: false } rid || !repository.Content.IsAvailable(rid))
            {
                raw.sqlite3_result_null(context);
                return;
            }

            using var content = repository.Content.Get(rid);
            raw.sqlite3_result_blob(context, content.Span);
        });
    }

    // No exception may pass through SQLite.
    private static RecordId Find(Repository repository, sqlite3_value name)
    {
        var text = Encoding.UTF8.GetString(raw.sqlite3_value_blob(name));
        try
        {
            return repository.Names.Resolve(text);
        }
        catch (EdgeSyncException)
        {
            return RecordId.None;
        }
    }
}
