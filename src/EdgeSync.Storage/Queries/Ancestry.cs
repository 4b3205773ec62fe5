using EdgeSync.Primitives;

namespace EdgeSync.Storage.Queries;

/// <summary>How check-ins descend from each other.</summary>
public static class Ancestry
{
    /// <summary>The check-in that it was made from; none for the first one.</summary>
    public static RecordId PrimaryParentOf(Repository repository, RecordId checkin)
    {
        using var select = repository.Database.Prepare("SELECT pid FROM plink WHERE cid=?1 AND isprim");
        return select.Bind(1, checkin).Step() ? select.Record(0) : RecordId.None;
    }

    /// <summary>When an artifact of the timeline was made.</summary>
    public static Instant DateOf(Repository repository, RecordId rid)
    {
        using var select = repository.Database.Prepare("SELECT mtime FROM event WHERE objid=?1");
        return select.Bind(1, rid).Step() ? Instant.FromJulianDay(select.Double(0)) : default;
    }

    /// <summary>Leaves among a check-in and its descendants.</summary>
    // Spec: compute_leaves in descendants.c: a merge into another branch is not a descendant.
    public static IReadOnlyCollection<RecordId> LeavesFrom(Repository repository, RecordId checkin)
    {
        var seen = new HashSet<RecordId>();
        var leaves = new List<RecordId>();
        var pending = new Stack<RecordId>([checkin]);
        while (pending.TryPop(out var rid))
        {
            var hasChild = false;
            foreach (var (child, startsBranch) in ChildrenOf(repository, rid))
            {
                if (seen.Add(child)) pending.Push(child);
                hasChild |= !startsBranch;
            }

            if (!hasChild && IsLeaf(repository, rid)) leaves.Add(rid);
        }

        return leaves;
    }

    private static List<(RecordId Child, bool StartsBranch)> ChildrenOf(Repository repository, RecordId checkin)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT cid, EXISTS(SELECT 1 FROM tagxref WHERE rid=cid AND tagid=8 AND tagtype=2 AND srcid>0) FROM plink
             WHERE pid=?1
               AND (isprim OR coalesce((SELECT value FROM tagxref WHERE tagid=8 AND rid=plink.pid), 'trunk')
                             =coalesce((SELECT value FROM tagxref WHERE tagid=8 AND rid=plink.cid), 'trunk'))
            """);
        select.Bind(1, checkin);
        var children = new List<(RecordId, bool)>();
        while (select.Step()) children.Add((select.Record(0), select.Boolean(1)));
        return children;
    }

    private static bool IsLeaf(Repository repository, RecordId checkin)
    {
        using var select = repository.Database.Prepare(
            """
            SELECT 1 FROM plink WHERE pid=?1
               AND coalesce((SELECT value FROM tagxref WHERE tagid=8 AND rid=plink.pid), 'trunk')
                  =coalesce((SELECT value FROM tagxref WHERE tagid=8 AND rid=plink.cid), 'trunk')
            """);
        return !select.Bind(1, checkin).Step();
    }
}
