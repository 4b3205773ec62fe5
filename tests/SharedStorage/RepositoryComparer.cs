namespace EdgeSync.Tests.Shared;

/// <summary>Two repository files, table by table; a difference fails the test with its first rows.</summary>
internal static class RepositoryComparer
{
    /// <summary>Same public artifacts, of the same sizes.</summary>
    public static void MustHoldSameArtifacts(string first, string second) =>
        Compare(first, second, ignoring: [], RepositoryTables.ArtifactQueries);

    /// <summary>Same artifacts and same derived rows.</summary>
    public static void MustBeEqual(string first, string second, params ReadOnlySpan<string> ignoring) =>
        Compare(first, second, ignoring, RepositoryTables.ArtifactQueries, RepositoryTables.DerivedQueries);

    /// <summary>Same derived rows, given the same artifacts in one and the same file before and after.</summary>
    public static void MustDeriveSameRows(RepositoryTables first, RepositoryTables second, params ReadOnlySpan<string> ignoring) =>
        Judge(first, second, "before", "after", ignoring);

    public static RepositoryTables Derived(string path)
    {
        using var file = new SqliteFile(path);
        return RepositoryTables.Read(file.Query, RepositoryTables.ArtifactQueries, RepositoryTables.DerivedQueries);
    }

    private static void Compare(
        string first, string second, ReadOnlySpan<string> ignoring,
        params ReadOnlySpan<IReadOnlyDictionary<string, string>> queries)
    {
        using var firstFile = new SqliteFile(first);
        using var secondFile = new SqliteFile(second);
        var firstTables = RepositoryTables.Read(firstFile.Query, queries);
        var secondTables = RepositoryTables.Read(secondFile.Query, queries);
        Judge(firstTables, secondTables, first, second, ignoring);
    }

    private static void Judge(
        RepositoryTables first, RepositoryTables second, string firstName, string secondName, ReadOnlySpan<string> ignoring)
    {
        var report = first.DifferencesFrom(second, ignoring.ToArray().ToHashSet());
        if (report.Length > 0) throw new Xunit.Sdk.XunitException($"{firstName} and {secondName} differ\n{report}");
    }
}
