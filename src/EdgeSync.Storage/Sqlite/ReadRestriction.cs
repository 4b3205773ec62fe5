using SQLitePCL;

namespace EdgeSync.Storage.Sqlite;

/// <summary>
/// An authorizer for SQL that comes from a repository: it may select from some tables, and nothing else.
/// </summary>
internal sealed class ReadRestriction : IDisposable
{
    private const int Denied = 1, Ignored = 2;
    private const int SelectCode = 21, ReadCode = 20, FunctionCode = 31, RecursiveCode = 33;

    private readonly Database _database;

    public ReadRestriction(Database database, Func<string, bool> mayRead)
    {
        _database = database;
        raw.sqlite3_set_authorizer(database.Handle, (_, code, first, _, _, _) => code switch
        {
            SelectCode or FunctionCode or RecursiveCode => raw.SQLITE_OK,
            ReadCode => first.utf8_to_string() is not { Length: > 0 } table ? Ignored
                : mayRead(table) ? raw.SQLITE_OK : Denied,
            _ => Denied,
        }, null);
    }

    public void Dispose() => raw.sqlite3_set_authorizer(_database.Handle, (delegate_authorizer?)null, null);
}
