using SQLitePCL;

namespace EdgeSync.Storage.Sqlite;

/// <summary>
/// A limit of the work of a connection, in steps of SQLite's virtual machine: a statement that goes on behind it is
/// interrupted. For SQL that comes from a repository, and for requests of anybody.
/// </summary>
public sealed class StepLimit : IDisposable
{
    // A call each so many steps costs nothing that can be measured.
    private const int StepsEach = 10_000;

    private readonly Database _database;
    private long _left;

    internal StepLimit(Database database, long stepsMax)
    {
        (_database, _left) = (database, stepsMax);
        raw.sqlite3_progress_handler(database.Handle, StepsEach, _ => (_left -= StepsEach) < 0 ? 1 : 0, null);
    }

    /// <summary>A statement was interrupted, or would be.</summary>
    public bool IsOver => _left < 0;

    public void Dispose() => raw.sqlite3_progress_handler(_database.Handle, 0, (delegate_progress?)null, null);
}
