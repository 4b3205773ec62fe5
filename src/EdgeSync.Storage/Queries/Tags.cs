using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>The state of a tag or property on one artifact.</summary>
/// <param name="Name">With <c>sym-</c> for tags and branches, as stored.</param>
/// <param name="Kind">0 cancelled, 1 once, 2 propagating.</param>
/// <param name="Value">Null for a tag without value.</param>
/// <param name="IsDirect">Set on this very artifact, not inherited from an ancestor.</param>
public sealed record AppliedTag(string Name, int Kind, string? Value, bool IsDirect);

/// <summary>Tags, of one artifact and of all.</summary>
public static class Tags
{
    /// <summary>Those of one artifact, by name; cancelled ones only when they were cancelled here.</summary>
    public static IReadOnlyList<AppliedTag> Of(Repository repository, RecordId rid)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT tagname, tagtype, value, srcid=?1 FROM tagxref JOIN tag USING(tagid)
             WHERE rid=?1 AND (tagtype>0 OR srcid=?1) ORDER BY tagname
            """);
        select.Bind(1, rid);
        var tags = new List<AppliedTag>();
        while (select.Step())
            tags.Add(new AppliedTag(select.Text(0) ?? "", select.Int32(1), select.Text(2), select.Boolean(3)));
        return tags;
    }

    /// <summary>The artifacts with a tag, in order of arrival.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="name">As stored, such as <c>closed</c> or <c>sym-release</c>.</param>
    public static IReadOnlyList<ArtifactId> Carrying(Repository repository, string name)
    {
        using var select = repository.Database.Prepare(
            "SELECT blob.uuid FROM tagxref JOIN tag USING(tagid) JOIN blob USING(rid) WHERE tagname=?1 AND tagtype>0 "
                + "ORDER BY rid");
        select.BindText(1, name);
        var ids = new List<ArtifactId>();
        while (select.Step()) ids.Add(select.Artifact(0));
        return ids;
    }

    /// <summary>Names of all tags in use, without <c>sym-</c>, and on how many check-ins.</summary>
    public static IReadOnlyList<(string Name, long Count)> List(Repository repository)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT substr(tagname,5), count(*) FROM tag JOIN tagxref USING(tagid)
             WHERE tagname GLOB 'sym-*' AND tagtype>0 GROUP BY tagid ORDER BY tagname
            """);
        var tags = new List<(string, long)>();
        while (select.Step()) tags.Add((select.Text(0) ?? "", select.Int64(1)));
        return tags;
    }
}
