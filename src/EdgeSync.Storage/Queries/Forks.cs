using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>An open leaf among several of one branch.</summary>
public sealed record OpenLeaf(RecordId Rid, ArtifactId Id, string Date);

/// <summary>Branches that end in several check-ins.</summary>
public static class Forks
{
    private const int BranchTag = 8;
    private const int ClosedTag = 9;

    /// <summary>
    /// A leaf has no child on its own branch. The table of leaves lags behind inside a transaction; this does not.
    /// </summary>
    // Spec: is_a_leaf in leaf.c.
    public static bool IsLeaf(Repository repository, RecordId checkin)
    {
        using var select = repository.Database.Prepare(
            $"""
            SELECT 1 FROM plink WHERE pid=?1
               AND coalesce((SELECT value FROM tagxref WHERE tagid={BranchTag} AND rid=plink.pid),'trunk')
                  =coalesce((SELECT value FROM tagxref WHERE tagid={BranchTag} AND rid=plink.cid),'trunk')
            """);
        return !select.Bind(1, checkin).Step();
    }

    /// <summary>The tag <c>closed</c> is on it.</summary>
    public static bool IsClosed(Repository repository, RecordId checkin)
    {
        using var select = repository.Database.Prepare(
            $"SELECT 1 FROM tagxref WHERE tagid={ClosedTag} AND rid=?1 AND tagtype>0");
        return select.Bind(1, checkin).Step();
    }

    /// <summary>
    /// All open leaves of the branch of an open leaf, the newest first, when there are several; else none.
    /// </summary>
    // Spec: leaf_ambiguity and leaf_ambiguity_warning in leaf.c.
    public static IReadOnlyList<OpenLeaf> OpenLeavesBeside(Repository repository, RecordId checkin)
    {
        if (checkin.IsNone || IsClosed(repository, checkin) || !IsLeaf(repository, checkin)) return [];

        var branch = Branches.Of(repository, checkin) ?? "trunk";
        using var select = repository.Database.Prepare(
            $"""
            SELECT leaf.rid, uuid, coalesce(datetime(event.mtime),'')
              FROM leaf JOIN blob USING(rid) LEFT JOIN event ON objid=leaf.rid
             WHERE (SELECT value FROM tagxref WHERE tagid={BranchTag} AND rid=leaf.rid)=?1
               AND NOT EXISTS(SELECT 1 FROM tagxref AS c WHERE c.rid=leaf.rid AND c.tagid={ClosedTag} AND c.tagtype>0)
             ORDER BY 3 DESC
            """);
        select.BindText(1, branch);
        var leaves = new List<OpenLeaf>();
        while (select.Step()) leaves.Add(new OpenLeaf(select.Record(0), select.Artifact(1), select.Text(2)!));
        return leaves.Count > 1 ? leaves : [];
    }
}
