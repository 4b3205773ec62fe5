using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>The contents of a repository, in numbers.</summary>
public sealed record RepositorySummary(
    string? ProjectName, string ProjectCode, string ServerCode, long Artifacts, long Deltas, long Phantoms,
    long Private,
    long Shunned, long Unversioned, long Checkins, Instant? FirstDate, Instant? LastDate, long ContentBytes,
    long StoredBytes, string HashPolicy)
{
    public static RepositorySummary Of(Repository repository)
    {
        var database = repository.Database;
        var hasUnversioned = database.HasTable("unversioned");
        using var totals = database.Prepare(
            "SELECT count(*), total(size), total(length(content)), count(nullif(size>=0,1)) FROM blob");
        totals.Step();
        var (rows, phantoms) = (totals.Int64(0), totals.Int64(3));
        using var events = database.Prepare("SELECT count(*), min(mtime), max(mtime) FROM event WHERE type='ci'");
        events.Step();
        return new RepositorySummary(
            repository.Settings["project-name"],
            repository.Settings["project-code"] ?? "",
            repository.Settings["server-code"] ?? "",
            rows - phantoms,
            database.QueryInt64("SELECT count(*) FROM delta"),
            phantoms,
            database.QueryInt64("SELECT count(*) FROM private"),
            database.QueryInt64("SELECT count(*) FROM shun"),
            hasUnversioned ? database.QueryInt64("SELECT count(*) FROM unversioned WHERE hash IS NOT NULL") : 0,
            events.Int64(0),
            events.IsNull(1) ? null : Instant.FromJulianDay(events.Double(1)),
            events.IsNull(2) ? null : Instant.FromJulianDay(events.Double(2)),
            (long)totals.Double(1) + phantoms,
            (long)totals.Double(2),
            repository.Content.HashPolicy.ToString().ToLowerInvariant());
    }
}
