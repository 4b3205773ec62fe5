using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>
/// What one repository holds, as far as all must agree on it: artifacts (but clusters), and unversioned files. That a
/// file was deleted need not be recorded where it never was: Format: catalogues are compared by what is there.
/// </summary>
internal sealed record FleetState(IReadOnlySet<string> Artifacts, IReadOnlySet<string> Unversioned, long Phantoms)
{
    // Clusters are left out: any server makes some during requests, and they add nothing. Format: tag 7 is
    // "cluster".
    private const string ArtifactQuery =
        "SELECT uuid FROM blob WHERE size>=0 AND rid NOT IN (SELECT rid FROM private) AND rid NOT IN (SELECT rid FROM "
            + "tagxref WHERE tagid=7)";

    public static FleetState Read(string repository)
    {
        // Not read-only: a killed program left a journal, and the first reader rolls it back.
        using var file = new SqliteFile(repository, writable: true);
        var hasUnversioned = file.Count("SELECT count(*) FROM sqlite_schema WHERE name='unversioned'") > 0;
        return new FleetState(
            file.Query(ArtifactQuery).Select(row => (string)row[0]!).ToHashSet(),
            hasUnversioned
                ? file.Query("SELECT name, hash FROM unversioned WHERE hash IS NOT NULL")
                .Select(row => $"{row[0]} {row[1]}").ToHashSet()
                : new HashSet<string>(),
            file.Count("SELECT count(*) FROM blob WHERE size<0"));
    }

    public bool Agrees(FleetState other) =>
        Phantoms == 0 && other.Phantoms == 0 && Artifacts.SetEquals(other.Artifacts)
        && Unversioned.SetEquals(other.Unversioned);

    /// <summary>In a few words, how this one differs from everything that any node has.</summary>
    public string Lacks(IEnumerable<FleetState> all)
    {
        var everything = all.SelectMany(state => state.Artifacts).ToHashSet();
        var files = all.SelectMany(state => state.Unversioned).ToHashSet();
        return $"{Artifacts.Count} artifacts, lacks {everything.Except(Artifacts).Count()}, {Phantoms} phantoms, "
            + $"unversioned: {string.Join(", ", Unversioned.Order(StringComparer.Ordinal).Select(Short))} (lacks "
                + $"{files.Except(Unversioned).Count()})";
    }

    private static string Short(string file) => file.Length > 24 ? file[..24] : file;
}
