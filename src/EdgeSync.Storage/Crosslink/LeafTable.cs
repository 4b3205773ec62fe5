using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// The leaf table: check-ins without a child on their own branch. Setting a branch tag puts the check-in and its
/// parents on a list; the list is processed once, when the batch ends.
/// </summary>
internal sealed class LeafTable(LinkContext context)
{
    private readonly HashSet<long> _toCheck = [];

    public void CheckLater(RecordId record)
    {
        _toCheck.Add(record.Value);
        using var parents = context.Database.Prepare("SELECT pid FROM plink WHERE cid=?1 AND pid>0");
        parents.Bind(1, record);
        while (parents.Step()) _toCheck.Add(parents.Int64(0));
    }

    public void CheckNow()
    {
        foreach (var record in _toCheck)
        {
            using var child = context.Database.Prepare(
                """
                SELECT 1 FROM plink WHERE pid=?1
                AND coalesce((SELECT value FROM tagxref WHERE tagid=8 AND rid=?1),'trunk')
                 == coalesce((SELECT value FROM tagxref WHERE tagid=8 AND rid=plink.cid),'trunk')
                """);
            var hasChild = child.Bind(1, record).Step();
            using var change = context.Database.Prepare(
                hasChild ? "DELETE FROM leaf WHERE rid=?1" : "INSERT OR IGNORE INTO leaf VALUES(?1)");
            change.Bind(1, record).Run();
        }

        _toCheck.Clear();
    }
}
