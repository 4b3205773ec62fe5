using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Crosslink;

/// <summary>
/// Compares derived tables; the tag of a cluster has no date of its own but that of the rebuild, which is left out.
/// </summary>
internal static class DerivedRows
{
    public static void MustBeEqual(string first, string second, params ReadOnlySpan<string> ignoring)
    {
        Normalize(first);
        Normalize(second);
        RepositoryComparer.MustBeEqual(first, second, ignoring);
    }

    private static void Normalize(string path)
    {
        using var database = Database.Open(path, new DatabaseOptions());
        database.Execute("UPDATE tagxref SET mtime=0 WHERE tagid=7");
    }
}
