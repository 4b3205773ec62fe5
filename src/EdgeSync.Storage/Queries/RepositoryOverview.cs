using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>The few numbers of a repository that are cheap enough to read every few seconds.</summary>
public sealed record RepositoryOverview(string? ProjectName, string ProjectCode, long Checkins, Instant? LastDate)
{
    public static RepositoryOverview Of(Repository repository)
    {
        var database = repository.Database;
        using var newest = database.Prepare("SELECT mtime FROM event WHERE type='ci' ORDER BY mtime DESC LIMIT 1");
        var lastDate = newest.Step() ? Instant.FromJulianDay(newest.Double(0)) : (Instant?)null;
        return new RepositoryOverview(
            repository.Settings["project-name"], repository.Settings["project-code"] ?? "",
            database.QueryInt64("SELECT count(*) FROM event WHERE type='ci'"), lastDate);
    }
}
