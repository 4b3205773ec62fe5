using EdgeSync.Primitives;

namespace EdgeSync.Storage.Names;

/// <summary>A point in a branch's history.</summary>
internal enum BranchOrigin
{
    /// <summary>The check-in on the parent branch that the branch left.</summary>
    Root,

    /// <summary>The first check-in of the branch.</summary>
    Start,

    /// <summary>The newest ancestor on the branch that it left: the last merge.</summary>
    MergeIn,
}

/// <summary>Where branches begin. A branch is the run of primary parents with the same branch value.</summary>
// Spec: name.c, start_of_branch; descendants.c.
internal sealed class BranchHistory(Repository repository)
{
    // Tags can change parents, and so could make a cycle.
    private const int StepsMax = 1_000_000;

    /// <summary>Branch of a check-in; that of the main branch when none is set.</summary>
    public string BranchOf(RecordId checkin)
    {
        using var select = repository.Database.Prepare(
            "SELECT value FROM tagxref WHERE rid=?1 AND tagid=8 AND tagtype>0");
        return select.Bind(1, checkin).Step() && select.Text(0) is { } branch
            ? branch
            : repository.Settings["main-branch"] ?? "trunk";
    }

    public RecordId OriginOf(RecordId checkin, BranchOrigin origin)
    {
        var branch = BranchOf(checkin);
        var first = checkin;
        var root = checkin;
        for (var steps = 0; steps < StepsMax; steps++)
        {
            var parent = PrimaryParentOf(first);
            if (parent.IsNone) break;

            root = parent;
            if (!IsOn(parent, branch)) break;
            first = parent;
        }

        return origin switch
        {
            BranchOrigin.Start => first,
            BranchOrigin.Root => root,
            _ => YoungestAncestorOn(checkin, BranchOf(root)),
        };
    }

    private RecordId PrimaryParentOf(RecordId checkin)
    {
        using var select = repository.Database.Prepare("SELECT pid FROM plink WHERE cid=?1 AND isprim");
        return select.Bind(1, checkin).Step() ? select.Record(0) : RecordId.None;
    }

    private bool IsOn(RecordId checkin, string branch)
    {
        using var select = repository.Database.Prepare(
            "SELECT 1 FROM tagxref WHERE rid=?1 AND tagid=8 AND tagtype>0 AND value=?2");
        return select.Bind(1, checkin).BindText(2, branch).Step();
    }

    private RecordId YoungestAncestorOn(RecordId checkin, string branch)
    {
        using var select = repository.Database.Prepare(
            """
            WITH RECURSIVE ancestor(rid, mtime) AS (
              SELECT objid, mtime FROM event WHERE objid=?1
              UNION
              SELECT plink.pid, event.mtime FROM ancestor
                JOIN plink ON plink.cid=ancestor.rid
                JOIN event ON event.objid=plink.pid
               ORDER BY 2 DESC)
            SELECT ancestor.rid FROM ancestor
             WHERE EXISTS(SELECT 1 FROM tagxref
                           WHERE tagid=8 AND tagxref.rid=ancestor.rid AND value=?2 AND tagtype>0)
             LIMIT 1
            """);
        return select.Bind(1, checkin).BindText(2, branch).Step() ? select.Record(0) : RecordId.None;
    }
}
