using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>One line of the timeline.</summary>
/// <param name="Type">Stock's letters: <c>ci w t e g f</c>.</param>
public sealed record TimelineEntry(
    ArtifactId Id, string Type, Instant Date, string User, string Comment, string? Branch);

/// <summary>The timeline of a project, newest first.</summary>
public static class Timeline
{
    /// <param name="repository">The repository to read.</param>
    /// <param name="limit">Entries at most; 0 for all.</param>
    /// <param name="type">Stock's letters of one type, or null for all.</param>
    /// <param name="branch">Only check-ins that carry this branch or tag.</param>
    /// <param name="before">Only what is not newer.</param>
    public static IEnumerable<TimelineEntry> List(
        Repository repository, int limit, string? type, string? branch, Instant? before)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT blob.uuid, event.type, event.mtime, coalesce(event.euser,event.user,'?'),
                   coalesce(event.ecomment,event.comment,''),
                   (SELECT value FROM tagxref WHERE tagid=8 AND tagtype>0 AND rid=event.objid)
              FROM event CROSS JOIN blob ON blob.rid=event.objid
             WHERE (?1 IS NULL OR event.type=?1)
               AND (?2 IS NULL OR event.mtime<=?2)
               AND (?3 IS NULL OR EXISTS(
                     SELECT 1 FROM tagxref JOIN tag USING(tagid)
                      WHERE tagxref.rid=event.objid AND tagtype>0 AND tagname='sym-'||?3))
             ORDER BY event.mtime DESC, event.objid DESC
             LIMIT ?4
            """);
        select.BindText(1, type).BindText(3, branch).Bind(4, limit <= 0 ? -1 : limit);
        if (before is { } moment) select.Bind(2, moment.JulianDay);
        else select.BindNull(2);
        while (select.Step())
        {
            yield return new TimelineEntry(
                select.Artifact(0), select.Text(1) ?? "", Instant.FromJulianDay(select.Double(2)), select.Text(3)
                ?? "?",
                select.Text(4) ?? "", select.Text(5));
        }
    }
}
