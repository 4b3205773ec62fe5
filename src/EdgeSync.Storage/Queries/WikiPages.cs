using EdgeSync.Primitives;

namespace EdgeSync.Storage;

/// <summary>The newest version of one wiki page; an empty one counts as deleted.</summary>
public sealed record WikiPage(string Name, RecordId Rid, ArtifactId Id, Instant Date, bool IsDeleted);

/// <summary>The wiki, by page.</summary>
public static class WikiPages
{
    private const string Query =
        """
        SELECT substr(tag.tagname,6), tagxref.rid, blob.uuid, max(tagxref.mtime), tagxref.value+0=0
          FROM tag JOIN tagxref USING(tagid) JOIN blob ON blob.rid=tagxref.rid
         WHERE tag.tagname GLOB 'wiki-*' AND (?1 IS NULL OR tag.tagname='wiki-'||?1)
         GROUP BY tag.tagname ORDER BY 1
        """;

    /// <summary>All pages by name.</summary>
    public static IReadOnlyList<WikiPage> List(Repository repository) => Read(repository, name: null);

    /// <exception cref="EdgeSyncException">There is no such page.</exception>
    public static WikiPage Get(Repository repository, string name) => Read(repository, name) is [var page]
        ? page
        : throw new EdgeSyncException(ErrorKind.NotFound, $"{repository.Path} has no wiki page '{name}'", "edgesync repo wiki ls");

    private static List<WikiPage> Read(Repository repository, string? name)
    {
        using var select = repository.Database.Prepare(Query);
        select.BindText(1, name);
        var pages = new List<WikiPage>();
        while (select.Step())
        {
            pages.Add(new WikiPage(
                select.Text(0) ?? "", select.Record(1), select.Artifact(2), Instant.FromJulianDay(select.Double(3)), select.Boolean(4)));
        }

        return pages;
    }
}
