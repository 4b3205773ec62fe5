using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Pipeline;

/// <summary>
/// Several read connections on the same state of the file. SQLite gives each connection its own snapshot, taken at its
/// first read; without a commit between the first and the last of them, they are equal.
/// </summary>
internal static class SnapshotConnections
{
    private const int AttemptsMax = 20;
    private const int PageCacheBytes = 1 << 20;

    /// <summary>
    /// Open connections, each inside a read transaction; one only when others commit so often that more cannot be had.
    /// </summary>
    public static List<Database> Open(Database witness, int countMax)
    {
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var version = witness.DataVersion;
            var connections = OpenAll(witness, countMax);
            if (witness.DataVersion == version) return connections;

            foreach (var connection in connections) connection.Dispose();
        }

        return OpenAll(witness, 1);
    }

    private static List<Database> OpenAll(Database witness, int count)
    {
        var connections = new List<Database>(count);
        try
        {
            for (var i = 0; i < count; i++)
            {
                connections.Add(Database.Open(witness.Path, new DatabaseOptions
                {
                    Access = DatabaseAccess.Read,
                    Journal = DatabaseJournal.AsFound,
                    BusyTimeout = witness.Options.BusyTimeout,
                    PageCacheBytesMax = PageCacheBytes,
                }));
                connections[i].Execute("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1");
            }

            return connections;
        }
        catch
        {
            foreach (var connection in connections) connection.Dispose();
            throw;
        }
    }
}
