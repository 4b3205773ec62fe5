namespace EdgeSync.Tests.Support;

/// <summary>Two repository files, table by table; a difference fails the test with its first rows.</summary>
internal static partial class RepositoryComparer
{
    /// <summary>Same public artifacts, of the same sizes.</summary>
    public static void MustHoldSameArtifacts(string first, string second) =>
        Compare(first, second, ignoring: [], RepositoryTables.ArtifactQueries);

    /// <summary>
    /// As above, but for clusters: any server makes some during requests, and they add nothing.
    /// </summary>
    public static void MustHoldSameArtifactsButClusters(string first, string second)
    {
        using var firstFile = new SqliteFile(first);
        using var secondFile = new SqliteFile(second);
        Judge(ArtifactsButClusters(firstFile), ArtifactsButClusters(secondFile), first, second, ignoring: []);
    }

    /// <summary>The artifacts and the tables of <paramref name="more"/>, without clusters.</summary>
    public static RepositoryTables ArtifactsButClusters(
        SqliteFile file, params ReadOnlySpan<IReadOnlyDictionary<string, string>> more)
    {
        var tables = RepositoryTables.Read(file.Query, [RepositoryTables.ArtifactQueries, .. more]);
        var clusters = file.Query("SELECT uuid, content FROM blob WHERE size>=0 AND rid NOT IN (SELECT rid FROM delta)")
            .Where(row => row[1] is byte[] { Length: > 4 } stored && IsCluster(stored))
            .Select(row => $"'{row[0]}' | ")
            .ToHashSet(StringComparer.Ordinal);
        tables.Leave("blob", row => clusters.Any(cluster => row.StartsWith(cluster, StringComparison.Ordinal)));
        return tables;
    }

    /// <summary>Nothing but names and the checksum, in the stored form of a full text.</summary>
    private static bool IsCluster(byte[] stored)
    {
        using var inflated = new System.IO.Compression.ZLibStream(
            new MemoryStream(stored, 4, stored.Length - 4), System.IO.Compression.CompressionMode.Decompress);
        if (inflated.ReadByte() != 'M') return false;

        using var reader = new StreamReader(inflated, System.Text.Encoding.Latin1);
        return ClusterText().IsMatch("M" + reader.ReadToEnd());
    }

    [System.Text.RegularExpressions.GeneratedRegex(@"\A(M ([0-9a-f]{40}|[0-9a-f]{64})\n)+Z [0-9a-f]{32}\n\z")]
    private static partial System.Text.RegularExpressions.Regex ClusterText();

    /// <summary>Same artifacts and same derived rows.</summary>
    public static void MustBeEqual(string first, string second, params ReadOnlySpan<string> ignoring) =>
        Compare(first, second, ignoring, RepositoryTables.ArtifactQueries, RepositoryTables.DerivedQueries);

    /// <summary>Same derived rows, given the same artifacts in one and the same file before and after.</summary>
    public static void MustDeriveSameRows(
        RepositoryTables first, RepositoryTables second, params ReadOnlySpan<string> ignoring) =>
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
        RepositoryTables first, RepositoryTables second, string firstName, string secondName,
        ReadOnlySpan<string> ignoring)
    {
        var report = first.DifferencesFrom(second, ignoring.ToArray().ToHashSet());
        if (report.Length > 0) throw new Xunit.Sdk.XunitException($"{firstName} and {secondName} differ\n{report}");
    }
}
