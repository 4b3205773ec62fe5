using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>A check-in in words: the nearest tag above it, and how far that is.</summary>
/// <param name="Id">The check-in.</param>
/// <param name="Tag">The nearest tag that only one check-in carries; null when there is none.</param>
/// <param name="CheckinsSince">Check-ins between the tag and this one; 0 without a tag.</param>
// Spec: describe_commit in info.c.
public sealed record VersionDescription(ArtifactId Id, string? Tag, int CheckinsSince)
{
    /// <param name="repository">The repository to read.</param>
    /// <param name="checkin">The check-in to describe.</param>
    /// <param name="glob">Only tags that fit this glob.</param>
    public static VersionDescription Of(Repository repository, RecordId checkin, string glob = "*")
    {
        using var select = repository.Database.Prepare(
            """
            WITH RECURSIVE
              single(rid, tagname) AS MATERIALIZED (
                SELECT min(rid), substr(tagname,5) FROM tag JOIN tagxref USING(tagid)
                 WHERE tagtype=1 AND tagname GLOB 'sym-'||?2 GROUP BY tagname HAVING count(*)==1),
              ancestor(rid, mtime, tagname, n) AS (
                SELECT ?1, event.mtime, single.tagname, 0
                  FROM event LEFT JOIN single ON single.rid=event.objid WHERE event.objid=?1
                UNION ALL
                SELECT plink.pid, event.mtime, single.tagname, n+1
                  FROM ancestor, plink, event LEFT JOIN single ON single.rid=plink.pid
                 WHERE plink.cid=ancestor.rid AND event.objid=plink.pid AND ancestor.tagname IS NULL
                 ORDER BY mtime DESC)
            SELECT tagname, n FROM ancestor WHERE tagname IS NOT NULL ORDER BY n LIMIT 1
            """);
        var isTagged = select.Bind(1, checkin).BindText(2, glob).Step();
        return new VersionDescription(
            repository.Content.NameOf(checkin), isTagged ? select.Text(0) : null, isTagged ? select.Int32(1) : 0);
    }

    /// <summary><c>TAG-COUNT-HASH</c>, the tag alone on its own check-in, the hash without a tag.</summary>
    /// <param name="digits">Of the hash.</param>
    /// <param name="isLong">All three parts, also on the tag's own check-in.</param>
    public string ToText(int digits, bool isLong)
    {
        var hash = Id.ToString();
        hash = hash[..Math.Min(digits, hash.Length)];
        return Tag is null ? hash : CheckinsSince == 0 && !isLong ? Tag : $"{Tag}-{CheckinsSince}-{hash}";
    }
}
